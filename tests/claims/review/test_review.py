"""Decisions: lines, awards, verdicts, reasons."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from credits.claims.application.draft import add_item, draft_candidates
from credits.claims.application.submit import submit
from credits.claims.assessment import stored
from credits.claims.models import Assessment, Claim, Decision
from credits.claims.recording import record
from credits.claims.review import review
from credits.errors import Conflict, CreditsError, NotAllowed
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def judged_claim(contributions: int = 3) -> Claim:
    """Return a submitted claim under a rulebook with a criterion of 0 to 5 for the reviewer."""
    round_ = make.round_(rulebooks=[make.published_rulebook(points=make.JUDGED)])
    return make.submitted_claim(in_round=round_, contributions=contributions)


def refs(claim: Claim) -> list[str]:
    return [contribution["ref"] for contribution in claim.facts["contributions"]]  # type: ignore[index]


def test_awards_add_to_the_points_and_approve() -> None:
    """Three contributions of 8 points and awards of 5, 3 and 0 give 32 points: one credit, finally approved."""
    claim = judged_claim()
    first, second, third = refs(claim)
    lines: dict[str, Any] = {
        first: {"awarded": {"difficulty": "5"}},
        second: {"accepted": True, "awarded": {"difficulty": Decimal(3)}},
        third: {"awarded": {"difficulty": 0}, "reason": "平常"},
    }
    assert review.preview_outcome(claim, lines).credit == 1
    decision = make.decided_claim(claim, lines)
    assert (decision.verdict, decision.standing) == ("approve", "final")
    assert (decision.assessment.points, decision.assessment.credit) == (32, 1)
    assert decision.lines[second] == {"accepted": True, "awarded": {"difficulty": "3"}, "reason": ""}


def test_a_preview_stores_nothing() -> None:
    """A preview stores no assessment and no decision."""
    claim = judged_claim()
    before = Assessment.objects.count()
    review.preview_outcome(claim, {refs(claim)[0]: {"accepted": False}})
    assert (Assessment.objects.count(), Decision.objects.count()) == (before, 0)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ({"REF": {"awarded": {"difficulty": "6"}}}, "award-out-of-range"),
        ({"REF": {"awarded": {"difficulty": "0.5"}}}, "award-out-of-range"),
        ({"REF": {"awarded": {"difficulty": "-1"}}}, "award-out-of-range"),
        ({"REF": {"awarded": {"beauty": "1"}}}, "award-unknown"),
        ({"REF": {"awarded": {"difficulty": "much"}}}, "award-not-a-number"),
        ({"REF": {"awarded": {"difficulty": "NaN"}}}, "award-not-a-number"),
        ({"REF": {"awarded": {"difficulty": Decimal("Infinity")}}}, "award-not-a-number"),
        ({"REF": {"awarded": {"difficulty": "1e3"}}}, "award-not-a-number"),
        ({"REF": {"awarded": "5"}}, "line-unreadable"),
        ({"REF": {"accepted": "no"}}, "line-unreadable"),
        ({"REF": "no"}, "line-unreadable"),
        ({"somewhere:else": {"accepted": True}}, "unknown-line"),
        ({"REF": {"accepted": False}}, "reason-needed"),
        ({"REF": {"accepted": False, "reason": "  \x00 "}}, "reason-needed"),
        ({"REF": {"accepted": False, "reason": "x" * 2001}}, "reason-too-long"),
    ],
)
def test_lines_that_cannot_stand_are_refused_and_nothing_changes(lines: dict[str, Any], code: str) -> None:
    """Invalid lines are refused with their own code, and the claim still waits."""
    claim = judged_claim(1)
    given = {ref.replace("REF", refs(claim)[0]): line for ref, line in lines.items()}
    with pytest.raises(CreditsError) as error:
        make.decided_claim(claim, given)
    assert error.value.code == code
    claim.refresh_from_db()
    assert (claim.status, Decision.objects.count()) == (Claim.Status.SUBMITTED, 0)


def test_one_reason_for_all_is_enough_and_single_ones_are_gathered() -> None:
    """The overall reason is enough; without it, the decision's reason is those of the lines."""
    claim = make.submitted_claim()
    first, second = refs(claim)
    refuse: dict[str, Any] = {
        first: {"accepted": False, "reason": "甲"},
        second: {"accepted": False, "reason": "乙"},
    }
    decision = make.decided_claim(claim, refuse)
    assert (decision.verdict, decision.reason) == ("refuse", "甲\n乙")
    other = make.submitted_claim()
    lines = {ref: {"accepted": False} for ref in refs(other)}
    assert make.decided_claim(other, lines, reason=" 都不算 ").reason == "都不算"


def test_a_refused_line_that_lowers_no_credit_is_still_heard() -> None:
    """Refusing a line that only gives points to carry over is still a reduction, and needs a hearing."""
    claim = make.submitted_claim(contributions=3)
    decision = make.decided_claim(claim, {refs(claim)[0]: {"accepted": False, "reason": "x"}})
    assert (decision.verdict, decision.standing) == ("reduce", "proposed")


def test_refusing_what_did_not_count_takes_nothing_off() -> None:
    """A line that does not count by the rulebook can be refused without a hearing."""
    student = factories.student()
    make.authorship(student, make.contribution(make.repository(licence="")))
    claim = make.claim(student, contributions=2)
    assert claim.items.count() == 2
    unlicensed = next(candidate for candidate in draft_candidates(claim, now=NOW) if candidate.item is None)
    assert unlicensed.outcome.status == "does-not-count"
    add_item(claim, unlicensed.authorship, by=student, now=NOW)
    claim = submit(claim, by=student, now=NOW)
    outcome = stored.submitted_outcome(claim)
    [uncounted] = [
        contribution.ref for contribution in outcome.contributions if contribution.status != "counts"
    ]
    decision = make.decided_claim(claim, {uncounted: {"accepted": False}})
    assert (decision.verdict, decision.standing) == ("approve", "final")


def test_a_final_refusal_is_not_put_on_notice_and_is_recorded_as_nothing() -> None:
    """A refusal ends with a result of zero, no ledger entry, no public notice, and free contributions."""
    claim = make.submitted_claim()
    reviewer = make.reviewer_of(claim)
    make.decided_claim(
        claim, {ref: {"accepted": False} for ref in refs(claim)}, by=reviewer, reason="练习仓库"
    )
    claim.refresh_from_db()
    review.confirm_proposal(claim, by=reviewer, now=claim.hearing_until)  # type: ignore[arg-type]
    claim.refresh_from_db()
    assert (claim.status, claim.notice_from) == (Claim.Status.REFUSED, None)
    assert list(record.ready_to_record(now=NOW)) == [claim]
    result = record.record_result(claim, by=factories.registrar(), now=claim.hearing_until)  # type: ignore[arg-type]
    assert (result.credit, result.grade) == (0, "")
    assert not claim.user.credit_entries.exists()
    assert not claim.items.filter(live=True).exists()
    assert list(record.ready_to_record(now=NOW)) == []
    with pytest.raises(Conflict) as error:
        record.record_result(claim, by=factories.registrar(), now=NOW)
    assert error.value.code == "already-recorded"


def test_too_few_points_are_carried_over_to_the_next_claim() -> None:
    """Eight points give no credit yet; with eight more in the next round they give half a credit."""
    student = factories.student()
    version = make.published_rulebook()
    first = make.recorded_claim(
        make.submitted_claim(student, make.round_(rulebooks=[version]), contributions=1)
    )
    assert (first.credit, first.points_carried) == (0, 8)
    assert not student.credit_entries.exists()
    now = first.recorded_at
    again = make.submitted_claim(
        student, make.round_(rulebooks=[version], apply_from=now), contributions=1, now=now
    )
    outcome = stored.submitted_outcome(again)
    assert (outcome.points, outcome.credit, outcome.carried) == (8, Decimal("0.5"), 0)


def test_another_category_does_not_see_the_points_carried() -> None:
    """Points carried over and recognised credit count only within their category."""
    student = factories.student()
    make.recorded_claim(make.submitted_claim(student, contributions=1))
    other = make.round_(rulebooks=[make.published_rulebook(category="electives")])
    outcome = stored.submitted_outcome(make.submitted_claim(student, other, contributions=1))
    assert outcome.carried == 8


def test_only_the_student_answers_and_once() -> None:
    """Only the student can answer, once, with a text that is neither empty nor too long."""
    claim = make.submitted_claim()
    make.decided_claim(claim, {refs(claim)[0]: {"accepted": False, "reason": "x"}})
    with pytest.raises(NotAllowed):
        review.answer_proposal(claim, "a", by=factories.student(), now=NOW)
    for text in (" \n", "x" * 10_001):
        with pytest.raises(CreditsError) as error:
            review.answer_proposal(claim, text, by=claim.user, now=NOW)
        assert error.value.code == "answer-length"
    review.answer_proposal(claim, " 是的 ", by=claim.user, now=NOW)
    with pytest.raises(Conflict) as again:
        review.answer_proposal(claim, "b", by=claim.user, now=NOW)
    assert again.value.code == "already-answered"


def test_many_at_once_only_where_nothing_is_left_to_decide() -> None:
    """Undisputed claims are approved together, all or none; a claim whose credit an award could change is refused."""
    plain = [make.submitted_claim() for _each in range(2)]
    everywhere = factories.instructor()
    decisions = review.approve_undisputed(plain, by=everywhere, now=NOW)
    assert [decision.verdict for decision in decisions] == ["approve"] * 2
    more = make.submitted_claim()
    with pytest.raises(Conflict) as error:
        review.approve_undisputed([more, judged_claim()], by=everywhere, now=NOW)
    assert error.value.code == "needs-a-look"
    more.refresh_from_db()
    assert more.status == Claim.Status.SUBMITTED


def test_many_at_once_where_awards_could_not_change_the_credit() -> None:
    """A claim is undisputed with 8 of 16 points, because no award reaches a credit; with 24 points it is not."""
    assert review.is_undisputed(judged_claim(1))
    assert not review.is_undisputed(judged_claim(3))


def test_the_queue_shows_the_oldest_first() -> None:
    """The queue is in the order of submission."""
    round_ = make.round_()
    everywhere = factories.instructor()
    later = make.submitted_claim(in_round=round_, now=NOW.replace(hour=9))
    earlier = make.submitted_claim(in_round=round_, now=NOW.replace(hour=8))
    assert list(review.review_queue(everywhere, now=NOW.replace(hour=10))) == [earlier, later]


def test_many_at_once_go_past_no_proposal_that_was_made_meanwhile() -> None:
    """Bulk approval refuses a claim on which a colleague made a proposal after the list was read."""
    claim = make.submitted_claim()
    listed = Claim.objects.get(pk=claim.pk)
    lines = {ref: {"accepted": False, "reason": "copied"} for ref in refs(claim)}
    proposal = review.decide(claim, lines, by=make.reviewer_of(claim), now=NOW)
    with pytest.raises(Conflict):
        review.approve_undisputed([listed], by=make.reviewer_of(claim), now=NOW)
    proposal.refresh_from_db()
    assert proposal.standing == Decision.Standing.PROPOSED
