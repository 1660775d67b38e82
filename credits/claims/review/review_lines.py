"""A reviewer's decision line by line: read it, check it, and compare its outcome with an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from credits.claims.assessment.facts import with_decisions
from credits.claims.models import Decision
from credits.errors import CreditsError
from credits.rules import Outcome, decimals
from credits.rules.facts import ClaimFacts

Verdict = Decision.Verdict
_MAX_REASON_LENGTH = 2_000


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """A reviewer's decision on a contribution. ``accepted`` None leaves it to the rulebook."""

    accepted: bool | None = None
    awarded: Mapping[str, Decimal] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the line as ``Decision.lines`` stores it, awards as decimal text."""
        return {
            "accepted": self.accepted,
            "awarded": {
                criterion: decimals.to_text(given) for criterion, given in sorted(self.awarded.items())
            },
            "reason": self.reason,
        }


def read_lines(given: Mapping[str, Any], frozen: ClaimFacts) -> dict[str, ReviewLine]:
    """Return the lines read from a form, a caller or a stored decision.

    ``given`` is ``{ref: {accepted, awarded, reason}}``. Each part is optional. Awards are Decimal, whole number or
    text.

    Raises CreditsError ``unknown-line`` for a contribution that is not in the claim, ``line-unreadable`` for a wrong
    shape, ``award-not-a-number``. The range of an award is in the rulebook; the evaluation enforces it.
    """
    refs = {contribution.ref for contribution in frozen.contributions}
    lines: dict[str, ReviewLine] = {}
    for ref, line in given.items():
        if ref not in refs:
            raise CreditsError(
                "unknown-line",
                _("This application does not contain the contribution %(ref)s.") % {"ref": str(ref)[:200]},
                _("Reload the page."),
            )
        if not isinstance(line, Mapping):
            raise _unreadable_line(ref)
        accepted = line.get("accepted")
        if accepted is not None and not isinstance(accepted, bool):
            raise _unreadable_line(ref)
        awarded = line.get("awarded") or {}
        if not isinstance(awarded, Mapping):
            raise _unreadable_line(ref)
        lines[ref] = ReviewLine(
            accepted,
            {
                str(criterion): _read_award(value)
                for criterion, value in awarded.items()
                if value not in (None, "")
            },
            clean_reason(line.get("reason") or ""),
        )
    return lines


def apply_lines(frozen: ClaimFacts, lines: Mapping[str, ReviewLine]) -> ClaimFacts:
    """Return the frozen facts with the lines applied; a decision is evaluated on them."""
    return with_decisions(
        frozen,
        {ref: line.accepted for ref, line in lines.items() if line.accepted is not None},
        {ref: dict(line.awarded) for ref, line in lines.items() if line.awarded},
    )


def is_worse(outcome: Outcome, before: Outcome) -> bool:
    """Return whether ``outcome`` is worse for the student than ``before`` in anything.

    That is credit, points, points carried over, or a contribution that counted.
    """
    if outcome.credit < before.credit or outcome.points < before.points:
        return True
    # More credit may leave fewer points to carry over; that is no loss.
    if outcome.credit == before.credit and outcome.carried < before.carried:
        return True
    return not counting_refs(before) <= counting_refs(outcome)


def counting_refs(outcome: Outcome) -> frozenset[str]:
    """Return the refs of the contributions that count."""
    return frozenset(
        contribution.ref for contribution in outcome.contributions if contribution.status == "counts"
    )


def derive_verdict(outcome: Outcome, *before: Outcome) -> Verdict:
    """Return the verdict that follows from comparing ``outcome`` with the outcomes ``before``.

    ``before`` has the outcome at submission and, if there is one, that of the stage before. Approved if ``outcome`` is
    worse than none of them. Refused if nothing is left: no contribution counts, and points carried in give no credit
    either. Approved in part otherwise.
    """
    if not any(is_worse(outcome, earlier) for earlier in before):
        return Verdict.APPROVE
    return Verdict.REDUCE if counting_refs(outcome) or outcome.credit > 0 else Verdict.REFUSE


def require_reason(lines: Mapping[str, ReviewLine], reason: str, outcome: Outcome, *before: Outcome) -> str:
    """Return the reason of a decision that is worse than ``before``: the overall reason, or those of its lines.

    Raises CreditsError ``reason-needed`` if a refused contribution has neither a reason of its own nor the overall
    one, or if the decision has no reason at all.
    """
    overall = clean_reason(reason)
    line_reasons = [line.reason for line in lines.values() if line.reason]
    counted = frozenset[str]().union(*(counting_refs(earlier) for earlier in before))
    without_reason = [
        ref for ref in counted - counting_refs(outcome) if not (ref in lines and lines[ref].reason)
    ]
    if not overall and (without_reason or not line_reasons):
        raise CreditsError(
            "reason-needed",
            _("A reason is required when you refuse or reduce credit."),
            _("Write a reason beside each refused contribution, or one reason for all."),
        )
    return overall or "\n".join(dict.fromkeys(line_reasons))


def _read_award(value: object) -> Decimal:
    try:
        if isinstance(value, Decimal):
            return decimals.from_text(decimals.to_text(value))
        return decimals.from_text(str(value).strip())
    except (ValueError, ArithmeticError):
        raise CreditsError(
            "award-not-a-number",
            _("“%(value)s” is not a number.") % {"value": str(value)[:40]},
            _("Use digits, for example 3 or 2.5."),
        ) from None


def clean_reason(value: object) -> str:
    """Return a reason as it is stored. Raises CreditsError ``reason-too-long`` if it is too long."""
    text = str(value).replace("\x00", "").strip()
    if len(text) > _MAX_REASON_LENGTH:
        raise CreditsError(
            "reason-too-long",
            _("A reason can have at most %(most)s characters; this one has %(has)s.")
            % {"most": _MAX_REASON_LENGTH, "has": len(text)},
            _("Shorten it."),
        )
    return text


def _unreadable_line(ref: object) -> CreditsError:
    return CreditsError(
        "line-unreadable",
        _("The decision on %(ref)s cannot be read.") % {"ref": str(ref)[:200]},
        _("Reload the page."),
    )
