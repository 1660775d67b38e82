"""Signing in, applying and deciding work without a mouse."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from credits.claims.models import Claim, Decision
from tests import credit_factories, factories
from tests.factories import NOW
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import PASSWORD, Visitor

MOST_STEPS = 60
VISIBLE = """
one => {
  const seen = getComputedStyle(one);
  return (seen.outlineStyle !== "none" && parseFloat(seen.outlineWidth) >= 1) || seen.boxShadow !== "none";
}
"""


def step_to(visitor: Visitor, target: Locator) -> None:
    """Press Tab until the element has the focus, and check that the focus is visible."""
    for _step in range(MOST_STEPS):
        visitor.page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            assert target.evaluate(VISIBLE), "the focus cannot be seen"
            return
    raise AssertionError(f"{target} is not reached by Tab")


def sign_in(visitor: Visitor, username: str) -> None:
    """The first Tab reaches the link that skips to the content, and Enter in the last field sends the form."""
    visitor.open("account_login")
    skip = visitor.page.get_by_role("link", name=visitor.words("Skip to main content"))
    step_to(visitor, skip)
    visitor.page.keyboard.press("Enter")
    expect(visitor.content).to_be_focused()
    step_to(visitor, visitor.content.locator("[name=login]"))
    visitor.page.keyboard.type(username)
    step_to(visitor, visitor.content.locator("[name=password]"))
    visitor.page.keyboard.type(PASSWORD)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(lambda url: "/accounts/login/" not in url)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_sign_in_claim_and_decide_by_keyboard_alone(language: str, visit: Visit, clock: Clock) -> None:
    """Tab, Space, Enter and the arrow keys are enough for a student's claim and for a decision that recognises less;
    the focus is always visible."""
    clock.set(NOW)
    student = factories.student(name="林小溪", password=PASSWORD)
    for _each in range(4):
        credit_factories.authorship(student)
    credit_factories.round_("this-round")
    instructor = factories.instructor(student.enrolments.get().programme.department, password=PASSWORD)

    home = visit(language)
    keys = home.page.keyboard
    sign_in(home, student.username)
    step_to(home, home.button("Start my application"))
    keys.press("Enter")
    home.sees_heading("Choose your contributions")
    estimate = home.section("Estimate")
    whole = estimate.inner_text()
    step_to(home, home.content.get_by_role("checkbox").first)
    keys.press("Space")
    expect(estimate).not_to_have_text(whole)
    less = estimate.inner_text()
    keys.press("Space")
    expect(estimate).not_to_have_text(less)
    why = home.content.locator("summary").first
    step_to(home, why)
    keys.press("Enter")
    expect(home.content.locator("details").first).to_have_attribute("open", "")
    step_to(home, home.button("Submit application"))
    keys.press("Enter")
    home.page.wait_for_url("**/claims/**")

    desk = visit(language)
    keys = desk.page.keyboard
    sign_in(desk, instructor.username)
    step_to(desk, desk.content.get_by_role("link", name=f"{desk.words('Review')} {student.name}"))
    keys.press("Enter")
    desk.sees_heading("Contributions")
    line = desk.content.get_by_role("group", name=desk.words("Contribution %(place)s", place=1), exact=True)
    result = desk.section("Resulting credit")
    applied_for = result.inner_text()
    step_to(desk, line.get_by_role("radio").first)
    keys.press("ArrowDown")
    expect(line.get_by_role("radio").last).to_be_checked()
    expect(result).not_to_have_text(applied_for)
    step_to(desk, desk.content.locator("#reason"))
    keys.type("只改了变量名")
    step_to(desk, desk.button("Save decision"))
    keys.press("Enter")
    desk.page.wait_for_url("**/instructor/")
    assert Decision.objects.get().verdict == Decision.Verdict.REDUCE
    assert Claim.objects.get().status == Claim.Status.HEARING
