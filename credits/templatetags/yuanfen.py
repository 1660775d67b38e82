"""The tags and filters of the templates; how values look is in ``credits.web.presenters.formatting``."""

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


@register.simple_tag(takes_context=True)
def navigation_entries(context: dict[str, Any]) -> list[navigation.NavigationEntry]:
    """The navigation of the reader."""
    request: HttpRequest | None = context.get("request")
    if request is None:
        return []
    return navigation.navigation_entries(
        request,
        context.get("roles", ()),
        bool(context.get("is_student")),
        place=str(context.get("place", "")),
    )


@register.filter
def as_staff_say(claim: Claim) -> str:
    """The state of a claim in words that do not speak to the student, as its own name does."""
    if claim.status == Claim.Status.HEARING:
        return _("responded") if review.is_answered(claim) else _("waiting for the student's response")
    return str(claim.get_status_display())


@register.filter
def as_student_reads(claim: Claim) -> str:
    """The state of a claim in words for the student, who has answered or not."""
    if claim.status == Claim.Status.HEARING and review.is_answered(claim):
        return _("your response is with the reviewer")
    return str(claim.get_status_display())


@register.filter
def mark(state: object) -> str:
    """The colour class for a state."""
    return MARKS.get(str(state), "")


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


@register.filter("dressed")
def styled(field: BoundField) -> str:
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
def never_complete(states: list[Any]) -> bool:
    """Whether none of the accounts was ever collected completely."""
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
register.filter("tongue", in_language)
register.filter("reviewers", reviewers)
register.filter("forge_label", forge_label)
register.filter("intake", intake)
register.filter("day", day)
register.filter("moment", moment)
register.filter("until", until)
register.filter("kinds", kinds)
register.filter("kind_label", kind_label)
