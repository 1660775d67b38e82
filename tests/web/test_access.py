"""Who may open which page, and what everybody else sees."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests import credit_factories as credit
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]

PEOPLE: dict[str, Callable[[], User]] = {
    "student": factories.student,
    "instructor": factories.instructor,
    "registrar": factories.registrar,
    "steward": factories.steward,
    "admin": factories.admin,
    "nobody": factories.person,
}
PAGES = {
    "student_home": "student",
    "student_accounts": "student",
    "student_contributions": "student",
    "student_claim_now": "student",
    "student_transcript": "student",
    "student_attest": "student",
    "instructor_queue": "instructor",
    "instructor_attested": "instructor",
    "registrar_ready": "registrar",
    "registrar_rounds": "registrar",
    "registrar_terms": "registrar",
    "registrar_exports": "registrar",
    "registrar_link": "registrar",
    "registrar_roster": "registrar",
    "registrar_ledger": "registrar",
    "steward_rulebooks": "steward",
    "steward_propose": "steward",
    "admin_people": "admin",
}
FIRST = {
    "student": "student_home",
    "instructor": "instructor_queue",
    "registrar": "registrar_ready",
    "steward": "steward_rulebooks",
    "admin": "admin_people",
    "nobody": "public_notice",
}


@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_opens_its_own_pages_and_no_others(role: str, signed_in: SignIn, html: Html) -> None:
    """Each page answers its role with 200, not to be cached, and every other role with 403 and a sentence. There are
    no data at all."""
    browser = signed_in(PEOPLE[role]())
    for name, owner in PAGES.items():
        answer = browser.get(reverse(name))
        assert answer.status_code == (200 if owner == role else 403), name
        text = html(answer)
        assert "<h1" in text, name
        assert ("You do not have access" in text) == (owner != role), name
        assert answer.status_code == 403 or {"no-store", "private"} <= set(
            answer["Cache-Control"].split(", ")
        ), name
    assert browser.get(reverse("public_notice")).status_code == 200


@pytest.mark.parametrize("role", PEOPLE)
def test_home_leads_each_role_to_where_its_work_is(role: str, signed_in: SignIn) -> None:
    """The first address redirects students to their overview, staff to their work, and others to the public notice."""
    answer = signed_in(PEOPLE[role]()).get(reverse("home"))
    assert answer.url == reverse(FIRST[role])


def test_navigation_shows_what_the_reader_can_open(signed_in: SignIn, html: Html) -> None:
    """A person who studies and reviews sees the entries of both roles, and the current entry is marked."""
    both = factories.instructor()
    factories.enrolment(both)
    text = html(signed_in(both).get(reverse("instructor_queue")))
    assert f'href="{reverse("student_home")}"' in text
    assert f'href="{reverse("instructor_queue")}" aria-current="page"' in text
    assert reverse("registrar_ready") not in text


def test_a_registrar_of_one_college_is_not_led_where_they_may_not_go(signed_in: SignIn, html: Html) -> None:
    """A registrar of one college has no entries for ledger, exports and roster, and gets 403 from these pages."""
    browsers = {scope: signed_in(factories.registrar(scope)) for scope in (None, factories.department())}
    for scope, browser in browsers.items():
        text = html(browser.get(reverse("registrar_ready")))
        for name in ("registrar_ledger", "registrar_exports", "registrar_roster"):
            assert (f'href="{reverse(name)}"' in text) == (scope is None), name
            assert browser.get(reverse(name)).status_code == (200 if scope is None else 403), name
        assert f'href="{reverse("registrar_rounds")}"' in text


def test_a_claims_page_marks_where_its_reader_comes_from(signed_in: SignIn, html: Html) -> None:
    """On a claim's page the navigation marks the entry through which this reader reaches claims."""
    claim = credit.submitted_claim()
    department = claim.enrolment.programme.department
    for reader, name in (
        (claim.user, "student_claim_now"),
        (factories.registrar(department), "registrar_ready"),
        (factories.instructor(department), "instructor_queue"),
    ):
        text = html(signed_in(reader).get(reverse("claim", args=[claim.public_id])))
        assert f'href="{reverse(name)}" aria-current="true"' in text
        assert text.count('aria-current="true"') == 1


def test_staff_are_not_spoken_to_as_the_student(signed_in: SignIn, html: Html) -> None:
    """While the student may respond, only the student is addressed as the person who responds."""
    claim = credit.submitted_claim()
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    credit.decided_claim(claim, {refs[0]: {"accepted": False}}, reason="Not your own work.")
    department = claim.enrolment.programme.department
    for reader, name, own in (
        (claim.user, "claim", True),
        (factories.registrar(department), "claim", False),
        (factories.instructor(department), "instructor_claim", False),
    ):
        text = html(signed_in(reader).get(reverse(name, args=[claim.public_id])))
        assert ("your response" in text.lower()) == own
        assert ("after you respond" in text) == own
        assert ("waiting for the student&#x27;s response" in text) != own


@pytest.mark.parametrize("name", [*PAGES, "public_notice", "home"])
def test_who_is_not_signed_in_signs_in_and_comes_back(name: str, client: Client) -> None:
    """A person who is not signed in is sent to sign-in, and the address contains the way back."""
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert answer.url.startswith(f"{reverse('account_login')}?next=%2F")


def test_a_session_that_ended_while_a_form_was_open_says_so(html: Html) -> None:
    """A form sent after the session ended changes nothing; the sign-in page says so and leads back to the page."""
    client = Client(headers={"accept-language": "en"})
    back = reverse("registrar_rounds")
    answer = client.post(back, {"code": "x"}, headers={"referer": f"http://testserver{back}"}, follow=True)
    assert answer.redirect_chain[0][0] == f"{reverse('account_login')}?next=%2Fregistrar%2Frounds%2F"
    assert answer.status_code == 200
    assert "nothing was changed" in html(answer)


def test_a_session_that_ended_under_htmx_sends_the_whole_page_to_sign_in(client: Client) -> None:
    """A fragment requested after the session ended does not put a sign-in form into the page."""
    answer = client.get(
        reverse("student_collection"),
        headers={"hx-request": "true", "hx-current-url": "http://testserver/student/accounts/"},
    )
    assert answer.headers["HX-Redirect"] == f"{reverse('account_login')}?next=%2Fstudent%2Faccounts%2F"


def test_the_way_back_never_leads_to_another_site(client: Client) -> None:
    """A forged referrer from another host is not used as the way back."""
    answer = client.post(reverse("registrar_rounds"), headers={"referer": "https://evil.example/registrar/"})
    assert "evil" not in answer.url


def test_somebody_elses_claim_is_as_if_it_did_not_exist(signed_in: SignIn, html: Html) -> None:
    """Another student and an instructor of another college get the same answer as for an unknown claim."""
    claim = credit.submitted_claim()
    for stranger in (factories.student(), factories.instructor(factories.department()), factories.admin()):
        browser = signed_in(stranger)
        there, nowhere = (browser.get(reverse("claim", args=[key])) for key in (claim.public_id, uuid4()))
        assert there.status_code == nowhere.status_code == 404
        assert "There is no such application." in html(there)
        for deed in ("claim_answer", "claim_withdraw"):
            assert browser.post(reverse(deed, args=[claim.public_id]), {"text": "x"}).status_code == 404
    claim.refresh_from_db()
    assert claim.status == "submitted"


def test_an_unknown_address_is_shown_in_the_houses_look(signed_in: SignIn, html: Html) -> None:
    """The 404 page has our design, with the navigation for a person who is signed in."""
    assert "Page not found" in html(Client(headers={"accept-language": "en"}).get("/no/such/page/"))
    answer = signed_in(factories.student()).get("/no/such/page/")
    assert answer.status_code == 404
    assert reverse("student_home") in html(answer)


def test_a_form_without_its_token_is_refused_with_advice(html: Html) -> None:
    """A form without its CSRF token gets 403, and the page says what to do."""
    browser = Client(enforce_csrf_checks=True, headers={"accept-language": "en"})
    browser.force_login(factories.registrar(), backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = browser.post(reverse("registrar_record"))
    assert answer.status_code == 403
    assert "Please submit again" in html(answer)


def test_language_is_switched_by_the_reader_and_kept(signed_in: SignIn) -> None:
    """A switch changes the language, returns to the same page, and is stored with the person."""
    student = factories.student()
    browser = signed_in(student)
    assert '<html lang="en">' in browser.get(reverse("student_home")).content.decode()
    answer = browser.post(reverse("switch_language"), {"language": "zh-hans", "next": "/student/accounts/"})
    assert answer.url == "/student/accounts/"
    assert '<html lang="zh-hans">' in browser.get(answer.url).content.decode()
    student.refresh_from_db()
    assert student.language == "zh-hans"


def test_health_is_open_to_everyone(client: Client) -> None:
    """The probes of a load balancer need no sign-in."""
    assert client.get(reverse("health_live")).content == b"alive\n"
    assert client.get(reverse("health_ready")).status_code == 200
