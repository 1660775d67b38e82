"""The outcome of an evaluation: points, credit, the trace that adds up to them, and its JSON form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Literal, cast

from credits.errors import CreditsError, gettext_noop
from credits.rules.decimals import to_text
from credits.text import BilingualText, canonical_json

Status = Literal["counts", "does-not-count", "undecided"]
Unit = Literal["points", "credit"]
Step = Literal[
    "requirements",
    "points",
    "factors",
    "share",
    "contribution-cap",
    "sum",
    "repository-cap",
    "period-cap",
    "kind-cap",
    "tier-cap",
    "mix",
    "selection",
    "conversion",
    "term-cap",
    "degree-cap",
    "grade",
]
Seen = str | int | bool | list[str] | None


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One effect of one rule.

    ``rule`` is the rule's id (the step's name if the step is a single rule). ``saw`` has the values that the rule
    used, None if unknown. ``before`` + ``change`` = ``after``, in ``unit``; within one unit, each line begins where the
    line before it ended, and the first line at zero.
    """

    step: Step
    rule: str
    text: BilingualText
    saw: Mapping[str, Seen]
    before: Decimal
    change: Decimal
    after: Decimal
    unit: Unit = "points"

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "rule": self.rule,
            "text": dict(self.text),
            "saw": dict(self.saw),
            "before": to_text(self.before),
            "change": to_text(self.change),
            "after": to_text(self.after),
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TraceLine:
        return cls(
            step=data["step"],
            rule=data["rule"],
            text=dict(data["text"]),
            saw=dict(data["saw"]),
            before=Decimal(data["before"]),
            change=Decimal(data["change"]),
            after=Decimal(data["after"]),
            unit=data["unit"],
        )


@dataclass(frozen=True, slots=True)
class ContributionOutcome:
    """The outcome of one contribution.

    ``points`` is what it gives after every cap. ``unknown`` are the unknown facts that a rule needed, sorted. If a
    requirement needs an unknown fact, the status is ``undecided``.
    """

    ref: str
    status: Status
    points: Decimal
    lines: tuple[TraceLine, ...]
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "ref": self.ref,
            "status": self.status,
            "points": to_text(self.points),
            "unknown": list(self.unknown),
            "lines": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ContributionOutcome:
        return cls(
            ref=data["ref"],
            status=cast(Status, data["status"]),
            points=Decimal(data["points"]),
            lines=tuple(TraceLine.from_json(line) for line in data["lines"]),
            unknown=tuple(data["unknown"]),
        )


@dataclass(frozen=True, slots=True)
class RecordedGrade:
    """The grade recorded with the credit.

    It has the rulebook's scheme, the label in both languages, and the mark if the scheme is a percentage.
    """

    scheme: str
    label: BilingualText
    mark: Decimal | None
    in_average: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "scheme": self.scheme,
            "label": dict(self.label),
            "mark": None if self.mark is None else to_text(self.mark),
            "in_average": self.in_average,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RecordedGrade:
        return cls(
            scheme=data["scheme"],
            label=dict(data["label"]),
            mark=None if data["mark"] is None else Decimal(data["mark"]),
            in_average=data["in_average"],
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a whole claim.

    ``points`` is the sum of its contributions' points. ``credit`` is what these and the points carried in give after
    the caps. ``carried`` are the points left for the next assessment. ``grade`` is recorded with the credit (None:
    no credit). ``contributions`` are sorted by ref; ``lines`` are those of the claim as a whole. ``rulebook`` and
    ``facts`` are the digests of the rulebook and the facts that were used.
    """

    rulebook: str
    facts: str
    points: Decimal
    credit: Decimal
    carried: Decimal
    contributions: tuple[ContributionOutcome, ...]
    lines: tuple[TraceLine, ...]
    grade: RecordedGrade | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON data, with decimals as texts."""
        return {
            "rulebook": self.rulebook,
            "facts": self.facts,
            "points": to_text(self.points),
            "credit": to_text(self.credit),
            "carried": to_text(self.carried),
            "grade": None if self.grade is None else self.grade.to_json(),
            "contributions": [contribution.to_json() for contribution in self.contributions],
            "lines": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        """Read what :meth:`to_json` wrote. Raise CreditsError ``outcome-unreadable`` for anything else."""
        try:
            return cls(
                rulebook=data["rulebook"],
                facts=data["facts"],
                points=Decimal(data["points"]),
                credit=Decimal(data["credit"]),
                carried=Decimal(data["carried"]),
                contributions=tuple(ContributionOutcome.from_json(entry) for entry in data["contributions"]),
                lines=tuple(TraceLine.from_json(line) for line in data["lines"]),
                grade=None if data.get("grade") is None else RecordedGrade.from_json(data["grade"]),
            )
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise CreditsError(
                "outcome-unreadable", gettext_noop("The stored assessment cannot be read.")
            ) from error

    def canonical(self) -> bytes:
        """Return the canonical bytes of this outcome: equal outcomes give equal bytes (invariant 4)."""
        return canonical_json(self.to_json()).encode()

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of the canonical form without its sentences.

        It covers every status, value and number. A claim can be computed again after a sentence was reworded.
        """
        bare = self.to_json()
        for line in chain(bare["lines"], *(contribution["lines"] for contribution in bare["contributions"])):
            del line["text"]
        return hashlib.sha256(canonical_json(bare).encode()).hexdigest()
