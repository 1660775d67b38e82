"""The facts behind the signals of a claim's contributions, from what is held. For the reviewer's eyes only."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, F, Q

from accounts.models import ForgeAccount
from credits.claims.assessment.facts import ref_of
from credits.claims.models import Claim, ClaimItem
from credits.contributions import same_work
from credits.contributions.collecting import branch_authors
from credits.contributions.models import Authorship, Contribution, Evidence
from credits.contributions.review_hints import (
    TINY_LINES,
    ReviewHint,
    ReviewHintFacts,
    WorkElsewhere,
    hints_for,
)
from credits.forges.patch_identity import normalised_title

MIN_TITLE_LENGTH = 12
"""Characters from which on a title that two students share says something."""


def claim_signals(claim: Claim) -> dict[str, tuple[ReviewHint, ...]]:
    """Signals by ref, for every contribution in the claim. A handful of queries, however many there are."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    own = {
        (one.forge, one.forge_user_id)
        for one in ForgeAccount.objects.filter(user=claim.user_id, unlinked_at=None)
    }
    sizes = _counts_by_repository(shares, own)
    twins = _same_work_places(shares, own, claim)
    texts = _same_titles(claim, shares)
    bots = _opened_by_bot(shares)
    shareless = _co_authors_without_share(shares)
    branches = branch_authors.branch_looks(share.contribution_id for share in shares)
    found: dict[str, tuple[ReviewHint, ...]] = {}
    for share in shares:
        held = share.contribution
        repository = held.repository
        merger = held.merged_by_id_on_forge
        owner = repository.owner_id_on_forge
        tiny, count = sizes.get(held.repository_id, (0, 0))
        found[ref_of(share)] = hints_for(
            ReviewHintFacts(
                created_at=held.created_at,
                merged_at=held.merged_at,
                merged_by_self=None if merger is None else (share.forge, merger) in own,
                merged_by=held.merged_by_login,
                owner_is_author=(share.forge, owner) in own if owner else None,
                owner=repository.owner_login,
                files=held.files,
                only_whitespace=held.only_whitespace,
                lines=_changed_lines(held),
                tiny_in_repository=tiny,
                in_repository=count,
                repository_created_at=repository.created_at,
                labels=tuple(held.labels or ()),
                login=share.login,
                is_bot=held.pk in bots,
                same_text=texts.get(share.pk, ()),
                same_work=twins.get(held.pk, ()),
                shareless=shareless.get(held.pk, ()),
                nameless_commits=branches[held.pk].nameless if held.pk in branches else 0,
            )
        )
    return found


def _changed_lines(held: Contribution) -> int | None:
    return None if held.additions is None or held.deletions is None else held.additions + held.deletions


def _counts_by_repository(
    shares: Iterable[Authorship], own: set[tuple[str, str]]
) -> dict[int, tuple[int, int]]:
    """By repository: how many of the person's contributions there are tiny, and how many there are."""
    rows = (
        Authorship.objects.filter(
            contribution__repository__in={share.contribution.repository_id for share in shares},
            forge_user_id__in=[key for _forge, key in own],
        )
        .values("contribution__repository")
        .annotate(
            tiny=Count(
                "pk",
                filter=Q(contribution__additions__lte=TINY_LINES - F("contribution__deletions")),
            ),
            all=Count("pk"),
        )
    )
    return {row["contribution__repository"]: (row["tiny"], row["all"]) for row in rows}


def _same_work_places(
    shares: Iterable[Authorship], own: set[tuple[str, str]], claim: Claim
) -> dict[int, tuple[WorkElsewhere, ...]]:
    """Other places of the same work, but for what another student has not claimed: that only they may see."""
    places = same_work.sibling_contributions(share.contribution_id for share in shares)
    keys = {other.pk for some in places.values() for other, _exact in some}
    people: dict[int, list[Authorship]] = {}
    for part in Authorship.objects.filter(contribution__in=keys):
        people.setdefault(part.contribution_id, []).append(part)
    private = same_work.ids_with_other_people(keys, besides=claim.user_id) - set(
        ClaimItem.objects.filter(live=True, authorship__contribution__in=keys)
        .exclude(claim__status=Claim.Status.DRAFT)
        .values_list("authorship__contribution", flat=True)
    )
    found: dict[int, tuple[WorkElsewhere, ...]] = {}
    for root, some in places.items():
        twins = []
        for other, _exact in some:
            parts = people.get(other.pk, ())
            mine = any((part.forge, part.forge_user_id) in own for part in parts)
            if mine or other.pk not in private:
                whose = ", ".join(sorted(part.login for part in parts)) or "?"
                twins.append(WorkElsewhere(f"{other.repository.forge}: {other}", other.url, whose, mine))
        found[root] = tuple(twins)
    return found


def _same_titles(claim: Claim, shares: list[Authorship]) -> dict[int, tuple[WorkElsewhere, ...]]:
    """Contributions of other students under the same title, among those claimed in this round."""
    wanted = {share.pk: normalised_title(share.contribution.title) for share in shares}
    others = (
        ClaimItem.objects.filter(claim__round=claim.round_id, live=True)
        .exclude(claim__user=claim.user_id)
        .exclude(claim__status=Claim.Status.DRAFT)
    )
    titles = {title for title in wanted.values() if len(title) >= MIN_TITLE_LENGTH}
    alike: dict[int, str] = {}
    if titles:
        said = others.values_list("pk", "authorship__contribution__title")
        alike = {key: bare for key, title in said if (bare := normalised_title(title)) in titles}
    by_title: dict[str, list[ClaimItem]] = {}
    for item in others.filter(pk__in=alike).select_related("authorship__contribution__repository"):
        by_title.setdefault(alike[item.pk], []).append(item)
    own = {share.contribution_id for share in shares}
    return {
        key: tuple(
            WorkElsewhere(
                where=str(item.authorship.contribution),
                url=item.authorship.contribution.url,
                owner=item.authorship.login,
                same_person=False,
            )
            for item in by_title.get(title, ())
            if item.authorship.contribution_id not in own
        )
        for key, title in wanted.items()
    }


def _opened_by_bot(shares: Iterable[Authorship]) -> set[int]:
    """Contributions whose opener the forge itself calls a bot, by what it answered last."""
    found: dict[int, bool] = {}
    rows = Evidence.objects.filter(contribution__in={share.contribution_id for share in shares})
    for key, author in rows.order_by("fetched_at", "pk").values_list("contribution", "payload__author"):
        found[key] = isinstance(author, dict) and author.get("__typename") == "Bot"
    return {key for key, is_bot in found.items() if is_bot}


def _co_authors_without_share(shares: Iterable[Authorship]) -> dict[int, tuple[str, ...]]:
    """By contribution, the logins of co-authors who have nothing of it, but for the claimants' own."""
    mine = {share.pk for share in shares}
    found: dict[int, tuple[str, ...]] = {}
    rows = Authorship.objects.filter(
        contribution__in={share.contribution_id for share in shares},
        role=Authorship.Role.CO_AUTHOR,
        share=0,
    ).exclude(pk__in=mine)
    for key, login in rows.order_by("login", "pk").values_list("contribution", "login"):
        found[key] = (*found.get(key, ()), login)
    return found
