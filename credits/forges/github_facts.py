"""GitHub's answers as facts. Each takes one JSON object and raises ``Unavailable`` if it is not as promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from credits.forges.answers import id_text, listing, malformed, mapping, number, parse_time, text
from credits.forges.base import Account, ChangedFile, MergedChange, RepositoryFacts

GHOST_ID = "10137"
"""The account that stands for deleted ones in GitHub's REST answers."""

_KINDS = {
    "User": "user",
    "EnterpriseUserAccount": "user",
    "Bot": "bot",
    "Organization": "organisation",
    "Mannequin": "ghost",
}


def rest_account(body: Mapping[str, Any]) -> Account:
    """An account from ``GET /users/{login}`` or ``GET /user/{id}``."""
    account_id = id_text(body.get("id"))
    kind = "ghost" if account_id == GHOST_ID else _KINDS.get(str(body.get("type")), "user")
    return Account(account_id, text(body.get("login")), str(body.get("node_id") or ""), kind)


def actor(value: object) -> Account | None:
    """An account from an ``Actor``. ``None`` for a deleted one, or one to which GitHub gives no number."""
    if value is None:
        return None
    node = mapping(value)
    if node.get("databaseId") is None:
        return None
    kind = _KINDS.get(str(node.get("__typename", "User")), "user")
    return Account(id_text(node["databaseId"]), text(node.get("login")), str(node.get("id") or ""), kind)


def repository(value: object) -> RepositoryFacts:
    node = mapping(value)
    language = node.get("primaryLanguage")
    return RepositoryFacts(
        id=id_text(node.get("databaseId")),
        full_name=text(node.get("nameWithOwner")),
        url=text(node.get("url")),
        owner=actor(node.get("owner")),
        stars=number(node.get("stargazerCount")),
        licence=_licence(node.get("licenseInfo")),
        language=None if language is None else text(mapping(language).get("name")),
        is_fork=_flag(node, "isFork"),
        is_mirror=_flag(node, "isMirror"),
        is_archived=_flag(node, "isArchived"),
        is_private=_flag(node, "isPrivate"),
    )


def change(value: object, found_by: str) -> MergedChange:
    """A merged pull request from the fragment ``Change``. One that is not merged is not as promised either."""
    node = mapping(value)
    if node.get("merged") is not True:
        raise malformed()
    author = actor(node.get("author"))
    merger = actor(node.get("mergedBy"))
    commit = None if node.get("mergeCommit") is None else mapping(node["mergeCommit"])
    changed_files = number(node.get("changedFiles"))
    return MergedChange(
        id=id_text(node.get("fullDatabaseId")),
        number=str(number(node.get("number"))),
        repository=repository(node.get("repository")),
        title=str(node.get("title") or ""),
        url=text(node.get("url")),
        author=author,
        created_at=parse_time(node.get("createdAt")),
        merged_at=parse_time(node.get("mergedAt")),
        updated_at=parse_time(node.get("updatedAt")),
        additions=number(node.get("additions")),
        deletions=number(node.get("deletions")),
        changed_files=changed_files,
        files=_files(node.get("files"), changed_files),
        labels=_labels(node.get("labels")),
        merge_commit=None if commit is None else text(commit.get("oid")),
        merged_by=merger,
        co_authors=None if commit is None else co_authors(commit, author, merger),
        found_by=found_by,
        raw=node,
    )


def co_authors(
    commit: Mapping[str, Any], author: Account | None, merger: Account | None
) -> tuple[Account, ...] | None:
    """Who else wrote the merge commit, by GitHub's own user objects; never ``author``. ``None``: it does not say.

    A squashed commit names the author first, then those of the trailers. A true merge commit names whoever pressed
    the button, and says nothing of who wrote the work: then nothing is claimed. An address that GitHub knows nobody
    by has no account here; ``raw`` keeps that there was one.
    """
    authors = mapping(commit.get("authors"))
    people: dict[str, Account] = {}
    for entry in listing(authors.get("nodes")):
        person = None if entry is None else actor(mapping(entry).get("user"))
        if person is not None:
            people.setdefault(person.id, person)
    named_author = author is not None and author.id in people
    others = {key: person for key, person in people.items() if author is None or key != author.id}
    if named_author:
        merged_itself = merger is None or author is None or merger.id == author.id
        by_button = merged_itself and str(commit.get("messageHeadline") or "").startswith("Merge ")
        return None if by_button and not others else tuple(others.values())
    if merger is not None:
        others.pop(merger.id, None)
    return tuple(others.values()) or None


def _files(value: object, changed_files: int) -> tuple[ChangedFile, ...] | None:
    if value is None:
        return None
    rows = [mapping(row) for row in listing(mapping(value).get("nodes")) if row is not None]
    if not rows and changed_files:
        return None
    return tuple(
        ChangedFile(text(row.get("path")), number(row.get("additions")), number(row.get("deletions")))
        for row in rows
    )


def _labels(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(
        text(mapping(row).get("name")) for row in listing(mapping(value).get("nodes")) if row is not None
    )


def _licence(value: object) -> str | None:
    if value is None:
        return ""
    spdx = mapping(value).get("spdxId")
    # GitHub writes NOASSERTION where it sees a licence but cannot tell which.
    return spdx if isinstance(spdx, str) and spdx and spdx != "NOASSERTION" else None


def _flag(node: Mapping[str, Any], name: str) -> bool:
    value = node.get(name)
    if not isinstance(value, bool):
        raise malformed()
    return value
