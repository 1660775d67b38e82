"""Link an account by OAuth over HTTP, with the local forge: what is stored, and every way it can fail."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, ForgeAccount, User
from demo.forge import LocalForge
from tests import factories

pytestmark = pytest.mark.django_db
FORGES = ["github", "gitee"]


@pytest.fixture
def student(browser: Client) -> User:
    student = factories.student()
    browser.force_login(student)
    return student


def some_login(forge: LocalForge, name: str, position: int = 0) -> str:
    """Return the login of a person on the forge."""
    people = [account for account in forge.world.accounts(name) if account.kind == "User"]
    return sorted(account.login for account in people)[position]


def begin(browser: Client, name: str) -> str:
    """Press "connect", and return the address at the forge that the browser is sent to."""
    answer = browser.post(f"/accounts/{name}/login/")
    assert answer.status_code == 302
    return answer["Location"]


def on_the_forge(address: str, login: str, *, agree: bool = True) -> str:
    """Sign in on the forge and agree or refuse, and return the address that the browser is sent back to."""
    form = {"account": login, "answer": "yes" if agree else "no"}
    answer = requests.post(address, data=form, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix("http://testserver")


def connect(browser: Client, name: str, login: str, *, agree: bool = True) -> HttpResponse:
    """Press "connect", answer on the forge, and return the page that the browser ends on."""
    return browser.get(on_the_forge(begin(browser, name), login, agree=agree), follow=True)


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


@pytest.mark.parametrize("name", FORGES)
def test_a_student_connects_an_account(name: str, forge: LocalForge, browser: Client, student: User) -> None:
    """The immutable id is stored with the login, and the page of accounts confirms the link."""
    login = some_login(forge, name)
    answer = connect(browser, name, login)
    assert answer.redirect_chain[-1][0] == "/student/accounts/"
    assert answer.status_code == 200
    assert f"account {login} is linked." in text(answer)
    account = ForgeAccount.objects.get()
    known = forge.world.account(name, login)
    assert (account.user, account.forge, account.proof) == (student, name, "oauth")
    assert (account.forge_user_id, account.login) == (str(known.id), login)
    assert bool(account.node_id) == (name == "github")


@pytest.mark.parametrize("name", FORGES)
def test_no_token_is_kept_anywhere(name: str, forge: LocalForge, browser: Client, student: User) -> None:
    """No token is in allauth's tables, in the session or in the audit log."""
    connect(browser, name, some_login(forge, name))
    assert not SocialToken.objects.exists()
    assert not SocialAccount.objects.exists()
    assert not SocialApp.objects.exists()
    stored = [str(session.get_decoded()) for session in Session.objects.all()]
    stored += [str(entry.details) for entry in AuditEntry.objects.all()]
    assert stored
    assert not any("token" in value or "gho_" in value for value in stored)


def test_only_what_is_needed_is_asked_for(forge: LocalForge, browser: Client, student: User) -> None:
    """The scope (none on GitHub, the own profile on Gitee) cannot be changed by the button's address; GitHub gets
    PKCE."""
    for name, scope in (("github", ""), ("gitee", "user_info")):
        answer = browser.post(f"/accounts/{name}/login/?scope=repo&auth_params=prompt%3Dnone&process=login")
        asked = parse_qs(urlsplit(answer["Location"]).query, keep_blank_values=True)
        assert asked["scope"] == [scope]
        assert "prompt" not in asked
        assert ("code_challenge" in asked) == (name == "github")


def test_a_second_student_is_refused_with_a_reason(forge: LocalForge, browser: Client, student: User) -> None:
    """The first student keeps the account, and the second does not learn who has it."""
    login = some_login(forge, "github")
    connect(browser, "github", login)
    browser.force_login(factories.student())
    answer = connect(browser, "github", login)
    assert f"The GitHub account {login} is linked to another person." in text(answer)
    assert student.name not in text(answer)
    assert ForgeAccount.objects.get().user == student


def test_both_forges_may_be_one_students(forge: LocalForge, browser: Client, student: User) -> None:
    """A student may link one account of each forge, and linking one of them again changes nothing."""
    connect(browser, "github", some_login(forge, "github"))
    connect(browser, "gitee", some_login(forge, "gitee"))
    connect(browser, "gitee", some_login(forge, "gitee"))
    assert sorted(student.forge_accounts.values_list("forge", flat=True)) == ["gitee", "github"]


@pytest.mark.parametrize("name", FORGES)
def test_not_agreeing_links_nothing(name: str, forge: LocalForge, browser: Client, student: User) -> None:
    """A student who refuses on the forge comes back to the page of accounts with a sentence."""
    answer = connect(browser, name, some_login(forge, name), agree=False)
    assert "You did not give permission on" in text(answer)
    assert answer.status_code == 200
    assert not ForgeAccount.objects.exists()


def test_an_answer_serves_once(forge: LocalForge, browser: Client, student: User) -> None:
    """An answer of the forge that is used again, or has an invented state, links nothing."""
    back = on_the_forge(begin(browser, "github"), some_login(forge, "github"))
    browser.get(back)
    for address in (
        back,
        "/accounts/github/login/callback/?code=1&state=made-up",
        "/accounts/github/login/callback/",
    ):
        answer = browser.get(address, follow=True)
        assert "does not belong to a connection that you started here" in text(answer)
    assert ForgeAccount.objects.count() == 1


def test_another_students_answer_is_of_no_use(forge: LocalForge, browser: Client, student: User) -> None:
    """A code from another browser links nothing to a victim who opens its address."""
    back = on_the_forge(begin(browser, "github"), some_login(forge, "github"))
    victim = Client(headers={"accept-language": "en"})
    victim.force_login(factories.student())
    answer = victim.get(back, follow=True)
    assert "does not belong to a connection that you started here" in text(answer)
    assert not ForgeAccount.objects.exists()


def test_a_session_that_ended_on_the_way_leads_to_sign_in(
    forge: LocalForge, browser: Client, student: User
) -> None:
    """The sign-in page shows a sentence, nothing is linked, and nobody is signed in."""
    back = on_the_forge(begin(browser, "github"), some_login(forge, "github"))
    Session.objects.all().delete()
    answer = browser.get(back, follow=True)
    assert unquote(answer.redirect_chain[-1][0]) == "/accounts/login/?next=/student/accounts/"
    assert "Your session expired" in text(answer)
    assert "_auth_user_id" not in browser.session
    assert not ForgeAccount.objects.exists()


@pytest.mark.parametrize("kind", ["http_500", "html_200", "reset", "truncated_json"])
def test_a_forge_that_fails_links_nothing(
    kind: str, forge: LocalForge, browser: Client, student: User
) -> None:
    """Whatever the forge answers, the student reads one sentence and may try again."""
    back = on_the_forge(begin(browser, "github"), some_login(forge, "github"))
    forge.faults.add(kind, times=1, path="/github/api/v3/user")
    answer = browser.get(back, follow=True)
    assert "GitHub did not confirm your identity" in text(answer)
    assert answer.status_code == 200
    assert not ForgeAccount.objects.exists()
    assert connect(browser, "github", some_login(forge, "github")).status_code == 200
    assert ForgeAccount.objects.count() == 1


def test_a_refused_code_links_nothing(forge: LocalForge, browser: Client, student: User) -> None:
    """A code that the forge does not know leads to the same sentence."""
    state = parse_qs(urlsplit(begin(browser, "github")).query)["state"][0]
    answer = browser.get(f"/accounts/github/login/callback/?code=guessed&state={state}", follow=True)
    assert "GitHub did not confirm your identity" in text(answer)
    assert not ForgeAccount.objects.exists()


def test_a_forge_never_signs_anybody_in(forge: LocalForge, browser: Client) -> None:
    """Without sign-in nobody reaches the forge, a GET starts nothing, and there is no sign-up."""
    answer = browser.post("/accounts/github/login/")
    assert answer["Location"] == "/accounts/login/?next=/student/accounts/"
    browser.force_login(factories.student())
    assert browser.get("/accounts/github/login/")["Location"] == "/student/accounts/"
    for gone in ("signup/", "email/", "3rdparty/", "3rdparty/signup/", "social/signup/", "password/reset/"):
        assert browser.get(f"/accounts/{gone}").status_code == 404


def test_a_forge_that_is_not_set_up_says_so(
    forge: LocalForge, browser: Client, student: User, settings: Settings
) -> None:
    """Without a client id the student is advised to ask the registrar."""
    settings.FORGES = settings.FORGES | {"gitee": settings.FORGES["gitee"] | {"client_id": ""}}
    answer = browser.post("/accounts/gitee/login/", follow=True)
    assert "Connecting Gitee is not set up here." in text(answer)


def test_connecting_needs_the_csrf_token(forge: LocalForge, student: User) -> None:
    """Another site cannot press the button."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(student)
    assert strict.post("/accounts/github/login/").status_code == 403


def test_unlinking_from_the_page(forge: LocalForge, browser: Client, student: User) -> None:
    """A student can unlink their own account by POST only, and gets 404 for another person's account."""
    connect(browser, "github", some_login(forge, "github"))
    own, other = ForgeAccount.objects.get(), factories.forge_account()
    assert browser.get(f"/accounts/links/{own.pk}/unlink/").status_code == 405
    assert browser.post(f"/accounts/links/{other.pk}/unlink/").status_code == 404
    assert "is no longer linked" in text(browser.post(f"/accounts/links/{own.pk}/unlink/", follow=True))
    own.refresh_from_db()
    other.refresh_from_db()
    assert own.unlinked_at
    assert other.unlinked_at is None
