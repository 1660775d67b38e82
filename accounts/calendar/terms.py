"""Add and change terms (学期).

Holidays and working weekends are announced late, so they may change at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.calendar.date_lists import MAX_DAYS, YEARS
from accounts.models import StaffRole, Term, User
from credits.errors import Conflict, CreditsError

_SATURDAY = 5


@transaction.atomic
def add(
    *,
    code: str,
    name_zh: str,
    name_en: str,
    starts_on: date,
    ends_on: date,
    days_off: Iterable[date] = (),
    days_worked: Iterable[date] = (),
    by: User,
    now: datetime,
) -> Term:
    """Create a term. Its first day and its last day both belong to it.

    ``days_off`` are public holidays, ``days_worked`` are weekend days that are worked instead (调休). Both may lie
    between terms, and terms may overlap. Raise NotAllowed unless ``by`` is a registrar for the whole university.
    Raise CreditsError if the last day is before the first, if a day is outside ``date_lists.YEARS`` or in both lists,
    or if a list has more than ``date_lists.MAX_DAYS`` days. Raise Conflict if the code exists already.
    """
    permissions.require_for_university(by, StaffRole.Role.REGISTRAR)
    fields = _validated_fields(name_zh, name_en, starts_on, ends_on, days_off, days_worked)
    term, is_new = Term.objects.get_or_create(code=code, defaults=fields)
    if not is_new:
        raise Conflict(
            "term-exists",
            _("There is already a term with the code “%(code)s”.") % {"code": code},
            _("Choose another code, or edit that term."),
        )
    audit.record("term-added", term, by=by, now=now, code=code, **_as_json(fields))
    return term


@transaction.atomic
def change(
    term: Term,
    *,
    name_zh: str,
    name_en: str,
    days_off: Iterable[date],
    days_worked: Iterable[date],
    starts_on: date | None = None,
    ends_on: date | None = None,
    by: User,
    now: datetime,
) -> Term:
    """Change the names and days of a term. None for ``starts_on`` or ``ends_on`` leaves that day as it is.

    Rounds depend on the first and last day, and this function cannot check them: a caller that changes these days must
    check the rounds first (see credits.claims.rounds.change_term). Deadlines that are already set do not move. Nothing
    is written if nothing differs. Raise the errors of :func:`add`, except Conflict.
    """
    permissions.require_for_university(by, StaffRole.Role.REGISTRAR)
    stored = Term.objects.select_for_update(no_key=True).get(pk=term.pk)
    before = _as_json({field: getattr(stored, field) for field in _FIELDS})
    fields = _validated_fields(
        name_zh, name_en, starts_on or stored.starts_on, ends_on or stored.ends_on, days_off, days_worked
    )
    changed = {
        field: (before[field], after) for field, after in _as_json(fields).items() if before[field] != after
    }
    if changed:
        for field in changed:
            setattr(stored, field, fields[field])
        stored.save(update_fields=list(changed))
        audit.record("term-changed", stored, by=by, now=now, code=stored.code, fields=changed)
    return stored


def days_outside(term: Term) -> list[date]:
    """Return the days of both lists that lie outside the term.

    They may be meant (days between two terms) or a mistake (another year), so a person should look at them.
    """
    days = (date.fromisoformat(day) for day in [*term.days_off, *term.days_worked])
    return sorted(day for day in days if not term.starts_on <= day <= term.ends_on)


def redundant_worked_days(term: Term) -> list[date]:
    """Return the days entered as worked that are Monday to Friday, so that the entry has no effect."""
    days = (date.fromisoformat(day) for day in term.days_worked)
    return sorted(day for day in days if day.weekday() < _SATURDAY)


_FIELDS = ("name_zh", "name_en", "starts_on", "ends_on", "days_off", "days_worked")


def _validated_fields(
    name_zh: str,
    name_en: str,
    starts_on: date,
    ends_on: date,
    days_off: Iterable[date],
    days_worked: Iterable[date],
) -> dict[str, Any]:
    """Return the fields as the model stores them. Raise CreditsError if they are not valid."""
    off, worked = sorted(set(days_off)), sorted(set(days_worked))
    if any(day.year not in YEARS for day in (starts_on, ends_on, *off, *worked)):
        raise CreditsError(
            "term-days",
            _("The dates of a term must be in the years %(first)s to %(last)s.")
            % {"first": YEARS[0], "last": YEARS[-1]},
            _("Correct the dates."),
        )
    if ends_on < starts_on:
        raise CreditsError(
            "term-days", _("The end date of the term is before its start date."), _("Correct the dates.")
        )
    if max(len(off), len(worked)) > MAX_DAYS:
        raise CreditsError(
            "too-many-days",
            _("This is longer than %(most)s days.") % {"most": MAX_DAYS},
            _("Enter the dates of one term only."),
        )
    if both := sorted(set(off) & set(worked)):
        raise CreditsError(
            "day-off-and-worked",
            _("%(day)s is listed both as a holiday and as a working day.") % {"day": both[0].isoformat()},
            _("Remove it from one of the two lists."),
        )
    return {
        "name_zh": name_zh,
        "name_en": name_en,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "days_off": [day.isoformat() for day in off],
        "days_worked": [day.isoformat() for day in worked],
    }


def _as_json(fields: dict[str, Any]) -> dict[str, Any]:
    return {field: value.isoformat() if isinstance(value, date) else value for field, value in fields.items()}
