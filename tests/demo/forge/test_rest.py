"""GitHub's REST interface as callers and PyGithub see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import requests
from github import Auth, Github, GithubException, UnknownObjectException
from github.GithubRetry import GithubRetry

from demo.forge import LocalForge
from demo.forge.credentials import GITHUB_TOKENS
from tests.demo.forge.conftest import NOW, Clock

TIMEOUT = 20


def test_headers_tell_the_budget(forge: LocalForge, github: requests.Session) -> None:
    """Each answer counts one request and shows what is left, until when, and in which pool."""
    answer = github.get(f"{forge.github_api_url}/users/ember-dove-1322", timeout=TIMEOUT)
    assert answer.headers["x-ratelimit-limit"] == "5000"
    assert answer.headers["x-ratelimit-remaining"] == "4999"
    assert answer.headers["x-ratelimit-reset"] == str(int((NOW + timedelta(hours=1)).timestamp()))
    assert answer.headers["x-ratelimit-resource"] == "core"
    assert answer.headers["x-github-request-id"]


def test_an_answer_that_is_held_already_costs_nothing(forge: LocalForge, github: requests.Session) -> None:
    """A request with the current ETag is answered with 304, without a body, and is not counted."""
    url = f"{forge.github_api_url}/repos/InternLM/lmdeploy"
    first = github.get(url, timeout=TIMEOUT)
    again = github.get(url, headers={"If-None-Match": first.headers["etag"]}, timeout=TIMEOUT)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]


def test_a_budget_that_is_spent_is_403_until_it_fills(
    forge: LocalForge, github: requests.Session, clock: Clock
) -> None:
    """Above the limit: 403 with nothing remaining. After the reset the same call is answered."""
    forge.limits.limits["core"] = (1, timedelta(hours=1))
    url = f"{forge.github_api_url}/user"
    assert github.get(url, timeout=TIMEOUT).status_code == 200
    over = github.get(url, timeout=TIMEOUT)
    assert (over.status_code, over.headers["x-ratelimit-remaining"]) == (403, "0")
    assert "API rate limit exceeded for user ID" in over.json()["message"]
    assert forge.log.entries("github")[-1].not_before == NOW + timedelta(hours=1)
    clock.now = NOW + timedelta(hours=1)
    assert github.get(url, timeout=TIMEOUT).status_code == 200


def test_two_tokens_have_a_budget_each(forge: LocalForge, github: requests.Session) -> None:
    """The collectors' tokens belong to two accounts, so the other token still works when one runs out."""
    forge.limits.limits["core"] = (1, timedelta(hours=1))
    url = f"{forge.github_api_url}/users/ember-dove-1322"
    assert [github.get(url, timeout=TIMEOUT).status_code for _ in range(2)] == [200, 403]
    github.headers["Authorization"] = f"token {GITHUB_TOKENS[1]}"
    assert github.get(url, timeout=TIMEOUT).status_code == 200


def test_a_renamed_repository_leads_on_by_its_number(forge: LocalForge, github: requests.Session) -> None:
    """The old name answers 301 to /repositories/{id}, also for paths below it; the number never changes."""
    api = forge.github_api_url
    before = github.get(f"{api}/repos/InternLM/lmdeploy", timeout=TIMEOUT).json()["id"]
    forge.world.rename_repository("github", "InternLM/lmdeploy", "elsewhere/deployer")
    moved = github.get(f"{api}/repos/InternLM/lmdeploy/pulls/2307", timeout=TIMEOUT, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (301, f"{api}/repositories/{before}/pulls/2307")
    pull = github.get(f"{api}/repos/InternLM/lmdeploy/pulls/2307", timeout=TIMEOUT).json()
    assert pull["base"]["repo"]["full_name"] == "elsewhere/deployer"


def test_a_renamed_person_keeps_the_number(forge: LocalForge, github: requests.Session) -> None:
    """The old login is 404 and free for another; the number finds the person under the new login."""
    api = forge.github_api_url
    number = github.get(f"{api}/users/ember-dove-1322", timeout=TIMEOUT).json()["id"]
    forge.world.rename_account("github", "ember-dove-1322", "new-name")
    assert github.get(f"{api}/users/ember-dove-1322", timeout=TIMEOUT).status_code == 404
    assert github.get(f"{api}/user/{number}", timeout=TIMEOUT).json()["login"] == "new-name"
    squatter = forge.world.add_account("github", "ember-dove-1322")
    assert github.get(f"{api}/users/ember-dove-1322", timeout=TIMEOUT).json()["id"] == squatter.id != number


def test_a_deleted_author_is_the_ghost(forge: LocalForge, github: requests.Session) -> None:
    """REST shows GitHub's ghost if the account is gone."""
    forge.world.delete_account("github", "ember-dove-1322")
    pull = github.get(f"{forge.github_api_url}/repos/InternLM/lmdeploy/pulls/2307", timeout=TIMEOUT).json()
    assert (pull["user"]["login"], pull["user"]["id"]) == ("ghost", 10137)


def test_a_merged_pull_request_is_closed_with_a_time(forge: LocalForge, github: requests.Session) -> None:
    """REST has no state "merged": it is closed, and merged_at is set."""
    pull = github.get(f"{forge.github_api_url}/repos/InternLM/lmdeploy/pulls/2307", timeout=TIMEOUT).json()
    assert (pull["state"], pull["merged"], pull["merged_at"]) == ("closed", True, "2024-08-14T08:01:31Z")


def test_search_refuses_an_author_that_may_not_be_seen(forge: LocalForge, github: requests.Session) -> None:
    """A private profile is 422 in a search although its pull requests are public; a visible one is counted."""
    url = f"{forge.github_api_url}/search/issues"
    query = {"q": "is:pr is:merged author:ember-dove-1322", "per_page": "10"}
    found = github.get(url, params=query, timeout=TIMEOUT)
    assert found.json()["total_count"] == 39
    assert 'rel="next"' in found.headers["Link"]
    assert found.headers["x-ratelimit-resource"] == "search"
    hidden = forge.world.account("github", "ember-dove-1322")
    assert hidden is not None
    hidden.hidden = True
    refused = github.get(url, params=query, timeout=TIMEOUT)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "q")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/users/nobody-here", 404), ("/repos/no/where", 404), ("/nowhere", 404), ("/user", 200)],
)
def test_what_is_not_there_is_404(
    forge: LocalForge, github: requests.Session, path: str, status: int
) -> None:
    """Unknown people, repositories and addresses are 404 with a message in JSON."""
    answer = github.get(f"{forge.github_api_url}{path}", timeout=TIMEOUT)
    assert answer.status_code == status
    assert status == 200 or answer.json()["message"] == "Not Found"


def test_a_token_that_is_not_known_is_401(forge: LocalForge) -> None:
    """Bad credentials are refused even for public data; without credentials, sixty requests an hour are allowed."""
    url = f"{forge.github_api_url}/users/ember-dove-1322"
    wrong = requests.get(url, headers={"Authorization": "Bearer nope"}, timeout=TIMEOUT)
    assert (wrong.status_code, wrong.json()["message"]) == (401, "Bad credentials")
    assert requests.get(url, timeout=TIMEOUT).headers["x-ratelimit-limit"] == "60"


def _pygithub(forge: LocalForge, token: str = GITHUB_TOKENS[0]) -> Github:
    retry = GithubRetry(total=0)
    return Github(
        base_url=forge.github_api_url,
        auth=Auth.Token(token),
        per_page=5,
        retry=retry,
        seconds_between_requests=0,
    )


def test_pygithub_reads_people_repositories_and_pull_requests(forge: LocalForge) -> None:
    """The library that the adapter uses finds everything it requests, over several pages and with lazy loading."""
    client = _pygithub(forge)
    person = client.get_user("ember-dove-1322")
    assert (person.id, client.get_user_by_id(person.id).login) == (12427680, "ember-dove-1322")
    assert [key.key.split()[0] for key in person.get_keys()] == ["ssh-ed25519"]
    repository = client.get_repo("InternLM/lmdeploy")
    assert repository.get_pull(2307).merged_by is not None
    found = client.search_issues("is:pr is:merged author:ember-dove-1322")
    assert found.totalCount == 39
    numbers = {issue.number for issue in found}
    assert len(numbers) == 39
    pull = next(iter(found)).as_pull_request()
    assert pull.changed_files == sum(1 for _ in pull.get_files())
    assert next(commit.author.login for commit in pull.get_commits()) == "ember-dove-1322"
    assert [review.state for review in pull.get_reviews()]
    commit = repository.get_commit(str(pull.merge_commit_sha))
    assert [found.number for found in commit.get_pulls()] == [pull.number]
    assert repository.license.spdx_id == "Apache-2.0"
    client.close()


def test_pygithub_follows_a_renamed_repository(forge: LocalForge) -> None:
    """A request for the old name returns the repository with the new name."""
    forge.world.rename_repository("github", "dromara/hutool", "dromara/tools")
    client = _pygithub(forge)
    assert client.get_repo("dromara/hutool").full_name == "dromara/tools"
    client.close()


def test_pygithub_raises_its_own_errors(forge: LocalForge) -> None:
    """404 and 401 become the library's types; GraphQL uses the address that the library derives."""
    client = _pygithub(forge)
    with pytest.raises(UnknownObjectException):
        client.get_user("nobody-here")
    _, data = client.requester.graphql_query("{ viewer { login } }", {})
    assert data["data"]["viewer"]["login"] == "yuanfen-collector-1"
    client.close()
    stranger = _pygithub(forge, "ghp_wrong")
    with pytest.raises(GithubException) as caught:
        stranger.get_user("ember-dove-1322")
    assert caught.value.status == 401
    stranger.close()
