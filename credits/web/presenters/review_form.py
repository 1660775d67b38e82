"""The reviewer's form: what it shows for each line, and how it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from credits.claims import stages
from credits.claims.assessment import stored
from credits.claims.models import Assessment, Claim, Decision
from credits.claims.review import review, signals
from credits.errors import CreditsError
from credits.rulebooks.versions import rulebook_of
from credits.rules import Outcome, PointsRule
from credits.web.presenters import claim_lines, decision_rows
from credits.web.presenters.formatting import in_language

MAX_REASON_LENGTH = 2000


# Without an exponent: written out, 1e999999999 fills the memory.
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")


Status = Claim.Status


def typed_lines(claim: Claim, typed: QueryDict) -> dict[str, dict[str, Any]]:
    """The decision for each contribution, as the form sent it. Fields are named by the line's place in the frozen
    order. Raises CreditsError for a number that is none."""
    criteria = reviewer_criteria(claim)
    decided: dict[str, dict[str, Any]] = {}
    for line in claim_lines.lines_of_claim(claim, None):
        field = f"line-{line.place}"
        one: dict[str, Any] = {"accepted": typed.get(f"{field}-accepted") != "no"}
        awarded = {}
        for rule in criteria:
            text = typed.get(f"{field}-{rule.id}", "").strip()
            if text and one["accepted"]:
                awarded[rule.id] = _typed_number(text, line.place)
        if awarded:
            one["awarded"] = awarded
        if reason := typed_text(typed.get(f"{field}-reason", "")):
            one["reason"] = reason
        decided[line.ref] = one
    return decided


def approval_ticket(claim: Claim) -> str:
    """What a claim is ticked by: together with its stage, so that nobody approves in a stage that they did not see."""
    return f"{claim.public_id}.{claim.stage}"


def reviewer_criteria(claim: Claim) -> list[PointsRule]:
    """The rules under which a reviewer gives points."""
    assert claim.version is not None  # a claim under review has its version frozen
    return [rule for rule in rulebook_of(claim.version).points if rule.reviewer is not None]


def outcomes_before(claims: list[Claim]) -> dict[int, Outcome]:
    """What each claim stands on, by its key: what the rulebook gave when it was submitted, or the stage before."""
    first: dict[int, Assessment] = {}
    for one in Assessment.objects.filter(claim__in=claims).order_by("made_at", "pk").defer("facts"):
        first.setdefault(one.claim_id, one)
    later = [claim.pk for claim in claims if claim.stage > 1]
    if later:
        before = Decision.objects.filter(
            claim__in=later, standing=Decision.Standing.FINAL, stage=F("claim__stage") - 1
        )
        first |= {one.claim_id: one.assessment for one in before.select_related("assessment")}
    return {key: stored.outcome_of(one) for key, one in first.items()}


def queue_row(claim: Claim, outcome: Outcome, now: datetime) -> dict[str, Any]:
    since = claim.submitted_at or claim.created_at
    return {
        "claim": claim,
        "ticket": approval_ticket(claim),
        "stage": decision_rows.current_stage_label(claim),
        "outcome": outcome,
        "days": (timezone.localdate(now) - timezone.localdate(since)).days,
        "counting": sum(one.status == "counts" for one in outcome.contributions),
        "answered": claim.status == Status.HEARING
        and claim.hearing_until is not None
        and now < claim.hearing_until,
        "plain": not reviewer_criteria(claim) and review.is_undisputed(claim),
    }


def review_page(found: Claim, typed: QueryDict | None, user: User, *, now: datetime) -> dict[str, Any]:
    applied_for = stored.estimate_of(stored.submitted_assessment(found))
    standing = list(
        found.decisions.exclude(standing=Decision.Standing.REPLACED)
        .select_related("assessment__version", "decided_by", "confirmed_by", "answer")
        .order_by("stage")
    )
    current = standing[-1] if standing else None
    waits = found.status in {Status.SUBMITTED, Status.HEARING}
    may_decide = waits and stages.may_decide(found, user)
    here = current if current is not None and current.stage == found.stage else None
    estimate = stored.estimate_of(current.assessment) if current else applied_for
    shown = claim_lines.lines_of_claim(found, estimate, current.lines if current else None)
    return {
        "claim": found,
        "applied_for": applied_for.outcome,
        "outcome": estimate.outcome,
        "decided": decision_rows.claim_decisions(found, standing),
        "stage": decision_rows.current_stage_label(found),
        "seen": review.proposal_key(here),
        "rows": [(line, _line_fields(line, typed, reviewer_criteria(found))) for line in shown],
        "reason": typed.get("reason", "") if typed else here.reason if here else "",
        "signals": {ref: seen for ref, seen in signals.claim_signals(found).items() if seen},
        "branches": claim_lines.branch_authors_by_ref(found),
        "flags": list(found.flags.select_related("answered_by")),
        "waits": waits,
        "open": may_decide,
        "may_answer_flags": stages.may_review(found, user),
        "may_agree": may_decide and current is not None and here is None,
        "may_confirm": may_decide
        and here is not None
        and here.standing == Decision.Standing.PROPOSED
        and (hasattr(here, "answer") or (found.hearing_until is not None and found.hearing_until <= now)),
    }


def _line_fields(
    line: claim_lines.ClaimLine, typed: QueryDict | None, criteria: Iterable[PointsRule]
) -> dict[str, Any]:
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


def _typed_number(text: str, place: int) -> str:
    if not PLAIN_NUMBER.fullmatch(text) or len(text) > 12:
        raise CreditsError(
            "not-a-number",
            _("Contribution %(place)s: “%(text)s” is not a number.") % {"place": place, "text": text[:20]},
            _("Use digits, for example 3 or 2.5."),
        )
    return f"{Decimal(text):f}"


def typed_text(text: str) -> str:
    return text.replace("\x00", "").strip()[:MAX_REASON_LENGTH]


def typed_stage(typed: QueryDict) -> int | None:
    """The stage of review that the page showed; None where it does not say."""
    text = typed.get("stage", "")
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else None


def decision_message(made: Decision) -> str:
    claim = made.claim
    who = {"person": claim.user}
    if made.standing == Decision.Standing.PROPOSED:
        return _("Proposal sent to %(person)s, who can now respond.") % who
    if claim.stage > made.stage:
        return _("Decision saved. The application of %(person)s moves to the next stage: %(stage)s.") % (
            who | {"stage": in_language(stages.stage_of(claim).title)}
        )
    if made.verdict == Decision.Verdict.REFUSE:
        return _("The application of %(person)s is refused; the decision is final.") % who
    return _("The application of %(person)s is approved and goes on public notice.") % who
