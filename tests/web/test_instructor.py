"""What an instructor sees and decides on pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, StaffRole
from credits.claims.application import draft, submit
from credits.claims.models import Claim, Decision
from credits.web.presenters.review_queue import approval_ticket
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def judged_claim(contributions: int = 2) -> Claim:
    """Return a submitted claim in which the reviewer can give up to five points to each contribution."""
    version = credit.published_rulebook(points=credit.JUDGED)
    return credit.submitted_claim(in_round=credit.round_(rulebooks=[version]), contributions=contributions)


def test_the_oldest_waits_first_and_only_those_of_the_own_college(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """Claims of the own college are listed by submission, oldest first, with the days that they have waited."""
    programme = factories.programme()
    round_ = credit.round_()
    late = credit.submitted_claim(factories.student(programme=programme), round_, now=NOW + timedelta(days=2))
    early = credit.submitted_claim(factories.student(programme=programme), round_)
    elsewhere = credit.submitted_claim(in_round=round_)
    clock.at = NOW + timedelta(days=3)
    text = html(signed_in(factories.instructor(programme.department)).get(reverse("instructor_queue")))
    assert text.index(early.enrolment.student_number) < text.index(late.enrolment.student_number)
    assert elsewhere.enrolment.student_number not in text
    assert "3 days" in text
    assert "1 day" in text


def test_claims_in_which_every_line_counts_are_approved_at_once(signed_in: SignIn, html: Html) -> None:
    """Ticked claims are approved together; a claim that needs a closer look has no checkbox."""
    programme = factories.programme()
    round_ = credit.round_()
    plain = [credit.submitted_claim(factories.student(programme=programme), round_) for _each in range(3)]
    mixed_student = factories.student(programme=programme)
    bad = credit.authorship(mixed_student, credit.contribution(credit.repository(licence="")))
    mixed = credit.claim(mixed_student, round_)
    draft.add_item(mixed, bad, by=mixed_student, now=NOW)
    submit.submit(mixed, by=mixed_student, now=NOW)
    browser = signed_in(factories.instructor(programme.department))
    text = html(browser.get(reverse("instructor_queue")))
    assert text.count('name="claim"') == 3
    answer = browser.post(
        reverse("instructor_approve"), {"claim": [approval_ticket(claim) for claim in plain[:2]]}, follow=True
    )
    assert "2 applications approved." in html(answer)
    assert Decision.objects.filter(verdict="approve", standing="final").count() == 2
    page = f"http://testserver{reverse('instructor_queue')}"
    forced = browser.post(
        reverse("instructor_approve"),
        {"claim": [approval_ticket(mixed)]},
        headers={"referer": page},
        follow=True,
    )
    assert "cannot be approved together" in html(forced)
    nothing = browser.post(reverse("instructor_approve"), headers={"referer": page}, follow=True)
    assert "Nothing was selected." in html(nothing)


def test_the_result_is_shown_while_the_lines_are_being_decided(signed_in: SignIn, html: Html) -> None:
    """Points that a reviewer types change the total in the fragment; no decision is stored."""
    claim = judged_claim()
    browser = signed_in(credit.reviewer_of(claim))
    address = reverse("instructor_preview", args=[claim.public_id])
    typed = {"line-1-accepted": "yes", "line-1-difficulty": "5", "line-2-accepted": "no"}
    text = html(browser.post(address, typed, headers={"hx-request": "true"}))
    assert "13 points · 13 carried over" in text
    assert "Applied for: 0.5 credits, 16 points" in text
    assert 'id="points-2"' in text
    assert not Decision.objects.exists()


def test_taking_something_off_needs_a_reason_and_nothing_typed_is_lost(signed_in: SignIn, html: Html) -> None:
    """Without a reason the page is shown again as typed; with a reason the decision is proposed to the student."""
    claim = judged_claim()
    browser = signed_in(credit.reviewer_of(claim))
    address = reverse("instructor_claim", args=[claim.public_id])
    typed = {"line-1-accepted": "yes", "line-1-difficulty": "4", "line-2-accepted": "no"}
    answer = browser.post(address, typed)
    text = html(answer)
    assert answer.status_code == 400
    assert 'role="alert"' in text
    assert 'name="line-2-accepted" value="no" checked' in text
    assert 'value="4"' in text
    assert not Decision.objects.exists()
    answer = browser.post(address, typed | {"reason": "Only a version was bumped."}, follow=True)
    assert "who can now respond" in html(answer)
    claim.refresh_from_db()
    assert claim.status == "hearing"


@pytest.mark.parametrize(
    "number", ["7", "-1", "abc", "1e99", "1e999999999", "-1E99999999", "NaN", "2.5", "٣", "３", "1_0", "\x00"]
)
def test_points_outside_the_rulebooks_range_are_refused_with_a_sentence(
    number: str, signed_in: SignIn, html: Html
) -> None:
    """A number that the rulebook does not allow, or a text that is no number, is refused; no decision is stored."""
    claim = judged_claim()
    address = reverse("instructor_claim", args=[claim.public_id])
    answer = signed_in(credit.reviewer_of(claim)).post(address, {"line-1-difficulty": number})
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in html(answer)
    assert not Decision.objects.exists()


def test_a_proposal_is_made_final_only_after_the_days_to_answer(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """Before the days are over there is no button, and the refusal names the date; afterwards it can be made final."""
    claim = credit.submitted_claim()
    reviewer = credit.reviewer_of(claim)
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    credit.decided_claim(claim, {refs[0]: {"accepted": False}}, by=reviewer, reason="Not theirs.")
    claim.refresh_from_db()
    address = reverse("instructor_claim", args=[claim.public_id])
    browser = signed_in(reviewer)
    assert "Confirm this proposal" not in html(browser.get(address))
    press = reverse("instructor_confirm", args=[claim.public_id])
    answer = browser.post(press, headers={"referer": f"http://testserver{address}"}, follow=True)
    assert "2025-03-18 00:00" in html(answer)
    clock.at = claim.hearing_until
    browser = signed_in(reviewer)
    assert "Confirm this proposal" in html(browser.get(address))
    browser.post(press)
    claim.refresh_from_db()
    assert claim.status in {"notice", "refused"}


def test_looking_at_a_claim_is_in_the_audit_log(signed_in: SignIn) -> None:
    """A reviewer's look at a claim is written into the audit log."""
    claim = credit.submitted_claim()
    reviewer = credit.reviewer_of(claim)
    signed_in(reviewer).get(reverse("instructor_claim", args=[claim.public_id]))
    assert AuditEntry.objects.filter(action="claim-seen", actor=reviewer, person=claim.user).exists()


def test_nobody_reviews_their_own_claim(signed_in: SignIn) -> None:
    """An instructor who also studies does not find their own claim in the queue, and cannot decide on it."""
    both = factories.student()
    factories.StaffRole.objects.create(
        user=both, role="instructor", department=both.enrolments.get().programme.department
    )
    claim = credit.submitted_claim(both)
    browser = signed_in(both)
    assert not browser.get(reverse("instructor_queue")).context["rows"]
    answer = browser.post(reverse("instructor_claim", args=[claim.public_id]), {"reason": "Mine."})
    assert answer.status_code == 403
    assert not Decision.objects.exists()


def test_the_queue_asks_the_database_a_bounded_number_of_times(
    signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    """Twelve waiting claims need at most twelve queries."""
    programme = factories.programme()
    round_ = credit.round_(rulebooks=[credit.published_rulebook(points=credit.JUDGED)])
    for _each in range(12):
        credit.submitted_claim(factories.student(programme=programme), round_)
    browser = signed_in(factories.instructor(programme.department))
    with django_assert_max_num_queries(12):
        assert len(browser.get(reverse("instructor_queue")).context["rows"]) == 12


def test_an_instructor_who_studies_does_not_review_their_own_claim(signed_in: SignIn) -> None:
    """An instructor cannot open the reviewer's page of their own claim: neither of a draft nor of a submitted claim,
    whose hints are for reviewers only."""
    begun = credit.claim()
    StaffRole.objects.create(user=begun.user, role=StaffRole.Role.INSTRUCTOR)
    browser = signed_in(begun.user)
    for step in (lambda: begun, lambda: submit.submit(begun, by=begun.user, now=NOW)):
        claim = step()
        address = reverse("instructor_claim", args=[claim.public_id])
        assert browser.get(address).status_code == 403
        assert browser.post(reverse("instructor_preview", args=[claim.public_id])).status_code == 403
        assert browser.get(reverse("claim", args=[claim.public_id]), follow=True).status_code == 200
