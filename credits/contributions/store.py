"""Storing what a forge told: each contribution once, whoever and whatever finds it (invariant 2).

Rows go by COPY into temporary tables and from there by one INSERT … ON CONFLICT each into the real ones. A row that
says nothing new is neither written nor locked. What was known never becomes unknown, and an older answer that comes
late replaces nothing that a newer one said. Rows are always taken in the same order, so that two workers with the
same contributions wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection

from credits.contributions.rows import (
    ChangeRow,
    PartRow,
    RepositoryRow,
    change_row,
    part_rows,
    repository_row,
)
from credits.forges.base import MergedChange

CHUNK = 5_000
"""Changes that are in memory at once."""


@dataclass(frozen=True, slots=True)
class Stored:
    """How many contributions were new, how many said something new, and how many did not."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


def store(forge_name: str, changes: Iterable[MergedChange], *, now: datetime) -> Stored:
    """Store changes of one forge with repositories, parts and evidence, in the caller's transaction.

    The same change may come any number of times, in any order. Counts are by contribution. Raises RuntimeError
    outside a transaction, and django.db.DataError for what no column can hold.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Contributions are stored in the transaction that moves the cursor past them.")
    stored = Stored()
    left = iter(changes)
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        while chunk := list(islice(left, CHUNK)):
            stored += _store(cursor, forge_name, chunk, now)
            cursor.execute(_EMPTY)
    return stored


def _store(cursor: Any, forge: str, changes: Sequence[MergedChange], now: datetime) -> Stored:
    # A change that comes twice in one chunk counts once; what is known longest is written over.
    latest: dict[tuple[str, str, str], MergedChange] = {}
    for change in sorted(changes, key=lambda change: change.updated_at):
        latest[change.repository.id, change.kind, change.number] = change
    kept = [latest[key] for key in sorted(latest)]
    repositories = {change.repository.id: repository_row(forge, change, now) for change in kept}
    _copy(cursor, "incoming_repository", RepositoryRow._fields, repositories.values())
    _copy(cursor, "incoming_change", ChangeRow._fields, (change_row(change, now) for change in kept))
    _copy(cursor, "incoming_part", PartRow._fields, (part for one in kept for part in part_rows(forge, one)))
    cursor.execute(_STORE_REPOSITORIES)
    if cursor.rowcount:
        cursor.execute(_HOLD_CATALOGUE)
    cursor.execute(_STORE_CHANGES, {"forge": forge})
    new, changed = cursor.fetchone()
    cursor.execute(_STORE_PARTS, {"forge": forge})
    cursor.execute(_STORE_EVIDENCE, {"forge": forge})
    return Stored(new, changed, len(kept) - new - changed)


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # Django names the database's errors for what goes through its own cursor only.
    with (
        connection.wrap_database_errors,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


# A column is merged by one of these: {new} is what came, {old} what is there, {newer} whether what came is as new.
_TAKE = "CASE WHEN {newer} THEN {new} ELSE {old} END"
_TAKE_KNOWN = "CASE WHEN {newer} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"
_TAKE_SAID = (
    "CASE WHEN {newer} THEN coalesce(nullif({new}, ''), {old}) ELSE coalesce(nullif({old}, ''), {new}) END"
)
_GREATEST = "greatest({new}, {old})"
# That a contribution was reverted is seen elsewhere than in the pull request, whose own answer stays "merged".
_TAKE_STATUS = (
    "CASE WHEN {old} = 'reverted' AND {new} = 'merged' THEN {old} WHEN {newer} THEN {new} ELSE {old} END"
)

_REPOSITORY: Mapping[str, str] = {
    "full_name": _TAKE,
    "url": _TAKE,
    "owner_id_on_forge": _TAKE_SAID,
    "owner_login": _TAKE_SAID,
    **dict.fromkeys(
        ("stars", "licence", "language", "is_fork", "is_mirror", "is_archived", "created_at"), _TAKE_KNOWN
    ),
}
_CHANGE: Mapping[str, str] = {
    "forge_id": _TAKE,
    "status": _TAKE_STATUS,
    "title": _TAKE,
    "url": _TAKE,
    "created_at": _TAKE,
    "merged_at": _TAKE,
    "updated_at": _GREATEST,
    **dict.fromkeys(
        (
            "additions",
            "deletions",
            "changed_files",
            "files",
            "labels",
            "merge_commit",
            "merged_by_id_on_forge",
            "patch_id",
            "files_id",
            "only_whitespace",
        ),
        _TAKE_KNOWN,
    ),
    **dict.fromkeys(("merged_by_login", "landed_by", "node_id"), _TAKE_SAID),
}


def _merged(columns: Mapping[str, str], new: str, old: str, by: str) -> Iterator[str]:
    newer = f"{new}.{by} >= {old}.{by}"
    for column, merge in columns.items():
        yield merge.format(new=f"{new}.{column}", old=f"{old}.{column}", newer=newer)


def _differs(columns: Mapping[str, str], new: str, old: str, by: str) -> str:
    there = ", ".join(f"{old}.{column}" for column in columns)
    return f"ROW({there}) IS DISTINCT FROM ROW({', '.join(_merged(columns, new, old, by))})"


def _assigned(columns: Mapping[str, str], old: str, by: str) -> str:
    return ", ".join(
        f"{column} = {value}"
        for column, value in zip(columns, _merged(columns, "excluded", old, by), strict=True)
    )


# Kept for the connection's life: a table made anew for each page would swell the system's catalogue.
_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_repository (
    forge text, forge_id text, full_name text, url text, owner_id_on_forge text, owner_login text, stars integer,
    licence text, language text, is_fork boolean, is_mirror boolean, is_archived boolean,
    created_at timestamptz, seen_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_change (
    repository text, kind text, number text, forge_id text, status text, title text, url text,
    created_at timestamptz, merged_at timestamptz, updated_at timestamptz, additions integer, deletions integer,
    changed_files integer, files jsonb, labels jsonb, merge_commit text, merged_by_id_on_forge text,
    merged_by_login text, patch_id text, files_id text, only_whitespace boolean, landed_by text, node_id text,
    found_by text, collected_at timestamptz, digest text, payload jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_part (
    repository text, kind text, number text, forge text, forge_user_id text, login text, role text, share numeric
) ON COMMIT DELETE ROWS;
"""
_EMPTY = "TRUNCATE incoming_repository, incoming_change, incoming_part"

_STORE_REPOSITORIES = f"""
INSERT INTO credits_repository ({", ".join(RepositoryRow._fields)})
SELECT {", ".join(f"i.{column}" for column in RepositoryRow._fields)}
FROM incoming_repository i
LEFT JOIN credits_repository r ON r.forge = i.forge AND r.forge_id = i.forge_id
WHERE r.id IS NULL OR {_differs(_REPOSITORY, "i", "r", "seen_at")}
ORDER BY i.forge_id
ON CONFLICT (forge, forge_id) DO UPDATE
SET {_assigned(_REPOSITORY, "credits_repository", "seen_at")},
    seen_at = greatest(excluded.seen_at, credits_repository.seen_at)
WHERE {_differs(_REPOSITORY, "excluded", "credits_repository", "seen_at")}
"""  # noqa: S608 (made of the constants above)

# A catalogue names repositories; from the first one seen under that name on it holds the repository itself.
_HOLD_CATALOGUE = """
UPDATE credits_catalogueentry e SET forge_id = i.forge_id
FROM incoming_repository i
WHERE e.forge = i.forge AND e.forge_id = '' AND lower(e.full_name) = lower(i.full_name)
    AND NOT EXISTS (
        SELECT 1 FROM credits_catalogueentry other WHERE other.forge = i.forge AND other.forge_id = i.forge_id
    )
"""

_IDENTITY = ("kind", "number")
_ONCE = ("found_by", "collected_at")
_CHANGE_COLUMNS = (*_IDENTITY, *_CHANGE, *_ONCE)

_STORE_CHANGES = f"""
WITH written AS (
    INSERT INTO credits_contribution (repository_id, {", ".join(_CHANGE_COLUMNS)})
    SELECT r.id, {", ".join(f"i.{column}" for column in _CHANGE_COLUMNS)}
    FROM incoming_change i
    JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
    LEFT JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
    WHERE c.id IS NULL OR {_differs(_CHANGE, "i", "c", "updated_at")}
    ORDER BY i.repository, i.kind, i.number
    ON CONFLICT (repository_id, kind, number) DO UPDATE
    SET {_assigned(_CHANGE, "credits_contribution", "updated_at")}
    WHERE {_differs(_CHANGE, "excluded", "credits_contribution", "updated_at")}
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written
"""  # noqa: S608

# Shares are touched at the first sight only: what people agreed on stands. A second opener cannot be: who deleted
# the account is told as somebody else.
_STORE_PARTS = """
INSERT INTO credits_authorship (contribution_id, forge, forge_user_id, login, role, share)
SELECT c.id, i.forge, i.forge_user_id, i.login, i.role, i.share
FROM incoming_part i
JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
LEFT JOIN credits_authorship a ON a.contribution_id = c.id AND a.forge_user_id = i.forge_user_id
WHERE (a.id IS NULL OR a.login <> i.login)
    AND NOT (i.role = 'author' AND a.id IS NULL AND EXISTS (
        SELECT 1 FROM credits_authorship o WHERE o.contribution_id = c.id AND o.role = 'author'
    ))
ORDER BY i.repository, i.kind, i.number, i.forge_user_id
ON CONFLICT (contribution_id, forge_user_id) DO UPDATE SET login = excluded.login
WHERE credits_authorship.login <> excluded.login
"""

_STORE_EVIDENCE = """
INSERT INTO credits_evidence (contribution_id, digest, payload, fetched_at)
SELECT c.id, i.digest, i.payload, i.collected_at
FROM incoming_change i
JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
WHERE NOT EXISTS (SELECT 1 FROM credits_evidence e WHERE e.contribution_id = c.id AND e.digest = i.digest)
ORDER BY i.repository, i.kind, i.number
ON CONFLICT (contribution_id, digest) DO NOTHING
"""
