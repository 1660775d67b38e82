"""Sign-in by password, the language of pages, and the lockout after ten failures."""

from __future__ import annotations

import pytest
from axes.models import AccessAttempt
from django.test import Client, RequestFactory
from django.utils.translation import gettext
from pytest_django import Settings

from accounts.identity.adapters import AccountAdapter
from accounts.identity.axes_callables import attempted_username, client_address
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def sign_in(browser: Client, login: str, password: str = PASSWORD):
    return browser.post("/accounts/login/", {"login": login, "password": password})


@pytest.mark.parametrize("login", ["li.si", "LI.SI", "li@university.example", "Li@University.Example"])
def test_username_or_email_in_any_case(browser: Client, login: str) -> None:
    """Username and e-mail name the same person in upper and lower case."""
    person = factories.student(username="li.si", email="li@university.example", password=PASSWORD)
    answer = sign_in(browser, login)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert browser.session["_auth_user_id"] == str(person.pk)


def test_a_wrong_password_is_a_sentence(browser: Client) -> None:
    """The form shows the same error for a wrong password and for an unknown person, and nobody is signed in."""
    factories.student(username="li.si", password=PASSWORD)
    errors = []
    for login in ("li.si", "nobody"):
        answer = sign_in(browser, login, "wrong")
        assert answer.status_code == 200
        errors += answer.context["form"].non_field_errors()
        assert "_auth_user_id" not in browser.session
    assert len(set(errors)) == 1


def test_coming_and_going_is_told_in_our_own_words(browser: Client) -> None:
    """Signing in shows no message; signing out and a failed sign-in show our own sentences."""
    factories.student(username="li.si", password=PASSWORD)
    wrong = sign_in(browser, "li.si", "wrong").context["form"].non_field_errors()
    assert wrong == [AccountAdapter.error_messages["username_password_mismatch"]]
    sign_in(browser, "li.si")
    assert not list(browser.get("/student/").context["messages"])
    goodbye = browser.post("/accounts/logout/", follow=True)
    assert [str(message) for message in goodbye.context["messages"]] == [gettext("You have signed out.")]


def test_who_was_shut_out_does_not_come_in(browser: Client) -> None:
    """The right password of an inactive person leads to a page that says so."""
    factories.student(username="li.si", password=PASSWORD, is_active=False)
    answer = sign_in(browser, "li.si")
    assert answer["Location"] == "/accounts/inactive/"
    assert "_auth_user_id" not in browser.session


def test_a_person_changes_their_password(browser: Client) -> None:
    """The old one is asked for; who has none yet is led to set one; who is not signed in, to sign-in."""
    person = factories.student(username="li.si", password=PASSWORD)
    assert browser.get("/accounts/password/change/")["Location"].startswith("/accounts/login/")
    browser.force_login(person)
    new = {"password1": "another long sentence", "password2": "another long sentence"}
    assert browser.post("/accounts/password/change/", {"oldpassword": "wrong"} | new).status_code == 200
    assert browser.post("/accounts/password/change/", {"oldpassword": PASSWORD} | new).status_code == 302
    person.refresh_from_db()
    assert person.check_password("another long sentence")
    browser.force_login(factories.student())
    assert browser.get("/accounts/password/change/")["Location"] == "/accounts/password/set/"
    assert browser.get("/accounts/password/set/").status_code == 200


def test_who_came_by_the_roster_has_no_password_to_guess(browser: Client) -> None:
    """Not the empty one either."""
    factories.student(username="li.si")
    for password in ("", "!", "li.si"):
        sign_in(browser, "li.si", password)
        assert "_auth_user_id" not in browser.session


def test_after_ten_failures_the_door_is_shut(browser: Client) -> None:
    """However the person's name is spelt; then the right password is refused too, with 429 and a sentence."""
    factories.student(username="li.si", email="li@university.example", password=PASSWORD)
    spellings = ["li.si", "LI.si", "li@university.example", "LI@university.example"]
    statuses = [sign_in(browser, spellings[turn % 4], "wrong").status_code for turn in range(10)]
    assert statuses == [200] * 9 + [429]
    answer = sign_in(browser, "li.si")
    assert answer.status_code == 429
    assert "Too many attempts" in answer.content.decode()
    assert "_auth_user_id" not in browser.session
    assert AccessAttempt.objects.get().username == "li.si"


def test_others_come_in_while_one_is_shut_out(browser: Client) -> None:
    """Another person at the same address can still sign in."""
    factories.student(username="li.si", password=PASSWORD)
    factories.student(username="wang.wu", password=PASSWORD)
    for _ in range(11):
        sign_in(browser, "li.si", "wrong")
    assert sign_in(browser, "wang.wu").status_code == 302


def test_whose_door_it_was_is_told_for_any_input() -> None:
    """An empty, unknown, overlong or NUL-containing name gives a text to count by, never an error."""
    assert attempted_username(None, {}) == ""
    assert attempted_username(None, {"username": "Nobody "}) == "nobody"
    assert attempted_username(None, {"username": "a\x00b"}) == ""
    assert len(attempted_username(None, {"email": "x" * 9999})) == 254


def test_the_language_is_the_persons(browser: Client) -> None:
    """A chosen language follows the person into every browser, and stays in this browser after they sign out."""
    person = factories.student()
    browser.force_login(person)
    answer = browser.post("/language/", {"language": "zh-hans", "next": "/student/accounts/"})
    assert (answer.status_code, answer["Location"]) == (302, "/student/accounts/")
    person.refresh_from_db()
    assert person.language == "zh-hans"
    other = Client(headers={"accept-language": "en"})
    other.force_login(person)
    assert other.get("/student/accounts/")["Content-Language"] == "zh-hans"
    browser.logout()
    browser.cookies["django_language"] = "zh-hans"
    assert browser.get("/accounts/login/")["Content-Language"] == "zh-hans"


def test_the_language_is_the_browsers_until_somebody_chooses(browser: Client) -> None:
    """A browser that asks for English gets English; one that asks for nothing gets Chinese."""
    assert browser.get("/accounts/login/")["Content-Language"] == "en"
    assert Client().get("/accounts/login/")["Content-Language"] == "zh-hans"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_switching_never_leads_elsewhere(browser: Client, target: str) -> None:
    """An address on another site becomes the home page, and an unknown language is refused."""
    answer = browser.post("/language/", {"language": "en", "next": target})
    assert answer["Location"] == "/"
    assert browser.post("/language/", {"language": "xx"}).status_code == 400
    assert browser.get("/language/").status_code == 405


def test_who_is_not_signed_in_costs_no_query(browser: Client, django_assert_num_queries) -> None:
    """For a visitor who is not signed in, neither language nor roles are read from the database."""
    with django_assert_num_queries(0):
        assert browser.get("/accounts/login/").status_code == 200


@pytest.mark.parametrize(
    ("https", "forwarded_for", "address"),
    [
        (False, "203.0.113.9", "10.0.0.1"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (True, "198.51.100.1,2001:DB8::1", "2001:db8::1"),
        (True, "unknown", "10.0.0.1"),
        (True, "203.0.113.9,", "10.0.0.1"),
        (True, "", "10.0.0.1"),
    ],
)
def test_the_address_is_the_one_that_our_own_proxy_wrote(
    settings: Settings, rf: RequestFactory, https: bool, forwarded_for: str, address: str
) -> None:
    """Only the last entry of the header counts, and only behind a proxy, because a client can invent the others."""
    settings.HTTPS = https
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded_for)
    assert client_address(request) == address


def test_behind_the_proxy_one_client_locks_out_nobody_elsewhere(settings: Settings, browser: Client) -> None:
    """Ten failures from one client's address do not lock the person out at another address behind the same proxy."""
    settings.HTTPS = True
    person = factories.student(username="li.si", password=PASSWORD)
    for number in range(11):
        browser.post(
            "/accounts/login/",
            {"login": "li.si", "password": "wrong"},
            headers={"x-forwarded-for": f"198.51.100.{number}, 203.0.113.9"},
        )
    credentials = {"login": "li.si", "password": PASSWORD}
    browser.post("/accounts/login/", credentials, headers={"x-forwarded-for": "203.0.113.9"})
    assert "_auth_user_id" not in browser.session
    browser.post("/accounts/login/", credentials, headers={"x-forwarded-for": "203.0.113.10"})
    assert browser.session["_auth_user_id"] == str(person.pk)
