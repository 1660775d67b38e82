"""Who may add and change a term, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.calendar import terms
from accounts.calendar.university_calendar import load_calendar
from accounts.models import AuditEntry, Term
from credits.errors import Conflict, CreditsError, NotAllowed
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

HOLIDAYS = [date(2026, 10, day) for day in range(1, 8)]
SATURDAY = date(2026, 10, 10)


def add(**fields: Any) -> Term:
    """Add the autumn term of 2026 as a registrar for the whole university."""
    return terms.add(
        **{
            "code": "2026-autumn",
            "name_zh": "2026年秋季学期",
            "name_en": "Autumn 2026",
            "starts_on": date(2026, 9, 1),
            "ends_on": date(2027, 1, 15),
            "days_off": HOLIDAYS,
            "days_worked": [SATURDAY],
            "by": fields.pop("by", None) or factories.registrar(),
            "now": NOW,
            **fields,
        }
    )


def change(term: Term, **fields: Any) -> Term:
    """Change only the given fields of a term."""
    return terms.change(
        term,
        **{
            "name_zh": term.name_zh,
            "name_en": term.name_en,
            "days_off": HOLIDAYS,
            "days_worked": [SATURDAY],
            "by": fields.pop("by", None) or factories.registrar(),
            "now": NOW,
            **fields,
        },
    )


def test_a_term_is_added_and_its_days_count() -> None:
    """The days are stored sorted, the university's calendar uses them, and the audit log has the actor and the
    fields."""
    registrar = factories.registrar()
    term = add(days_off=[*reversed(HOLIDAYS), HOLIDAYS[0]], by=registrar)
    term.refresh_from_db()
    assert term.days_off == [day.isoformat() for day in HOLIDAYS]
    calendar = load_calendar()
    assert not any(calendar.is_worked(day) for day in HOLIDAYS)
    assert calendar.is_worked(SATURDAY)
    entry = AuditEntry.objects.get(action="term-added")
    assert (entry.actor, entry.at, entry.details["code"]) == (registrar, NOW, "2026-autumn")
    assert entry.details["days_worked"] == ["2026-10-10"]
    assert entry.details["ends_on"] == "2027-01-15"


def test_terms_may_overlap() -> None:
    """A short term inside another one is accepted."""
    add()
    add(code="2026-short", starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 1))
    assert Term.objects.count() == 2


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ends_on": date(2026, 8, 31)}, "term-days"),
        ({"starts_on": date(26, 9, 1)}, "term-days"),
        ({"ends_on": date(9999, 12, 31)}, "term-days"),
        ({"days_off": [date(1999, 10, 1)]}, "term-days"),
        ({"days_worked": [SATURDAY, HOLIDAYS[3]]}, "day-off-and-worked"),
        ({"days_off": [date(2026, 1, 1) + timedelta(days=step) for step in range(201)]}, "too-many-days"),
        ({"days_worked": [date(2026, 1, 1) + timedelta(days=step) for step in range(201)]}, "too-many-days"),
    ],
)
@pytest.mark.parametrize("verb", ["add", "change"])
def test_what_no_term_can_be_is_refused(verb: str, wrong: dict[str, Any], code: str) -> None:
    """A new or changed term is refused if it ends before it begins, lies in an impossible year, or has a day both
    off and worked. Nothing is written."""
    attempt: Callable[[], object] = lambda: add(**wrong)  # noqa: E731
    if verb == "change":
        term = add()
        attempt = lambda: change(term, **wrong)  # noqa: E731
    before = list(Term.objects.values()), AuditEntry.objects.count()
    with pytest.raises(CreditsError) as error:
        attempt()
    assert error.value.code == code
    assert (list(Term.objects.values()), AuditEntry.objects.count()) == before


def test_a_code_is_taken_once() -> None:
    """A second term with the same code is refused, and the first one stays as it was."""
    add()
    with pytest.raises(Conflict) as error:
        add(name_en="Another")
    assert error.value.code == "term-exists"
    assert Term.objects.get().name_en == "Autumn 2026"
    assert AuditEntry.objects.count() == 1


def test_a_change_is_logged_with_what_it_was() -> None:
    """The audit log has the values before and after; a change of nothing writes nothing."""
    term = add()
    change(term)
    assert not AuditEntry.objects.filter(action="term-changed").exists()
    changed = change(term, name_en="Fall 2026", days_worked=[SATURDAY, date(2026, 9, 26)])
    assert (changed.name_en, changed.starts_on) == ("Fall 2026", date(2026, 9, 1))
    term.refresh_from_db()
    assert term.days_worked == ["2026-09-26", "2026-10-10"]
    assert AuditEntry.objects.get(action="term-changed").details == {
        "code": "2026-autumn",
        "fields": {
            "name_en": ["Autumn 2026", "Fall 2026"],
            "days_worked": [["2026-10-10"], ["2026-09-26", "2026-10-10"]],
        },
    }


def test_only_a_registrar_for_the_whole_university_has_a_say() -> None:
    """A college's registrar, an administrator and a steward can neither add nor change a term."""
    term = add()
    for person, code in (
        (factories.registrar(factories.department()), "role-for-all-needed"),
        (factories.admin(), "role-needed"),
        (factories.steward(), "role-needed"),
    ):
        for attempt in (
            lambda by=person: add(code="x", by=by),
            lambda by=person: change(term, name_en="x", by=by),
        ):
            with pytest.raises(NotAllowed) as error:
                attempt()
            assert error.value.code == code
    assert Term.objects.get().name_en == "Autumn 2026"


def test_what_may_be_a_slip_is_found() -> None:
    """Days outside the term and weekdays entered as worked are stored, and can be listed for a person to check."""
    term = add(days_off=[date(2026, 10, 1), date(2027, 2, 6)], days_worked=[SATURDAY, date(2026, 10, 9)])
    assert terms.days_outside(term) == [date(2027, 2, 6)]
    assert terms.redundant_worked_days(term) == [date(2026, 10, 9)]
