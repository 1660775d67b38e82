"""Whether a piece of work already stands in a live claim: the same share, or the same work on another forge."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from credits.claims.models import Claim, ClaimItem
from credits.contributions.models import Authorship, Contribution


def taken(authorships: Sequence[Authorship], *, besides: Claim | None = None) -> dict[int, ClaimItem]:
    """Those of ``authorships`` that stand in a live claim other than ``besides``: key of the authorship → the item.

    The same work on two forges or forks shares its merge commit, and earns once (invariant 2): it counts as taken
    where its twin is in a submitted claim. (A twin in a draft takes nothing: drafts are private, and one student's
    must not hold up another.)
    """
    items = ClaimItem.objects.filter(live=True).select_related(
        "claim__round", "authorship__contribution__repository"
    )
    if besides is not None:
        items = items.exclude(claim=besides)
    found = {item.authorship_id: item for item in items.filter(authorship__in=authorships)}
    commits = _commits(authorships)
    if commits:
        twins: dict[str, list[ClaimItem]] = {}
        submitted = items.exclude(claim__status=Claim.Status.DRAFT)
        for item in submitted.filter(authorship__contribution__merge_commit__in=commits):
            twins.setdefault(item.authorship.contribution.merge_commit or "", []).append(item)
        for one in authorships:
            for item in twins.get(one.contribution.merge_commit or "", ()):
                if item.authorship.contribution_id != one.contribution_id:
                    found.setdefault(one.pk, item)
    return found


def without_twins(authorships: Sequence[Authorship]) -> list[Authorship]:
    """The same, in the same order, with only the first of each piece of work that is there more than once."""
    kept: list[Authorship] = []
    seen: dict[str, int] = {}
    for one in authorships:
        commit = one.contribution.merge_commit
        if commit and seen.setdefault(commit, one.contribution_id) != one.contribution_id:
            continue
        kept.append(one)
    return kept


def lock_same_work(authorships: Sequence[Authorship]) -> None:
    """Until the transaction ends, nobody else submits the same work from another forge."""
    commits = _commits(authorships)
    if commits:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(commit, 0)) FROM unnest(%s::text[]) AS commit",
                [commits],
            )


def _commits(authorships: Sequence[Authorship]) -> list[str]:
    found: set[str] = set()
    for one in authorships:
        held: Contribution = one.contribution
        if held.merge_commit:
            found.add(held.merge_commit)
    return sorted(found)
