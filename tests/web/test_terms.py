"""How a registrar adds and changes terms on pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Term
from tests import credit_factories as credit
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def typed(**other: str) -> dict[str, str]:
    return {
        "code": "2026-autumn",
        "name_zh": "2026年秋季学期",
        "name_en": "Autumn 2026",
        "starts_on": "2026-09-01",
        "ends_on": "2027-01-15",
        "days_off": "2026-10-01 至 2026-10-07。",
        "days_worked": "2026-10-10\r\n2026-09-26",
        **other,
    }


def test_a_term_is_entered_and_then_a_round_can_be_opened_in_it(signed_in: SignIn, html: Html) -> None:
    """Without a term the page of rounds says where to add one; afterwards its form offers the term."""
    browser = signed_in(factories.registrar())
    before = html(browser.get(reverse("registrar_rounds")))
    assert "There is no term yet." in before
    assert f'href="{reverse("registrar_terms")}"' in before
    text = html(browser.post(reverse("registrar_terms"), typed(), follow=True))
    assert "The term Autumn 2026 was added." in text
    assert "alert-warning" not in text
    assert '<td class="end num" data-label="Holidays">7</td>' in text
    assert Term.objects.get().days_worked == ["2026-09-26", "2026-10-10"]
    after = html(browser.get(reverse("registrar_rounds")))
    assert "There is no term yet." not in after
    assert '<option value="2026-autumn">Autumn 2026</option>' in after


def test_a_term_comes_prefilled_and_its_holidays_are_changed(signed_in: SignIn, html: Html) -> None:
    """The form shows the stored days in a format that it accepts; sent unchanged it changes nothing."""
    browser = signed_in(factories.registrar())
    browser.post(reverse("registrar_terms"), typed())
    address = reverse("registrar_term", args=["2026-autumn"])
    text = html(browser.get(address))
    assert "2026-10-01 – 2026-10-07</textarea>" in text
    assert 'value="2026-09-01"' in text
    same = typed(days_off="2026-10-01 – 2026-10-07", days_worked="2026-09-26\r\n2026-10-10")
    browser.post(address, same)
    assert not AuditEntry.objects.filter(action="term-changed").exists()
    changed = same | {"days_off": "", "ends_on": "2027-01-20"}
    assert "The term Autumn 2026 was changed." in html(browser.post(address, changed, follow=True))
    term = Term.objects.get()
    assert (term.days_off, term.ends_on) == ([], date(2027, 1, 20))


def test_first_and_last_day_stay_while_rounds_are_held(signed_in: SignIn, html: Html) -> None:
    """If the term has a round, its first and last day cannot change; names and holidays can."""
    term = credit.round_().term
    browser = signed_in(factories.registrar())
    address = reverse("registrar_term", args=[term.code])
    assert "its start and end dates cannot be changed" in html(browser.get(address))
    browser.post(address, typed(days_off="2025-04-04", days_worked=""))
    was = (term.starts_on, term.ends_on)
    term.refresh_from_db()
    assert (term.starts_on, term.ends_on) == was
    assert (term.name_en, term.days_off) == ("Autumn 2026", ["2025-04-04"])


def test_days_that_may_be_a_slip_are_told(signed_in: SignIn, html: Html) -> None:
    """A holiday outside the term and a weekday among the weekend working days are stored with a warning."""
    answer = signed_in(factories.registrar()).post(
        reverse("registrar_terms"), typed(days_off="2062-10-01", days_worked="2026-10-09"), follow=True
    )
    text = html(answer)
    assert "outside the term and were saved anyway: 2062-10-01." in text
    assert "working days anyway: 2026-10-09." in text


FAULTS = [
    ({"days_off": "2026-10-01\nNational Day 国庆"}, "Line 2: "),
    ({"days_worked": "2026-10-04"}, "2026-10-04 is listed both"),
    ({"ends_on": "2026-08-31"}, "is before its start date"),
    ({"starts_on": "0026-09-01"}, "in the years 2000 to 2100"),
    ({"starts_on": "9/1"}, "Enter a valid date"),
    ({"name_zh": "\x00"}, "Null characters are not allowed"),
    ({"name_en": ""}, "This field is required"),
]


@pytest.mark.parametrize(("wrong", "sentence"), FAULTS)
def test_a_term_with_a_fault_comes_back_as_typed(
    wrong: dict[str, str], sentence: str, signed_in: SignIn, html: Html
) -> None:
    """For a new and for an existing term, the page names the error and shows what was typed; nothing is stored."""
    browser = signed_in(factories.registrar())
    factories.term("2025-spring")
    before = Term.objects.values().get()
    for address in (reverse("registrar_terms"), reverse("registrar_term", args=["2025-spring"])):
        answer = browser.post(address, typed(**wrong))
        text = html(answer)
        assert answer.status_code == 400
        assert 'role="alert"' in text
        assert sentence in text
        assert wrong.get("days_worked", "2026-09-26") in text
        assert " ".join(wrong.get("days_off", "2026-10-01 至 2026-10-07。").split()) in text
    assert Term.objects.values().get() == before
    assert not AuditEntry.objects.exists()


def test_a_code_that_is_taken_is_said(signed_in: SignIn, html: Html) -> None:
    """A code that is taken gets 409, and the form shows what was typed."""
    factories.term("2026-autumn")
    answer = signed_in(factories.registrar()).post(reverse("registrar_terms"), typed())
    assert answer.status_code == 409
    assert "There is already a term with the code “2026-autumn”." in html(answer)
    assert "2026年秋季学期" in html(answer)


def test_terms_are_for_the_whole_universitys_registrar(signed_in: SignIn, html: Html) -> None:
    """A college's registrar has no link to terms and gets 403 from their pages; an unknown term gets 404."""
    term = factories.term()
    college = signed_in(factories.registrar(factories.department()))
    rounds = html(college.get(reverse("registrar_rounds")))
    assert reverse("registrar_terms") not in rounds
    addresses = reverse("registrar_terms"), reverse("registrar_term", args=[term.code])
    for browser in (college, signed_in(factories.steward())):
        for address in addresses:
            assert browser.get(address).status_code == 403
            assert browser.post(address, typed()).status_code == 403
    assert Term.objects.get().name_en == term.name_en
    all_of_it = signed_in(factories.registrar())
    assert all_of_it.get(reverse("registrar_term", args=["nope"])).status_code == 404
    text = html(all_of_it.get(addresses[1]))
    assert f'href="{reverse("registrar_rounds")}" aria-current="true"' in text
