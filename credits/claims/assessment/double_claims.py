"""Whether a piece of work already stands in a live claim: the same share, or the same work in another place.

The same work earns once (invariant 2). Where the two places share their merge commit, or the person is the same, the
second is refused outright. Where only the patches are alike and the people are not, a machine does not decide whose
it is: the reviewer is shown both, and must say in words why a second one should count (see
:func:`credited_to_others`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from credits.claims.models import Claim, ClaimItem
from credits.contributions import same_work
from credits.contributions.models import Authorship

_ITEM_RELATIONS = ("claim__round", "claim__user", "authorship__contribution__repository")


def claimed_elsewhere(
    authorships: Sequence[Authorship], *, besides: Claim | None = None
) -> dict[int, ClaimItem]:
    """Those of ``authorships`` that stand in a live claim other than ``besides``: key of the authorship → the item.

    The same work in another place counts as taken where that stands in a submitted claim, or in a draft of the same
    person. (Somebody else's draft takes nothing: drafts are private, and one student's must not hold up another.)
    """
    items = ClaimItem.objects.filter(live=True).select_related(*_ITEM_RELATIONS)
    if besides is not None:
        items = items.exclude(claim=besides)
    found = {item.authorship_id: item for item in items.filter(authorship__in=authorships)}
    for one, item, exact in _same_work_items(authorships, items.exclude(claim__status=Claim.Status.DRAFT)):
        if exact or _same_person(one, item, besides):
            found.setdefault(one.pk, item)
    return found


def same_patch_of_others(claim: Claim) -> dict[int, list[ClaimItem]]:
    """For the shares in ``claim``, by key: live items in other people's submitted claims that are the same work by
    its patch alone."""
    shares = [
        item.authorship for item in claim.items.select_related("authorship__contribution__repository").all()
    ]
    others = (
        ClaimItem.objects.filter(live=True)
        .exclude(claim__user=claim.user_id)
        .exclude(claim__status=Claim.Status.DRAFT)
        .select_related(*_ITEM_RELATIONS)
    )
    found: dict[int, list[ClaimItem]] = {}
    for one, item, _exact in _same_work_items(shares, others):
        found.setdefault(one.pk, []).append(item)
    return found


def without_duplicates(authorships: Sequence[Authorship]) -> list[Authorship]:
    """The same, in the same order, with only the first of each piece of work that is there more than once."""
    found = same_work.siblings(one.contribution_id for one in authorships)
    kept: list[Authorship] = []
    seen: set[int] = set()
    for one in authorships:
        if one.contribution_id not in seen:
            kept.append(one)
        seen.update(other.contribution for other in found.get(one.contribution_id, ()))
    return kept


def lock_same_work(authorships: Sequence[Authorship]) -> None:
    """Until the transaction ends, nobody else submits or decides on the same work from another place."""
    same_work.lock(sorted({one.contribution_id for one in authorships}))


def _same_work_items(
    authorships: Sequence[Authorship], items: QuerySet[ClaimItem]
) -> Iterator[tuple[Authorship, ClaimItem, bool]]:
    """(share, item of the same work in another place, whether by its merge commit)."""
    found = same_work.siblings(one.contribution_id for one in authorships)
    keys = {other.contribution for some in found.values() for other in some}
    if not keys:
        return
    standing: dict[int, list[ClaimItem]] = {}
    for item in items.filter(authorship__contribution__in=keys):
        standing.setdefault(item.authorship.contribution_id, []).append(item)
    for one in authorships:
        for other in found.get(one.contribution_id, ()):
            for item in standing.get(other.contribution, ()):
                yield one, item, other.exact


def _same_person(one: Authorship, item: ClaimItem, besides: Claim | None) -> bool:
    if besides is not None:
        return item.claim.user_id == besides.user_id
    return item.claim.user.forge_accounts.filter(
        forge=one.forge, forge_user_id=one.forge_user_id, unlinked_at=None
    ).exists()
