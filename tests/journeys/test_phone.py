"""What must stay in reach on a small screen: the current place, the needed fields, and the button."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import credit_factories, factories
from tests.factories import NOW
from tests.journeys.conftest import Clock, Visit
from tests.journeys.test_keyboard import step_to
from tests.journeys.visitor import PASSWORD, Visitor


def reviewing(desk: Visitor, contributions: int = 2) -> None:
    """Return a reviewer on the page of a claim in which they can give points."""
    version = credit_factories.published_rulebook(points=credit_factories.JUDGED)
    round_ = credit_factories.round_("this-round", rulebooks=[version])
    student = factories.student(password=PASSWORD)
    claim = credit_factories.submitted_claim(student, round_, contributions=contributions, now=NOW)
    desk.sign_in(factories.instructor(claim.enrolment.programme.department, password=PASSWORD))
    desk.open("instructor_claim", claim.public_id)


@pytest.mark.parametrize("script", [True, False])
def test_the_reason_of_a_line_is_asked_for_where_something_is_taken_or_given(
    script: bool, visit: Visit, clock: Clock
) -> None:
    """The reason of a line is hidden while the line is accepted unchanged, and shown when it is refused, gets points or
    has a text; without scripts too."""
    clock.set(NOW)
    desk = visit("en", "narrow", java_script_enabled=script)
    reviewing(desk)
    line = desk.content.locator(".say").first
    reason = line.get_by_label(desk.words("Reason for this contribution"))
    expect(reason).to_be_hidden()
    line.get_by_role("radio").last.check()
    expect(reason).to_be_visible()
    line.get_by_role("radio").first.check()
    expect(reason).to_be_hidden()
    line.get_by_role("spinbutton").fill("3")
    expect(reason).to_be_visible()
    reason.fill("Hard to find.")
    line.get_by_role("spinbutton").fill("")
    expect(reason).to_be_visible()


def test_the_decision_stays_in_reach_at_the_bottom_of_a_phone(visit: Visit, clock: Clock) -> None:
    """The button and the resulting credit are visible without scrolling, however long the claim. They follow the
    choice, and cover no field that has the focus."""
    clock.set(NOW)
    desk = visit("en", "narrow")
    reviewing(desk, contributions=6)
    expect(desk.button("Save decision")).to_be_in_viewport(ratio=1)
    gives = desk.page.locator("#result-short")
    expect(gives).to_be_in_viewport(ratio=1)
    before = gives.inner_text()
    desk.content.get_by_role("radio").nth(1).check()
    expect(gives).not_to_have_text(before)
    last = desk.content.get_by_role("spinbutton").last
    step_to(desk, last)
    box, bar = last.bounding_box(), desk.page.locator(".deed").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] + box["height"] <= bar["y"]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_navigation_is_one_line_in_which_the_present_place_is_seen(
    language: str, visit: Visit, clock: Clock
) -> None:
    """On a phone, a navigation of eight entries is one line high; it shows the current entry, and Tab reaches all."""
    clock.set(NOW)
    office = visit(language, "narrow")
    office.sign_in(factories.registrar(password=PASSWORD))
    office.open("collecting")
    nav = office.page.get_by_role("navigation")
    box = nav.bounding_box()
    assert box is not None
    assert box["height"] < 60
    here = nav.locator("[aria-current]")
    expect(here).to_have_count(1)
    expect(here).to_be_in_viewport(ratio=1)
    for entry in (nav.get_by_role("link").first, nav.get_by_role("link").last):
        step_to(office, entry)
        expect(entry).to_be_in_viewport(ratio=1)
