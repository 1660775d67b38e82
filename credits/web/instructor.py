"""The instructor's pages: what waits, and the review of one claim, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Role
from credits.claims import assessments, rechecks, review, see, signals
from credits.claims.models import Assessment, Claim, Decision
from credits.errors import CreditsError
from credits.rulebooks.versions import rulebook_of
from credits.rules.outcome import Outcome
from credits.rules.shapes import PointsRule
from credits.web import lines
from credits.web.access import PageRequest, page

LONGEST_REASON = 2000
# Without an exponent: written out, 1e999999999 fills the memory.
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")
SHOWN = 50
Status = Claim.Status


@require_safe
@page(role=Role.INSTRUCTOR)
def queue(request: PageRequest) -> HttpResponse:
    """What waits for a decision, the oldest first."""
    now = timezone.now()
    claims = list(review.queue(request.user, now=now)[: SHOWN + 1])
    outcomes = _applied_for(claims)
    rows = [_waiting(claim, outcomes[claim.pk], now) for claim in claims[:SHOWN]]
    return render(
        request,
        "credits/instructor/queue.html",
        {
            "rows": rows,
            "plain": [row for row in rows if row["plain"]],
            "waiting": len(rows),
            "older": len(claims) > SHOWN,
            "flagged": list(rechecks.flagged(request.user)[:SHOWN]),
        },
    )


@require_POST
@page(role=Role.INSTRUCTOR)
def approve_many(request: PageRequest) -> HttpResponse:
    """Approve the ticked claims in which every line counts."""
    wanted = set(request.POST.getlist("claim"))
    now = timezone.now()
    chosen = [
        claim for claim in review.queue(request.user, now=now)[:SHOWN] if str(claim.public_id) in wanted
    ]
    if not chosen:
        raise CreditsError("nothing-chosen", _("Nothing was chosen."), _("Tick the claims to approve."))
    count = len(list(review.decide_many(chosen, by=request.user, now=now)))
    messages.success(
        request,
        ngettext("%(count)s claim is approved.", "%(count)s claims are approved.", count) % {"count": count},
    )
    return redirect("instructor_queue")


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.INSTRUCTOR)
def claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """One claim to decide on: facts, what the rulebook gives, and a decision for each line."""
    now = timezone.now()
    found = see.claim_for(request.user, public_id, now=now)
    error, typed, status = None, None, 200
    if request.method == "POST":
        typed = request.POST
        try:
            made = review.decide(
                found, lines_of(found, typed), by=request.user, now=now, reason=_text(typed.get("reason", ""))
            )
        except CreditsError as refused:
            error, status = refused, refused.status
        else:
            messages.success(request, _said(made, found))
            return redirect("instructor_queue")
    return render(
        request,
        "credits/instructor/claim.html",
        _facts(found, typed, now=now) | {"error": error},
        status=status,
    )


@require_POST
@page(role=Role.INSTRUCTOR)
def preview(request: PageRequest, public_id: UUID) -> HttpResponse:
    """What the decision would give, as it is being made; decides nothing."""
    found = see.claim_for(request.user, public_id, now=timezone.now())
    outcome = review.preview(found, lines_of(found, request.POST))
    return render(
        request,
        "credits/instructor/_result.html",
        {
            "outcome": outcome,
            "applied_for": assessments.submitted_outcome(found),
            "lines": lines.of_claim(found, outcome),
            "live": True,
        },
    )


@require_POST
@page(role=Role.INSTRUCTOR)
def confirm(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Make a proposed decision final, after the student's days to answer."""
    now = timezone.now()
    found = see.claim_for(request.user, public_id, now=now)
    made = review.confirm(found, by=request.user, now=now)
    messages.success(request, _said(made, found))
    return redirect("instructor_queue")


@require_POST
@page(role=Role.INSTRUCTOR)
def answer_flag(request: PageRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Say what something means that was found after submission."""
    now = timezone.now()
    found = see.claim_for(request.user, public_id, now=now)
    flag = get_object_or_404(found.flags, pk=pk)
    rechecks.answer_flag(flag, _text(request.POST.get("text", "")), by=request.user, now=now)
    messages.success(request, _("Noted beside the decision."))
    return redirect("instructor_claim", public_id=public_id)


def lines_of(claim: Claim, typed: QueryDict) -> dict[str, dict[str, Any]]:
    """The decision for each contribution, as the form sent it. Fields are named by the line's place in the frozen
    order. Raises CreditsError for a number that is none."""
    criteria = criteria_of(claim)
    decided: dict[str, dict[str, Any]] = {}
    for line in lines.of_claim(claim, None):
        field = f"line-{line.place}"
        one: dict[str, Any] = {"accepted": typed.get(f"{field}-accepted") != "no"}
        awarded = {}
        for rule in criteria:
            text = typed.get(f"{field}-{rule.id}", "").strip()
            if text and one["accepted"]:
                awarded[rule.id] = _number(text, line.place)
        if awarded:
            one["awarded"] = awarded
        if reason := _text(typed.get(f"{field}-reason", "")):
            one["reason"] = reason
        decided[line.ref] = one
    return decided


def criteria_of(claim: Claim) -> list[PointsRule]:
    """The rules under which a reviewer gives points."""
    assert claim.version is not None  # a claim under review has its version frozen
    return [rule for rule in rulebook_of(claim.version).points if rule.reviewer is not None]


def _applied_for(claims: list[Claim]) -> dict[int, Outcome]:
    """What the rulebook gave when each claim was submitted, by the claim's key."""
    first: dict[int, Assessment] = {}
    for one in Assessment.objects.filter(claim__in=claims).order_by("made_at", "pk").defer("facts"):
        first.setdefault(one.claim_id, one)
    return {key: assessments.outcome_of(one) for key, one in first.items()}


def _waiting(claim: Claim, outcome: Outcome, now: datetime) -> dict[str, Any]:
    since = claim.submitted_at or claim.created_at
    return {
        "claim": claim,
        "outcome": outcome,
        "days": (timezone.localdate(now) - timezone.localdate(since)).days,
        "counting": sum(one.status == "counts" for one in outcome.contributions),
        "answered": claim.status == Status.HEARING
        and claim.hearing_until is not None
        and now < claim.hearing_until,
        "plain": not criteria_of(claim) and review.undisputed(claim),
    }


def _facts(found: Claim, typed: QueryDict | None, *, now: datetime) -> dict[str, Any]:
    applied_for = assessments.submitted_outcome(found)
    current = (
        found.decisions.exclude(standing=Decision.Standing.REPLACED)
        .select_related("assessment", "decided_by", "answer")
        .last()
    )
    outcome = assessments.outcome_of(current.assessment) if current else applied_for
    shown = lines.of_claim(found, outcome, current.lines if current else None)
    return {
        "claim": found,
        "applied_for": applied_for,
        "outcome": outcome,
        "current": current,
        "rows": [(line, _typed(line, typed, criteria_of(found))) for line in shown],
        "reason": typed.get("reason", "") if typed else current.reason if current else "",
        "signals": {ref: seen for ref, seen in signals.of_claim(found).items() if seen},
        "flags": list(found.flags.select_related("answered_by")),
        "open": found.status in {Status.SUBMITTED, Status.HEARING},
        "may_confirm": current is not None
        and current.standing == Decision.Standing.PROPOSED
        and (hasattr(current, "answer") or (found.hearing_until is not None and found.hearing_until <= now)),
    }


def _typed(line: lines.Line, typed: QueryDict | None, criteria: Iterable[PointsRule]) -> dict[str, Any]:
    """What stands in a line's fields: what was typed, else what was decided before, else accepted."""
    field = f"line-{line.place}"
    decided = line.decided
    if typed is None:
        given = decided.get("awarded", {})
        return {
            "accepted": decided.get("accepted", True),
            "reason": decided.get("reason", ""),
            "awards": [(rule, given.get(rule.id, "")) for rule in criteria],
        }
    return {
        "accepted": typed.get(f"{field}-accepted") != "no",
        "reason": typed.get(f"{field}-reason", ""),
        "awards": [(rule, typed.get(f"{field}-{rule.id}", "")) for rule in criteria],
    }


def _number(text: str, place: int) -> str:
    if not PLAIN_NUMBER.fullmatch(text) or len(text) > 12:
        raise CreditsError(
            "not-a-number",
            _("Line %(place)s: “%(text)s” is not a number.") % {"place": place, "text": text[:20]},
            _("Write it as 3 or 2.5."),
        )
    return f"{Decimal(text):f}"


def _text(text: str) -> str:
    return text.replace("\x00", "").strip()[:LONGEST_REASON]


def _said(made: Decision, claim: Claim) -> str:
    who = {"person": claim.user}
    if made.standing == Decision.Standing.PROPOSED:
        return _("Your proposal is with %(person)s, who now has days to answer.") % who
    if made.verdict == Decision.Verdict.REFUSE:
        return _("The claim of %(person)s is not approved; this is final now.") % who
    return _("The claim of %(person)s is approved and goes on public notice.") % who
