"""Find work that is already in a live claim: the same share, or the same work in another place.

The same work gives credit once (invariant 2). If both places have the same merge commit, or the person is the same,
the second claim is refused at once. If only the patches are equal and the people differ, the program does not decide
who did the work: the reviewer sees both, and must give a reason in words if the second should count too (see
:func:`same_patch_of_others`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from credits.claims.models import Claim, ClaimItem
from credits.contributions import same_work
from credits.contributions.models import Authorship

_ITEM_RELATIONS = ("claim__round", "claim__user", "authorship__contribution__repository")


def claimed_elsewhere(
    authorships: Sequence[Authorship], *, other_than: Claim | None = None
) -> dict[int, ClaimItem]:
    """Return those of ``authorships`` that are in a live claim other than ``other_than``: authorship key to item.

    The same work in another place counts too, if that place is in a submitted claim, or in a draft of the same person.
    A draft of another person does not count: drafts are private, and must not block another student.
    """
    items = ClaimItem.objects.filter(live=True).select_related(*_ITEM_RELATIONS)
    if other_than is not None:
        items = items.exclude(claim=other_than)
    found = {item.authorship_id: item for item in items.filter(authorship__in=authorships)}
    for share, item, exact in _same_work_items(authorships, items.exclude(claim__status=Claim.Status.DRAFT)):
        if exact or _same_person(share, item, other_than):
            found.setdefault(share.pk, item)
    return found


def same_patch_of_others(claim: Claim) -> dict[int, list[ClaimItem]]:
    """Return live items with the same work in other people's submitted claims, by key of the share in ``claim``.

    An equal patch is enough here. An equal merge commit is already refused at submission.
    """
    shares = [
        item.authorship for item in claim.items.select_related("authorship__contribution__repository").all()
    ]
    other_items = (
        ClaimItem.objects.filter(live=True)
        .exclude(claim__user=claim.user_id)
        .exclude(claim__status=Claim.Status.DRAFT)
        .select_related(*_ITEM_RELATIONS)
    )
    found: dict[int, list[ClaimItem]] = {}
    for share, item, _exact in _same_work_items(shares, other_items):
        found.setdefault(share.pk, []).append(item)
    return found


def without_duplicates(authorships: Sequence[Authorship]) -> list[Authorship]:
    """Return the shares in the same order, keeping only the first if the same work occurs more than once."""
    found = same_work.siblings(share.contribution_id for share in authorships)
    kept: list[Authorship] = []
    seen: set[int] = set()
    for share in authorships:
        if share.contribution_id not in seen:
            kept.append(share)
        seen.update(sibling.contribution for sibling in found.get(share.contribution_id, ()))
    return kept


def lock_same_work(authorships: Sequence[Authorship]) -> None:
    """Until the transaction ends, make others wait who submit or decide on the same work from another place."""
    same_work.lock(sorted({share.contribution_id for share in authorships}))


def _same_work_items(
    authorships: Sequence[Authorship], items: QuerySet[ClaimItem]
) -> Iterator[tuple[Authorship, ClaimItem, bool]]:
    """Yield (share, item with the same work in another place, whether their merge commits are equal)."""
    found = same_work.siblings(share.contribution_id for share in authorships)
    keys = {sibling.contribution for siblings in found.values() for sibling in siblings}
    if not keys:
        return
    items_by_contribution: dict[int, list[ClaimItem]] = {}
    for item in items.filter(authorship__contribution__in=keys):
        items_by_contribution.setdefault(item.authorship.contribution_id, []).append(item)
    for share in authorships:
        for sibling in found.get(share.contribution_id, ()):
            for item in items_by_contribution.get(sibling.contribution, ()):
                yield share, item, sibling.exact


def _same_person(share: Authorship, item: ClaimItem, other_than: Claim | None) -> bool:
    if other_than is not None:
        return item.claim.user_id == other_than.user_id
    return item.claim.user.forge_accounts.filter(
        forge=share.forge, forge_user_id=share.forge_user_id, unlinked_at=None
    ).exists()
