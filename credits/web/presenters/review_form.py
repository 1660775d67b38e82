"""The reviewer's form: the fields of each line, how they are read, and the message after a decision.

The fields of a line are named by its place in the claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import User
from credits.claims import stages
from credits.claims.assessment import stored
from credits.claims.models import Claim, Decision
from credits.claims.review import review, signals
from credits.errors import CreditsError
from credits.rulebooks.versions import rulebook_of
from credits.rules import PointsRule
from credits.web.presenters import claim_lines, decision_rows
from credits.web.presenters.formatting import in_language

MAX_REASON_LENGTH = 2000
"""Characters of a reason; the rest is cut off."""

# Without an exponent: 1e999999999, written out, would fill the memory.
PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)")

Status = Claim.Status


def typed_lines(claim: Claim, typed: QueryDict) -> dict[str, dict[str, Any]]:
    """Return the decision on each contribution, by ref, as the form sent it.

    Raises CreditsError for text in a field for points that is not a number.
    """
    criteria = reviewer_criteria(claim)
    decided: dict[str, dict[str, Any]] = {}
    for line in claim_lines.lines_of_claim(claim, None):
        field = f"line-{line.place}"
        decision: dict[str, Any] = {"accepted": typed.get(f"{field}-accepted") != "no"}
        awarded = {}
        for rule in criteria:
            text = typed.get(f"{field}-{rule.id}", "").strip()
            if text and decision["accepted"]:
                awarded[rule.id] = _typed_number(text, line.place)
        if awarded:
            decision["awarded"] = awarded
        if reason := typed_text(typed.get(f"{field}-reason", "")):
            decision["reason"] = reason
        decided[line.ref] = decision
    return decided


def reviewer_criteria(claim: Claim) -> list[PointsRule]:
    """Return the rules by which a reviewer gives points."""
    assert claim.version is not None  # a claim under review has its version frozen
    return [rule for rule in rulebook_of(claim.version).points if rule.reviewer is not None]


def review_context(claim: Claim, typed: QueryDict | None, reviewer: User, *, now: datetime) -> dict[str, Any]:
    """Return the context of a reviewer's page on a claim. ``typed`` is a form that was refused, to be shown again."""
    applied_for = stored.estimate_of(stored.submitted_assessment(claim))
    in_force = list(
        claim.decisions.exclude(standing=Decision.Standing.REPLACED)
        .select_related("assessment__version", "decided_by", "confirmed_by", "answer")
        .order_by("stage")
    )
    current = in_force[-1] if in_force else None
    waits = claim.status in {Status.SUBMITTED, Status.HEARING}
    may_decide = waits and stages.may_decide(claim, reviewer)
    stage_decision = current if current is not None and current.stage == claim.stage else None
    estimate = stored.estimate_of(current.assessment) if current else applied_for
    shown = claim_lines.lines_of_claim(claim, estimate, current.lines if current else None)
    return {
        "claim": claim,
        "applied_for": applied_for.outcome,
        "outcome": estimate.outcome,
        "decided": decision_rows.claim_decisions(claim, in_force),
        "stage": decision_rows.current_stage_label(claim),
        "seen": review.proposal_key(stage_decision),
        "rows": [(line, _line_fields(line, typed, reviewer_criteria(claim))) for line in shown],
        "reason": typed.get("reason", "") if typed else stage_decision.reason if stage_decision else "",
        "signals": {ref: hints for ref, hints in signals.claim_signals(claim).items() if hints},
        "branches": claim_lines.branch_authors_by_ref(claim),
        "flags": list(claim.flags.select_related("answered_by")),
        "waits": waits,
        "open": may_decide,
        "may_answer_flags": stages.may_review(claim, reviewer),
        "may_agree": may_decide and current is not None and stage_decision is None,
        "may_confirm": may_decide
        and stage_decision is not None
        and stage_decision.standing == Decision.Standing.PROPOSED
        and (
            hasattr(stage_decision, "answer")
            or (claim.hearing_until is not None and claim.hearing_until <= now)
        ),
    }


def _line_fields(
    line: claim_lines.ClaimLine, typed: QueryDict | None, criteria: Iterable[PointsRule]
) -> dict[str, Any]:
    """Return the values of a line's fields: what was typed, else what was decided before, else accepted."""
    field = f"line-{line.place}"
    decided = line.decided
    if typed is None:
        awarded = decided.get("awarded", {})
        return {
            "accepted": decided.get("accepted", True),
            "reason": decided.get("reason", ""),
            "awards": [(rule, awarded.get(rule.id, "")) for rule in criteria],
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
    """Return a typed reason without NULs and spaces around it, cut to ``MAX_REASON_LENGTH``."""
    return text.replace("\x00", "").strip()[:MAX_REASON_LENGTH]


def typed_stage(typed: QueryDict) -> int | None:
    """Return the stage of review that the page showed, or None if the form does not say."""
    text = typed.get("stage", "")
    return int(text) if re.fullmatch("[0-9]{1,3}", text) else None


def decision_message(decision: Decision) -> str:
    """Return the message that the reviewer reads after a decision."""
    claim = decision.claim
    who = {"person": claim.user}
    if decision.standing == Decision.Standing.PROPOSED:
        return _("Proposal sent to %(person)s, who can now respond.") % who
    if claim.stage > decision.stage:
        return _("Decision saved. The application of %(person)s moves to the next stage: %(stage)s.") % (
            who | {"stage": in_language(stages.stage_of(claim).title)}
        )
    if decision.verdict == Decision.Verdict.REFUSE:
        return _("The application of %(person)s is refused; the decision is final.") % who
    return _("The application of %(person)s is approved and goes on public notice.") % who
