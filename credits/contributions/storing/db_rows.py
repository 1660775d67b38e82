"""The rows that are stored of a forge's answer: one class for each table, and the translation. No database access."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from credits.contributions.storing.columns import (
    GREATEST,
    TAKE,
    TAKE_FILLED,
    TAKE_KNOWN,
    TAKE_STATUS,
    Column,
)
from credits.forges.file_categories import CATEGORIES, classify
from credits.forges.patch_identity import files_id
from credits.forges.protocol import AccountOnForge, ChangedFile, MergedChange
from credits.text import clean, storable_json

_NO_PERSON_KINDS = frozenset({"ghost"})
"""Kinds of account that no longer belong to anybody."""


class RepositoryRow(NamedTuple):
    """A row of credits_repository. ``seen_at`` decides which of two answers is newer."""

    forge: Annotated[str, Column("text")]
    forge_id: Annotated[str, Column("text")]
    full_name: Annotated[str, Column("text", TAKE)]
    url: Annotated[str, Column("text", TAKE)]
    owner_id_on_forge: Annotated[str, Column("text", TAKE_FILLED)]
    owner_login: Annotated[str, Column("text", TAKE_FILLED)]
    stars: Annotated[int | None, Column("integer", TAKE_KNOWN)]
    licence: Annotated[str | None, Column("text", TAKE_KNOWN)]
    language: Annotated[str | None, Column("text", TAKE_KNOWN)]
    is_fork: Annotated[bool | None, Column("boolean", TAKE_KNOWN)]
    is_mirror: Annotated[bool | None, Column("boolean", TAKE_KNOWN)]
    is_archived: Annotated[bool | None, Column("boolean", TAKE_KNOWN)]
    created_at: Annotated[datetime | None, Column("timestamptz", TAKE_KNOWN)]
    seen_at: Annotated[datetime, Column("timestamptz")]


class ContributionRow(NamedTuple):
    """A row of credits_contribution, between the id of its repository on the forge and its evidence.

    ``updated_at`` decides which of two answers is newer.
    """

    repository: Annotated[str, Column("text")]
    kind: Annotated[str, Column("text")]
    number: Annotated[str, Column("text")]
    forge_id: Annotated[str, Column("text", TAKE)]
    status: Annotated[str, Column("text", TAKE_STATUS)]
    title: Annotated[str, Column("text", TAKE)]
    url: Annotated[str, Column("text", TAKE)]
    created_at: Annotated[datetime, Column("timestamptz", TAKE)]
    merged_at: Annotated[datetime, Column("timestamptz", TAKE)]
    updated_at: Annotated[datetime, Column("timestamptz", GREATEST)]
    additions: Annotated[int | None, Column("integer", TAKE_KNOWN)]
    deletions: Annotated[int | None, Column("integer", TAKE_KNOWN)]
    changed_files: Annotated[int | None, Column("integer", TAKE_KNOWN)]
    files: Annotated[str | None, Column("jsonb", TAKE_KNOWN)]
    labels: Annotated[str | None, Column("jsonb", TAKE_KNOWN)]
    merge_commit: Annotated[str | None, Column("text", TAKE_KNOWN)]
    merged_by_id_on_forge: Annotated[str | None, Column("text", TAKE_KNOWN)]
    merged_by_login: Annotated[str, Column("text", TAKE_FILLED)]
    patch_id: Annotated[str | None, Column("text", TAKE_KNOWN)]
    files_id: Annotated[str | None, Column("text", TAKE_KNOWN)]
    only_whitespace: Annotated[bool | None, Column("boolean", TAKE_KNOWN)]
    landed_by: Annotated[str, Column("text", TAKE_FILLED)]
    node_id: Annotated[str, Column("text", TAKE_FILLED)]
    found_by: Annotated[str, Column("text")]
    collected_at: Annotated[datetime, Column("timestamptz")]
    answer_fingerprint: Annotated[str, Column("text", TAKE)]
    digest: Annotated[str, Column("text")]
    payload: Annotated[str, Column("jsonb")]


CONTRIBUTION_START = ContributionRow._fields.index("kind")
EVIDENCE_START = ContributionRow._fields.index("digest")
"""The fields between these two are columns of credits_contribution; those from here on belong to the evidence."""


class AuthorshipRow(NamedTuple):
    """A row of credits_authorship, after the three fields that identify its contribution."""

    repository: Annotated[str, Column("text")]
    kind: Annotated[str, Column("text")]
    number: Annotated[str, Column("text")]
    forge: Annotated[str, Column("text")]
    forge_user_id: Annotated[str, Column("text")]
    login: Annotated[str, Column("text")]
    role: Annotated[str, Column("text")]
    share: Annotated[int, Column("numeric")]


AUTHORSHIP_START = AuthorshipRow._fields.index("forge")
"""The fields from here on are columns of credits_authorship."""


class AnswerRow(NamedTuple):
    """What is asked of the database before a change becomes a row. ``place`` is its index among the changes."""

    place: Annotated[int, Column("integer")]
    repository: Annotated[str, Column("text")]
    kind: Annotated[str, Column("text")]
    number: Annotated[str, Column("text")]
    status: Annotated[str, Column("text")]
    answer_fingerprint: Annotated[str, Column("text")]


def repository_row(forge: str, change: MergedChange, now: datetime) -> RepositoryRow:
    """Return the row of a change's repository, seen ``now``."""
    repository = change.repository
    owner = repository.owner
    return RepositoryRow(
        forge=forge,
        forge_id=repository.id,
        full_name=clean(repository.full_name),
        url=repository.url,
        owner_id_on_forge=owner.id if owner else "",
        owner_login=owner.login if owner else "",
        stars=repository.stars,
        licence=repository.licence,
        language=repository.language,
        is_fork=repository.is_fork,
        is_mirror=repository.is_mirror,
        is_archived=repository.is_archived,
        created_at=repository.created_at,
        seen_at=now,
    )


def fingerprint_answer(change: MergedChange) -> str:
    """Return a fingerprint of everything the forge returned for a change.

    How we found the change and its repository's metadata (other than id and name) are left out. Equal fingerprints mean
    an unchanged answer. This is far cheaper than building the row. Another version of Python may give another
    fingerprint; that costs a comparison of the row, nothing more.
    """
    answer: Any = (
        (
            change.repository.id,
            change.repository.full_name,
            change.kind,
            change.number,
            change.id,
            change.status,
        ),
        (change.title, change.url, change.additions, change.deletions, change.changed_files, change.labels),
        (change.created_at.timestamp(), change.merged_at.timestamp(), change.updated_at.timestamp()),
        (change.merge_commit, change.landed_by, change.node_id, change.patch_id, change.only_whitespace),
        None
        if change.files is None
        else [(file.path, file.additions, file.deletions) for file in change.files],
        [
            None if account is None else (account.id, account.login, account.kind)
            for account in (change.author, change.merged_by, *(change.co_authors or ()))
        ],
        change.co_authors is None,
        change.raw,
    )
    try:
        # Version 2 of the format does not depend on which objects Python happens to share.
        text = marshal.dumps(answer, 2)
    except ValueError:
        text = repr(answer).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def contribution_row(change: MergedChange, now: datetime, answer_fingerprint: str = "") -> ContributionRow:
    """Return the row of a change, collected ``now``. Pass ``answer_fingerprint`` if it is known already."""
    payload = storable_json(change.raw)
    return ContributionRow(
        repository=change.repository.id,
        kind=change.kind,
        number=change.number,
        forge_id=change.id,
        status=change.status,
        title=clean(change.title),
        url=change.url,
        created_at=change.created_at,
        merged_at=change.merged_at,
        updated_at=change.updated_at,
        additions=change.additions,
        deletions=change.deletions,
        changed_files=change.changed_files,
        files=None if change.files is None else storable_json(count_by_category(change.files)),
        labels=None if change.labels is None else storable_json(sorted(change.labels)),
        merge_commit=change.merge_commit,
        merged_by_id_on_forge=change.merged_by.id if change.merged_by else None,
        merged_by_login=change.merged_by.login if change.merged_by else "",
        patch_id=change.patch_id,
        files_id=files_id(
            change.files, change.changed_files, title=change.title, full_name=change.repository.full_name
        ),
        only_whitespace=change.only_whitespace,
        landed_by=change.landed_by,
        node_id=change.node_id,
        found_by=change.found_by,
        collected_at=now,
        answer_fingerprint=answer_fingerprint or fingerprint_answer(change),
        digest=hashlib.sha256(payload.encode()).hexdigest(),
        payload=payload,
    )


def authorship_rows(forge: str, change: MergedChange) -> Iterator[AuthorshipRow]:
    """Yield a row for the opener, whose share is 1 until the co-authors agree otherwise, and one for each co-author."""
    seen: set[str] = set()
    # The opener comes first: an account that opened a change and is also named in a trailer counts as its opener.
    for role, account in (
        ("author", change.author),
        *(("co-author", co_author) for co_author in change.co_authors or ()),
    ):
        if account is None or account.kind in _NO_PERSON_KINDS or account.id in seen:
            continue
        seen.add(account.id)
        yield _authorship_row(forge, change, account, role)


def _authorship_row(forge: str, change: MergedChange, account: AccountOnForge, role: str) -> AuthorshipRow:
    return AuthorshipRow(
        repository=change.repository.id,
        kind=change.kind,
        number=change.number,
        forge=forge,
        forge_user_id=account.id,
        login=account.login,
        role=role,
        share=1 if role == "author" else 0,
    )


def count_by_category(files: tuple[ChangedFile, ...]) -> dict[str, dict[str, int]]:
    """Return ``{category: {files, additions, deletions}}`` of the listed files, for the categories that occur."""
    counts: dict[str, dict[str, int]] = {}
    for file in files:
        count = counts.setdefault(classify(file.path), {"files": 0, "additions": 0, "deletions": 0})
        count["files"] += 1
        count["additions"] += file.additions
        count["deletions"] += file.deletions
    return {category: counts[category] for category in CATEGORIES if category in counts}
