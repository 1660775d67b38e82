"""The invariants of claims, kept by the verbs, and by the database against direct SQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry, StaffRole
from credits.claims import access
from credits.claims.application.draft import add_item, open_draft, remove_item
from credits.claims.application.submit import submit, withdraw
from credits.claims.assessment import estimate
from credits.claims.assessment import stored as assessments
from credits.claims.assessment.facts import frozen_facts
from credits.claims.models import Assessment, Claim, ClaimItem, Decision, Result, RoundRulebook
from credits.claims.recording import record
from credits.claims.review import review
from credits.claims.rounds import RulebookInForce, version_for
from credits.errors import Conflict, NotAllowed, NotThere
from credits.rules import facts
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def refused_by_the_database(sql: str, *values: object) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)


def first_ref(claim: Claim) -> str:
    return str(claim.facts["contributions"][0]["ref"])  # type: ignore[index]


# 2 and 3: work and shares are claimed once


def test_invariant_2_the_same_work_on_two_forges_earns_once() -> None:
    """A mirror with the same merge commit is not added to the new draft, and cannot be added by hand."""
    student = factories.student()
    first = make.authorship(student, make.contribution(merge_commit="c" * 40))
    mirror = make.contribution(make.repository(forge="gitee"), merge_commit="c" * 40)
    mirrored = make.authorship(student, mirror)
    claim = open_draft(student, make.round_(), now=NOW)
    assert claim.items.count() == 1
    other = mirrored if claim.items.get().authorship == first else first
    with pytest.raises(Conflict) as error:
        add_item(claim, other, by=student, now=NOW)
    assert error.value.code == "same-work-twice"


def test_invariant_3_a_share_stands_in_one_live_claim() -> None:
    """A share in one claim cannot be in another, until the claim is withdrawn."""
    first = make.submitted_claim()
    student = first.user
    second = open_draft(student, make.round_(), now=NOW)
    assert second.items.count() == 0
    share = first.items.first().authorship  # type: ignore[union-attr]
    with pytest.raises(Conflict) as error:
        add_item(second, share, by=student, now=NOW)
    assert error.value.code == "already-claimed"
    with pytest.raises(DatabaseError), transaction.atomic():
        ClaimItem.objects.create(claim=second, authorship=share)
    withdraw(first, by=student, now=NOW)
    assert add_item(second, share, by=student, now=NOW).live


def test_invariant_3_items_of_a_submitted_claim_stay() -> None:
    """After submission no item is added, removed, exchanged or released, neither by a verb nor by SQL."""
    claim = make.submitted_claim()
    item = claim.items.first()
    assert item is not None
    another = make.authorship(claim.user)
    for step in (
        lambda: add_item(claim, another, by=claim.user, now=NOW),
        lambda: remove_item(item, by=claim.user, now=NOW),
    ):
        with pytest.raises(Conflict) as error:
            step()
        assert error.value.code == "claim-moved-on"
    refused_by_the_database("DELETE FROM credits_claimitem WHERE id = %s", item.pk)
    refused_by_the_database("UPDATE credits_claimitem SET live = false WHERE id = %s", item.pk)
    refused_by_the_database(
        "UPDATE credits_claimitem SET authorship_id = %s WHERE id = %s", another.pk, item.pk
    )
    refused_by_the_database(
        "INSERT INTO credits_claimitem (claim_id, authorship_id, live) VALUES (%s, %s, true)",
        claim.pk,
        another.pk,
    )


def test_invariant_3_what_was_let_go_never_comes_back_to_life() -> None:
    """An item that is no longer live cannot become live again, not even by SQL."""
    claim = make.submitted_claim()
    withdraw(claim, by=claim.user, now=NOW)
    refused_by_the_database("UPDATE credits_claimitem SET live = true WHERE claim_id = %s", claim.pk)


# 4: an outcome is a function of version and facts


def test_invariant_4_the_same_frozen_facts_give_the_same_digest() -> None:
    """Facts read from the database and evaluated again later give the same digests and the same outcome."""
    claim = make.submitted_claim(contributions=5)
    stored = claim.assessments.get()
    make.authorship(claim.user)
    fresh = Claim.objects.get(pk=claim.pk)
    assert fresh.version is not None
    again = estimate.evaluate_version(fresh.version, frozen_facts(fresh))
    assert facts.digest(frozen_facts(fresh)) == claim.facts_digest == stored.facts_digest
    assert again.digest == stored.outcome_digest
    assert again.canonical() == assessments.outcome_of(stored).canonical()


def test_invariant_4_what_the_forge_says_later_changes_no_submitted_claim() -> None:
    """A revert, a new name or another licence after submission does not change the estimate."""
    claim = make.submitted_claim()
    before = estimate.estimate_outcome(claim.user, claim.round, now=NOW)
    assert claim.items.exists()
    for item in claim.items.select_related("authorship__contribution__repository"):
        contribution = item.authorship.contribution
        contribution.status = "reverted"
        contribution.title = "Something else"
        contribution.save()
        contribution.repository.licence = ""
        contribution.repository.full_name += "-renamed"
        contribution.repository.save()
    after = estimate.estimate_outcome(claim.user, claim.round, now=NOW + timedelta(days=400))
    assert after.canonical() == before.canonical()


# 6: versions


def test_invariant_6_a_claim_is_assessed_by_the_version_of_its_round_programme_and_year() -> None:
    """The most specific row is in force: programme and year, programme, year, everyone."""
    programme = factories.programme()
    versions = {name: make.published_rulebook() for name in ("all", "year", "programme", "both")}
    round_ = make.round_(
        rulebooks=[
            RulebookInForce(versions["all"]),
            RulebookInForce(versions["year"], year=2023),
            RulebookInForce(versions["programme"], programme=programme),
            RulebookInForce(versions["both"], programme=programme, year=2023),
        ]
    )
    for year, enrolled_in, name in (
        (2022, None, "all"),
        (2023, None, "year"),
        (2022, programme, "programme"),
        (2023, programme, "both"),
    ):
        enrolment = factories.enrolment(programme=enrolled_in, year=year)
        assert version_for(round_, enrolment) == versions[name]


def test_invariant_6_a_submitted_claim_keeps_its_version_and_facts() -> None:
    """SQL cannot change version, facts, digest, time of submission or person, nor delete the claim."""
    claim = make.submitted_claim()
    other = make.published_rulebook()
    refused_by_the_database("UPDATE credits_claim SET version_id = %s WHERE id = %s", other.pk, claim.pk)
    refused_by_the_database("UPDATE credits_claim SET facts = '{}' WHERE id = %s", claim.pk)
    refused_by_the_database("UPDATE credits_claim SET facts_digest = 'x' WHERE id = %s", claim.pk)
    refused_by_the_database("UPDATE credits_claim SET submitted_at = now() WHERE id = %s", claim.pk)
    refused_by_the_database(
        "UPDATE credits_claim SET user_id = %s WHERE id = %s", factories.person().pk, claim.pk
    )
    refused_by_the_database("DELETE FROM credits_claim WHERE id = %s", claim.pk)
    refused_by_the_database("TRUNCATE credits_claim CASCADE")


def test_invariant_6_the_rulebooks_of_a_round_stand_from_the_first_submission() -> None:
    """After a submission no row of the round can be added, changed or removed by SQL."""
    claim = make.submitted_claim()
    other = make.published_rulebook()
    row = RoundRulebook.objects.get(round=claim.round)
    refused_by_the_database(
        "UPDATE credits_roundrulebook SET version_id = %s WHERE id = %s", other.pk, row.pk
    )
    refused_by_the_database("DELETE FROM credits_roundrulebook WHERE id = %s", row.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        RoundRulebook.objects.create(round=claim.round, version=other, year=2020)


# 8: who decides


def test_invariant_8_nobody_decides_on_their_own_claim() -> None:
    """An instructor who is also the student cannot decide, record or see the claim in their queue; SQL cannot
    either."""
    claim = make.submitted_claim()
    student = claim.user
    for role in (StaffRole.Role.INSTRUCTOR, StaffRole.Role.REGISTRAR):
        StaffRole.objects.create(user=student, role=role)
    assert claim not in review.review_queue(student, now=NOW)
    with pytest.raises(NotAllowed) as error:
        review.decide(claim, {}, by=student, now=NOW)
    assert error.value.code == "own-claim"
    decision = make.decided_claim(claim)
    with pytest.raises(NotAllowed) as error:
        record.record_result(decision.claim, by=student, now=decision.claim.notice_until)  # type: ignore[arg-type]
    assert error.value.code == "own-claim"
    refused_by_the_database(
        "INSERT INTO credits_decision"
        " (claim_id, stage, verdict, standing, assessment_id, lines, reason, decided_by_id, decided_at)"
        " SELECT claim_id, 2, verdict, standing, assessment_id, lines, reason, %s, decided_at"
        " FROM credits_decision WHERE id = %s",
        student.pk,
        decision.pk,
    )


@pytest.mark.parametrize("role", ["admin", "steward", "registrar", "student"])
def test_invariant_8_only_instructors_decide(role: str) -> None:
    """Administrators, stewards, registrars and students cannot decide on credit."""
    claim = make.submitted_claim()
    by = getattr(factories, role)()
    assert list(review.review_queue(by, now=NOW)) == []
    with pytest.raises(NotAllowed):
        review.decide(claim, {}, by=by, now=NOW)
    claim.refresh_from_db()
    assert claim.status == Claim.Status.SUBMITTED


def test_invariant_8_an_instructor_decides_within_their_department_only() -> None:
    """An instructor of another department cannot see the claim, in the queue or by address, nor decide on it."""
    claim = make.submitted_claim()
    stranger = factories.instructor(factories.department())
    assert claim not in review.review_queue(stranger, now=NOW)
    with pytest.raises(NotThere):
        access.claim_for(stranger, claim.public_id, now=NOW)
    with pytest.raises(NotAllowed):
        review.decide(claim, {}, by=stranger, now=NOW)
    assert claim in review.review_queue(factories.instructor(), now=NOW)


def test_invariant_8_whoever_decided_does_not_record() -> None:
    """A person with both roles cannot record a claim that they decided on."""
    claim = make.submitted_claim()
    both = make.reviewer_of(claim)
    StaffRole.objects.create(user=both, role=StaffRole.Role.REGISTRAR)
    decision = make.decided_claim(claim, by=both)
    with pytest.raises(NotAllowed) as error:
        record.record_result(decision.claim, by=both, now=decision.claim.notice_until)  # type: ignore[arg-type]
    assert error.value.code == "decided-by-yourself"


def test_invariant_8_the_database_refuses_a_refusal_that_was_never_proposed() -> None:
    """SQL cannot make a first decision a final refusal, nor move a claim past its hearing."""
    claim = make.submitted_claim()
    with pytest.raises(DatabaseError), transaction.atomic():
        Decision.objects.create(
            claim=claim,
            verdict="refuse",
            standing="final",
            assessment=claim.assessments.get(),
            reason="no",
            decided_by=make.reviewer_of(claim),
            decided_at=NOW,
        )
    refused_by_the_database("UPDATE credits_claim SET status = 'refused' WHERE id = %s", claim.pk)
    refused_by_the_database("UPDATE credits_claim SET status = 'recorded' WHERE id = %s", claim.pk)


def test_what_was_decided_assessed_answered_and_recorded_never_changes() -> None:
    """SQL cannot change or remove decisions, assessments, answers and results."""
    claim = make.submitted_claim()
    ref = first_ref(claim)
    make.decided_claim(claim, {ref: {"accepted": False, "reason": "x"}})
    review.answer_proposal(claim, "y", by=claim.user, now=NOW)
    decision = review.confirm_proposal(claim, by=make.reviewer_of(claim), now=NOW)
    claim.refresh_from_db()
    record.record_result(claim, by=factories.registrar(), now=claim.notice_until)  # type: ignore[arg-type]
    for table, change in (
        ("assessment", "credit = 4"),
        ("decision", "verdict = 'approve'"),
        ("decision", "standing = 'replaced'"),
        ("decision", "reason = 'z'"),
        ("hearinganswer", "text = 'z'"),
        ("result", "credit = 4"),
    ):
        refused_by_the_database(f"UPDATE credits_{table} SET {change}")
        refused_by_the_database(f"DELETE FROM credits_{table}")
        refused_by_the_database(f"TRUNCATE credits_{table} CASCADE")
    decision.refresh_from_db()
    assert (decision.verdict, decision.standing, decision.reason) == ("reduce", "final", "x")


def test_a_result_stands_on_the_final_decision_of_its_claim() -> None:
    """The database refuses a result with a mere proposal, or with another claim's decision."""
    claim = make.submitted_claim()
    proposal = make.decided_claim(claim, {first_ref(claim): {"accepted": False, "reason": "x"}})
    approved = make.decided_claim()
    for decided_claim, decision in ((claim, proposal), (claim, approved)):
        with pytest.raises(DatabaseError), transaction.atomic():
            Result.objects.create(
                claim=decided_claim,
                decision=decision,
                credit=1,
                points=1,
                points_carried=0,
                recorded_by=factories.registrar(),
                recorded_at=NOW,
            )


# 11: the audit log


def test_invariant_11_every_step_leaves_its_line_in_the_same_transaction(monkeypatch: Any) -> None:
    """If the audit log cannot be written, the step does not happen."""
    claim = make.claim()
    reviewer = make.reviewer_of(claim)

    def broken(*_args: object, **_named: object) -> None:
        raise OSError("no room for the log")

    with monkeypatch.context() as patch:
        patch.setattr("accounts.audit.record", broken)
        with pytest.raises(OSError, match="no room"):
            submit(claim, by=claim.user, now=NOW)
    claim.refresh_from_db()
    assert claim.status == Claim.Status.DRAFT
    assert Assessment.objects.count() == 0
    submit(claim, by=claim.user, now=NOW)
    with monkeypatch.context() as patch:
        patch.setattr("accounts.audit.record", broken)
        with pytest.raises(OSError, match="no room"):
            review.decide(claim, {}, by=reviewer, now=NOW)
    assert Decision.objects.count() == 0


def test_invariant_11_a_look_at_another_persons_claim_is_logged_and_ones_own_is_not() -> None:
    """Views by reviewer and registrar are logged, the student's own are not."""
    claim = make.submitted_claim()
    views = AuditEntry.objects.filter(action="claim-seen")
    access.claim_for(claim.user, claim.public_id, now=NOW)
    assert not views.exists()
    reviewer, registrar = make.reviewer_of(claim), factories.registrar()
    access.claim_for(reviewer, claim.public_id, now=NOW)
    access.claim_for(registrar, str(claim.public_id), now=NOW)
    assert list(views.order_by("pk").values_list("actor", "person")) == [
        (reviewer.pk, claim.user.pk),
        (registrar.pk, claim.user.pk),
    ]


def test_invariant_11_looking_again_within_the_hour_is_the_same_look() -> None:
    """Several views within an hour leave one entry for each person and claim."""
    claim, other = make.submitted_claim(), make.submitted_claim()
    registrars = [factories.registrar(), factories.registrar()]
    for minutes in (0, 1, 59):
        for registrar in registrars:
            access.claim_for(registrar, claim.public_id, now=NOW + timedelta(minutes=minutes))
    views = AuditEntry.objects.filter(action="claim-seen")
    assert sorted(views.values_list("actor", flat=True)) == sorted(registrar.pk for registrar in registrars)
    access.claim_for(registrars[0], other.public_id, now=NOW)
    access.claim_for(registrars[0], claim.public_id, now=NOW + timedelta(minutes=60))
    assert views.count() == 4


def test_invariant_12_nobody_learns_that_somebody_elses_claim_exists() -> None:
    """Others get the same answer as for a claim that does not exist; so does a reviewer for a draft or a withdrawn
    claim."""
    claim = make.claim()
    reviewer = make.reviewer_of(claim)

    def answer(user: Any, public_id: Any) -> tuple[str, str, str, int]:
        with pytest.raises(NotThere) as error:
            access.claim_for(user, public_id, now=NOW)
        return error.value.code, error.value.message, error.value.hint, error.value.status

    not_there = answer(factories.student(), "00000000-0000-0000-0000-000000000000")
    assert not_there[3] == 404
    assert answer(factories.student(), "no-uuid") == not_there
    assert answer(reviewer, claim.public_id) == not_there
    submit(claim, by=claim.user, now=NOW)
    for role in ("student", "steward", "admin", "person"):
        assert answer(getattr(factories, role)(), claim.public_id) == not_there
    assert access.claim_for(reviewer, claim.public_id, now=NOW) == claim
    withdraw(claim, by=claim.user, now=NOW)
    assert answer(reviewer, claim.public_id) == not_there
    assert access.claim_for(claim.user, claim.public_id, now=NOW) == claim
