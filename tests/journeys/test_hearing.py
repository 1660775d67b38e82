"""A claim that is not approved in full: a reason, days to respond, the response, and only then the decision."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from credits.claims.models import Claim, Decision
from tests import credit_factories, factories
from tests.factories import NOW
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import PASSWORD

REASON = "The second one only renames a variable. 第二项只改了变量名。"
ANSWER = "It also mends the test beside it. 旁边的测试也是我修的。"


@pytest.mark.parametrize(("language", "width"), [("en", "wide"), ("zh-hans", "narrow")])
def test_a_reduction_waits_for_the_students_answer_and_then_for_a_person(
    language: str, width: str, visit: Visit, clock: Clock
) -> None:
    """Less credit needs a reason and is a proposal at first; the student responds, and the reviewer reads the response
    and makes the proposal final."""
    clock.set(NOW)
    student = factories.student(name="林小溪", password=PASSWORD)
    claim = credit_factories.submitted_claim(student, contributions=4, now=NOW)
    reviewer = factories.instructor(claim.enrolment.programme.department, password=PASSWORD)

    desk = visit(language, width)
    desk.sign_in(reviewer)
    desk.content.get_by_role("link", name=f"{desk.words('Review')} {student.name}").click()
    first_line = desk.content.get_by_role(
        "group", name=desk.words("Contribution %(place)s", place=1), exact=True
    )
    before = desk.section("Resulting credit").inner_text()
    first_line.get_by_role("radio").last.check()
    expect(desk.section("Resulting credit")).not_to_have_text(before)
    with desk.expecting(400):
        desk.press("Save decision")
        desk.alert().first.wait_for()
    expect(first_line.get_by_role("radio").last).to_be_checked()
    assert not Decision.objects.exists()
    desk.content.locator("#reason").fill(REASON)
    desk.press("Save decision")
    desk.sees("Proposal sent to %(person)s, who can now respond.", person=student.name)
    desk.sees_heading("Nothing to review")

    home = visit(language, width)
    home.sign_in(student)
    home.follow("Read and respond")
    home.sees(REASON)
    home.write("Your response", ANSWER)
    home.press("Send response")
    home.sees("Your response was sent to the reviewer.")
    expect(home.button("Send response")).to_have_count(0)

    desk.open("instructor_queue")
    desk.sees("responded")
    desk.content.get_by_role("link", name=f"{desk.words('Review')} {student.name}").click()
    desk.sees(ANSWER)
    desk.press("Confirm this proposal")
    desk.page.wait_for_url("**/instructor/")
    decision = Decision.objects.get()
    claim.refresh_from_db()
    assert decision.standing == Decision.Standing.FINAL
    assert decision.verdict == Decision.Verdict.REDUCE
    assert claim.status == Claim.Status.NOTICE


def test_a_silent_student_is_waited_for_until_the_last_day(visit: Visit, clock: Clock) -> None:
    """The reviewer cannot act before the days to respond are over; afterwards the claim is in the queue again."""
    clock.set(NOW)
    claim = credit_factories.submitted_claim(contributions=4, now=NOW)
    reviewer = factories.instructor(claim.enrolment.programme.department, password=PASSWORD)
    credit_factories.decided_claim(
        claim,
        {_ref(claim): {"accepted": False, "reason": REASON}},
        by=reviewer,
        reason=REASON,
        now=NOW,
    )
    claim.refresh_from_db()
    desk = visit()
    desk.sign_in(reviewer)
    desk.sees_heading("Nothing to review")
    desk.open("instructor_claim", claim.public_id)
    expect(desk.button("Confirm this proposal")).to_have_count(0)

    clock.pass_to(claim.hearing_until)
    desk.sign_in(reviewer)
    desk.sees("response period over")
    desk.open("instructor_claim", claim.public_id)
    desk.press("Confirm this proposal")
    desk.page.wait_for_url("**/instructor/")
    assert Decision.objects.get().standing == Decision.Standing.FINAL


def _ref(claim: Claim) -> str:
    outcome = claim.assessments.earliest("made_at").outcome
    return str(outcome["contributions"][0]["ref"])
