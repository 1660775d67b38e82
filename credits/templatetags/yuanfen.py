"""Template tags and filters. Most filters are functions of ``credits.web.presenters.formatting``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, Textarea
from django.http import HttpRequest
from django.utils.translation import gettext as _

from credits.claims.models import Claim
from credits.claims.review import review
from credits.web.core import navigation
from credits.web.presenters.formatting import (
    credit_unit,
    day,
    forge_label,
    found_by_label,
    in_language,
    intake,
    kind_label,
    kinds,
    moment,
    percent,
    percent_number,
    plain_number,
    reviewers,
    signed,
    unit_of,
    until,
    with_credits,
    with_points,
)

register = template.Library()

STATE_COLOURS = {
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
"""The colour class for each state of a claim, contribution, version, ledger entry or job."""


@register.simple_tag(takes_context=True)
def navigation_entries(context: dict[str, Any]) -> list[navigation.NavigationEntry]:
    """Return the entries of the reader's navigation."""
    request: HttpRequest | None = context.get("request")
    if request is None:
        return []
    return navigation.navigation_entries(
        request,
        context.get("roles", ()),
        bool(context.get("is_student")),
        place=str(context.get("place", "")),
    )


@register.filter("as_staff_say")
def status_for_staff(claim: Claim) -> str:
    """Return the state of a claim in words for staff: the state's own name addresses the student."""
    if claim.status == Claim.Status.HEARING:
        return _("responded") if review.is_answered(claim) else _("waiting for the student's response")
    return str(claim.get_status_display())


@register.filter("as_student_reads")
def status_for_student(claim: Claim) -> str:
    """Return the state of a claim in words for the student; it depends on whether they have answered."""
    if claim.status == Claim.Status.HEARING and review.is_answered(claim):
        return _("your response is with the reviewer")
    return str(claim.get_status_display())


@register.filter("mark")
def state_colour(state: object) -> str:
    """Return the colour class for a state."""
    return STATE_COLOURS.get(str(state), "")


@register.filter("get")
def get_item(mapping: dict[Any, Any] | None, key: Any) -> Any:
    """Return the value under a key that is a template variable, or None."""
    return (mapping or {}).get(key)


@register.inclusion_tag("_gauge.html")
def gauge(held: Decimal | None, hoped: Decimal | None, limit: Decimal | None, label: str) -> dict[str, Any]:
    """Draw a bar of recognised credit (``held``) and estimated credit (``hoped``) up to a limit.

    The bar is in whole per cent: it is a drawing, not a number to read.
    """
    full = limit or max((held or Decimal(0)) + (hoped or Decimal(0)), Decimal(1))
    held_percent = min(int(100 * (held or Decimal(0)) / full), 100)
    hoped_percent = min(int(100 * (hoped or Decimal(0)) / full), 100 - held_percent)
    return {"held": held_percent, "hoped": hoped_percent, "label": label}


@register.filter
def styled(field: BoundField) -> str:
    """Return a form field as HTML, with the classes of our style sheet."""
    kind = getattr(field.field.widget, "input_type", "")
    base = {"select": "select", "file": "file-input", "checkbox": "checkbox"}.get(kind, "input")
    if isinstance(field.field.widget, Textarea):
        base = "textarea"
    attributes: dict[str, Any] = {"class": base}
    if field.field.widget.attrs.get("placeholder") == field.label:
        attributes["placeholder"] = False  # allauth repeats the label as placeholder
    if field.errors:
        attributes["aria-invalid"] = "true"
    return field.as_widget(attrs={**field.field.widget.attrs, **attributes})


@register.filter
def never_complete(states: list[Any]) -> bool:
    """Return whether no account was ever collected completely."""
    return all(state.complete_at is None for state in states)


register.filter("plain", plain_number)
register.filter("credits", with_credits)
register.filter("points", with_points)
register.filter("credit_unit", credit_unit)
register.filter("unit_of", unit_of)
register.filter("signed", signed)
register.filter("percent_number", percent_number)
register.filter("percent", percent)
register.filter("found_by_label", found_by_label)
register.filter("in_language", in_language)
register.filter("reviewers", reviewers)
register.filter("forge_label", forge_label)
register.filter("intake", intake)
register.filter("day", day)
register.filter("moment", moment)
register.filter("until", until)
register.filter("kinds", kinds)
register.filter("kind_label", kind_label)
