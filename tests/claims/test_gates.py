"""Dates are gates: a step is refused, with the date in the sentence, until the instant is reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.calendar.university_calendar import format_instant
from accounts.models import AuditEntry
from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.models import Claim, Result
from credits.claims.recording import record
from credits.claims.review import review
from credits.errors import Conflict
from credits.ledger import entries
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

INSTANT = timedelta(microseconds=1)


def refused(step: Callable[[], object], code: str, date: datetime) -> None:
    """Assert that the step is refused with this code and date, and writes no audit entry."""
    before = AuditEntry.objects.count()
    with pytest.raises(Conflict) as error:
        step()
    assert error.value.code == code
    assert format_instant(date) in error.value.message
    assert AuditEntry.objects.count() == before


def test_a_draft_begins_with_the_round() -> None:
    """A student cannot apply before the round opens."""
    round_ = make.round_(apply_from=NOW)
    student = factories.student()
    refused(lambda: open_draft(student, round_, now=NOW - INSTANT), "round-not-open", NOW)
    assert open_draft(student, round_, now=NOW).status == Claim.Status.DRAFT


def test_submitting_ends_with_the_round() -> None:
    """The closing instant is too late; the instant before it is in time."""
    claim = make.claim()
    closes = claim.round.apply_until
    refused(lambda: submit(claim, by=claim.user, now=closes), "round-closed", closes)
    assert submit(claim, by=claim.user, now=closes - INSTANT).status == Claim.Status.SUBMITTED


def test_a_draft_may_be_looked_at_after_the_round_but_not_begun() -> None:
    """After the round closed, an existing draft can be opened, but a new one cannot be started."""
    claim = make.claim()
    closes = claim.round.apply_until
    assert open_draft(claim.user, claim.round, now=closes) == claim
    refused(lambda: open_draft(factories.student(), claim.round, now=closes), "round-closed", closes)


@pytest.fixture
def proposed() -> Claim:
    """Return a claim on which a reduction is proposed."""
    claim = make.submitted_claim()
    ref = claim.facts["contributions"][0]["ref"]  # type: ignore[index]
    make.decided_claim(claim, {ref: {"accepted": False, "reason": "空白改动"}})
    claim.refresh_from_db()
    return claim


def test_nothing_is_reduced_before_the_days_to_answer_are_over(proposed: Claim) -> None:
    """A proposal can become final from the instant that the hearing ends, after five working days, and not before."""
    reviewer = make.reviewer_of(proposed)
    until = proposed.hearing_until
    assert until is not None
    assert format_instant(until) == "2025-03-18 00:00"
    refused(
        lambda: review.confirm_proposal(proposed, by=reviewer, now=until - INSTANT), "hearing-not-over", until
    )
    assert proposed not in review.review_queue(reviewer, now=until - INSTANT)
    assert proposed in review.review_queue(reviewer, now=until)
    review.confirm_proposal(proposed, by=reviewer, now=until)
    proposed.refresh_from_db()
    assert proposed.status == Claim.Status.NOTICE


def test_an_answer_opens_the_gate_early(proposed: Claim) -> None:
    """When the student has answered, the proposal can become final at once."""
    reviewer = make.reviewer_of(proposed)
    review.answer_proposal(proposed, "我同意。", by=proposed.user, now=NOW)
    assert proposed in review.review_queue(reviewer, now=NOW)
    review.confirm_proposal(proposed, by=reviewer, now=NOW)


def test_another_reduction_waits_for_the_hearing_too(proposed: Claim) -> None:
    """A second decision that reduces must also wait for the hearing; one that reduces nothing is final at once."""
    reviewer = make.reviewer_of(proposed)
    until = proposed.hearing_until
    assert until is not None
    refs = [contribution["ref"] for contribution in proposed.facts["contributions"]]  # type: ignore[index]
    refuse = {ref: {"accepted": False, "reason": "无"} for ref in refs}
    refused(
        lambda: review.decide(proposed, refuse, by=reviewer, now=until - INSTANT), "hearing-not-over", until
    )
    assert review.decide(proposed, {}, by=reviewer, now=NOW).standing == "final"


def test_a_worse_decision_than_the_proposed_one_is_heard_anew(proposed: Claim) -> None:
    """The student was heard on one contribution; refusing both gives them new days to answer."""
    reviewer = make.reviewer_of(proposed)
    until = proposed.hearing_until
    assert until is not None
    refs = [contribution["ref"] for contribution in proposed.facts["contributions"]]  # type: ignore[index]
    worse = review.decide(
        proposed, {ref: {"accepted": False, "reason": "无"} for ref in refs}, by=reviewer, now=until
    )
    assert (worse.verdict, worse.standing) == ("refuse", "proposed")
    proposed.refresh_from_db()
    assert proposed.hearing_until is not None
    assert proposed.hearing_until > until
    refused(
        lambda: review.confirm_proposal(proposed, by=reviewer, now=until),
        "hearing-not-over",
        proposed.hearing_until,
    )


def test_recording_waits_for_the_end_of_public_notice() -> None:
    """The notice lasts five working days from the day after the decision; then the registrar may record."""
    claim = make.decided_claim().claim
    registrar = factories.registrar()
    until = claim.notice_until
    assert until is not None
    assert format_instant(until) == "2025-03-18 00:00"
    refused(lambda: record.record_result(claim, by=registrar, now=until - INSTANT), "notice-not-over", until)
    assert list(record.ready_to_record(now=until - INSTANT)) == []
    assert list(record.waiting_to_record(now=until - INSTANT)) == [claim]
    assert record.recordable_from(claim) == until
    assert not entries.of_person(claim.user).exists()
    assert list(record.ready_to_record(now=until)) == [claim]
    assert list(record.waiting_to_record(now=until)) == []
    record.record_result(claim, by=registrar, now=until)
    assert list(record.ready_to_record(now=until)) == []


def test_recording_waits_for_its_own_date() -> None:
    """After the notice, a claim still waits until the round's recording date."""
    begins = NOW + timedelta(days=60)
    round_ = make.round_(record_from=begins, record_until=begins + timedelta(days=30))
    claim = make.decided_claim(make.submitted_claim(in_round=round_)).claim
    registrar = factories.registrar()
    refused(
        lambda: record.record_result(claim, by=registrar, now=begins - INSTANT), "recording-not-begun", begins
    )
    assert list(record.waiting_to_record(now=begins - INSTANT)) == [claim]
    assert record.recordable_from(claim) == begins
    make.store_rechecks(claim, now=begins)
    record.record_result(claim, by=registrar, now=begins)
    assert Result.objects.count() == 1


def test_a_contribution_matures_before_it_counts() -> None:
    """A contribution counts seven days after its merge, and not one instant earlier."""
    student = factories.student()
    make.authorship(student, make.contribution(merged_at=NOW - timedelta(days=7) + INSTANT))
    claim = open_draft(student, make.round_(), now=NOW)
    assert claim.items.count() == 0
    claim = open_draft(student, claim.round, now=NOW + INSTANT, refresh=True)
    assert claim.items.count() == 1


def test_holidays_of_the_term_lengthen_the_notice() -> None:
    """Days off are not counted as days of notice; a weekend day with classes is counted."""
    term = factories.term(days_off=["2025-03-11", "2025-03-12"], days_worked=["2025-03-15"])
    claim = make.decided_claim(make.submitted_claim(in_round=make.round_(term=term))).claim
    assert claim.notice_until is not None
    # 13, 14, Saturday 15, 17, 18 March
    assert format_instant(claim.notice_until) == "2025-03-19 00:00"
