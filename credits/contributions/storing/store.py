"""Storing what a forge told: each contribution once, whoever and whatever finds it (invariant 2).

What each change comes to is asked first, by its fingerprint: the same answer as the last time is neither written nor
locked, nor even made into a row. What is not there goes by COPY straight into the tables. The rest, and whatever
another worker stores at the same moment, goes into temporary tables and from there by one INSERT … ON CONFLICT each.
What was known never becomes unknown, and an older answer that comes late replaces nothing that a newer one said. Rows
are always taken in the same order, so that two workers with the same contributions wait for each other and never in a
circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction

from credits.contributions.storing import upsert_sql as sql
from credits.contributions.storing.db_rows import (
    AuthorshipRow,
    ContributionRow,
    RepositoryRow,
    authorship_rows,
    contribution_row,
    fingerprint_answer,
    repository_row,
)
from credits.forges.protocol import MergedChange

CHUNK_SIZE = 5_000
"""Changes that are in memory at once."""


_KEPT_AS_EVIDENCE = ContributionRow._fields.index("digest")
"""From here on a row is evidence."""
_PART_OF = AuthorshipRow._fields.index("forge")
"""Up to here a part says of what it is one."""


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """How many contributions were new, how many said something new, and how many did not."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: StoredCounts) -> StoredCounts:
        return StoredCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


def store(forge_name: str, changes: Iterable[MergedChange], *, now: datetime) -> StoredCounts:
    """Store changes of one forge with repositories, parts and evidence, in the caller's transaction.

    The same change may come any number of times, in any order. Counts are by contribution. Raises RuntimeError
    outside a transaction, and django.db.DataError for what no column can hold.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Contributions are stored in the transaction that moves the cursor past them.")
    stored = StoredCounts()
    left = iter(changes)
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_TABLES)
        while chunk := list(islice(left, CHUNK_SIZE)):
            stored += _store_chunk(cursor, forge_name, chunk, now)
            cursor.execute(sql.EMPTY_TABLES)
    return stored


def _store_chunk(cursor: Any, forge: str, changes: Sequence[MergedChange], now: datetime) -> StoredCounts:
    # A change that comes twice in one chunk counts once; what is known longest is written over.
    latest: dict[tuple[str, str, str], MergedChange] = {}
    for change in sorted(changes, key=lambda change: change.updated_at):
        latest[change.repository.id, change.kind, change.number] = change
    kept = [latest[key] for key in sorted(latest)]
    homes = {change.repository.id: change for change in kept}
    _copy_rows(
        cursor,
        "incoming_repository",
        RepositoryRow._fields,
        [repository_row(forge, change, now) for change in homes.values()],
    )
    cursor.execute(sql.STORE_REPOSITORIES)
    if cursor.rowcount:
        cursor.execute(sql.LINK_CATALOGUE)

    told = [fingerprint_answer(change) for change in kept]
    _copy_rows(
        cursor,
        "incoming_key",
        ("place", "repository", "kind", "number", "status", "answer_fingerprint"),
        (
            (place, change.repository.id, change.kind, change.number, change.status, said)
            for place, (change, said) in enumerate(zip(kept, told, strict=True))
        ),
    )
    cursor.execute(sql.SELECT_CHANGED, {"forge": forge})
    found = cursor.fetchall()
    new = {place: repository for place, repository, there in found if not there}
    differing = [place for place, _repository, there in found if there]

    added = len(new)
    if new and not _insert_new(cursor, forge, [(kept[at], told[at], home) for at, home in new.items()], now):
        added, differing = 0, sorted([*differing, *new])
    more, changed = (
        _merge_existing(cursor, forge, [(kept[at], told[at]) for at in differing], now)
        if differing
        else (0, 0)
    )
    return StoredCounts(added + more, changed, len(kept) - added - more - changed)


def _insert_new(cursor: Any, forge: str, new: Sequence[tuple[MergedChange, str, int]], now: datetime) -> bool:
    """Copy what was not there straight into its place (``new``: change, fingerprint, repository's key). False, with
    nothing done, where somebody else stored one of them at the same moment.
    """
    cursor.execute(sql.RESERVE_KEYS, {"count": len(new)})
    keys = [key for (key,) in cursor.fetchall()]
    rows = [contribution_row(change, now, told) for change, told, _home in new]
    try:
        with transaction.atomic():
            _copy_rows(
                cursor,
                "credits_contribution",
                ("id", "repository_id", *ContributionRow._fields[1:_KEPT_AS_EVIDENCE]),
                (
                    (key, home, *row[1:_KEPT_AS_EVIDENCE])
                    for key, row, (_change, _told, home) in zip(keys, rows, new, strict=True)
                ),
            )
            _copy_rows(
                cursor,
                "credits_authorship",
                ("contribution_id", *AuthorshipRow._fields[_PART_OF:]),
                (
                    (key, *part[_PART_OF:])
                    for key, (change, _told, _home) in zip(keys, new, strict=True)
                    for part in authorship_rows(forge, change)
                ),
            )
            _copy_rows(
                cursor,
                "credits_evidence",
                ("contribution_id", "digest", "payload", "fetched_at"),
                ((key, row.digest, row.payload, now) for key, row in zip(keys, rows, strict=True)),
            )
    except IntegrityError:
        return False
    return True


def _merge_existing(
    cursor: Any, forge: str, changes: Sequence[tuple[MergedChange, str]], now: datetime
) -> tuple[int, int]:
    """Bring what is there together with what came; how many were new after all, and how many changed."""
    rows = (contribution_row(change, now, told) for change, told in changes)
    _copy_rows(cursor, "incoming_change", ContributionRow._fields, rows)
    parts = (part for change, _told in changes for part in authorship_rows(forge, change))
    _copy_rows(cursor, "incoming_part", AuthorshipRow._fields, parts)
    cursor.execute(sql.STORE_CONTRIBUTIONS, {"forge": forge})
    new, changed = cursor.fetchone()
    cursor.execute(sql.STORE_AUTHORSHIPS, {"forge": forge})
    cursor.execute(sql.STORE_EVIDENCE, {"forge": forge})
    return new, changed


def _copy_rows(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # Django names the database's errors for what goes through its own cursor only.
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
