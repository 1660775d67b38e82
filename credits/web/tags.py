"""Template tags and filters: how numbers, times and bilingual texts look. Registered as ``yuanfen`` in settings."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, Textarea
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import get_language, gettext_lazy, npgettext, pgettext_lazy
from django.utils.translation import gettext as _

from accounts.identity.forges import LABELS
from accounts.models import Enrolment
from credits.claims.models import Claim
from credits.claims.review import review
from credits.web import navigation

register = template.Library()

MARKS = {
    "draft": "",
    "submitted": "wait",
    "hearing": "care",
    "notice": "wait",
    "recorded": "good",
    "refused": "",
    "withdrawn": "",
    "merged": "good",
    "landed": "good",
    "reverted": "care",
    "gone": "bad",
    "unknown": "care",
    "counts": "good",
    "does-not-count": "",
    "undecided": "care",
    "approve": "good",
    "reduce": "care",
    "refuse": "bad",
    "proposed": "care",
    "published": "good",
    "retired": "",
    "posted": "good",
    "reversed": "care",
    "waiting": "wait",
    "running": "wait",
    "done": "good",
    "stopped": "",
    "failed": "bad",
    "new": "good",
    "in-claim": "wait",
}
KINDS = {
    "code": pgettext_lazy("kind of file", "code"),
    "tests": pgettext_lazy("kind of file", "tests"),
    "docs": pgettext_lazy("kind of file", "documentation"),
    "translation": pgettext_lazy("kind of file", "translation"),
    "configuration": pgettext_lazy("kind of file", "configuration"),
    "generated": pgettext_lazy("kind of file", "generated"),
}

_UNDERGRADUATE, _MASTER, _DOCTOR = (
    pgettext_lazy("level", "undergraduate"),
    pgettext_lazy("level", "master's"),
    pgettext_lazy("level", "doctoral"),
)
LEVELS = {
    "本科": _UNDERGRADUATE,
    "undergraduate": _UNDERGRADUATE,
    "bachelor": _UNDERGRADUATE,
    "硕士": _MASTER,
    "master": _MASTER,
    "博士": _DOCTOR,
    "doctor": _DOCTOR,
    "phd": _DOCTOR,
}
"""Levels as rosters commonly write them; any other is shown as it was written."""


@register.simple_tag(takes_context=True)
def navigation_entries(context: dict[str, Any]) -> list[navigation.Entry]:
    """The navigation of the reader."""
    request: HttpRequest | None = context.get("request")
    if request is None:
        return []
    return navigation.entries(
        request,
        context.get("roles", ()),
        bool(context.get("is_student")),
        place=str(context.get("place", "")),
    )


@register.filter
def as_staff_say(claim: Claim) -> str:
    """The state of a claim in words that do not speak to the student, as its own name does."""
    if claim.status == Claim.Status.HEARING:
        return _("answered") if review.answered(claim) else _("waiting for the student's answer")
    return str(claim.get_status_display())


@register.filter
def as_student_reads(claim: Claim) -> str:
    """The state of a claim in words for the student, who has answered or not."""
    if claim.status == Claim.Status.HEARING and review.answered(claim):
        return _("your answer is with the reviewer")
    return str(claim.get_status_display())


@register.filter
def mark(state: object) -> str:
    """The colour class for a state."""
    return MARKS.get(str(state), "")


@register.filter
def plain(number: Decimal | str | None) -> str:
    """A Decimal (or its text) without needless zeros; an em dash where it is None or empty."""
    if number in (None, ""):
        return "—"
    text = f"{Decimal(str(number)).normalize():f}"
    return "0" if text == "-0" else text


@register.filter("credits")
def with_credits(number: Decimal | str | None) -> str:
    """Credit with its unit: 0.5 credits, 1 credit."""
    said = npgettext("amount", "%(number)s credit", "%(number)s credits", _many(number))
    return said % {"number": plain(number)}


@register.filter("points")
def with_points(number: Decimal | str | None) -> str:
    """Points with their unit: 16 points, 1 point."""
    said = npgettext("amount", "%(number)s point", "%(number)s points", _many(number))
    return said % {"number": plain(number)}


@register.filter
def credit_unit(number: Decimal | str | None) -> str:
    """The unit alone, for a figure that stands beside it in another size."""
    return npgettext("unit", "credit", "credits", _many(number))


@register.filter
def unit_of(named: object, number: Decimal | str | None) -> str:
    """A rulebook's own name of a unit (bilingual, its English in the plural) for this number: one hour, two hours."""
    text = tongue(named)
    alone = _many(number) == 1 and not (get_language() or "").startswith("zh")
    return text[:-1] if alone and text.endswith("s") and not text.endswith("ss") else text


def _many(number: Decimal | str | None) -> int:
    """How languages count it: a fraction like several."""
    return 1 if number not in (None, "") and Decimal(str(number)) == 1 else 2


@register.filter
def signed(number: Decimal | str) -> str:
    """A change as +5 or −3."""
    text = plain(number)
    return f"−{text[1:]}" if text.startswith("-") else f"+{text}"


@register.filter
def percent_number(share: Decimal | None) -> str:
    """A share as the number of its percents, for a field."""
    return "" if share is None else plain(share * 100)


@register.filter
def percent(share: Decimal | None) -> str:
    """A share in percent; an em dash where there is none."""
    return "—" if share is None else f"{plain(share * 100)}%"


FOUND_BY = {
    "account": gettext_lazy("the account's own list"),
    "watched": gettext_lazy("a watched repository"),
    "fork": gettext_lazy("a fork of the account"),
    "event": gettext_lazy("the account's events"),
    "search": gettext_lazy("a search"),
    "link": gettext_lazy("a link that you gave"),
    "attested": gettext_lazy("a reviewer who accepted it"),
}


@register.filter
def found_by_label(found_by: str) -> str:
    """How a contribution was found."""
    return str(FOUND_BY.get(found_by, found_by))


@register.filter
def tongue(text: object) -> str:
    """The reader's half of a bilingual text {zh, en}; any other text as it is."""
    if text is None:
        return ""
    chinese = (get_language() or "").startswith("zh")
    first, second = ("zh", "en") if chinese else ("en", "zh")
    if isinstance(text, dict):
        return str(text.get(first) or text.get(second) or "")
    if hasattr(text, first):
        return str(getattr(text, first) or getattr(text, second, ""))
    return str(text)


REVIEWERS = {
    "instructors": gettext_lazy("instructors of the college"),
    "college-committee": gettext_lazy("the college's credit committee"),
    "university-committee": gettext_lazy("the university's credit committee"),
}


@register.filter
def reviewers(by: str) -> str:
    """Who decides in a stage of review."""
    return str(REVIEWERS.get(by, by))


@register.filter
def forge_label(name: str) -> str:
    """How a forge writes its own name."""
    return LABELS.get(name, name)


@register.filter
def intake(enrolment: Enrolment) -> str:
    """Level and entry year of an enrolment: undergraduate, 2023 intake."""
    level = str(LEVELS.get(enrolment.level.lower(), enrolment.level))
    words = {"level": level, "year": enrolment.year}
    return (_("%(level)s, %(year)s intake") if level else _("%(year)s intake")) % words


@register.filter
def day(at: datetime | None) -> str:
    """The local day of an instant."""
    return formats.date_format(timezone.localtime(at), "DATE_FORMAT") if at else "—"


@register.filter
def moment(at: datetime | None) -> str:
    """The local day and time of an instant."""
    if not at:
        return "—"
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'DATE_FORMAT')} {local:%H:%M}"


@register.filter
def until(at: datetime | None) -> str:
    """The last day that counts, where a period ends at local midnight; the exact time otherwise."""
    if not at:
        return "—"
    local = timezone.localtime(at)
    if local.time() == time.min:
        return _("the end of %(day)s") % {
            "day": formats.date_format(local - timedelta(days=1), "DATE_FORMAT")
        }
    return moment(at)


@register.filter
def get(mapping: dict[Any, Any] | None, key: Any) -> Any:
    """The value under a key that is itself a variable; None where there is none."""
    return (mapping or {}).get(key)


@register.inclusion_tag("_gauge.html")
def gauge(held: Decimal | None, hoped: Decimal | None, limit: Decimal | None, label: str) -> dict[str, Any]:
    """A bar of what is held, and what may come to it, up to a limit; whole percents, for the drawing only."""
    top = limit or max((held or Decimal(0)) + (hoped or Decimal(0)), Decimal(1))
    first = min(int(100 * (held or Decimal(0)) / top), 100)
    second = min(int(100 * (hoped or Decimal(0)) / top), 100 - first)
    return {"held": first, "hoped": second, "label": label}


@register.filter
def dressed(field: BoundField) -> str:
    """A form field in this house's look."""
    kind = getattr(field.field.widget, "input_type", "")
    base = {"select": "select", "file": "file-input", "checkbox": "checkbox"}.get(kind, "input")
    if isinstance(field.field.widget, Textarea):
        base = "textarea"
    attributes: dict[str, Any] = {"class": base}
    if field.field.widget.attrs.get("placeholder") == field.label:
        attributes["placeholder"] = False  # allauth's fields say their label twice
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field.as_widget(attrs={**field.field.widget.attrs, **attributes})


@register.filter
def kinds(files: dict[str, Any] | None) -> list[str]:
    """The kinds of files that a contribution touches, by their names; empty where they are unknown."""
    return [str(KINDS.get(kind, kind)) for kind in files or {}]


@register.filter
def kind_label(kind: str) -> str:
    """The name of a kind of files."""
    return str(KINDS.get(kind, kind))


@register.filter
def never_complete(states: list[Any]) -> bool:
    """Whether none of the accounts was ever collected completely."""
    return all(state.complete_at is None for state in states)
