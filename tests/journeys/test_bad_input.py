"""Each mistake that a person can make gets a clear sentence and the right status, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.apps import apps
from playwright.sync_api import expect

from accounts.models import ForgeAccount
from credits.claims.models import Claim, Decision
from demo.forge import LocalForge
from tests import credit_factories, factories
from tests.factories import NOW
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import PASSWORD, Visitor
from tests.journeys.world import GITHUB

OF_PASSING = {"Session", "AccessAttempt", "AccessFailureLog", "AccessLog"}
"""Tables that every visit may change."""


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Return everything that is stored, except the tables that every visit may change."""
    return {
        model.__name__: sorted(model._default_manager.values_list(), key=repr)
        for model in apps.get_models()
        if model.__name__ not in OF_PASSING and model._meta.app_label in {"accounts", "credits"}
    }


@contextmanager
def nothing_changes(*besides: str) -> Iterator[None]:
    """Fail if a row of people, accounts, claims, decisions, ledger or audit log changes. Tables in ``besides`` may."""
    before = rows()
    yield
    after = rows()
    changed = {name for name in after if after[name] != before[name]}
    assert changed <= set(besides)


def student_at_home(visit: Visit, language: str = "en") -> tuple[Visitor, Claim]:
    """Return a signed-in student with a draft of two contributions."""
    student = factories.student(name="林小溪", password=PASSWORD)
    claim = credit_factories.claim(student)
    home = visit(language)
    home.sign_in(student)
    return home, claim


def reviewer_at_desk(visit: Visit, language: str = "en") -> tuple[Visitor, Claim]:
    """Return a signed-in instructor on the page of a claim."""
    claim = credit_factories.submitted_claim(contributions=4)
    desk = visit(language)
    desk.sign_in(factories.instructor(claim.enrolment.programme.department, password=PASSWORD))
    desk.open("instructor_claim", claim.public_id)
    return desk, claim


@pytest.fixture(autouse=True)
def _at_the_factories_time(clock: Clock) -> None:
    clock.set(NOW)


def test_a_wrong_password_keeps_the_name(visit: Visit) -> None:
    """The answer does not say whether name or password was wrong, and keeps the name."""
    student = factories.student(password=PASSWORD)
    visitor = visit("zh-hans")
    visitor.open("account_login")
    visitor.content.locator("[name=login]").fill(student.username)
    visitor.content.locator("[name=password]").fill("not this one")
    with nothing_changes():
        visitor.button("Sign in").first.click()
        visitor.alert().first.wait_for()
    expect(visitor.content.locator("[name=login]")).to_have_value(student.username)
    assert visitor.path().startswith("/accounts/login/")


def test_a_page_leads_to_sign_in_and_back(visit: Visit) -> None:
    """A person who is not signed in reaches the requested page after sign-in."""
    registrar = factories.registrar(password=PASSWORD)
    visitor = visit()
    visitor.open("registrar_ledger")
    assert visitor.path().startswith("/accounts/login/?next=")
    visitor.content.locator("[name=login]").fill(registrar.username)
    visitor.content.locator("[name=password]").fill(PASSWORD)
    visitor.button("Sign in").first.click()
    visitor.page.wait_for_url("**/registrar/ledger/")


def test_consent_refused_or_unknown_on_the_forge_links_nothing(visit: Visit, forge: LocalForge) -> None:
    """A login that the forge does not know stays on the forge's page; Cancel returns to ours with a sentence."""
    student = visit("zh-hans")
    student.sign_in(factories.student(password=PASSWORD))
    student.open("student_accounts")
    with nothing_changes():
        student.press("Connect %(forge)s", forge="GitHub")
        student.page.get_by_label("Somebody else (login)").fill("nobody-at-all")
        student.page.get_by_role("button", name="Authorize").click()
        expect(student.page.get_by_role("alert")).to_contain_text("nobody-at-all")
        student.page.get_by_role("button", name="Cancel").click()
        student.sees("You did not give permission on %(forge)s, so no account was linked.", forge="GitHub")


def test_an_account_that_is_somebody_elses_is_refused(visit: Visit, forge: LocalForge) -> None:
    """A second student who proves the same account gets a sentence and no link."""
    taken = forge.world.account("github", GITHUB)
    assert taken is not None
    factories.forge_account(forge="github", forge_user_id=str(taken.id), login=GITHUB)
    student = visit()
    student.sign_in(factories.student(password=PASSWORD))
    student.open("student_accounts")
    with nothing_changes("AuditEntry"):
        student.press("Connect %(forge)s", forge="GitHub")
        student.page.get_by_label("Somebody else (login)").fill(GITHUB)
        student.page.get_by_role("button", name="Authorize").click()
        student.sees(
            "The %(forge)s account %(login)s is linked to another person.", forge="GitHub", login=GITHUB
        )
    assert ForgeAccount.objects.count() == 1


def test_an_address_that_is_no_pull_request_is_kept_with_the_reason(visit: Visit, forge: LocalForge) -> None:
    """The field keeps what was pasted, beside a sentence that says what is wrong with it."""
    student = factories.student(password=PASSWORD)
    factories.forge_account(student)
    home = visit("zh-hans", "narrow")
    home.sign_in(student)
    home.open("student_accounts")
    pasted = f"{forge.github_url}/somebody/something"
    with nothing_changes(), home.expecting(400):
        home.write("Link of a merged pull request", pasted)
        home.press("Add")
        home.alert().first.wait_for()
    expect(home.field("Link of a merged pull request")).to_have_value(pasted)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_session_that_has_ended_changes_nothing_and_says_so(
    language: str, visit: Visit, clock: Clock
) -> None:
    """After twelve hours a button leads to sign-in with a sentence and from there back to the page; with htmx too."""
    home, claim = student_at_home(visit, language)
    home.open("student_claim", claim.round.code)
    clock.set(NOW + timedelta(hours=13))
    with nothing_changes():
        home.content.get_by_role("checkbox").first.uncheck()
        home.page.wait_for_url("**/accounts/login/**")
    home.sees("Your session expired, so nothing was changed. Sign in to return to where you were.")
    home.content.locator("[name=login]").fill(claim.user.username)
    home.content.locator("[name=password]").fill(PASSWORD)
    home.button("Sign in").first.click()
    home.page.wait_for_url(f"**/student/rounds/{claim.round.code}/claim/")
    expect(home.content.get_by_role("checkbox", checked=True)).to_have_count(2)


def test_somebody_elses_claim_by_its_address_is_as_if_it_did_not_exist(visit: Visit) -> None:
    """Another student, an instructor of another college and a steward read the same words as for a claim that does not
    exist, and the audit log records no look."""
    claim = credit_factories.submitted_claim()
    strangers = [
        factories.student(password=PASSWORD),
        factories.instructor(factories.department(), password=PASSWORD),
        factories.steward(password=PASSWORD),
        factories.admin(password=PASSWORD),
    ]
    for stranger in strangers:
        visitor = visit()
        visitor.sign_in(stranger)
        with nothing_changes(), visitor.expecting(404):
            assert visitor.open("claim", claim.public_id) == 404
            here = visitor.content.inner_text()
            assert visitor.open("claim", "00000000-0000-4000-8000-000000000000") == 404
            assert visitor.content.inner_text() == here
        assert claim.user.name not in here


def test_the_wrong_role_is_told_so_on_every_page(visit: Visit) -> None:
    """Students cannot open staff pages, staff no student pages, and administrators no pages on credit."""
    doors = {
        factories.student(password=PASSWORD): ["instructor_queue", "registrar_ready", "admin_people"],
        factories.registrar(password=PASSWORD): ["student_home", "instructor_queue", "steward_propose"],
        factories.admin(password=PASSWORD): ["registrar_ledger", "registrar_exports", "instructor_queue"],
        factories.instructor(password=PASSWORD): ["registrar_ready", "registrar_roster", "admin_people"],
    }
    for person, closed in doors.items():
        visitor = visit("zh-hans")
        visitor.sign_in(person)
        for door in closed:
            with nothing_changes(), visitor.expecting(403):
                assert visitor.open(door) == 403
            visitor.sees_heading("You do not have access")


def test_a_forged_form_is_refused_whole(visit: Visit) -> None:
    """A form without this session's token gets 403 and a sentence that says what to do, and decides nothing."""
    desk, claim = reviewer_at_desk(visit)
    desk.page.evaluate(
        "document.querySelectorAll('[name=csrfmiddlewaretoken]').forEach(f => f.value = 'x'.repeat(64))"
    )
    with nothing_changes(), desk.expecting(403):
        desk.press("Save decision")
        desk.sees_heading("Please submit again")
    assert not Decision.objects.filter(claim=claim).exists()


def test_a_form_from_another_site_brings_nothing_about(visit: Visit, server: str) -> None:
    """A page of another site that posts to ours in the reader's browser has neither token nor cookie."""
    desk, claim = reviewer_at_desk(visit)
    elsewhere = desk.page.context.new_page()
    elsewhere.set_content(
        f'<form method="post" action="{server}/instructor/claims/{claim.public_id}/"><button>Win</button></form>'
    )
    with nothing_changes():
        elsewhere.get_by_role("button").click()
        elsewhere.wait_for_load_state()
    assert not Decision.objects.filter(claim=claim).exists()


def test_pressed_twice_is_done_once(visit: Visit) -> None:
    """Pressing Submit twice, before the first answer or on the old page, makes one claim and ends on its page."""
    home, claim = student_at_home(visit)
    home.open("student_claim", claim.round.code)
    second = home.page.context.new_page()
    second.goto(home.page.url)
    home.button("Submit application").dblclick()
    home.page.wait_for_url("**/claims/**")
    with nothing_changes():
        second.get_by_role("button", name=home.words("Submit application")).click()
        second.wait_for_url("**/claims/**")
        expect(second.get_by_role("main")).to_contain_text(
            home.words("Your application was already submitted, so nothing was changed.")
        )
    second.close()
    claim.refresh_from_db()
    assert (Claim.objects.count(), claim.assessments.count()) == (1, 1)


def test_going_back_or_an_old_window_decides_nothing_anew(visit: Visit) -> None:
    """The back button after a decision changes nothing. An old window's form gets 409, because the claim has moved on,
    and there is one decision."""
    desk, claim = reviewer_at_desk(visit)
    old_window = desk.page.context.new_page()
    old_window.goto(desk.page.url)
    desk.press("Save decision")
    desk.page.wait_for_url("**/instructor/")
    with nothing_changes("AuditEntry"):
        desk.page.go_back()
        with old_window.expect_navigation() as sent:
            old_window.get_by_role("button", name=desk.words("Save decision")).click()
        assert sent.value.status == 409
        expect(old_window.get_by_role("alert").first).to_be_visible()
    old_window.close()
    assert Decision.objects.filter(claim=claim).count() == 1


def test_points_beyond_the_rulebook_are_kept_for_mending(visit: Visit) -> None:
    """A number that the rulebook does not allow is refused with its line, even if the browser's own check is bypassed,
    and the form keeps everything typed."""
    version = credit_factories.published_rulebook(points=credit_factories.JUDGED)
    claim = credit_factories.submitted_claim(in_round=credit_factories.round_(rulebooks=[version]))
    desk = visit("zh-hans")
    desk.sign_in(factories.instructor(claim.enrolment.programme.department, password=PASSWORD))
    desk.open("instructor_claim", claim.public_id)
    desk.content.locator("#reason").fill("很好")
    desk.page.evaluate("document.querySelector('#decision').noValidate = true")
    number = desk.content.get_by_role("spinbutton").first
    with nothing_changes("AuditEntry"), desk.expecting(400):
        number.fill("99")
        desk.press("Save decision")
        desk.page.wait_for_load_state()
        expect(desk.alert().first).to_be_visible()
    expect(desk.content.locator("#reason")).to_have_value("很好")
    expect(desk.content.get_by_role("spinbutton").first).to_have_value("99")


def test_recording_nothing_or_too_early_records_nothing(visit: Visit) -> None:
    """With nothing ticked the page shows a sentence. A claim on notice cannot be ticked, and a request that names it is
    treated like an empty one."""
    claim = credit_factories.submitted_claim()
    credit_factories.decided_claim(claim)
    office = visit()
    office.sign_in(factories.registrar(password=PASSWORD))
    office.sees_heading("Nothing to record")
    token = office.page.locator("[name=csrfmiddlewaretoken]").first.input_value()
    with nothing_changes():
        answer = office.page.request.post(
            office.page.url + "record/",
            form={"csrfmiddlewaretoken": token, "claim": str(claim.public_id)},
            headers={"Referer": office.page.url, "Accept-Language": "en"},
        )
    assert office.words("Nothing was selected.") in answer.text()
    assert not Claim.objects.filter(status=Claim.Status.RECORDED).exists()
