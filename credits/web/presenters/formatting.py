"""Format numbers, times, bilingual texts and fixed vocabularies for pages, in the reader's language."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import get_language, gettext_lazy, npgettext, pgettext_lazy
from django.utils.translation import gettext as _

from accounts.identity.forges import LABELS
from accounts.models import Enrolment

FILE_KIND_LABELS = {
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

LEVEL_LABELS = {
    "本科": _UNDERGRADUATE,
    "undergraduate": _UNDERGRADUATE,
    "bachelor": _UNDERGRADUATE,
    "硕士": _MASTER,
    "master": _MASTER,
    "博士": _DOCTOR,
    "doctor": _DOCTOR,
    "phd": _DOCTOR,
}
"""Levels as rosters commonly write them; any other level is shown as written."""


def plain_number(number: Decimal | str | None) -> str:
    """Format a Decimal (or its text) without trailing zeros; return an em dash if it is None or empty."""
    if number in (None, ""):
        return "—"
    text = f"{Decimal(str(number)).normalize():f}"
    return "0" if text == "-0" else text


def with_credits(number: Decimal | str | None) -> str:
    """Format credit with its unit: 0.5 credits, 1 credit."""
    text = npgettext("amount", "%(number)s credit", "%(number)s credits", _plural_count(number))
    return text % {"number": plain_number(number)}


def with_points(number: Decimal | str | None) -> str:
    """Format points with their unit: 16 points, 1 point."""
    text = npgettext("amount", "%(number)s point", "%(number)s points", _plural_count(number))
    return text % {"number": plain_number(number)}


def credit_unit(number: Decimal | str | None) -> str:
    """Return the unit without the number, for a page that shows the number in another size."""
    return npgettext("unit", "credit", "credits", _plural_count(number))


def unit_of(named: object, number: Decimal | str | None) -> str:
    """Return a rulebook's own unit (bilingual, English plural) in the form for this number: one hour, two hours."""
    text = in_language(named)
    singular = _plural_count(number) == 1 and not (get_language() or "").startswith("zh")
    return text[:-1] if singular and text.endswith("s") and not text.endswith("ss") else text


def _plural_count(number: Decimal | str | None) -> int:
    """Return the count that selects singular or plural; a fraction is plural."""
    return 1 if number not in (None, "") and Decimal(str(number)) == 1 else 2


def signed(number: Decimal | str) -> str:
    """Format a change as +5 or −3."""
    text = plain_number(number)
    return f"−{text[1:]}" if text.startswith("-") else f"+{text}"


def percent_number(share: Decimal | None) -> str:
    """Return a share as a percentage without the sign, for a form field; an empty text if it is None."""
    return "" if share is None else plain_number(share * 100)


def percent(share: Decimal | None) -> str:
    """Format a share as a percentage; return an em dash if it is None."""
    return "—" if share is None else f"{plain_number(share * 100)}%"


FOUND_BY_LABELS = {
    "account": gettext_lazy("your linked account"),
    "watched": gettext_lazy("a watched repository"),
    "fork": gettext_lazy("a fork of the account"),
    "event": gettext_lazy("the account's events"),
    "search": gettext_lazy("search"),
    "link": gettext_lazy("a link that you gave"),
    "attested": gettext_lazy("accepted by a reviewer"),
}


def found_by_label(found_by: str) -> str:
    """Return how a contribution was found, in words."""
    return str(FOUND_BY_LABELS.get(found_by, found_by))


def in_language(text: object) -> str:
    """Return the reader's language of a bilingual text {zh, en}; return any other text unchanged."""
    if text is None:
        return ""
    chinese = (get_language() or "").startswith("zh")
    first, second = ("zh", "en") if chinese else ("en", "zh")
    if isinstance(text, dict):
        return str(text.get(first) or text.get(second) or "")
    if hasattr(text, first):
        return str(getattr(text, first) or getattr(text, second, ""))
    return str(text)


REVIEWER_LABELS = {
    "instructors": gettext_lazy("instructors of the college"),
    "college-committee": gettext_lazy("the college's credit committee"),
    "university-committee": gettext_lazy("the university's credit committee"),
}


def reviewers(by: str) -> str:
    """Return who decides in a stage of review, in words."""
    return str(REVIEWER_LABELS.get(by, by))


def forge_label(name: str) -> str:
    """Return a forge's name as the forge itself writes it."""
    return LABELS.get(name, name)


def intake(enrolment: Enrolment) -> str:
    """Format level and entry year of an enrolment: undergraduate, 2023 intake."""
    level = str(LEVEL_LABELS.get(enrolment.level.lower(), enrolment.level))
    words = {"level": level, "year": enrolment.year}
    return (_("%(level)s, %(year)s intake") if level else _("%(year)s intake")) % words


def day(at: datetime | None) -> str:
    """Format the local day of an instant; return an em dash if it is None."""
    return formats.date_format(timezone.localtime(at), "DATE_FORMAT") if at else "—"


def moment(at: datetime | None) -> str:
    """Format the local day and time of an instant; return an em dash if it is None."""
    if not at:
        return "—"
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'DATE_FORMAT')} {local:%H:%M}"


def until(at: datetime | None) -> str:
    """Format the end of a period: its last day if it ends at local midnight, else the exact time."""
    if not at:
        return "—"
    local = timezone.localtime(at)
    if local.time() == time.min:
        return _("the end of %(day)s") % {
            "day": formats.date_format(local - timedelta(days=1), "DATE_FORMAT")
        }
    return moment(at)


def kinds(files: dict[str, Any] | None) -> list[str]:
    """Return the names of the kinds of files that a contribution changes; an empty list if they are unknown."""
    return [str(FILE_KIND_LABELS.get(kind, kind)) for kind in files or {}]


def kind_label(kind: str) -> str:
    """Return the name of a kind of file."""
    return str(FILE_KIND_LABELS.get(kind, kind))
