"""Collect the facts behind the signals about a claim's contributions from stored rows. Only reviewers see them."""

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
"""The fewest characters of a title for which an equal title of two students is a signal."""


def claim_signals(claim: Claim) -> dict[str, tuple[ReviewHint, ...]]:
    """Return the signals for every contribution in the claim, by ref. The number of queries is fixed."""
    shares = [item.authorship for item in claim.items.select_related("authorship__contribution__repository")]
    own_accounts = {
        (account.forge, account.forge_user_id)
        for account in ForgeAccount.objects.filter(user=claim.user_id, unlinked_at=None)
    }
    sizes = _counts_by_repository(shares, own_accounts)
    other_places = _same_work_places(shares, own_accounts, claim)
    texts = _same_titles(claim, shares)
    bots = _opened_by_bot(shares)
    shareless = _co_authors_without_share(shares)
    branches = branch_authors.branch_looks(share.contribution_id for share in shares)
    found: dict[str, tuple[ReviewHint, ...]] = {}
    for share in shares:
        contribution = share.contribution
        repository = contribution.repository
        merger = contribution.merged_by_id_on_forge
        owner = repository.owner_id_on_forge
        tiny, count = sizes.get(contribution.repository_id, (0, 0))
        found[ref_of(share)] = hints_for(
            ReviewHintFacts(
                created_at=contribution.created_at,
                merged_at=contribution.merged_at,
                merged_by_self=None if merger is None else (share.forge, merger) in own_accounts,
                merged_by=contribution.merged_by_login,
                owner_is_author=(share.forge, owner) in own_accounts if owner else None,
                owner=repository.owner_login,
                files=contribution.files,
                only_whitespace=contribution.only_whitespace,
                lines=_changed_lines(contribution),
                tiny_in_repository=tiny,
                in_repository=count,
                repository_created_at=repository.created_at,
                labels=tuple(contribution.labels or ()),
                login=share.login,
                is_bot=contribution.pk in bots,
                same_text=texts.get(share.pk, ()),
                same_work=other_places.get(contribution.pk, ()),
                shareless=shareless.get(contribution.pk, ()),
                nameless_commits=branches[contribution.pk].nameless if contribution.pk in branches else 0,
            )
        )
    return found


def _changed_lines(contribution: Contribution) -> int | None:
    return (
        None
        if contribution.additions is None or contribution.deletions is None
        else contribution.additions + contribution.deletions
    )


def _counts_by_repository(
    shares: Iterable[Authorship], own_accounts: set[tuple[str, str]]
) -> dict[int, tuple[int, int]]:
    """Return by repository how many of the person's contributions are tiny, and how many there are in all."""
    rows = (
        Authorship.objects.filter(
            contribution__repository__in={share.contribution.repository_id for share in shares},
            forge_user_id__in=[key for _forge, key in own_accounts],
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
    shares: Iterable[Authorship], own_accounts: set[tuple[str, str]], claim: Claim
) -> dict[int, tuple[WorkElsewhere, ...]]:
    """Return the other places of the same work, by contribution.

    A contribution that another student has collected but not claimed is left out: only that student may see it.
    """
    places = same_work.sibling_contributions(share.contribution_id for share in shares)
    keys = {other.pk for pairs in places.values() for other, _exact in pairs}
    people: dict[int, list[Authorship]] = {}
    for part in Authorship.objects.filter(contribution__in=keys):
        people.setdefault(part.contribution_id, []).append(part)
    private = same_work.ids_with_other_people(keys, besides=claim.user_id) - set(
        ClaimItem.objects.filter(live=True, authorship__contribution__in=keys)
        .exclude(claim__status=Claim.Status.DRAFT)
        .values_list("authorship__contribution", flat=True)
    )
    found: dict[int, tuple[WorkElsewhere, ...]] = {}
    for root, pairs in places.items():
        places_of_work = []
        for other, _exact in pairs:
            parts = people.get(other.pk, ())
            is_own = any((part.forge, part.forge_user_id) in own_accounts for part in parts)
            if is_own or other.pk not in private:
                logins = ", ".join(sorted(part.login for part in parts)) or "?"
                places_of_work.append(
                    WorkElsewhere(f"{other.repository.forge}: {other}", other.url, logins, is_own)
                )
        found[root] = tuple(places_of_work)
    return found


def _same_titles(claim: Claim, shares: list[Authorship]) -> dict[int, tuple[WorkElsewhere, ...]]:
    """Return contributions of other students with the same title that are claimed in this round, by share key."""
    wanted = {share.pk: normalised_title(share.contribution.title) for share in shares}
    other_items = (
        ClaimItem.objects.filter(claim__round=claim.round_id, live=True)
        .exclude(claim__user=claim.user_id)
        .exclude(claim__status=Claim.Status.DRAFT)
    )
    titles = {title for title in wanted.values() if len(title) >= MIN_TITLE_LENGTH}
    bare_titles: dict[int, str] = {}
    if titles:
        titles_by_item = other_items.values_list("pk", "authorship__contribution__title")
        bare_titles = {
            key: bare for key, title in titles_by_item if (bare := normalised_title(title)) in titles
        }
    by_title: dict[str, list[ClaimItem]] = {}
    for item in other_items.filter(pk__in=bare_titles).select_related("authorship__contribution__repository"):
        by_title.setdefault(bare_titles[item.pk], []).append(item)
    own_contributions = {share.contribution_id for share in shares}
    return {
        key: tuple(
            WorkElsewhere(
                where=str(item.authorship.contribution),
                url=item.authorship.contribution.url,
                owner=item.authorship.login,
                same_person=False,
            )
            for item in by_title.get(title, ())
            if item.authorship.contribution_id not in own_contributions
        )
        for key, title in wanted.items()
    }


def _opened_by_bot(shares: Iterable[Authorship]) -> set[int]:
    """Return the contributions whose opener is a bot according to the forge's latest answer."""
    found: dict[int, bool] = {}
    rows = Evidence.objects.filter(contribution__in={share.contribution_id for share in shares})
    for key, author in rows.order_by("fetched_at", "pk").values_list("contribution", "payload__author"):
        found[key] = isinstance(author, dict) and author.get("__typename") == "Bot"
    return {key for key, is_bot in found.items() if is_bot}


def _co_authors_without_share(shares: Iterable[Authorship]) -> dict[int, tuple[str, ...]]:
    """Return by contribution the logins of its co-authors without a share, except the claimant."""
    own_keys = {share.pk for share in shares}
    found: dict[int, tuple[str, ...]] = {}
    rows = Authorship.objects.filter(
        contribution__in={share.contribution_id for share in shares},
        role=Authorship.Role.CO_AUTHOR,
        share=0,
    ).exclude(pk__in=own_keys)
    for key, login in rows.order_by("login", "pk").values_list("contribution", "login"):
        found[key] = (*found.get(key, ()), login)
    return found
