"""What a reviewer says line by line: read, checked, and compared with what the student was told before."""

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
    """A reviewer's say on one contribution. ``accepted`` None: they leave it to the rulebook."""

    accepted: bool | None = None
    awarded: Mapping[str, Decimal] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "awarded": {
                criterion: decimals.to_text(given) for criterion, given in sorted(self.awarded.items())
            },
            "reason": self.reason,
        }


def read_lines(given: Mapping[str, Any], frozen: ClaimFacts) -> dict[str, ReviewLine]:
    """The lines as they came from a form, a caller or a stored decision: ``{ref: {accepted, awarded, reason}}``, each
    part optional, awards as Decimal, whole number or text.

    Raises CreditsError ``unknown-line`` for a contribution that is not in the claim, ``line-unreadable`` for what is
    neither yes nor no, ``award-not-a-number``. Ranges are the rulebook's: the evaluation holds them.
    """
    refs = {one.ref for one in frozen.contributions}
    lines: dict[str, ReviewLine] = {}
    for ref, said in given.items():
        if ref not in refs:
            raise CreditsError(
                "unknown-line",
                _("This application does not contain the contribution %(ref)s.") % {"ref": str(ref)[:200]},
                _("Reload the page."),
            )
        if not isinstance(said, Mapping):
            raise _unreadable_line(ref)
        accepted = said.get("accepted")
        if accepted is not None and not isinstance(accepted, bool):
            raise _unreadable_line(ref)
        awarded = said.get("awarded") or {}
        if not isinstance(awarded, Mapping):
            raise _unreadable_line(ref)
        lines[ref] = ReviewLine(
            accepted,
            {
                str(criterion): _read_award(value)
                for criterion, value in awarded.items()
                if value not in (None, "")
            },
            clean_reason(said.get("reason") or ""),
        )
    return lines


def apply_lines(frozen: ClaimFacts, lines: Mapping[str, ReviewLine]) -> ClaimFacts:
    """The frozen facts with the lines on them: what a decision is assessed by."""
    return with_decisions(
        frozen,
        {ref: line.accepted for ref, line in lines.items() if line.accepted is not None},
        {ref: dict(line.awarded) for ref, line in lines.items() if line.awarded},
    )


def is_worse(outcome: Outcome, than: Outcome) -> bool:
    """Whether a student is worse off by ``outcome`` in anything: credit, points, points carried over, or a
    contribution that counted."""
    if outcome.credit < than.credit or outcome.points < than.points:
        return True
    # More credit may leave less to carry over: that is no loss.
    if outcome.credit == than.credit and outcome.carried < than.carried:
        return True
    return not counting_refs(than) <= counting_refs(outcome)


def counting_refs(outcome: Outcome) -> frozenset[str]:
    """The refs of the contributions that count."""
    return frozenset(one.ref for one in outcome.contributions if one.status == "counts")


def derive_verdict(outcome: Outcome, *than: Outcome) -> Verdict:
    """Approved, where nothing is taken off any of ``than`` (what the claim was submitted for, what the stage before
    gave); refused, where nothing is left (no contribution counts, and points carried in give no credit either);
    approved in part otherwise."""
    if not any(is_worse(outcome, one) for one in than):
        return Verdict.APPROVE
    return Verdict.REDUCE if counting_refs(outcome) or outcome.credit > 0 else Verdict.REFUSE


def require_reason(lines: Mapping[str, ReviewLine], reason: str, outcome: Outcome, *than: Outcome) -> str:
    """The reason of a decision that takes something off ``than``: the overall one, else those of its lines.

    Raises CreditsError ``reason-needed`` where a contribution is refused without either, or nothing is said at all.
    """
    overall = clean_reason(reason)
    said = [line.reason for line in lines.values() if line.reason]
    counted = frozenset[str]().union(*(counting_refs(one) for one in than))
    silent = [ref for ref in counted - counting_refs(outcome) if not (ref in lines and lines[ref].reason)]
    if not overall and (silent or not said):
        raise CreditsError(
            "reason-needed",
            _("A reason is required when you refuse or reduce credit."),
            _("Write a reason beside each refused contribution, or one reason for all."),
        )
    return overall or "\n".join(dict.fromkeys(said))


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
    """A reason as it is kept; CreditsError ``reason-too-long`` beyond its bound."""
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
