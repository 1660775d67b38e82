"""Terms (学期): add one, change one. Days off and days worked are announced late, so they may change at any time."""

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
    """Make a term; both its first and its last day belong to it. ``days_off`` are public holidays, ``days_worked``
    weekend days that are worked for them (调休); either may lie between terms, and terms may overlap.

    Raises NotAllowed unless ``by`` is a registrar for the whole university; CreditsError for a last day before the
    first, days outside ``date_lists.YEARS``, more than ``date_lists.MAX_DAYS`` in a list,
    and a day in both lists; Conflict where the code is taken.
    """
    permissions.require_for_university(by, StaffRole.Role.REGISTRAR)
    fields = _validated_fields(name_zh, name_en, starts_on, ends_on, days_off, days_worked)
    made, is_new = Term.objects.get_or_create(code=code, defaults=fields)
    if not is_new:
        raise Conflict(
            "term-exists",
            _("There is already a term with the code “%(code)s”.") % {"code": code},
            _("Choose another code, or edit that term."),
        )
    audit.record("term-added", made, by=by, now=now, code=code, **_as_json(fields))
    return made


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
    """Give a term these names and days. None leaves its first or last day as it is: what stands on those days
    (rounds do) is not known here, so whoever gives others has made sure (see credits.claims.rounds.change_term).

    Deadlines that were set before do not move. Nothing is written where nothing differs. Raises as :func:`add` does.
    """
    permissions.require_for_university(by, StaffRole.Role.REGISTRAR)
    held = Term.objects.select_for_update(no_key=True).get(pk=term.pk)
    was = _as_json({field: getattr(held, field) for field in _FIELDS})
    fields = _validated_fields(
        name_zh, name_en, starts_on or held.starts_on, ends_on or held.ends_on, days_off, days_worked
    )
    changed = {
        field: (was[field], is_now) for field, is_now in _as_json(fields).items() if was[field] != is_now
    }
    if changed:
        for field in changed:
            setattr(held, field, fields[field])
        held.save(update_fields=list(changed))
        audit.record("term-changed", held, by=by, now=now, code=held.code, fields=changed)
    return held


def days_outside(term: Term) -> list[date]:
    """Days of either list that are not in the term: between terms they may be meant, in another year hardly."""
    days = (date.fromisoformat(day) for day in [*term.days_off, *term.days_worked])
    return sorted(day for day in days if not term.starts_on <= day <= term.ends_on)


def redundant_worked_days(term: Term) -> list[date]:
    """Days entered as worked that are no weekend days, and so would be worked without being entered."""
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
    """The fields as the model keeps them, if they can be taken."""
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
