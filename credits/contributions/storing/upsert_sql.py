"""The statements that store contributions, made from the columns that the row classes name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from credits.contributions.storing.columns import columns_of
from credits.contributions.storing.db_rows import (
    CONTRIBUTION_START,
    EVIDENCE_START,
    AnswerRow,
    AuthorshipRow,
    ContributionRow,
    RepositoryRow,
)


def _merge_rules(row_class: type[NamedTuple]) -> Mapping[str, str]:
    """Return the columns that a later answer may change, each with the SQL of its merge."""
    return {name: column.merge for name, column in columns_of(row_class).items() if column.merge}


_REPOSITORY = _merge_rules(RepositoryRow)
_CONTRIBUTION = _merge_rules(ContributionRow)


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


_INCOMING: Mapping[str, type[NamedTuple]] = {
    "incoming_repository": RepositoryRow,
    "incoming_answer": AnswerRow,
    "incoming_contribution": ContributionRow,
    "incoming_authorship": AuthorshipRow,
}


def _create_table(name: str, row_class: type[NamedTuple]) -> str:
    columns = ", ".join(f"{column} {kind.sql_type}" for column, kind in columns_of(row_class).items())
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS"


# The tables live as long as the connection: a new table for each page would swell PostgreSQL's own catalogue.
CREATE_TABLES = ";\n".join(_create_table(name, row_class) for name, row_class in _INCOMING.items())
EMPTY_TABLES = f"TRUNCATE {', '.join(_INCOMING)}"

# With an unchanged answer, the stored status may differ for one reason only: a recheck found a revert.
SELECT_CHANGED = """
SELECT i.place, r.id, c.id IS NOT NULL
FROM incoming_answer i
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

# The catalogue names repositories. As soon as one of that name is seen, the entry stores its immutable id.
LINK_CATALOGUE = """
UPDATE credits_catalogueentry e SET forge_id = i.forge_id
FROM incoming_repository i
WHERE e.forge = i.forge AND e.forge_id = '' AND lower(e.full_name) = lower(i.full_name)
    AND NOT EXISTS (
        SELECT 1 FROM credits_catalogueentry other WHERE other.forge = i.forge AND other.forge_id = i.forge_id
    )
"""

_CONTRIBUTION_COLUMNS = ContributionRow._fields[CONTRIBUTION_START:EVIDENCE_START]

STORE_CONTRIBUTIONS = f"""
WITH written AS (
    INSERT INTO credits_contribution (repository_id, {", ".join(_CONTRIBUTION_COLUMNS)})
    SELECT r.id, {", ".join(f"i.{column}" for column in _CONTRIBUTION_COLUMNS)}
    FROM incoming_contribution i
    JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
    LEFT JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
    WHERE c.id IS NULL OR {_differs_condition(_CONTRIBUTION, "i", "c", "updated_at")}
    ORDER BY i.repository, i.kind, i.number
    ON CONFLICT (repository_id, kind, number) DO UPDATE
    SET {_assignments(_CONTRIBUTION, "credits_contribution", "updated_at")}
    WHERE {_differs_condition(_CONTRIBUTION, "excluded", "credits_contribution", "updated_at")}
    RETURNING xmax = 0 AS new
)
SELECT count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new) FROM written
"""  # noqa: S608

# A share is written only with a new row: what people agreed on stays. A second opener is not stored: after an account
# was deleted, the forge names somebody else.
STORE_AUTHORSHIPS = """
INSERT INTO credits_authorship (contribution_id, forge, forge_user_id, login, role, share)
SELECT c.id, i.forge, i.forge_user_id, i.login, i.role, i.share
FROM incoming_authorship i
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
FROM incoming_contribution i
JOIN credits_repository r ON r.forge = %(forge)s AND r.forge_id = i.repository
JOIN credits_contribution c ON c.repository_id = r.id AND c.kind = i.kind AND c.number = i.number
WHERE NOT EXISTS (SELECT 1 FROM credits_evidence e WHERE e.contribution_id = c.id AND e.digest = i.digest)
ORDER BY i.repository, i.kind, i.number
ON CONFLICT (contribution_id, digest) DO NOTHING
"""
