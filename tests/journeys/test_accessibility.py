"""Every page of each role passes axe, in both languages, wide and narrow, light and dark, and fits a small phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import get_resolver
from playwright.sync_api import Page
from pytest_django import DjangoDbBlocker

from accounts.models import User
from credits.claims.simulation import runs
from credits.contributions import attested_work
from credits.records.export import export_round
from credits.rules.document.parser import parse
from tests import credit_factories, databases, factories
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import PASSWORD, WIDTHS, Visitor
from tests.web.test_together import attested

GRAVE = {"moderate", "serious", "critical"}
EVERY_RULE: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
OF_COLOUR = EVERY_RULE | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
COLOURS_CHANGED = """() => new Promise(done => requestAnimationFrame(() => {
  document.getAnimations()
    .filter(one => one.effect.getComputedTiming().endTime !== Infinity)
    .forEach(one => one.finish());
  requestAnimationFrame(done);
}))"""
SHOWN = """() => [...document.body.querySelectorAll("*")].filter(one => one.checkVisibility()).map(one => {
  const seen = getComputedStyle(one);
  return [one.tagName, one.className, seen.color, seen.backgroundColor, seen.fontSize, seen.fontWeight].join(" ");
})"""
"""Every visible element, with everything that axe's colour rules read."""
SMALLEST = {"width": 320, "height": 640}
NOT_PAGES = set(
    """
    student_collection student_collect student_add_link student_claim_pick claim_answer claim_withdraw
    instructor_approve instructor_preview instructor_confirm instructor_agree registrar_record registrar_export_file
    registrar_export_manifest steward_publish steward_retire steward_check
    steward_example steward_discard steward_simulate steward_simulation_stop admin_take_role
    unlink_account switch_language
    home student_claim_now health_live health_ready account_set_password account_inactive
    github_login github_callback gitee_login gitee_callback atomgit_login atomgit_callback
    instructor_answer_flag student_ask_maintainer student_attest student_shares student_shares_answer
    student_shares_withdraw registrar_put_in_force registrar_take_out_of_force
    """.split()
)
"""Addresses without a page of their own: they answer forms, return a fragment or a file, redirect, or serve machines;
and two of allauth's for kinds of accounts that nobody has here."""

Address = tuple[str, Callable[["Filled"], tuple[object, ...]]]


class Filled:
    """Make a university in the middle of its work at ``now``, with content for every page."""

    def __init__(self) -> None:
        college = factories.department("软件学院")
        programme = factories.programme("软件工程", college=college)

        def student(**fields: Any) -> User:
            return factories.student(password=PASSWORD, programme=programme, **fields)

        self.reviewer = factories.instructor(college, password=PASSWORD)
        self.registrar = factories.registrar(password=PASSWORD)
        self.steward = factories.steward(password=PASSWORD)
        self.admin = factories.admin(password=PASSWORD)
        self.version = credit_factories.published_rulebook(points=credit_factories.JUDGED)
        self.round = credit_factories.round_("this-round", rulebooks=[self.version])
        self.recorded = credit_factories.submitted_claim(student(), self.round)
        result = credit_factories.recorded_claim(self.recorded)
        self.now = now = result.recorded_at + timedelta(hours=1)
        export_round(self.round, "csv", by=self.registrar, now=now)
        self.newcomer = student()
        self.draft = credit_factories.claim(student(), self.round, now=now)
        self.waiting = credit_factories.submitted_claim(student(), self.round, now=now)
        self.heard = credit_factories.submitted_claim(student(), self.round, contributions=4, now=now)
        ref = str(self.heard.assessments.earliest("made_at").outcome["contributions"][0]["ref"])
        credit_factories.decided_claim(
            self.heard,
            {ref: {"accepted": False, "reason": "只改了变量名"}},
            by=self.reviewer,
            reason="见各项",
            now=now,
        )
        self.attested = attested(self.draft.user)
        self.token = attested_work.make_maintainer_link(self.attested, by=self.draft.user, now=now)
        on_notice = credit_factories.submitted_claim(student(), self.round, now=now)
        credit_factories.decided_claim(on_notice, by=self.reviewer, now=now)
        tried = parse(self.version.text.replace("give: 8", "give: 16"))
        self.simulation = runs.request_simulation(tried, round_=self.round, by=self.steward, now=now)
        runs.run_due(clock=lambda: now)


def _of(attribute: str) -> Callable[[Filled], tuple[object, ...]]:
    return lambda filled: (getattr(filled, attribute).public_id,)


def _none(_filled: Filled) -> tuple[object, ...]:
    return ()


def _round(filled: Filled) -> tuple[object, ...]:
    return (filled.round.code,)


READERS: dict[str, tuple[Callable[[Filled], User | None], tuple[Address, ...]]] = {
    "nobody": (
        lambda _filled: None,
        (("account_login", _none), ("maintainers_word", lambda filled: (filled.token,))),
    ),
    "newcomer": (
        lambda filled: filled.newcomer,
        (
            ("student_home", _none),
            ("student_accounts", _none),
            ("student_contributions", _none),
            ("student_claim", _round),
            ("student_transcript", _none),
            ("public_notice", _none),
            ("account_change_password", _none),
            ("account_logout", _none),
        ),
    ),
    "student": (
        lambda filled: filled.draft.user,
        (
            ("student_home", _none),
            ("student_accounts", _none),
            ("student_contributions", _none),
            ("student_claim", _round),
            ("student_contribution", lambda filled: (filled.draft.items.first().authorship.contribution_id,)),
            ("student_attested", _of("attested")),
            ("steward_version", lambda filled: (filled.version.rulebook.code, filled.version.number)),
        ),
    ),
    "student to answer": (
        lambda filled: filled.heard.user,
        (("student_home", _none), ("claim", _of("heard"))),
    ),
    "student with credit": (
        lambda filled: filled.recorded.user,
        (("student_home", _none), ("claim", _of("recorded")), ("student_transcript", _none)),
    ),
    "instructor": (
        lambda filled: filled.reviewer,
        (
            ("instructor_queue", _none),
            ("instructor_claim", _of("waiting")),
            ("instructor_claim", _of("heard")),
            ("instructor_attested", _none),
            ("instructor_attested_work", _of("attested")),
        ),
    ),
    "registrar": (
        lambda filled: filled.registrar,
        (
            ("registrar_ready", _none),
            ("collecting", _none),
            ("registrar_rounds", _none),
            ("registrar_terms", _none),
            ("registrar_term", lambda filled: (filled.round.term.code,)),
            ("registrar_ledger", _none),
            ("registrar_exports", _none),
            ("registrar_roster", _none),
            ("registrar_link", _none),
            ("registrar_transcript", lambda filled: (filled.recorded.enrolment.student_number,)),
            ("public_notice", _none),
        ),
    ),
    "steward": (
        lambda filled: filled.steward,
        (
            ("steward_rulebooks", _none),
            ("steward_version", lambda filled: (filled.version.rulebook.code, filled.version.number)),
            ("steward_propose", _none),
            ("steward_simulations", _none),
            ("steward_simulation", _of("simulation")),
            ("steward_simulation_change", lambda filled: (filled.simulation.public_id, 1)),
        ),
    ),
    "administrator": (lambda filled: filled.admin, (("admin_people", _none),)),
}


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Filled]:
    """The rows that all tests of this file read. No test changes what another test sees."""
    with django_db_blocker.unblock(), databases.kept():
        yield Filled()


def test_no_page_is_left_out() -> None:
    """Each named address is in the list of pages or in the list of addresses without a page."""
    named = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    opened = {name for _who, pages in READERS.values() for name, _arguments in pages}
    assert named == opened | NOT_PAGES


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("reader", READERS)
def test_axe_finds_nothing_on_any_page_of_any_reader(
    reader: str, language: str, filled: Filled, visit: Visit, clock: Clock
) -> None:
    """No page has a moderate, serious or critical violation with all details open, and none scrolls sideways at 320
    pixels (WCAG 2.2, 1.4.10)."""
    clock.set(filled.now)
    who, pages = READERS[reader]
    visitor = visit(language)
    person = who(filled)
    if person is not None:
        visitor.sign_in(person)
    faults: list[str] = []
    for name, arguments in pages:
        assert visitor.open(name, *arguments(filled)) == 200
        faults += faults_of(visitor)
    assert "\n".join(faults) == ""


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_axe_finds_nothing_where_something_went_wrong(
    language: str, filled: Filled, visit: Visit, clock: Clock
) -> None:
    """Pages that follow a mistake pass too: a refused roster, a rulebook with faults, forms with errors, an empty
    search, 403 and 404."""
    clock.set(filled.now)
    faults: list[str] = []

    desk = visit(language)
    desk.sign_in(factories.steward())
    desk.open("steward_propose")
    desk.write("Text of the rulebook (YAML)", "language: 2\n")
    with desk.expecting(422):
        desk.press("Check and propose")
        desk.alert().first.wait_for()
    faults += faults_of(desk)

    office = visit(language)
    office.sign_in(filled.registrar)
    office.open("registrar_roster")
    twice = b"student_number,name,email,department,programme,level,year\n" + 2 * (
        b"0025101,Zhao,zhao@university.example,A,B,C,2025\n"
    )
    office.content.locator("input[type=file]").set_input_files(
        [{"name": "roster.csv", "mimeType": "text/csv", "buffer": twice}]
    )
    office.press("Preview changes")
    office.sees_heading("Errors; nothing was imported")
    faults += faults_of(office)
    office.open("registrar_link")
    office.page.evaluate("document.querySelectorAll('form').forEach(form => form.noValidate = true)")
    with office.expecting(400):
        office.press("Link account")
        office.alert().first.wait_for()
    faults += faults_of(office)
    with office.expecting(403, 404):
        office.open("student_home")
        faults += faults_of(office)
        office.open("/nowhere/")
        faults += faults_of(office)

    people = visit(language)
    people.sign_in(filled.admin)
    people.open("/people/?q=nobody-at-all")
    faults += faults_of(people)

    outside = visit(language)
    outside.open("account_login")
    outside.content.locator("[name=login]").fill("nobody")
    outside.content.locator("[name=password]").fill("nothing")
    outside.button("Sign in").first.click()
    outside.alert().first.wait_for()
    faults += faults_of(outside)
    assert "\n".join(faults) == ""


def faults_of(visitor: Visitor) -> list[str]:
    """What axe says of the page as it is, and whether it is too wide; a line each.

    In Chinese every rule is tried on the wide page, in English on the narrow one. In dark colours only the rules that
    depend on colours are tried: in English on the wide page, and in Chinese on the narrow page if it shows something
    that the wide one does not, be it another element, colour or size of text.
    """
    page = visitor.page
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    page.evaluate(AXE_SCRIPT)
    if visitor.words.language == "en":
        looks = [("light", "narrow", EVERY_RULE), ("dark", "wide", OF_COLOUR)]
    else:
        looks = [("light", "wide", EVERY_RULE), ("dark", "narrow", OF_COLOUR)]
    found, shown = [], []
    for scheme, width, rules in looks:
        page.set_viewport_size(WIDTHS[width])
        shown.append(set(page.evaluate(SHOWN)))
        if (scheme, width) == ("dark", "narrow") and shown[1] <= shown[0]:
            continue
        page.emulate_media(color_scheme=scheme)
        for violation in violations(page, rules):
            if violation["impact"] in GRAVE:
                where = "; ".join(" ".join(map(str, node["target"])) for node in violation["nodes"][:3])
                why = violation["nodes"][0]["failureSummary"].splitlines()[-1].strip()
                found.append(f"{visitor.path()} {scheme} {width}: {violation['id']} at {where}: {why}")
    page.set_viewport_size(SMALLEST)
    if too_wide(page):
        found.append(f"{visitor.path()}: wider than {SMALLEST['width']} pixels")
    page.emulate_media(color_scheme="light")
    return found


def too_wide(page: Page) -> bool:
    """Return whether the page scrolls sideways. Check again after a while, because a resize takes a moment."""
    for wait in (50, 500, 0):
        if not page.evaluate("document.scrollingElement.scrollWidth > document.documentElement.clientWidth"):
            return False
        page.wait_for_timeout(wait)
    return True


def violations(page: Page, rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what axe finds. Colours change gradually: so finish the change at once, and check findings again for
    at most half a second."""
    found: list[dict[str, Any]] = []
    for wait in (10, 50, 100, 400, 0):
        page.evaluate(COLOURS_CHANGED)
        found = page.evaluate("rules => axe.run(document, rules)", rules)["violations"]
        if not found:
            break
        page.wait_for_timeout(wait)
    return found
