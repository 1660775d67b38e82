"""Turn Gitee's answers into facts. Each function takes JSON and raises :class:`ForgeUnavailable` if it is malformed.

Gitee says less about a pull request than GitHub. Line counts come from its files, and the operation log says who merged
it. Gitee does not give the merge commit and the co-authors, so they stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from credits.forges.errors import malformed_answer
from credits.forges.json_reading import json_array, json_id, json_object, json_text, parse_time
from credits.forges.patch_identity import diff_id, only_whitespace
from credits.forges.protocol import (
    AccountOnForge,
    ChangedFile,
    CommitOnForge,
    MergedChange,
    RepositoryOnForge,
)

MOST_FILES = 300
"""Gitee lists no more. At this number it is unknown whether there are more, and so are the counts."""

_KINDS = {"Group": "organisation", "Organization": "organisation", "Enterprise": "organisation", "Bot": "bot"}
Row = Mapping[str, Any]

_TRAILER = re.compile(r"(?im)^co-authored-by:\s*\S")
# As Gitee's own button writes it, in the language of the user who pressed it.
_REVERT = re.compile(r"(?i)(?:回退|revert)\s*['‘“\"]Pull Request !(\d+)")
_PULL_FIELDS = (
    "id",
    "number",
    "html_url",
    "state",
    "title",
    "created_at",
    "updated_at",
    "merged_at",
    "draft",
)


def account(value: object) -> AccountOnForge | None:
    """Return the account, or None if it was deleted."""
    if value is None:
        return None
    user = json_object(value)
    return AccountOnForge(
        json_id(user.get("id")), json_text(user.get("login")), kind=_KINDS.get(str(user.get("type")), "user")
    )


def repository(value: object) -> RepositoryOnForge:
    """Return a repository. Gitee does not say whether it is a mirror."""
    node = json_object(value)
    licence = node.get("license")
    language = node.get("language")
    stars = node.get("stargazers_count")
    status = node.get("status")
    return RepositoryOnForge(
        id=json_id(node.get("id")),
        full_name=json_text(node.get("full_name")),
        url=json_text(node.get("html_url")).removesuffix(".git"),
        owner=account(node.get("owner")),
        stars=stars if isinstance(stars, int) and not isinstance(stars, bool) else None,
        licence=(licence if isinstance(licence, str) else "") if "license" in node else None,
        language=language if isinstance(language, str) and language else None,
        is_fork=_bool_or_none(node.get("fork")),
        is_mirror=None,
        is_archived=status == "关闭" if isinstance(status, str) else None,
        is_private=_bool_or_none(node.get("private")),
    )


def fork_parent(value: object) -> str | None:
    """Return the full name of a fork's parent, or None if it is not a fork or Gitee does not say."""
    node = json_object(value)
    if node.get("fork") is not True or node.get("parent") is None:
        return None
    return json_text(json_object(node["parent"]).get("full_name"))


def is_merged(pull: Mapping[str, Any]) -> bool:
    return json_text(pull.get("state")) == "merged" and pull.get("merged_at") is not None


def is_closed(pull: Mapping[str, Any]) -> bool:
    """Return whether the pull request is closed and not merged."""
    return json_text(pull.get("state")) == "closed" and pull.get("closed_at") is not None


def closed_change(
    pull: Mapping[str, Any],
    repository_facts: RepositoryOnForge,
    files: Sequence[Mapping[str, Any]] | None,
    log: Sequence[Mapping[str, Any]] | None,
    found_by: str,
) -> MergedChange:
    """Return a pull request that was closed and not merged, as a change of unknown status."""
    if not is_closed(pull):
        raise malformed_answer()
    as_merged = {**pull, "state": "merged", "merged_at": pull["closed_at"]}
    change = merged_change(as_merged, repository_facts, files, log, found_by)
    raw = {**change.raw, "pull": {**change.raw["pull"], "state": "closed", "merged_at": None}}
    return replace(change, status="unknown", raw=raw)


def merged_change(
    pull: Mapping[str, Any],
    repository_facts: RepositoryOnForge,
    files: Sequence[Mapping[str, Any]] | None,
    log: Sequence[Mapping[str, Any]] | None,
    found_by: str,
) -> MergedChange:
    """Return a merged pull request. ``files`` and ``log`` are None if Gitee did not give them."""
    if not is_merged(pull):
        raise malformed_answer()
    changed = None if files is None else _files(files)
    whole = changed is not None and len(changed) < MOST_FILES
    merged = _merge_log_entry(log)
    labels = pull.get("labels")
    diffs = _diffs(files) if whole and files else {}
    return MergedChange(
        id=json_id(pull.get("id")),
        number=json_id(pull.get("number")),
        repository=repository_facts,
        title=str(pull.get("title") or ""),
        url=json_text(pull.get("html_url")),
        author=account(pull.get("user")),
        created_at=parse_time(pull.get("created_at")),
        merged_at=parse_time(pull.get("merged_at")),
        updated_at=parse_time(pull.get("updated_at")),
        additions=sum(file.additions for file in changed) if changed is not None and whole else None,
        deletions=sum(file.deletions for file in changed) if changed is not None and whole else None,
        changed_files=len(changed) if changed is not None and whole else None,
        files=changed,
        labels=None
        if labels is None
        else tuple(json_text(json_object(row).get("name")) for row in json_array(labels)),
        # AtomGit gives both, Gitee neither.
        merge_commit=_commit_name(pull.get("merge_commit_sha")),
        merged_by=account(pull.get("merged_by")) if merged is None else account(merged.get("user")),
        co_authors=None,
        found_by=found_by,
        patch_id=diff_id(diffs),
        only_whitespace=only_whitespace(diffs),
        raw={
            "pull": {key: pull.get(key) for key in _PULL_FIELDS}
            | {"user": _user_evidence(pull.get("user")), "labels": labels},
            "files": None if files is None else [_file_evidence(row) for row in files],
            "merging": None
            if merged is None
            else {"created_at": merged.get("created_at"), "user": _user_evidence(merged.get("user"))},
        },
    )


def _diffs(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the diff of each file by path; it is empty if Gitee gave none (large or binary files)."""
    found: dict[str, str] = {}
    for row in rows:
        patch = row.get("patch")
        diff = patch.get("diff") if isinstance(patch, dict) and not patch.get("too_large") else None
        found[json_text(row.get("filename"))] = diff if isinstance(diff, str) else ""
    return found


def _files(rows: Sequence[Mapping[str, Any]]) -> tuple[ChangedFile, ...] | None:
    """Return the files, or None if any count cannot be read: a sum over the rest would be a wrong number."""
    changed = []
    for row in rows:
        additions, deletions = _count(row.get("additions")), _count(row.get("deletions"))
        if additions is None or deletions is None:
            return None
        changed.append(ChangedFile(json_text(row.get("filename")), additions, deletions))
    return tuple(changed)


def commit(value: object, *, with_files: bool = False) -> CommitOnForge:
    """Return a commit. A trailer has an e-mail address that anybody can type, so its author has no account here."""
    node = json_object(value)
    about = json_object(node.get("commit"))
    message = str(about.get("message") or "")
    author = node.get("author")
    known = author if isinstance(author, dict) and author.get("id") is not None else None
    when = about.get("author")
    date = when.get("date") if isinstance(when, dict) else None
    files = node.get("files")
    return CommitOnForge(
        sha=json_text(node.get("sha")),
        message=message,
        authors=(account(known), *(None for _ in _TRAILER.finditer(message))),
        committed_at=None if date is None else parse_time(date),
        url=str(node.get("html_url") or ""),
        files=_files([json_object(row) for row in json_array(files)])
        if with_files and files is not None
        else None,
    )


def reverted_number(pull: Mapping[str, Any]) -> str | None:
    """Return the number of the pull request that this one reverts, or None if it is not a revert."""
    found = _REVERT.search(f"{pull.get('title') or ''}\n{pull.get('body') or ''}")
    return found[1] if found else None


def _commit_name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    """Return a number of lines, which Gitee writes as text, or None if it cannot be read."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _merge_log_entry(log: Sequence[Mapping[str, Any]] | None) -> Mapping[str, Any] | None:
    entries = [entry for entry in log or () if entry.get("action_type") == "merged_pr"]
    return max(entries, key=lambda entry: str(entry.get("created_at") or "")) if entries else None


def _bool_or_none(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _user_evidence(value: object) -> dict[str, Any] | None:
    return {"id": value.get("id"), "login": value.get("login")} if isinstance(value, dict) else None


def _file_evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row.get(key) for key in ("filename", "additions", "deletions", "status")}
