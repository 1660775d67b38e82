"""Repositories on Gitee in which an account may have worked: hints only, because no list covers all repositories."""

from __future__ import annotations

from urllib.parse import quote

from credits.forges.errors import MissingOnForge
from credits.forges.gitee import parse as facts
from credits.forges.gitee.http import GiteeHttp
from credits.forges.gitee.recheck import repository_path
from credits.forges.json_reading import json_array, json_id, json_object, json_text

_EVENTS_AT_ONCE = 100
_EVENT_PAGES = 3


def parents_of_forks(http: GiteeHttp, login: str) -> list[str]:
    """Return the full names of the repositories that the account has forked."""
    parents: set[str] = set()
    page = 0
    while True:
        page += 1
        got = http.page(f"/users/{quote(login, safe='')}/repos", {"type": "personal"}, page)
        parents.update(parent for parent in (_fork_parent(http, row) for row in got.rows) if parent)
        if not got.more:
            return sorted(parents)


def _fork_parent(http: GiteeHttp, row: facts.Row) -> str | None:
    if row.get("fork") is not True or row.get("parent") is not None:
        return facts.fork_parent(row)
    try:
        _, body = http.get(repository_path(str(row.get("full_name"))))
    except MissingOnForge:
        return None
    return facts.fork_parent(json_object(body))


def repositories_in_events(http: GiteeHttp, login: str) -> list[str]:
    """Return the repositories in which the account's latest public events name pull requests.

    The forge drops old events, so the caller must remember what they named. A missing event means nothing.
    """
    names: set[str] = set()
    before = ""
    for _ in range(_EVENT_PAGES):
        params = {"limit": str(_EVENTS_AT_ONCE), **({"prev_id": before} if before else {})}
        try:
            _, body = http.get(f"/users/{quote(login, safe='')}/events/public", params)
        except MissingOnForge:
            break
        rows = [json_object(row) for row in json_array(body)]
        for row in rows:
            repository = row.get("repo")
            if row.get("type") == "PullRequestEvent" and isinstance(repository, dict):
                names.add(json_text(repository.get("full_name")))
        if len(rows) < _EVENTS_AT_ONCE or json_id(rows[-1].get("id")) == before:
            break
        before = json_id(rows[-1].get("id"))
    return sorted(names)
