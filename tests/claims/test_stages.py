"""Stages of review follow each other, each by another person, and no reduction is final without a hearing."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import StaffRole, User
from credits.claims import access
from credits.claims.assessment.stored import outcome_of
from credits.claims.models import Claim, ClaimFlag, Decision
from credits.claims.recording import notice, record
from credits.claims.review import flags, review
from credits.claims.review.review_lines import is_worse
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Status = Claim.Status
THREE = """\
review:
  stages:
    - {id: first, title: {zh: 初审, en: First look}}
    - {id: second, title: {zh: 复审, en: Second look}}
    - {id: last, title: {zh: 校级认定, en: University}, by: university-committee}
"""


def refs(claim: Claim) -> list[str]:
    return [contribution["ref"] for contribution in claim.facts["contributions"]]  # type: ignore[index]


def refuse(claim: Claim, *places: int) -> dict[str, Any]:
    return {refs(claim)[place]: {"accepted": False, "reason": "空白改动"} for place in places}


def fresh(claim: Claim) -> Claim:
    return Claim.objects.select_related("version__rulebook", "enrolment__programme__department").get(
        pk=claim.pk
    )


def with_role(user: User, role: str) -> User:
    """Give the person another role for all departments, and return them."""
    StaffRole.objects.create(user=user, role=role)
    return User.objects.get(pk=user.pk)


def hearing_end(claim: Claim) -> datetime:
    until = fresh(claim).hearing_until
    assert until is not None
    return until


def in_second_stage(lines: dict[str, Any] | None = None, **named: Any) -> tuple[Claim, User]:
    """Return a claim that an instructor has finally decided on, and that instructor."""
    claim = make.staged_claim(**named)
    by = make.reviewer_of(claim)
    decision = make.decided_claim(claim, lines, by=by)
    if decision.standing == "proposed":
        review.confirm_proposal(fresh(claim), by=by, now=hearing_end(claim))
    claim = fresh(claim)
    assert (claim.status, claim.stage) == (Status.SUBMITTED, 2)
    return claim, by


def refused_by_the_database(sql: str, *values: object) -> str:
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(error.value)


def test_a_claim_goes_on_notice_after_the_last_stage_only() -> None:
    """After the instructor's approval a claim waits for the committee; only the committee's puts it on notice."""
    claim, first = in_second_stage()
    assert (claim.stage_by, claim.notice_until) == ("college-committee", None)
    assert notice.notice_entries(now=NOW) == []
    second = make.committee_of(claim)
    assert review.decide(claim, {}, by=second, now=NOW).stage == 2
    claim = fresh(claim)
    assert claim.status == Status.NOTICE
    assert claim.notice_from is not None
    assert claim.notice_until is not None
    assert len(notice.notice_entries(now=claim.notice_from)) == 1
    for by in (first, second):
        by = with_role(by, StaffRole.Role.REGISTRAR)
        with pytest.raises(NotAllowed) as error:
            record.record_result(claim, by=by, now=claim.notice_until)
        assert error.value.code == "decided-by-yourself"
    result = record.record_result(claim, by=factories.registrar(), now=claim.notice_until)
    assert (result.decision.stage, result.decision.decided_by) == (2, second)


def test_each_reviewer_sees_what_waits_for_their_stage() -> None:
    """The queue of instructors has the first stage, that of the college's committee the second."""
    claim = make.staged_claim()
    instructor, colleague = make.reviewer_of(claim), make.reviewer_of(claim)
    committee, other_college = make.committee_of(claim), factories.committee(factories.department())
    university = factories.committee()
    reviewers = (instructor, colleague, committee, other_college, university)
    assert [claim in review.review_queue(reviewer, now=NOW) for reviewer in reviewers] == [
        True,
        True,
        False,
        False,
        False,
    ]
    with pytest.raises(NotThere):
        access.claim_for(committee, claim.public_id, now=NOW)
    review.decide(claim, {}, by=instructor, now=NOW)
    assert [claim in review.review_queue(reviewer, now=NOW) for reviewer in reviewers] == [
        False,
        False,
        True,
        False,
        True,
    ]
    for reviewer in (instructor, committee, university):
        assert access.claim_for(reviewer, claim.public_id, now=NOW) == claim
    with pytest.raises(NotThere):
        access.claim_for(other_college, claim.public_id, now=NOW)


@pytest.mark.parametrize("role", ["instructor", "registrar", "admin", "steward", "college"])
def test_only_the_universitys_committee_decides_where_the_rulebook_says_so(role: str) -> None:
    """In a stage of the university's committee, a college's committee and every other role are refused."""
    stages = "review: {stages: [{id: a, title: {zh: 一, en: a}, by: university-committee}]}"
    claim = make.staged_claim(stages)
    by = make.committee_of(claim) if role == "college" else getattr(factories, role)()
    assert claim not in review.review_queue(by, now=NOW)
    with pytest.raises(NotAllowed):
        review.decide(claim, {}, by=by, now=NOW)
    assert claim in review.review_queue(factories.committee(), now=NOW)
    assert review.decide(claim, {}, by=factories.committee(), now=NOW).standing == "final"


def test_nobody_decides_in_two_stages_of_one_claim() -> None:
    """A person who decided in one stage, or made its proposal final, cannot decide in another, not even by SQL."""
    claim, first = in_second_stage()
    first = with_role(first, StaffRole.Role.COMMITTEE)
    assert claim not in review.review_queue(first, now=NOW)
    for step in (review.decide, review.agree_with_previous_stage):
        with pytest.raises(NotAllowed) as error:
            step(claim, *([{}] if step is review.decide else []), by=first, now=NOW)  # type: ignore[operator]
        assert error.value.code == "decided-before"
    message = refused_by_the_database(
        "INSERT INTO credits_decision"
        " (claim_id, stage, verdict, standing, assessment_id, lines, reason, decided_by_id, decided_at)"
        " SELECT claim_id, 2, verdict, standing, assessment_id, lines, reason, decided_by_id, decided_at"
        " FROM credits_decision WHERE claim_id = %s",
        claim.pk,
    )
    assert "two stages" in message


def test_who_made_a_proposal_final_has_decided_too() -> None:
    """A person who confirmed a proposal cannot decide in the next stage; the proposal's author stays named."""
    claim = make.staged_claim()
    author, other = make.reviewer_of(claim), make.reviewer_of(claim)
    make.decided_claim(claim, refuse(claim, 0), by=author)
    decision = review.confirm_proposal(fresh(claim), by=other, now=hearing_end(claim))
    assert (decision.decided_by, decision.confirmed_by) == (author, other)
    other = with_role(other, StaffRole.Role.COMMITTEE)
    with pytest.raises(NotAllowed) as error:
        review.agree_with_previous_stage(fresh(claim), by=other, now=NOW)
    assert error.value.code == "decided-before"
    message = refused_by_the_database(
        "UPDATE credits_decision SET confirmed_by_id = %s WHERE id = %s", author.pk, decision.pk
    )
    assert "never changes" in message


def test_a_later_stage_begins_with_what_the_one_before_gave() -> None:
    """Agreeing keeps the first stage's awards; a new line replaces only that line."""
    claim = make.staged_claim(points=make.JUDGED)
    first, second = refs(claim)
    awards: dict[str, Any] = {first: {"awarded": {"difficulty": 5}}, second: {"awarded": {"difficulty": 3}}}
    make.decided_claim(claim, awards)
    claim = fresh(claim)
    more: dict[str, Any] = {second: {"awarded": {"difficulty": 4}}}
    assert (review.preview_outcome(claim, {}).points, review.preview_outcome(claim, more).points) == (24, 25)
    decision = review.agree_with_previous_stage(claim, by=make.committee_of(claim), now=NOW)
    assert (decision.verdict, decision.standing, decision.assessment.points) == ("approve", "final", 24)
    assert decision.lines == Decision.objects.get(claim=claim, stage=1).lines


def test_what_the_student_was_heard_on_is_agreed_with_at_once() -> None:
    """A reduction that was answered in the first stage needs no second hearing, and keeps its reasons."""
    claim = make.staged_claim()
    first = make.reviewer_of(claim)
    make.decided_claim(claim, refuse(claim, 0), by=first)
    review.answer_proposal(fresh(claim), "我同意。", by=claim.user, now=NOW)
    review.confirm_proposal(fresh(claim), by=first, now=NOW)
    decision = review.agree_with_previous_stage(fresh(claim), by=make.committee_of(claim), now=NOW)
    assert (decision.verdict, decision.standing, decision.reason) == ("reduce", "final", "空白改动")
    assert fresh(claim).status == Status.NOTICE


def test_what_the_first_stage_gave_is_not_taken_back_unheard() -> None:
    """If the committee refuses or lowers what the instructor approved, that is a proposal with days to answer."""
    claim, _first = in_second_stage(points=make.JUDGED, lines=None)
    decision = review.decide(claim, refuse(claim, 0), by=make.committee_of(claim), now=NOW)
    assert (decision.verdict, decision.standing) == ("reduce", "proposed")
    with pytest.raises(Conflict) as error:
        review.confirm_proposal(fresh(claim), by=make.committee_of(claim), now=NOW)
    assert error.value.code == "hearing-not-over"

    claim = make.staged_claim(points=make.JUDGED)
    high: dict[str, Any] = {refs(claim)[0]: {"awarded": {"difficulty": 5}}}
    low: dict[str, Any] = {refs(claim)[0]: {"awarded": {"difficulty": 1}}}
    make.decided_claim(claim, high)
    committee = make.committee_of(claim)
    with pytest.raises(CreditsError) as no_reason:
        review.decide(fresh(claim), low, by=committee, now=NOW)
    assert no_reason.value.code == "reason-needed"
    decision = review.decide(fresh(claim), low, by=committee, now=NOW, reason="改动简单")
    assert (decision.verdict, decision.standing) == ("reduce", "proposed")


def test_worse_than_what_was_heard_before_is_heard_anew_and_better_is_not() -> None:
    """If one line was refused in the first stage, refusing two needs another hearing, and approving all does not."""
    claim, _first = in_second_stage_reduced()
    committee = make.committee_of(claim)
    worse = review.decide(claim, refuse(claim, 0, 1), by=committee, now=NOW)
    assert (worse.verdict, worse.standing) == ("refuse", "proposed")
    claim = fresh(claim)
    assert (claim.status, claim.stage) == (Status.HEARING, 2)
    # The same as in the first stage, on which the student was heard: no need to wait.
    assert review.agree_with_previous_stage(claim, by=committee, now=NOW).standing == "final"
    claim, _first = in_second_stage_reduced()
    better = {ref: {"accepted": True} for ref in refs(claim)}
    decision = review.decide(claim, better, by=make.committee_of(claim), now=NOW)
    assert (decision.verdict, decision.standing) == ("approve", "final")


def in_second_stage_reduced() -> tuple[Claim, User]:
    claim = make.staged_claim()
    by = make.reviewer_of(claim)
    make.decided_claim(claim, refuse(claim, 0), by=by)
    review.confirm_proposal(fresh(claim), by=by, now=hearing_end(claim))
    return fresh(claim), by


def test_a_refusal_of_both_stages_ends_without_notice() -> None:
    """A refusal that was heard in the first stage and agreed with in the second is recorded as zero without notice."""
    claim = make.staged_claim()
    by = make.reviewer_of(claim)
    make.decided_claim(claim, refuse(claim, 0, 1), by=by)
    review.confirm_proposal(fresh(claim), by=by, now=hearing_end(claim))
    assert fresh(claim).status == Status.SUBMITTED
    assert list(record.ready_to_record(now=NOW)) == []
    review.agree_with_previous_stage(fresh(claim), by=make.committee_of(claim), now=NOW)
    claim = fresh(claim)
    assert (claim.status, claim.notice_from) == (Status.REFUSED, None)
    assert record.record_result(claim, by=factories.registrar(), now=NOW).credit == 0


def test_a_stage_that_moved_on_is_not_decided_by_who_saw_the_one_before() -> None:
    """A page of the first stage cannot decide in the second; in the first there is nothing to agree with."""
    stale = make.staged_claim(THREE)
    with pytest.raises(Conflict) as first:
        review.agree_with_previous_stage(stale, by=make.reviewer_of(stale), now=NOW)
    assert first.value.code == "nothing-to-agree-with"
    make.decided_claim(stale)
    with pytest.raises(Conflict) as error:
        review.decide(stale, {}, by=make.reviewer_of(stale), now=NOW)
    assert error.value.code == "stage-moved-on"
    with pytest.raises(Conflict):
        review.decide(fresh(stale), {}, by=make.reviewer_of(stale), now=NOW, stage=1)


def test_claims_of_a_later_stage_are_approved_together_where_nothing_is_left_to_decide() -> None:
    """Bulk approval excludes claims that the first stage reduced, and those where an award could change the credit."""
    plain, _first = in_second_stage()
    reduced, _by = in_second_stage_reduced()
    judged = make.staged_claim(points=make.JUDGED, contributions=3)
    make.decided_claim(judged, {ref: {"awarded": {"difficulty": 5}} for ref in refs(judged)})
    assert [review.is_undisputed(fresh(claim)) for claim in (plain, reduced, judged)] == [True, False, False]
    decisions = review.approve_undisputed([plain], by=factories.committee(), now=NOW)
    assert [decision.stage for decision in decisions] == [2]


def test_a_flag_is_answered_by_whom_the_claim_is_with() -> None:
    """A finding while the committee has the claim waits for the committee's answer."""
    claim, first = in_second_stage()
    flag = ClaimFlag.objects.create(claim=claim, ref=refs(claim)[0], finding="reverted", found_at=NOW)
    committee = make.committee_of(claim)
    assert list(flags.flagged_claims(committee)) == [claim]
    assert list(flags.flagged_claims(first)) == []
    with pytest.raises(NotAllowed):
        flags.answer_flag(flag, "x", by=first, now=NOW)
    assert flags.answer_flag(flag, "无影响", by=committee, now=NOW).answered_by == committee


def test_the_database_holds_the_order_of_the_stages() -> None:
    """SQL cannot decide out of order, skip a stage, give notice early or reduce without a hearing."""
    claim = make.staged_claim()
    committee = make.committee_of(claim)
    out_of_turn = Decision(
        claim=claim,
        stage=2,
        verdict="approve",
        standing="final",
        assessment=claim.assessments.get(),
        decided_by=committee,
        decided_at=NOW,
    )
    with pytest.raises(DatabaseError, match="at which it is"), transaction.atomic():
        out_of_turn.save()
    onward = "UPDATE credits_claim SET stage = %s WHERE id = %s"
    assert "one before has decided" in refused_by_the_database(onward, 2, claim.pk)
    claim, _first = in_second_stage()
    for stage in (1, 3):
        assert "one before has decided" in refused_by_the_database(onward, stage, claim.pk)
    early = make.staged_claim()
    message = refused_by_the_database("UPDATE credits_claim SET status = 'notice' WHERE id = %s", early.pk)
    assert "last stage" in message
    unheard = Decision(
        claim=claim,
        stage=2,
        verdict="refuse",
        standing="final",
        assessment=claim.assessments.first(),
        reason="no",
        decided_by=make.committee_of(claim),
        decided_at=NOW,
    )
    with pytest.raises(DatabaseError, match="before the student was heard"), transaction.atomic():
        unheard.save()
    first = Decision.objects.get(claim=claim, stage=1)
    assert "on the final decision" in refused_by_the_database(
        "INSERT INTO credits_result (public_id, claim_id, decision_id, credit, points, points_carried, grade,"
        " recorded_by_id, recorded_at) VALUES (gen_random_uuid(), %s, %s, 1, 1, 0, '', %s, now())",
        claim.pk,
        first.pk,
        factories.registrar().pk,
    )
    assert "does not record" in refused_by_the_database(
        "INSERT INTO credits_result (public_id, claim_id, decision_id, credit, points, points_carried, grade,"
        " recorded_by_id, recorded_at) VALUES (gen_random_uuid(), %s, %s, 1, 1, 0, '', %s, now())",
        claim.pk,
        first.pk,
        first.decided_by_id,
    )


@pytest.mark.parametrize("seed", range(8))
def test_however_reviewers_decide_the_stages_hold(seed: int) -> None:
    """Random steps by random people keep the rules: one final decision for each stage, in order, by different people,
    and no final reduction on which the student was not heard."""
    random = Random(seed)
    claim = make.staged_claim(THREE, points=make.JUDGED, contributions=3)
    reviewers = [make.reviewer_of(claim) for _each in range(3)] + [
        factories.committee() for _each in range(2)
    ]
    reviewers[0] = with_role(reviewers[0], StaffRole.Role.COMMITTEE)
    reviewers.append(with_role(claim.user, StaffRole.Role.INSTRUCTOR))
    now = NOW
    for _step in range(120):
        claim = fresh(claim)
        if claim.status not in {Status.SUBMITTED, Status.HEARING}:
            break
        by = random.choice(reviewers)
        lines = {
            ref: {
                "accepted": random.random() < 0.4,
                "reason": "理由",
                "awarded": {"difficulty": random.randrange(6)},
            }
            for ref in refs(claim)
            if random.random() < 0.9
        }
        try:
            match random.randrange(7):
                case 0:
                    review.decide(claim, lines, by=by, now=now, reason="理由")
                case 1:
                    review.agree_with_previous_stage(claim, by=by, now=now)
                case 2 | 3 | 4:
                    review.confirm_proposal(claim, by=by, now=now)
                case _ if claim.hearing_until is not None:
                    now = max(now, claim.hearing_until)
        except CreditsError:
            continue
    finals = list(Decision.objects.filter(claim=claim, standing="final").order_by("stage"))
    assert [final.stage for final in finals] == list(range(1, len(finals) + 1))
    if claim.status in {Status.NOTICE, Status.REFUSED}:
        assert len(finals) == 3
    people: dict[int, set[int]] = {}
    for decision in Decision.objects.filter(claim=claim):
        deciders = {decision.decided_by_id, decision.confirmed_by_id or 0} - {0}
        people.setdefault(decision.stage, set()).update(deciders)
    everyone = [person for deciders in people.values() for person in deciders]
    assert len(everyone) == len(set(everyone))
    assert claim.user_id not in everyone
    for number, final in enumerate(finals):
        if final.verdict != "approve" and final.confirmed_by_id is None:
            proposals = Decision.objects.filter(claim=claim, stage=final.stage, standing="replaced")
            heard = [*proposals, *finals[max(number - 1, 0) : number]]
            outcome = outcome_of(final.assessment)
            assert any(
                earlier.verdict != "approve" and not is_worse(outcome, outcome_of(earlier.assessment))
                for earlier in heard
            )
