"""Another rulebook in force for some students, on the page of rounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from credits.claims.models import Round, RoundRulebook
from credits.rulebooks.models import RulebookVersion
from tests import credit_factories as credit
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]
ANOTHER = "Another rulebook for some students"


@pytest.fixture
def round_() -> Round:
    return credit.round_("this-round")


@pytest.fixture
def other() -> RulebookVersion:
    return credit.published_rulebook()


def put(round_: Round) -> str:
    return reverse("registrar_put_in_force", args=[round_.code])


def take(row: RoundRulebook) -> str:
    return reverse("registrar_take_out_of_force", args=[row.round.code, row.pk])


def test_another_rulebook_is_put_in_force_and_taken_away(
    signed_in: SignIn, html: Html, round_: Round, other: RulebookVersion
) -> None:
    """It is listed with programme and entry year, and can be removed; the last rulebook has no button to remove it."""
    browser = signed_in(factories.registrar())
    programme = factories.programme("软件工程", college=factories.department("软件学院"))
    text = html(browser.get(reverse("registrar_rounds")))
    assert "软件学院 · 软件工程" in text
    assert "Remove" not in text
    asked = {"programme": programme.pk, "year": "2024", "version": other.pk}
    text = html(browser.post(put(round_), asked, follow=True))
    assert f"{other} is now in force in" in text
    assert " · 软件工程 · entry year 2024" in text
    assert text.count("Remove") == 2
    row = RoundRulebook.objects.get(version=other)
    assert (row.programme, row.year) == (programme, 2024)
    assert "is no longer in force" in html(browser.post(take(row), follow=True))
    assert RoundRulebook.objects.get().version != other


def test_a_fault_keeps_what_was_chosen(
    signed_in: SignIn, html: Html, round_: Round, other: RulebookVersion
) -> None:
    """For a wrong year or students who have a rulebook already, the form is shown as typed; nothing is stored."""
    browser = signed_in(factories.registrar())
    programme = factories.programme()
    credit.round_("another-round")
    for asked, status, sentence in (
        ({"programme": programme.pk, "year": "20244", "version": other.pk}, 400, 'value="20244"'),
        ({"programme": "0", "year": "2024", "version": other.pk}, 400, 'value="2024"'),
        ({"year": "", "version": other.pk}, 409, "These students already have a rulebook in force."),
    ):
        answer = browser.post(put(round_), asked)
        text = html(answer)
        assert answer.status_code == status
        assert sentence in text
        assert text.count('<details class="why text-sm" open>') == 1
        assert f'<option value="{other.pk}" selected>' in text
    assert RoundRulebook.objects.filter(round=round_).count() == 1


def test_after_the_first_submission_nothing_is_offered_nor_taken(
    signed_in: SignIn, html: Html, round_: Round, other: RulebookVersion
) -> None:
    """The page no longer has a form for that round, and an old page gets a sentence instead of a change."""
    browser = signed_in(factories.registrar())
    assert ANOTHER in html(browser.get(reverse("registrar_rounds")))
    credit.submitted_claim(in_round=round_)
    assert ANOTHER not in html(browser.get(reverse("registrar_rounds")))
    answer = browser.post(put(round_), {"year": "2024", "version": other.pk})
    assert answer.status_code == 409
    assert "Students have already applied in this round" in html(answer)
    page = f"http://testserver{reverse('registrar_rounds')}"
    answer = browser.post(take(round_.rulebooks.get()), headers={"referer": page}, follow=True)
    assert "Students have already applied in this round" in html(answer)
    assert RoundRulebook.objects.count() == 1


def test_it_is_the_whole_universitys_registrars(
    signed_in: SignIn, html: Html, round_: Round, other: RulebookVersion
) -> None:
    """A college's registrar sees no form and gets 403, like everybody else; wrong addresses get 404."""
    row = round_.rulebooks.get()
    college: User = factories.registrar(factories.department())
    assert ANOTHER not in html(signed_in(college).get(reverse("registrar_rounds")))
    for person in (college, factories.steward(), factories.student()):
        browser = signed_in(person)
        assert browser.post(put(round_), {"year": "2024", "version": other.pk}).status_code == 403
        assert browser.post(take(row)).status_code == 403
    assert RoundRulebook.objects.get() == row
    browser = signed_in(factories.registrar())
    elsewhere = credit.round_("another-round")
    for address in (
        reverse("registrar_put_in_force", args=["nope"]),
        reverse("registrar_take_out_of_force", args=[elsewhere.code, row.pk]),
    ):
        assert browser.post(address).status_code == 404
    assert browser.get(put(round_)).status_code == 405
