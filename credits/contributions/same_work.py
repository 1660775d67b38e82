"""Find the same work in more than one place: mirrors, forks and resubmissions (invariant 2).

Two contributions are the same work if they have the same merge commit (``exact``) or the same patch: by diff if both
forges gave one, else by paths and line counts (see credits.forges.patch_identity). The relation is transitive, so a
mirror of a mirror belongs to the group as well. Within one repository, a single commit may bring in many pull requests
and be the merge commit of each. Pull requests of different size with such a commit are not ``exact``: they may be
separate work, or one may contain the other.
The identities are columns, written when a contribution is stored. The groups are computed on demand, so they are never
out of date.
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
    """A contribution that is the same work as another one, by its key.

    ``exact`` if each step from one to the other is the same merge commit; otherwise some step is the same patch.
    """

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
    """Return, by key, the other contributions that are the same work. Keys without any are left out. One query."""
    ids = sorted(set(contributions))
    found: dict[int, list[Sibling]] = {}
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_SAME_WORK_SQL, {"ids": ids, "short": SHORT_PREFIX})
            for root, key, exact in cursor.fetchall():
                found.setdefault(root, []).append(Sibling(key, exact))
    return {root: tuple(others) for root, others in found.items()}


def sibling_contributions(contributions: Iterable[int]) -> dict[int, list[tuple[Contribution, bool]]]:
    """Return the same as :func:`siblings`, with the contribution (repository selected) and whether it is exact."""
    found = siblings(contributions)
    keys = {sibling.contribution for group in found.values() for sibling in group}
    by_key = Contribution.objects.select_related("repository").in_bulk(keys)
    return {
        root: [
            (by_key[sibling.contribution], sibling.exact)
            for sibling in group
            if sibling.contribution in by_key
        ]
        for root, group in found.items()
    }


def ids_with_other_people(contributions: Iterable[int], *, besides: int) -> set[int]:
    """Return the keys in which a person other than ``besides`` (a key) has a part through a linked account."""
    linked = ForgeAccount.objects.filter(
        unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    ).exclude(user=besides)
    parts = Authorship.objects.filter(Exists(linked), contribution__in=set(contributions))
    return set(parts.values_list("contribution", flat=True))


def own_sibling_contributions(contributions: Iterable[int], user: User) -> dict[int, list[Contribution]]:
    """Return, by key, the other contributions that are the same work and in which this person has a part.

    A student sees only these: unclaimed work of others is visible to its owners alone (invariant 12).
    """
    found = sibling_contributions(contributions)
    keys = {other.pk for others in found.values() for other, _exact in others}
    linked = ForgeAccount.objects.filter(
        user=user, unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    )
    mine = set(
        Authorship.objects.filter(Exists(linked), contribution__in=keys).values_list(
            "contribution", flat=True
        )
    )
    visible = {
        root: [other for other, _exact in others if other.pk in mine] for root, others in found.items()
    }
    return {root: others for root, others in visible.items() if others}


def lock(contributions: Sequence[int]) -> None:
    """Lock the groups of the same work until the transaction ends. A second caller for the same work waits.

    Each group has one lock, named after its lowest key. Locks are taken in ascending order, so callers never deadlock.
    """
    found = siblings(contributions)
    groups = sorted(
        {min([key, *(sibling.contribution for sibling in found.get(key, ()))]) for key in contributions}
    )
    if groups:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended('same work ' || work, 0)) "
                "FROM unnest(%s::bigint[]) AS work",
                [groups],
            )
