"""What a forge told, as the rows that are stored. Pure translation: no database."""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from credits.forges.file_categories import CATEGORIES, classify
from credits.forges.patch_identity import files_id
from credits.forges.protocol import AccountOnForge, ChangedFile, MergedChange
from credits.text import clean, storable_json

_NO_PERSON_KINDS = frozenset({"ghost"})
"""Kinds of account behind which nobody stands any more."""


class RepositoryRow(NamedTuple):
    """Columns of credits_repository, in the order in which they are copied."""

    forge: str
    forge_id: str
    full_name: str
    url: str
    owner_id_on_forge: str
    owner_login: str
    stars: int | None
    licence: str | None
    language: str | None
    is_fork: bool | None
    is_mirror: bool | None
    is_archived: bool | None
    created_at: datetime | None
    seen_at: datetime


class ContributionRow(NamedTuple):
    """Columns of credits_contribution (the repository by its id on the forge), and the evidence."""

    repository: str
    kind: str
    number: str
    forge_id: str
    status: str
    title: str
    url: str
    created_at: datetime
    merged_at: datetime
    updated_at: datetime
    additions: int | None
    deletions: int | None
    changed_files: int | None
    files: str | None
    labels: str | None
    merge_commit: str | None
    merged_by_id_on_forge: str | None
    merged_by_login: str
    patch_id: str | None
    files_id: str | None
    only_whitespace: bool | None
    landed_by: str
    node_id: str
    found_by: str
    collected_at: datetime
    answer_fingerprint: str
    digest: str
    payload: str


class AuthorshipRow(NamedTuple):
    """Somebody's part in a change."""

    repository: str
    kind: str
    number: str
    forge: str
    forge_user_id: str
    login: str
    role: str
    share: int


def repository_row(forge: str, change: MergedChange, now: datetime) -> RepositoryRow:
    told = change.repository
    owner = told.owner
    return RepositoryRow(
        forge=forge,
        forge_id=told.id,
        full_name=clean(told.full_name),
        url=told.url,
        owner_id_on_forge=owner.id if owner else "",
        owner_login=owner.login if owner else "",
        stars=told.stars,
        licence=told.licence,
        language=told.language,
        is_fork=told.is_fork,
        is_mirror=told.is_mirror,
        is_archived=told.is_archived,
        created_at=told.created_at,
        seen_at=now,
    )


def fingerprint_answer(change: MergedChange) -> str:
    """Short for all that was told of a change, but for how it was found and what its repository is like: two that
    agree are the same answer. Far cheaper than the row itself; another version of Python may give another one, which
    costs no more than a look at the row.
    """
    told: Any = (
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
        None if change.files is None else [(one.path, one.additions, one.deletions) for one in change.files],
        [
            None if one is None else (one.id, one.login, one.kind)
            for one in (change.author, change.merged_by, *(change.co_authors or ()))
        ],
        change.co_authors is None,
        change.raw,
    )
    try:
        # The second version tells nothing of how Python happens to share its objects.
        text = marshal.dumps(told, 2)
    except ValueError:
        text = repr(told).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def contribution_row(change: MergedChange, now: datetime, answer_fingerprint: str = "") -> ContributionRow:
    """Return the row of a change. ``answer_fingerprint`` is its fingerprint, if the caller has it already."""
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
    """The opener, whose share is 1 until the co-authors agree otherwise, and the co-authors."""
    seen: set[str] = set()
    # The opener first: who opened a change and is also named in a trailer is its opener.
    for role, account in (
        ("author", change.author),
        *(("co-author", one) for one in change.co_authors or ()),
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
    """``{category: {files, additions, deletions}}`` for the categories that occur, of the files that were listed."""
    counts: dict[str, dict[str, int]] = {}
    for file in files:
        count = counts.setdefault(classify(file.path), {"files": 0, "additions": 0, "deletions": 0})
        count["files"] += 1
        count["additions"] += file.additions
        count["deletions"] += file.deletions
    return {category: counts[category] for category in CATEGORIES if category in counts}
