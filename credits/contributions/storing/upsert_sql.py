"""The statements by which contributions are stored, made from one table of how each column is merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from credits.contributions.storing.db_rows import RepositoryRow

# A column is merged by one of these: {new} is what came, {old} what is there, {newer} whether what came is as new.
_TAKE = "CASE WHEN {newer} THEN {new} ELSE {old} END"
_TAKE_KNOWN = "CASE WHEN {newer} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"
_TAKE_SAID = (
    "CASE WHEN {newer} THEN coalesce(nullif({new}, ''), {old}) ELSE coalesce(nullif({old}, ''), {new}) END"
)
_GREATEST = "greatest({new}, {old})"
# That a contribution was reverted is seen elsewhere than in the pull request, whose own answer stays what it was.
_TAKE_STATUS = (
    "CASE WHEN {old} = 'reverted' AND {new} IN ('merged', 'landed') THEN {old} "
    "WHEN {newer} THEN {new} ELSE {old} END"
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
    "answer_fingerprint": _TAKE,
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


def _merge_expressions(columns: Mapping[str, str], new: str, old: str, by: str) -> Iterator[str]:
    newer = f"{new}.{by} >= {old}.{by}"
    for column, merge in columns.items():
        yield merge.format(new=f"{new}.{column}", old=f"{old}.{column}", newer=newer)


def _differs_condition(columns: Mapping[str, str], new: str, old: str, by: str) -> str:
    there = ", ".join(f"{old}.{column}" for column in columns)
    return f"ROW({there}) IS DISTINCT FROM ROW({', '.join(_merge_expressions(columns, new, old, by))})"


def _assignments(columns: Mapping[str, str], old: str, by: str) -> str:
    return ", ".join(
        f"{column} = {value}"
        for column, value in zip(columns, _merge_expressions(columns, "excluded", old, by), strict=True)
    )


# Kept for the connection's life: a table made anew for each page would swell the system's catalogue.
CREATE_TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_repository (
    forge text, forge_id text, full_name text, url text, owner_id_on_forge text, owner_login text, stars integer,
    licence text, language text, is_fork boolean, is_mirror boolean, is_archived boolean,
    created_at timestamptz, seen_at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_key (
    place integer, repository text, kind text, number text, status text, answer_fingerprint text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_change (
    repository text, kind text, number text, forge_id text, status text, title text, url text,
    created_at timestamptz, merged_at timestamptz, updated_at timestamptz, additions integer, deletions integer,
    changed_files integer, files jsonb, labels jsonb, merge_commit text, merged_by_id_on_forge text,
    merged_by_login text, patch_id text, files_id text, only_whitespace boolean, landed_by text, node_id text,
    found_by text, collected_at timestamptz, answer_fingerprint text, digest text, payload jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_part (
    repository text, kind text, number text, forge text, forge_user_id text, login text, role text, share numeric
) ON COMMIT DELETE ROWS;
"""
EMPTY_TABLES = "TRUNCATE incoming_repository, incoming_key, incoming_change, incoming_part"

# Where the answer is the last one again, only what somebody else found may stand between: that it was taken back.
SELECT_CHANGED = """
SELECT i.place, r.id, c.id IS NOT NULL
FROM incoming_key i
JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
LEFT JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
WHERE c.answer_fingerprint IS DISTINCT FROM i.answer_fingerprint
    OR NOT (c.status = i.status OR (c.status = 'reverted' AND i.status IN ('merged', 'landed')))
ORDER BY i.place
"""
RESERVE_KEYS = """
SELECT nextval(pg_get_serial_sequence('credits_contribution', 'id')) FROM generate_series(1, %(count)s)
"""

STORE_REPOSITORIES = f"""
INSERT INTO credits_repository ({", ".join(RepositoryRow._fields)})
SELECT {", ".join(f"i.{column}" for column in RepositoryRow._fields)}
FROM incoming_repository i
LEFT JOIN credits_repository r ON r.forge = i.forge AND r.forge_id = i.forge_id
WHERE r.id IS NULL OR {_differs_condition(_REPOSITORY, "i", "r", "seen_at")}
ORDER BY i.forge_id
ON CONFLICT (forge, forge_id) DO UPDATE
SET {_assignments(_REPOSITORY, "credits_repository", "seen_at")},
    seen_at = greatest(excluded.seen_at, credits_repository.seen_at)
WHERE {_differs_condition(_REPOSITORY, "excluded", "credits_repository", "seen_at")}
"""  # noqa: S608 (made of the constants above)

# A catalogue names repositories; from the first one seen under that name on it holds the repository itself.
LINK_CATALOGUE = """
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

STORE_CONTRIBUTIONS = f"""
WITH written AS (
    INSERT INTO credits_contribution (repository_id, {", ".join(_CHANGE_COLUMNS)})
    SELECT r.id, {", ".join(f"i.{column}" for column in _CHANGE_COLUMNS)}
    FROM incoming_change i
    JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
    LEFT JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
    WHERE c.id IS NULL OR {_differs_condition(_CHANGE, "i", "c", "updated_at")}
    ORDER BY i.repository, i.kind, i.number
    ON CONFLICT (repository_id, kind, number) DO UPDATE
    SET {_assignments(_CHANGE, "credits_contribution", "updated_at")}
    WHERE {_differs_condition(_CHANGE, "excluded", "credits_contribution", "updated_at")}
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written
"""  # noqa: S608

# Shares are touched at the first sight only: what people agreed on stands. A second opener cannot be: who deleted
# the account is told as somebody else.
STORE_AUTHORSHIPS = """
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

STORE_EVIDENCE = """
INSERT INTO credits_evidence (contribution_id, digest, payload, fetched_at)
SELECT c.id, i.digest, i.payload, i.collected_at
FROM incoming_change i
JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
WHERE NOT EXISTS (SELECT 1 FROM credits_evidence e WHERE e.contribution_id = c.id AND e.digest = i.digest)
ORDER BY i.repository, i.kind, i.number
ON CONFLICT (contribution_id, digest) DO NOTHING
"""
