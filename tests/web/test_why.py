"""The part "Why": what would have to change for a contribution to count, or to count in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from credits.claims.application.draft import add_item, draft_candidates
from credits.claims.application.submit import submit
from credits.claims.review import review
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]

STARS = """\
  - id: stars
    text: {zh: 项目星标数不少于 500, en: the project has 500 stars or more}
    when: repository.stars >= 500
"""
NEEDED = "“stars” would have to be 500 or more."
NEEDED_ZH = "“星标数”至少为 500。"


def with_stars() -> Any:
    """Return a round whose rulebook requires 500 stars and gives at most 5 points to a repository."""
    text = credit.RULEBOOK.format(code="starred", category="innovation", points="", more="")
    text = text.replace("points:\n", f"{STARS}points:\n", 1)
    text = text.replace("{share: 1}", "{share: 1, points: 5}")
    return credit.round_(rulebooks=[credit.published_rulebook(text=text)])


def test_a_student_reads_what_would_make_it_count_and_what_took_points(signed_in: SignIn, html: Html) -> None:
    """The list and the application name the nearest facts that would do and, for a contribution that gets less than its
    points, how much it gets and why; in both languages."""
    student, round_ = factories.student(), with_stars()
    credit.authorship(student, credit.contribution(credit.repository(stars=12)))
    credit.authorship(student, credit.contribution(credit.repository(stars=900)))
    credit.claim(student, round_, contributions=0)
    browser = signed_in(student)
    for address in (reverse("student_contributions"), reverse("student_claim", args=[round_.code])):
        text = html(browser.get(address))
        for words in (
            "What would make it eligible",
            NEEDED,
            "Counts 5 of 8 points.",
            "At most 5 points",
        ):
            assert words in text
        chinese = html(signed_in(student, "zh-hans").get(address))
        assert "怎样才能计入" in chinese
        assert NEEDED_ZH in chinese
        assert "本项原得 8 积分，计入 5 积分。" in chinese


def test_reviewers_and_the_student_read_the_same_of_a_submitted_claim(signed_in: SignIn, html: Html) -> None:
    """The student's page, the reviewer's page and the reviewer's preview give the same explanation."""
    student, round_ = factories.student(), with_stars()
    few = credit.authorship(student, credit.contribution(credit.repository(stars=12)))
    credit.authorship(student, credit.contribution(credit.repository(stars=900)))
    claim = credit.claim(student, round_, contributions=0)
    assert any(candidate.authorship == few for candidate in draft_candidates(claim, now=NOW))
    add_item(claim, few, by=student, now=NOW)
    claim = submit(claim, by=student, now=NOW)
    reviewer = signed_in(credit.reviewer_of(claim))
    assert NEEDED in html(signed_in(student).get(reverse("claim", args=[claim.public_id])))
    assert NEEDED in html(reviewer.get(reverse("instructor_claim", args=[claim.public_id])))
    preview = reverse("instructor_preview", args=[claim.public_id])
    typed = {"line-1-accepted": "no", "line-2-accepted": "no"}
    text = html(reviewer.post(preview, typed, headers={"hx-request": "true"}))
    assert NEEDED in text
    assert "Needed: a reviewer accepts this contribution" in text
    review.decide(claim, {}, by=credit.reviewer_of(claim), now=NOW)
    assert NEEDED in html(signed_in(student).get(reverse("claim", args=[claim.public_id])))


def test_explaining_asks_the_database_nothing(signed_in: SignIn, django_assert_max_num_queries: Any) -> None:
    """Explaining forty contributions needs no extra queries."""
    student, round_ = factories.student(), with_stars()
    for _each in range(40):
        credit.authorship(student, credit.contribution(credit.repository(stars=1)))
    credit.claim(student, round_, contributions=0)
    browser = signed_in(student)
    with django_assert_max_num_queries(35):
        assert len(browser.get(reverse("student_contributions")).context["whys"]) == 40
    with django_assert_max_num_queries(40):
        assert len(browser.get(reverse("student_claim", args=[round_.code])).context["whys"]) == 40
