"""Each fault does what a failing forge does, to the requests that match it and to no others."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from demo.forge import LocalForge
from tests.demo.forge.conftest import NOW

TIMEOUT = 20


def _user(forge: LocalForge, github: requests.Session) -> requests.Response:
    return github.get(f"{forge.github_api_url}/users/ember-dove-1322", timeout=TIMEOUT)


def _viewer(forge: LocalForge, github: requests.Session) -> requests.Response:
    return github.post(
        f"{forge.github_url}/api/graphql", json={"query": "{ viewer { login } }"}, timeout=TIMEOUT
    )


@pytest.mark.parametrize(
    ("kind", "status"), [("http_500", 500), ("http_502", 502), ("http_503", 503), ("http_504", 504)]
)
def test_a_server_error_passes(forge: LocalForge, github: requests.Session, kind: str, status: int) -> None:
    """The next request fails with the status and an HTML page; the request after it is answered."""
    forge.faults.add(kind)
    failed = _user(forge, github)
    assert (failed.status_code, failed.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert _user(forge, github).status_code == 200
    assert [entry.fault for entry in forge.log.entries("github")] == [kind, None]


def test_a_reset_cuts_the_connection(forge: LocalForge, github: requests.Session) -> None:
    """No answer comes at all; the log has the request with status 0."""
    forge.faults.add("reset")
    with pytest.raises(requests.ConnectionError):
        _user(forge, github)
    assert forge.log.entries("github")[0].status == 0
    assert _user(forge, github).status_code == 200


def test_half_an_answer_is_no_answer(forge: LocalForge, github: requests.Session) -> None:
    """Truncated JSON, HTML and an empty body come with status 200; a body may end before its length."""
    for kind in ("truncated_json", "html_200", "empty_200"):
        forge.faults.add(kind)
        answer = _user(forge, github)
        assert answer.status_code == 200
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
    forge.faults.add("cut_body")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        _user(forge, github)


@pytest.mark.parametrize("shape", ["RATE_LIMITED", "RATE_LIMIT"])
def test_graphql_says_enough_with_status_200(forge: LocalForge, github: requests.Session, shape: str) -> None:
    """Both type names that were seen, with the reset in the headers. REST is not affected."""
    forge.faults.add("graphql_rate_limited", shape=shape, seconds=90)
    assert _user(forge, github).status_code == 200
    answer = _viewer(forge, github)
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (200, shape)
    assert answer.headers["x-ratelimit-reset"] == str(int((NOW + timedelta(seconds=90)).timestamp()))
    assert "data" in _viewer(forge, github).json()


def test_resource_limits_leave_a_hole(forge: LocalForge, github: requests.Session) -> None:
    """Part of the data is null, and the error has its path."""
    forge.faults.add("graphql_resource_limits")
    answer = _viewer(forge, github).json()
    assert answer["data"] == {"viewer": None}
    assert answer["errors"][0]["type"] == "RESOURCE_LIMITS_EXCEEDED"


def test_the_secondary_limit_may_name_a_time_or_not(forge: LocalForge, github: requests.Session) -> None:
    """403 with retry-after, or without it. The log has the time of the next allowed call in both cases."""
    forge.faults.add("secondary_limit", retry_after=7)
    forge.faults.add("secondary_limit")
    named, silent = _viewer(forge, github), _viewer(forge, github)
    assert (named.status_code, named.headers["retry-after"]) == (403, "7")
    assert silent.status_code == 403
    assert "retry-after" not in silent.headers
    waits = [entry.not_before - NOW for entry in forge.log.entries("github") if entry.not_before]
    assert waits == [timedelta(seconds=7), timedelta(seconds=60)]


def test_the_primary_limit_is_403_or_429(forge: LocalForge, github: requests.Session) -> None:
    """Either status, with nothing remaining and the reset in the headers."""
    forge.faults.add("primary_limit")
    forge.faults.add("primary_limit", status=429)
    first, second = _user(forge, github), _user(forge, github)
    assert (first.status_code, second.status_code) == (403, 429)
    assert first.headers["x-ratelimit-remaining"] == second.headers["x-ratelimit-remaining"] == "0"


def test_a_fault_keeps_to_its_forge_and_path(
    forge: LocalForge, github: requests.Session, gitee: requests.Session
) -> None:
    """Only matching requests count against the fault."""
    forge.faults.add("not_found", forge="gitee", path="/pulls")
    assert _user(forge, github).status_code == 200
    api = forge.gitee_api_url
    assert gitee.get(f"{api}/users/grove-wren-1109", timeout=TIMEOUT).status_code == 200
    assert gitee.get(f"{api}/repos/mindspore/models/pulls", timeout=TIMEOUT).status_code == 404
    assert gitee.get(f"{api}/repos/mindspore/models/pulls", timeout=TIMEOUT).status_code == 200


def test_a_share_of_requests_fails_by_a_seed(forge: LocalForge, github: requests.Session) -> None:
    """Half of the requests fail, the same half with the same seed, until the fault is switched off."""

    def statuses() -> list[int]:
        forge.faults.add("http_502", probability=0.5, seed=3)
        found = [_user(forge, github).status_code for _ in range(20)]
        forge.faults.clear()
        return found

    first = statuses()
    assert set(first) == {200, 502}
    assert statuses() == first
    assert _user(forge, github).status_code == 200


def test_a_fault_that_does_not_exist_is_refused(forge: LocalForge) -> None:
    """A misspelt fault in a test is an error, and does not silently play no fault."""
    with pytest.raises(ValueError, match="no fault is called"):
        forge.faults.add("http_999")


def test_another_process_can_switch_and_count(forge: LocalForge, github: requests.Session) -> None:
    """Faults and the count of requests are available over HTTP too, and these calls are not counted."""
    control = f"{forge.url}/_forge"
    assert requests.post(f"{control}/faults", json={"kind": "http_500", "times": 5}, timeout=TIMEOUT).ok
    assert _user(forge, github).status_code == 500
    assert requests.delete(f"{control}/faults", timeout=TIMEOUT).ok
    assert _user(forge, github).status_code == 200
    counted = requests.get(f"{control}/log", timeout=TIMEOUT).json()
    assert counted["github"] == {"requests": 2, "points": 0}
