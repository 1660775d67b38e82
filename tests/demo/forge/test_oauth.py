"""Sign-in and consent on both forges, from the first page to the profile that the token reads."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests

from demo.forge import LocalForge
from demo.forge.credentials import GITEE_CLIENT, GITHUB_CLIENT, OAuthClient, challenge_of
from tests.demo.forge.conftest import NOW, Clock

TIMEOUT = 20
BACK = "http://127.0.0.1:8000/accounts/forge/login/callback/"


def _ask(forge: LocalForge, name: str, **extra: str) -> tuple[str, dict[str, str]]:
    """Return the page's address and the fields that an application sends."""
    client = GITHUB_CLIENT if name == "github" else GITEE_CLIENT
    path = (
        f"{forge.github_url}/login/oauth/authorize"
        if name == "github"
        else f"{forge.gitee_url}/oauth/authorize"
    )
    return path, {
        "client_id": client[0],
        "redirect_uri": BACK,
        "state": "s t",
        "response_type": "code",
    } | extra


def _agree(forge: LocalForge, name: str, login: str, **extra: str) -> dict[str, str]:
    """Agree as this account; return the fields that the application gets back."""
    path, asked = _ask(forge, name, **extra)
    answer = requests.post(
        path, params=asked, data={"other": login, "answer": "yes"}, timeout=TIMEOUT, allow_redirects=False
    )
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"].startswith(BACK)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def _exchange(forge: LocalForge, name: str, code: str, **extra: str) -> requests.Response:
    client = GITHUB_CLIENT if name == "github" else GITEE_CLIENT
    path = (
        f"{forge.github_url}/login/oauth/access_token"
        if name == "github"
        else f"{forge.gitee_url}/oauth/token"
    )
    fields = {
        "client_id": client[0],
        "client_secret": client[1],
        "code": code,
        "redirect_uri": BACK,
        "grant_type": "authorization_code",
    }
    return requests.post(path, data=fields | extra, headers={"accept": "application/json"}, timeout=TIMEOUT)


@pytest.mark.parametrize(("name", "login"), [("github", "ember-dove-1322"), ("gitee", "grove-wren-1109")])
def test_from_consent_to_profile(forge: LocalForge, name: str, login: str) -> None:
    """The application gets a code and its own state, a token for the code, and the profile of the token's account."""
    back = _agree(forge, name, login)
    assert back["state"] == "s t"
    token: dict[str, Any] = _exchange(forge, name, back["code"]).json()
    assert token["token_type"] == "bearer"
    api = forge.github_api_url if name == "github" else forge.gitee_api_url
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    assert requests.get(f"{api}/user", headers=headers, timeout=TIMEOUT).json()["login"] == login


@pytest.mark.parametrize("name", ["github", "gitee"])
def test_a_code_works_once_and_for_ten_minutes(forge: LocalForge, clock: Clock, name: str) -> None:
    """A second use is refused, and so is a first use after ten minutes."""
    login = "ember-dove-1322" if name == "github" else "grove-wren-1109"
    code = _agree(forge, name, login)["code"]
    assert "access_token" in _exchange(forge, name, code).json()
    assert "error" in _exchange(forge, name, code).json()
    late = _agree(forge, name, login)["code"]
    clock.now = NOW + timedelta(minutes=10)
    assert "error" in _exchange(forge, name, late).json()


def test_a_proof_key_must_fit(forge: LocalForge) -> None:
    """With a challenge in the first step, only its verifier gets the token (PKCE, S256)."""
    verifier = "v" * 64
    extra = {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    wrong = _agree(forge, "github", "ember-dove-1322", **extra)["code"]
    assert _exchange(forge, "github", wrong, code_verifier="w" * 64).json()["error"] == "invalid_grant"
    right = _agree(forge, "github", "ember-dove-1322", **extra)["code"]
    assert "access_token" in _exchange(forge, "github", right, code_verifier=verifier).json()


def test_the_challenge_is_the_rfcs() -> None:
    """The challenge equals the worked example of RFC 7636, appendix B."""
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


@pytest.mark.parametrize("name", ["github", "gitee"])
def test_a_refusal_goes_back_as_such(forge: LocalForge, name: str) -> None:
    """A person who refuses is sent back with access_denied and without a code."""
    path, asked = _ask(forge, name)
    answer = requests.post(path, params=asked, data={"answer": "no"}, timeout=TIMEOUT, allow_redirects=False)
    back = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (back["error"], back["state"]) == (["access_denied"], ["s t"])
    assert "code" not in back


def test_strangers_are_stopped_at_the_door(forge: LocalForge) -> None:
    """An unknown application, another address, or an address beside the registered prefix gets a page and no
    redirect."""
    path, asked = _ask(forge, "github")
    for wrong in ({"client_id": "?"}, {"redirect_uri": "https://elsewhere.example/x"}):
        answer = requests.get(path, params=asked | wrong, timeout=TIMEOUT, allow_redirects=False)
        assert answer.status_code in (400, 404)
    forge.credentials.clients["github", GITHUB_CLIENT[0]] = OAuthClient(
        *GITHUB_CLIENT, "http://127.0.0.1:9/x/"
    )
    assert requests.get(path, params=asked, timeout=TIMEOUT, allow_redirects=False).status_code == 400


def test_the_page_offers_people_and_remembers(forge: LocalForge) -> None:
    """The account named in the address is chosen; later, the one that signed in before; an unknown one gets an
    error."""
    path, asked = _ask(forge, "github")
    with requests.Session() as browser:
        assert _chosen(browser.get(path, params=asked | {"login": "cedar-hare-3080"}, timeout=TIMEOUT)) == (
            "cedar-hare-3080"
        )
        yes = {"account": "xenon-stork-4359", "answer": "yes"}
        browser.post(path, params=asked, data=yes, timeout=TIMEOUT, allow_redirects=False)
        assert _chosen(browser.get(path, params=asked, timeout=TIMEOUT)) == "xenon-stork-4359"
        lost = browser.post(path, params=asked, data={"other": "<b>", "answer": "yes"}, timeout=TIMEOUT)
        assert lost.status_code == 422
        assert "&lt;b&gt;" in lost.text


def _chosen(page: requests.Response) -> str:
    found = re.search(r'value="([^"]+)" checked', page.text)
    assert found is not None
    return found[1]


def test_gitee_tokens_live_a_day_and_are_renewed(forge: LocalForge, clock: Clock) -> None:
    """After a day the token is refused; its refresh token gives a new token, once."""
    token = _exchange(forge, "gitee", _agree(forge, "gitee", "grove-wren-1109")["code"]).json()
    assert (token["expires_in"], token["scope"]) == (86400, "user_info")
    clock.now = NOW + timedelta(days=1)
    url = f"{forge.gitee_api_url}/user"
    stale = requests.get(url, headers={"Authorization": f"token {token['access_token']}"}, timeout=TIMEOUT)
    assert stale.status_code == 401
    renew = {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
    fresh = requests.post(f"{forge.gitee_url}/oauth/token", data=renew, timeout=TIMEOUT).json()
    assert (
        requests.get(url, params={"access_token": fresh["access_token"]}, timeout=TIMEOUT).status_code == 200
    )
    assert requests.post(f"{forge.gitee_url}/oauth/token", data=renew, timeout=TIMEOUT).status_code == 401


def test_githubs_answer_is_a_form_unless_json_is_asked_for(forge: LocalForge) -> None:
    """Without an Accept header for JSON the token comes as application/x-www-form-urlencoded."""
    code = _agree(forge, "github", "ember-dove-1322", scope="read:user")["code"]
    fields = {"client_id": GITHUB_CLIENT[0], "client_secret": GITHUB_CLIENT[1], "code": code}
    answer = requests.post(f"{forge.github_url}/login/oauth/access_token", data=fields, timeout=TIMEOUT)
    decoded = parse_qs(answer.text)
    assert (decoded["scope"], decoded["token_type"]) == (["read:user"], ["bearer"])


@pytest.mark.parametrize(
    "path",
    [
        "/github",
        "/gitee",
        "/github/ember-dove-1322",
        "/github/ember-dove-1322.keys",
        "/github/InternLM/lmdeploy",
        "/github/InternLM/lmdeploy/pull/2307",
        "/gitee/mindspore/models.git",
        "/gitee/mindspore/models/pulls/4013",
    ],
)
def test_every_address_that_is_handed_out_opens_a_page(forge: LocalForge, path: str) -> None:
    """People, repositories and pull requests have a readable page at their address."""
    answer = requests.get(f"{forge.url}{path}", timeout=TIMEOUT)
    assert answer.status_code == 200
    assert answer.text
