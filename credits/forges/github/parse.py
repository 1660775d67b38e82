"""Turn GitHub's answers into facts. Each function takes one JSON object and raises :class:`ForgeUnavailable` if it
is malformed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from credits.forges.errors import malformed_answer
from credits.forges.json_reading import json_array, json_count, json_id, json_object, json_text, parse_time
from credits.forges.landing_rules import LandingRule, rules_for_repository
from credits.forges.protocol import (
    AccountOnForge,
    ChangedFile,
    ChangeKind,
    CommitOnForge,
    MergedChange,
    RepositoryOnForge,
)

GHOST_ID = "10137"
"""The account that stands for deleted ones in GitHub's REST answers."""

_KINDS = {
    "User": "user",
    "EnterpriseUserAccount": "user",
    "Bot": "bot",
    "Organization": "organisation",
    "Mannequin": "ghost",
}


def rest_account(body: Mapping[str, Any]) -> AccountOnForge:
    """Return an account from ``GET /users/{login}`` or ``GET /user/{id}``."""
    account_id = json_id(body.get("id"))
    kind = "ghost" if account_id == GHOST_ID else _KINDS.get(str(body.get("type")), "user")
    return AccountOnForge(account_id, json_text(body.get("login")), str(body.get("node_id") or ""), kind)


def actor(value: object) -> AccountOnForge | None:
    """Return an account from an ``Actor``, or None if it is deleted or GitHub gives it no user id."""
    if value is None:
        return None
    node = json_object(value)
    if node.get("databaseId") is None:
        return None
    kind = _KINDS.get(str(node.get("__typename", "User")), "user")
    return AccountOnForge(
        json_id(node["databaseId"]), json_text(node.get("login")), str(node.get("id") or ""), kind
    )


def repository(value: object) -> RepositoryOnForge:
    """Return a repository from the fragment ``Repository``."""
    node = json_object(value)
    language = node.get("primaryLanguage")
    return RepositoryOnForge(
        id=json_id(node.get("databaseId")),
        full_name=json_text(node.get("nameWithOwner")),
        url=json_text(node.get("url")),
        owner=actor(node.get("owner")),
        stars=json_count(node.get("stargazerCount")),
        licence=_licence(node.get("licenseInfo")),
        language=None if language is None else json_text(json_object(language).get("name")),
        is_fork=_required_bool(node, "isFork"),
        is_mirror=_required_bool(node, "isMirror"),
        is_archived=_required_bool(node, "isArchived"),
        is_private=_required_bool(node, "isPrivate"),
    )


def merged_change(value: object, found_by: str) -> MergedChange:
    """Return a merged pull request from the fragment ``Change``. One that is not merged is malformed too."""
    node = json_object(value)
    if node.get("merged") is not True:
        raise malformed_answer()
    commit = None if node.get("mergeCommit") is None else json_object(node["mergeCommit"])
    merged_at, merger = parse_time(node.get("mergedAt")), actor(node.get("mergedBy"))
    return _pull_request(node, found_by, merged_at, merger, commit, ("closing", "closedAt"))


def closed_change(value: object, found_by: str) -> MergedChange | None:
    """Return a pull request that was closed and not merged, from ``Change`` and ``Closing``, with unknown status.

    Return None if it is open. The commit that closed it is in the place of a merge commit.
    """
    node = json_object(value)
    if node.get("merged") is not False:
        raise malformed_answer()
    if json_text(node.get("state")) != "CLOSED":
        return None
    event = _closing_event(node)
    closer = None if event is None or event.get("closer") is None else json_object(event["closer"])
    commit = closer if closer is not None and closer.get("oid") else None
    change = _pull_request(
        node,
        found_by,
        parse_time(node.get("closedAt")),
        None if event is None else actor(event.get("actor")),
        commit,
    )
    return replace(change, status="unknown")


def landed_change(value: object, found_by: str, rules: Sequence[LandingRule]) -> MergedChange | None:
    """Return the closed pull request as landed if a rule of its repository says so, else None."""
    change = closed_change(value, found_by)
    if change is None:
        return None
    closer = json_object((_closing_event(json_object(value)) or {}).get("closer") or {})
    message = closer.get("message")
    text = message if isinstance(message, str) else None
    for rule in rules_for_repository(rules, change.repository.full_name):
        if rule.holds(change.repository.full_name, change.number, change.title, change.labels, text):
            return replace(change, status="landed", landed_by=rule.name)
    return None


def _closing_event(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    events = [
        json_object(event) for event in json_array(json_object(node.get("closing")).get("nodes")) if event
    ]
    return events[-1] if events else None


def review(value: object, found_by: str) -> MergedChange | None:
    """Return a submitted review from the fragment ``Review``, or None for a draft or a review of one's own work."""
    node = json_object(value)
    pull = json_object(node.get("pullRequest"))
    reviewer, author = actor(node.get("author")), actor(pull.get("author"))
    if node.get("submittedAt") is None or (reviewer and author and reviewer.id == author.id):
        return None
    review_id = json_id(node.get("fullDatabaseId"))
    submitted = parse_time(node["submittedAt"])
    return _change_without_files(node, found_by, "review", review_id, str(pull.get("title") or ""), submitted)


def issue(value: object, found_by: str) -> MergedChange | None:
    """Return an issue that was closed as completed, from the fragment ``IssueFacts``, or None for any other."""
    node = json_object(value)
    if node.get("stateReason") != "COMPLETED" or node.get("closedAt") is None:
        return None
    change = _change_without_files(
        node,
        found_by,
        "issue",
        str(json_count(node.get("number"))),
        str(node.get("title") or ""),
        parse_time(node["closedAt"]),
    )
    return replace(change, labels=_labels(node.get("labels")))


def _change_without_files(
    node: Mapping[str, Any], found_by: str, kind: ChangeKind, number: str, title: str, done_at: datetime
) -> MergedChange:
    """Return a review or an issue, which change no files."""
    return MergedChange(
        id=json_id(node.get("fullDatabaseId")),
        number=number,
        repository=repository(node.get("repository")),
        title=title,
        url=json_text(node.get("url")),
        author=actor(node.get("author")),
        created_at=parse_time(node.get("createdAt")),
        merged_at=done_at,
        updated_at=parse_time(node.get("updatedAt")),
        additions=None,
        deletions=None,
        changed_files=None,
        files=None,
        labels=None,
        merge_commit=None,
        merged_by=None,
        co_authors=(),
        found_by=found_by,
        kind=kind,
        node_id=json_text(node.get("id")),
        raw=node,
    )


def reverted_by(value: object) -> tuple[str, str]:
    """Return URL and node id of the merged pull request in the same repository that reverts this one, from
    ``Mentions``.

    Both are empty if there is none, or if the work was applied again later.
    """
    node = json_object(value)
    own_repository = json_object(node.get("repository"))
    names = rf"(?:{re.escape(str(own_repository.get('nameWithOwner')))})?#{json_count(node.get('number'))}\b"
    reverts: list[tuple[datetime, str, str]] = []
    for event in json_array(json_object(node.get("mentions")).get("nodes")):
        source = json_object((event or {}).get("source") or {})
        repository_id = json_object(source.get("repository") or {}).get("databaseId")
        if source.get("merged") is not True or repository_id != own_repository.get("databaseId"):
            continue
        title, body = str(source.get("title") or ""), str(source.get("body") or "")
        merged_at = parse_time(source.get("mergedAt"))
        if re.search(rf"(?im)^\s*reverts\s+{names}", body) or title == f'Revert "{node.get("title")}"':
            reverts.append((merged_at, json_text(source.get("url")), json_text(source.get("id"))))
        elif re.search(rf"(?im)^\s*(?:reapplies|relands)\s+{names}", body) or re.match(
            rf'(?i)(?:reapply|reland) "{re.escape(str(node.get("title")))}"', title
        ):
            reverts.append((merged_at, "", ""))
    return max(reverts)[1:] if reverts else ("", "")


def commit(value: object) -> CommitOnForge:
    """Return a commit, without its files."""
    node = json_object(value)
    people: list[AccountOnForge | None] = []
    for entry in json_array(json_object(node.get("authors")).get("nodes")):
        person = None if entry is None else actor(json_object(entry).get("user"))
        if person is None or person not in people:
            people.append(person)
    committed = node.get("committedDate")
    return CommitOnForge(
        sha=json_text(node.get("oid")),
        message=str(node.get("message") or ""),
        authors=tuple(people),
        committed_at=None if committed is None else parse_time(committed),
        url=str(node.get("commitUrl") or ""),
    )


def rest_files(body: Mapping[str, Any]) -> tuple[ChangedFile, ...] | None:
    """Return the files of a commit from REST, or None if REST did not give them."""
    if body.get("files") is None:
        return None
    rows = [json_object(row) for row in json_array(body["files"])]
    return tuple(
        ChangedFile(
            json_text(row.get("filename")), json_count(row.get("additions")), json_count(row.get("deletions"))
        )
        for row in rows
    )


def _pull_request(
    node: Mapping[str, Any],
    found_by: str,
    merged_at: datetime,
    merger: AccountOnForge | None,
    commit: Mapping[str, Any] | None,
    without: tuple[str, ...] = (),
) -> MergedChange:
    author = actor(node.get("author"))
    changed_files = json_count(node.get("changedFiles"))
    return MergedChange(
        id=json_id(node.get("fullDatabaseId")),
        number=str(json_count(node.get("number"))),
        repository=repository(node.get("repository")),
        title=str(node.get("title") or ""),
        url=json_text(node.get("url")),
        author=author,
        created_at=parse_time(node.get("createdAt")),
        merged_at=merged_at,
        updated_at=parse_time(node.get("updatedAt")),
        additions=json_count(node.get("additions")),
        deletions=json_count(node.get("deletions")),
        changed_files=changed_files,
        files=_files(node.get("files"), changed_files),
        labels=_labels(node.get("labels")),
        merge_commit=None if commit is None else json_text(commit.get("oid")),
        merged_by=merger,
        co_authors=None if commit is None else co_authors(commit, author, merger),
        found_by=found_by,
        node_id=json_text(node.get("id")),
        # The evidence is the same for every query: leave out what only some queries ask for.
        raw={key: field for key, field in node.items() if key not in ("mentions", *without)},
    )


def co_authors(
    commit: Mapping[str, Any], author: AccountOnForge | None, merger: AccountOnForge | None
) -> tuple[AccountOnForge, ...] | None:
    """Return who else wrote the merge commit, by GitHub's own user objects, without ``author``. None: unknown.

    A squashed commit names the author first, then the people of the trailers. A true merge commit names the user who
    merged, and does not say who wrote the work; then the co-authors are unknown. An e-mail address that GitHub cannot
    match has no account here; ``raw`` shows that there was one.
    """
    authors = json_object(commit.get("authors"))
    people: dict[str, AccountOnForge] = {}
    for entry in json_array(authors.get("nodes")):
        person = None if entry is None else actor(json_object(entry).get("user"))
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
    rows = [json_object(row) for row in json_array(json_object(value).get("nodes")) if row is not None]
    if not rows and changed_files:
        return None
    return tuple(
        ChangedFile(
            json_text(row.get("path")), json_count(row.get("additions")), json_count(row.get("deletions"))
        )
        for row in rows
    )


def _labels(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(
        json_text(json_object(row).get("name"))
        for row in json_array(json_object(value).get("nodes"))
        if row is not None
    )


def _licence(value: object) -> str | None:
    if value is None:
        return ""
    spdx = json_object(value).get("spdxId")
    # GitHub writes NOASSERTION if it finds a licence but cannot identify it.
    return spdx if isinstance(spdx, str) and spdx and spdx != "NOASSERTION" else None


def _required_bool(node: Mapping[str, Any], name: str) -> bool:
    value = node.get(name)
    if not isinstance(value, bool):
        raise malformed_answer()
    return value
