"""Store what a forge returned: each contribution once, whichever account or link leads to it (invariant 2).

A fingerprint of each answer is compared first: an answer equal to the last one is neither written nor locked, nor even
made into a row. New contributions go by COPY straight into the tables. The rest, and what another worker stores at the
same moment, goes through temporary tables and one INSERT … ON CONFLICT for each table.
A known value never becomes unknown, and an old answer that arrives late replaces nothing that a newer one gave. Rows
are always taken in the same order, so two workers with the same contributions wait for each other but never deadlock.
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
    AUTHORSHIP_START,
    CONTRIBUTION_START,
    EVIDENCE_START,
    AnswerRow,
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
"""The most changes that are in memory at once."""


@dataclass(frozen=True, slots=True)
class StoredCounts:
    """How many contributions were new, changed by a new answer, and unchanged."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: StoredCounts) -> StoredCounts:
        return StoredCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


def store(forge_name: str, changes: Iterable[MergedChange], *, now: datetime) -> StoredCounts:
    """Store changes of one forge with their repositories, authorships and evidence, in the caller's transaction.

    The same change may come any number of times, in any order. Return counts by contribution. Raise RuntimeError
    outside a transaction, and django.db.DataError if a column cannot hold a value.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Store contributions in the transaction that moves the cursor past them.")
    stored = StoredCounts()
    remaining = iter(changes)
    with connection.cursor() as cursor:
        cursor.execute(sql.CREATE_TABLES)
        while chunk := list(islice(remaining, CHUNK_SIZE)):
            stored += _store_chunk(cursor, forge_name, chunk, now)
            cursor.execute(sql.EMPTY_TABLES)
    return stored


def _store_chunk(cursor: Any, forge: str, changes: Sequence[MergedChange], now: datetime) -> StoredCounts:
    # A change that comes twice in one chunk counts once: the latest update replaces the earlier ones.
    latest: dict[tuple[str, str, str], MergedChange] = {}
    for change in sorted(changes, key=lambda change: change.updated_at):
        latest[change.repository.id, change.kind, change.number] = change
    unique = [latest[key] for key in sorted(latest)]
    by_repository = {change.repository.id: change for change in unique}
    _copy_rows(
        cursor,
        "incoming_repository",
        RepositoryRow._fields,
        [repository_row(forge, change, now) for change in by_repository.values()],
    )
    cursor.execute(sql.STORE_REPOSITORIES)
    if cursor.rowcount:
        cursor.execute(sql.LINK_CATALOGUE)

    fingerprints = [fingerprint_answer(change) for change in unique]
    _copy_rows(
        cursor,
        "incoming_answer",
        AnswerRow._fields,
        (
            AnswerRow(place, change.repository.id, change.kind, change.number, change.status, fingerprint)
            for place, (change, fingerprint) in enumerate(zip(unique, fingerprints, strict=True))
        ),
    )
    cursor.execute(sql.SELECT_CHANGED, {"forge": forge})
    found = cursor.fetchall()
    repository_keys = {place: repository for place, repository, exists in found if not exists}
    differing = [place for place, _repository, exists in found if exists]

    added = len(repository_keys)
    new = [(unique[place], fingerprints[place], key) for place, key in repository_keys.items()]
    if new and not _insert_new(cursor, forge, new, now):
        added, differing = 0, sorted([*differing, *repository_keys])
    also_new, changed = 0, 0
    if differing:
        answers = [(unique[place], fingerprints[place]) for place in differing]
        also_new, changed = _merge_existing(cursor, forge, answers, now)
    return StoredCounts(added + also_new, changed, len(unique) - added - also_new - changed)


def _insert_new(cursor: Any, forge: str, new: Sequence[tuple[MergedChange, str, int]], now: datetime) -> bool:
    """Copy new contributions straight into their tables (``new``: change, fingerprint, key of the repository).

    Return False, with nothing done, if another worker stored one of them at the same moment.
    """
    cursor.execute(sql.RESERVE_KEYS, {"count": len(new)})
    keys = [key for (key,) in cursor.fetchall()]
    rows = [contribution_row(change, now, fingerprint) for change, fingerprint, _repository in new]
    try:
        with transaction.atomic():
            _copy_rows(
                cursor,
                "credits_contribution",
                ("id", "repository_id", *ContributionRow._fields[CONTRIBUTION_START:EVIDENCE_START]),
                (
                    (key, repository, *row[CONTRIBUTION_START:EVIDENCE_START])
                    for key, row, (_change, _fingerprint, repository) in zip(keys, rows, new, strict=True)
                ),
            )
            _copy_rows(
                cursor,
                "credits_authorship",
                ("contribution_id", *AuthorshipRow._fields[AUTHORSHIP_START:]),
                (
                    (key, *authorship[AUTHORSHIP_START:])
                    for key, (change, _fingerprint, _repository) in zip(keys, new, strict=True)
                    for authorship in authorship_rows(forge, change)
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
    cursor: Any, forge: str, answers: Sequence[tuple[MergedChange, str]], now: datetime
) -> tuple[int, int]:
    """Merge answers (change, fingerprint) into the stored rows. Return how many were new, and how many changed."""
    rows = (contribution_row(change, now, fingerprint) for change, fingerprint in answers)
    _copy_rows(cursor, "incoming_contribution", ContributionRow._fields, rows)
    authorships = (
        authorship for change, _fingerprint in answers for authorship in authorship_rows(forge, change)
    )
    _copy_rows(cursor, "incoming_authorship", AuthorshipRow._fields, authorships)
    cursor.execute(sql.STORE_CONTRIBUTIONS, {"forge": forge})
    new, changed = cursor.fetchone()
    cursor.execute(sql.STORE_AUTHORSHIPS, {"forge": forge})
    cursor.execute(sql.STORE_EVIDENCE, {"forge": forge})
    return new, changed


def _copy_rows(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # Django translates database errors only for its own cursor methods, so COPY is wrapped here.
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)
