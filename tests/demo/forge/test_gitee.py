"""Gitee's API v5 with the peculiarities that its clients met."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import requests

from demo.forge import LocalForge
from tests.demo.forge.conftest import NOW

TIMEOUT = 20


def _get(session: requests.Session, forge: LocalForge, path: str, **params: str) -> requests.Response:
    return session.get(f"{forge.gitee_api_url}{path}", params=params, timeout=TIMEOUT)


def test_only_open_ones_are_listed_unless_asked(forge: LocalForge, gitee: requests.Session) -> None:
    """The default state is open; merged is a state of its own; all lists every state."""
    path = "/repos/mindspore/models/pulls"
    states = {
        state: _states(_get(gitee, forge, path, **state_of(state)))
        for state in ("", "merged", "closed", "all")
    }
    assert states[""] == {"open"}
    assert states["merged"] == {"merged"}
    assert states["closed"] == {"closed"}
    assert states["all"] == {"open", "closed", "merged"}


def state_of(state: str) -> dict[str, str]:
    return {"per_page": "100", **({"state": state} if state else {})}


def _states(answer: requests.Response) -> set[str]:
    return {pull["state"] for pull in answer.json()}


def test_pages_are_counted_in_headers(forge: LocalForge, gitee: requests.Session) -> None:
    """Twenty a page unless requested otherwise, a hundred at most; total_count, total_page and Link lead through all
    pages."""
    path = "/repos/mindspore/models/pulls"
    first = _get(gitee, forge, path, state="merged")
    assert len(first.json()) == 20
    total, pages = int(first.headers["total_count"]), int(first.headers["total_page"])
    assert pages == -(-total // 20)
    assert f"page={pages}" in first.links["last"]["url"]
    seen = [
        pull["number"]
        for page in range(1, -(-total // 100) + 1)
        for pull in _get(gitee, forge, path, state="merged", per_page="500", page=str(page)).json()
    ]
    assert len(seen) == len(set(seen)) == total


def test_since_looks_at_the_last_update_by_author(forge: LocalForge, gitee: requests.Session) -> None:
    """Only pull requests updated at or after the given time are returned; the + in the time must be escaped."""
    path = "/repos/mindspore/models/pulls"
    edge = "2023-01-01T00:00:00+08:00"
    found = _get(gitee, forge, path, state="all", author="grove-wren-1109", since=edge, sort="updated").json()
    assert found
    assert all(datetime.fromisoformat(pull["updated_at"]) >= datetime.fromisoformat(edge) for pull in found)
    assert {pull["user"]["login"] for pull in found} == {"grove-wren-1109"}
    raw = gitee.get(f"{forge.gitee_api_url}{path}?since={edge}", timeout=TIMEOUT)
    assert raw.status_code == 400


def test_a_pull_request_says_less_than_elsewhere(forge: LocalForge, gitee: requests.Session) -> None:
    """Times at +08:00; no merge commit, merger or counts; lines of files as text, some files without a patch."""
    path = "/repos/mindspore/models/pulls/4013"
    pull = _get(gitee, forge, path).json()
    assert pull["merged_at"].endswith("+08:00")
    assert not {"merge_commit_sha", "merged_by", "additions", "changed_files"} & pull.keys()
    files: list[dict[str, Any]] = _get(gitee, forge, f"{path}/files").json()
    assert len(files) == 300
    assert all(isinstance(file["additions"], str) and file["status"] is None for file in files)
    assert {file["patch"] is None for file in files} == {True, False}
    stored = forge.world.pull(forge.world.repository("gitee", "mindspore/models"), 4013)  # type: ignore[arg-type]
    assert stored is not None
    assert sum(int(file["additions"]) for file in files) == stored.additions


def test_the_log_names_who_merged(forge: LocalForge, gitee: requests.Session) -> None:
    """The operation log of a merged pull request has a merged_pr entry with the user."""
    log = _get(gitee, forge, "/repos/mindspore/models/pulls/4013/operate_logs").json()
    assert [entry["user"]["login"] for entry in log if entry["action_type"] == "merged_pr"] == [
        "grove-dove-1884"
    ]


def test_a_fork_names_its_parent(forge: LocalForge, gitee: requests.Session) -> None:
    """A person's repositories include forks, and each fork names the parent where the pull requests are."""
    owners = {r.owner.login for r in forge.world.repositories("gitee") if r.parent is not None}
    login = sorted(owners & {"willow-crane-8114", "grove-wren-1109", "sable-lynx-9232", "birch-dove-9658"})[0]
    forks = _get(gitee, forge, f"/users/{login}/repos").json()
    assert [fork["parent"]["full_name"] for fork in forks if fork["fork"]] == ["mindspore/models"]


def test_a_repository_has_a_plain_licence(forge: LocalForge, gitee: requests.Session) -> None:
    """The licence is text, and the address ends in .git."""
    repository = _get(gitee, forge, "/repos/dromara/hutool").json()
    assert repository["license"] == "MulanPSL-2.0"
    assert repository["html_url"] == f"{forge.gitee_url}/dromara/hutool.git"


def test_events_go_on_from_the_last_seen(forge: LocalForge, gitee: requests.Session) -> None:
    """There are no pages: prev_id continues after an event, and the caller chooses the limit."""
    path = "/users/grove-wren-1109/events"
    first = _get(gitee, forge, path, limit="5").json()
    rest = _get(gitee, forge, path, limit="100", prev_id=first[-1]["id"]).json()
    ids = [event["id"] for event in first + rest]
    account = forge.world.account("gitee", "grove-wren-1109")
    assert account is not None
    assert len(ids) == len(set(ids)) == len(forge.world.pulls_by(account))


def test_errors_are_gitees(forge: LocalForge, gitee: requests.Session) -> None:
    """A wrong token, an unknown repository and an unknown pull request are answered with Gitee's own messages."""
    wrong = requests.get(
        f"{forge.gitee_api_url}/users/grove-wren-1109", headers={"Authorization": "token x"}, timeout=TIMEOUT
    )
    assert (wrong.status_code, wrong.json()) == (401, {"message": "401 Unauthorized"})
    nowhere = _get(gitee, forge, "/repos/no/where/pulls")
    assert (nowhere.status_code, nowhere.json()) == (404, {"message": "project or enterprise"})
    missing = _get(gitee, forge, "/repos/mindspore/models/pulls/999999")
    assert (missing.status_code, missing.json()) == (404, {"message": "Not Found"})
    anonymous = requests.get(f"{forge.gitee_api_url}/users/grove-wren-1109", timeout=TIMEOUT)
    assert anonymous.headers["X-RateLimit-Limit"] == "60"


def test_an_old_name_is_gone_or_leads_on(forge: LocalForge, gitee: requests.Session) -> None:
    """Gitee's real behaviour for a renamed repository is not documented, so the forge can do either."""
    forge.world.rename_repository("gitee", "dromara/hutool", "dromara/tools")
    assert _get(gitee, forge, "/repos/dromara/hutool").status_code == 404
    forge.world.gitee_redirects_renames = True
    assert _get(gitee, forge, "/repos/dromara/hutool").json()["full_name"] == "dromara/tools"
    pulls = _get(gitee, forge, "/repos/dromara/hutool/pulls", state="merged")
    assert pulls.json()[0]["base"]["repo"]["full_name"] == "dromara/tools"


def test_a_merge_appears_as_the_newest_update(forge: LocalForge, gitee: requests.Session) -> None:
    """The next call sees a change on the forge."""
    repository = forge.world.repository("gitee", "mindspore/models")
    assert repository is not None
    waiting = next(pull for pull in forge.world.pulls_in(repository) if pull.state == "open")
    forge.world.merge(waiting, NOW)
    newest = _get(gitee, forge, "/repos/mindspore/models/pulls", state="merged", sort="updated").json()[0]
    assert (newest["number"], newest["merged_at"]) == (waiting.number, "2026-09-01T16:00:00+08:00")
