"""The steps of a claim from draft to ledger."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.models import Claim, Decision
from credits.claims.recording import notice, record
from credits.claims.review import review
from credits.ledger import entries
from credits.ledger.verify import verify
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

Status = Claim.Status


def test_a_claim_goes_from_draft_to_the_ledger() -> None:
    """Two contributions of 8 points become half a credit in the ledger, and each step is in the audit log."""
    student = factories.student(name="张三丰")
    make.authorship(student)
    make.authorship(student)
    claim = open_draft(student, make.round_(), now=NOW)
    assert claim.items.count() == 2
    claim = submit(claim, by=student, now=NOW)
    assert claim.facts_digest
    decision = review.decide(claim, {}, by=make.reviewer_of(claim), now=NOW)
    assert (decision.verdict, decision.standing) == ("approve", "final")
    claim.refresh_from_db()
    assert claim.status == Status.NOTICE
    assert claim.notice_until is not None
    shown = notice.notice_entries(now=claim.notice_until - timedelta(seconds=1))
    assert [(entry.name, entry.credit) for entry in shown] == [("张*", Decimal("0.5"))]
    result = record.record_result(claim, by=factories.registrar(), now=claim.notice_until)
    assert result.credit == Decimal("0.50")
    entry = entries.of_person(student).get()
    assert (entry.credit, entry.category, entry.reference) == (
        Decimal("0.50"),
        "innovation",
        f"result:{result.public_id}",
    )
    assert verify().holds
    claim.refresh_from_db()
    assert claim.status == Status.RECORDED
    actions = set(AuditEntry.objects.filter(person=student).values_list("action", flat=True))
    assert {"claim-submitted", "claim-decided", "result-recorded", "ledger-posted"} <= actions


def test_a_refused_line_is_proposed_heard_and_then_final() -> None:
    """Refusing a line reduces the credit only after the student answered; recording releases the contribution."""
    claim = make.submitted_claim(contributions=4)
    reviewer = make.reviewer_of(claim)
    ref = claim.facts["contributions"][0]["ref"]  # type: ignore[index]
    proposal = review.decide(claim, {ref: {"accepted": False, "reason": "只改了空格"}}, by=reviewer, now=NOW)
    assert (proposal.verdict, proposal.standing) == ("reduce", "proposed")
    assert proposal.reason == "只改了空格"
    claim.refresh_from_db()
    assert claim.status == Status.HEARING
    review.answer_proposal(claim, "不只是空格。", by=claim.user, now=NOW + timedelta(hours=1))
    final = review.confirm_proposal(claim, by=reviewer, now=NOW + timedelta(hours=2))
    assert final.standing == Decision.Standing.FINAL
    claim.refresh_from_db()
    result = record.record_result(claim, by=factories.registrar(), now=claim.notice_until)
    assert (result.credit, result.points_carried) == (Decimal("0.5"), Decimal(8))
    assert sorted(claim.items.values_list("live", flat=True)) == [False, True, True, True]
