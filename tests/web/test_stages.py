"""Several stages of review on pages: from the instructor to the committee to the public notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from credits.claims.models import Claim, Decision
from credits.claims.review import review
from tests import credit_factories as credit
from tests import factories
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def test_a_claim_goes_from_the_instructor_to_the_committee_to_the_notice(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """The instructor refuses one contribution, the student responds, and the committee reads both and agrees. Only then
    the claim is on notice. At each step the student reads who has the claim, in both languages."""
    claim = credit.staged_claim()
    instructor, committee = credit.reviewer_of(claim), credit.committee_of(claim)
    student, first_reviewer, second_reviewer = (
        signed_in(claim.user),
        signed_in(instructor),
        signed_in(committee),
    )
    page, work = reverse("claim", args=[claim.public_id]), reverse("instructor_claim", args=[claim.public_id])
    assert "First look (stage 1 of 2)" in html(student.get(page))
    assert "Nothing to review" in html(second_reviewer.get(reverse("instructor_queue")))
    assert second_reviewer.get(work).status_code == 404
    assert "First look (stage 1 of 2)" in html(first_reviewer.get(reverse("instructor_queue")))
    typed = {"stage": "1", "line-1-accepted": "no", "line-1-reason": "空白改动", "line-2-accepted": "yes"}
    assert "who can now respond" in html(first_reviewer.post(work, typed, follow=True))
    student.post(reverse("claim_answer", args=[claim.public_id]), {"text": "那是格式修复。"})
    pressed = first_reviewer.post(
        reverse("instructor_confirm", args=[claim.public_id]), {"stage": "1"}, follow=True
    )
    assert "moves to the next stage: College panel." in html(pressed)

    assert "under review: College panel (stage 2 of 2)" in html(student.get(reverse("student_home")))
    chinese = html(signed_in(claim.user, "zh-hans").get(page))
    assert "学院认定小组（第 2 环节，共 2 个环节）" in chinese
    assert "final in this stage" in html(student.get(page))
    assert "Nothing to review" in html(first_reviewer.get(reverse("instructor_queue")))
    seen = html(first_reviewer.get(work))
    assert "is waiting for the reviewers of this stage" in seen
    assert 'name="line-1-accepted"' not in seen

    seen = html(second_reviewer.get(work))
    for words in ("First look (stage 1 of 2)", "空白改动", "那是格式修复。", "Agree with this decision"):
        assert words in seen
    assert 'name="line-1-accepted" value="no" checked' in seen
    agreed = second_reviewer.post(
        reverse("instructor_agree", args=[claim.public_id]), {"stage": "2"}, follow=True
    )
    assert "goes on public notice" in html(agreed)
    claim.refresh_from_db()
    assert (claim.status, claim.stage) == (Claim.Status.NOTICE, 2)
    assert list(Decision.objects.order_by("stage").values_list("standing", "decided_by")) == [
        ("final", instructor.pk),
        ("final", committee.pk),
    ]


def test_what_was_ticked_in_one_stage_is_not_approved_in_the_next(signed_in: SignIn, html: Html) -> None:
    """A queue page from before a colleague's decision cannot approve a claim in its next stage."""
    stages = "review: {stages: [{id: a, title: {zh: 一, en: One}}, {id: b, title: {zh: 二, en: Two}}]}"
    claim = credit.staged_claim(stages)
    browser = signed_in(credit.reviewer_of(claim))
    address = reverse("instructor_queue")
    ticket = browser.get(address).context["rows"][0]["ticket"]
    review.decide(claim, {}, by=credit.reviewer_of(claim), now=claim.submitted_at)  # type: ignore[arg-type]
    back = {"referer": f"http://testserver{address}"}
    answer = browser.post(reverse("instructor_approve"), {"claim": [ticket]}, headers=back, follow=True)
    assert "Nothing was selected." in html(answer)
    open_page = {"stage": "1", "line-1-accepted": "yes", "line-2-accepted": "yes"}
    stale = browser.post(reverse("instructor_claim", args=[claim.public_id]), open_page)
    assert stale.status_code == 409
    assert "the application has moved to the next one" in html(stale)
    assert Decision.objects.count() == 1
    browser.post(
        reverse("instructor_approve"), {"claim": [browser.get(address).context["rows"][0]["ticket"]]}
    )
    assert Decision.objects.count() == 2


def test_the_queue_of_a_committee_asks_the_database_a_bounded_number_of_times(
    signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    """Eight claims in the second stage need at most fourteen queries."""
    programme = factories.programme()
    round_ = credit.round_(rulebooks=[credit.published_rulebook(more=credit.STAGED, points=credit.JUDGED)])
    for _each in range(8):
        made = credit.submitted_claim(factories.student(programme=programme), round_)
        credit.decided_claim(made)
    browser = signed_in(factories.committee(programme.department))
    with django_assert_max_num_queries(14):
        assert len(browser.get(reverse("instructor_queue")).context["rows"]) == 8


@pytest.mark.parametrize("role", ["student", "registrar", "steward", "admin"])
def test_only_reviewers_open_the_queue(role: str, signed_in: SignIn) -> None:
    """Other roles get 403, and the queue is the first page of a committee member."""
    assert signed_in(getattr(factories, role)()).get(reverse("instructor_queue")).status_code == 403
    first = signed_in(factories.committee()).get(reverse("home"))
    assert first.headers["Location"] == reverse("instructor_queue")
