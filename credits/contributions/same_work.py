"""The same work in more than one place: mirrors, forks and resubmissions (invariant 2).

Two contributions are the same work where their merge commits are one (``exact``), or where their patches are: by the
diff if both forges gave one, else by paths and line counts (see credits.forges.patch_identity). What
follows in steps is the same as well: a mirror's mirror. Within one repository
 a single commit may bring in many pull requests, and is then
named by each of them: those of another size are not ``exact``, since they may stand side by side, or one in the other.
The identities are columns, written when a contribution is stored; the groups are asked for when they are needed, so
that none can go stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Exists, OuterRef

from accounts.models import ForgeAccount, User
from credits.contributions.models import Authorship, Contribution
from credits.forges.patch_identity import SHORT_PREFIX


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another place of the same work. ``exact``: by the merge commit all the way; otherwise by the patch."""

    contribution: int
    exact: bool


_SAME_WORK_SQL = """
WITH RECURSIVE same (root, id, exact) AS (
    SELECT id, id, true FROM credits_contribution WHERE id = ANY (%(ids)s)
    UNION
    SELECT same.root, linked.id, same.exact AND linked.exact
    FROM same
    JOIN credits_contribution c ON c.id = same.id
    CROSS JOIN LATERAL (
        SELECT o.id, coalesce(
            o.repository_id <> c.repository_id
            OR (o.additions, o.deletions, o.changed_files) = (c.additions, c.deletions, c.changed_files),
            true
        ) AS exact
        FROM credits_contribution o
        WHERE c.merge_commit <> '' AND o.merge_commit = c.merge_commit AND o.kind = c.kind AND o.id <> c.id
        UNION ALL
        SELECT o.id, false FROM credits_contribution o
        WHERE o.patch_id IS NOT NULL AND o.patch_id = c.patch_id AND o.kind = c.kind AND o.id <> c.id
        UNION ALL
        SELECT o.id, false FROM credits_contribution o
        WHERE o.files_id = c.files_id AND o.kind = c.kind AND o.id <> c.id
            AND (o.patch_id = c.patch_id OR o.patch_id IS NULL OR c.patch_id IS NULL)
            AND (o.repository_id <> c.repository_id OR NOT starts_with(c.files_id, %(short)s))
    ) linked
)
SELECT root, id, bool_or(exact) FROM same WHERE id <> root GROUP BY root, id ORDER BY root, id
"""


def siblings(contributions: Iterable[int]) -> dict[int, tuple[Sibling, ...]]:
    """For each of these keys, the other places of the same work; keys without any are left out. One query."""
    ids = sorted(set(contributions))
    found: dict[int, list[Sibling]] = {}
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_SAME_WORK_SQL, {"ids": ids, "short": SHORT_PREFIX})
            for root, key, exact in cursor.fetchall():
                found.setdefault(root, []).append(Sibling(key, exact))
    return {root: tuple(some) for root, some in found.items()}


def sibling_contributions(contributions: Iterable[int]) -> dict[int, list[tuple[Contribution, bool]]]:
    """The same with the other contributions themselves, repository selected, and whether each is exact."""
    found = siblings(contributions)
    wanted = {one.contribution for some in found.values() for one in some}
    held = Contribution.objects.select_related("repository").in_bulk(wanted)
    return {
        root: [(held[one.contribution], one.exact) for one in some if one.contribution in held]
        for root, some in found.items()
    }


def ids_with_other_people(contributions: Iterable[int], *, besides: int) -> set[int]:
    """Those of these keys in which a person other than ``besides`` (a key) has a part by a linked account."""
    linked = ForgeAccount.objects.filter(
        unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    ).exclude(user=besides)
    parts = Authorship.objects.filter(Exists(linked), contribution__in=set(contributions))
    return set(parts.values_list("contribution", flat=True))


def own_sibling_contributions(contributions: Iterable[int], user: User) -> dict[int, list[Contribution]]:
    """By key, the other places of the same work in which this person has a part as well: all that a student is shown,
    since what others have not claimed is theirs to see."""
    found = sibling_contributions(contributions)
    keys = {other.pk for some in found.values() for other, _exact in some}
    linked = ForgeAccount.objects.filter(
        user=user, unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    )
    mine = set(
        Authorship.objects.filter(Exists(linked), contribution__in=keys).values_list(
            "contribution", flat=True
        )
    )
    shown = {root: [other for other, _exact in some if other.pk in mine] for root, some in found.items()}
    return {root: some for root, some in shown.items() if some}


def lock(contributions: Sequence[int]) -> None:
    """Until the transaction ends, nobody else who locks decides about the same work: one lock for each group, named
    by its lowest key, taken in one order."""
    found = siblings(contributions)
    groups = sorted({min([key, *(one.contribution for one in found.get(key, ()))]) for key in contributions})
    if groups:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('same work ' || work, 0)) "
                "FROM unnest(%s::bigint[]) AS work",
                [groups],
            )
