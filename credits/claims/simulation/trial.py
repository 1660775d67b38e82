"""Try a rulebook on claims: evaluate the same frozen facts by two rulebooks and compare. It decides nothing.

The facts are those of the claim's final decision, if it has one (with what the reviewer accepted and awarded),
otherwise those of its submission. An award for a criterion that a rulebook does not have, or outside its range, is
left out for that rulebook and counted.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, cast

from django.db.models import BigIntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Programme
from credits.claims.models import Assessment, Claim, Decision, Round
from credits.errors import CreditsError
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import (
    ClaimTotals,
    CompiledRulebook,
    Outcome,
    PointsRule,
    RulebookDocument,
    compile_rulebook,
    evaluate,
)
from credits.rules.decimals import exact_arithmetic, to_text
from credits.rules.facts import ClaimFacts, facts_from_json

BATCH_SIZE = 200
"""How many claims are in memory at the same time."""
LARGEST_SHOWN = 10
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TriedClaim:
    """A claim evaluated by both rulebooks on the facts of ``assessment``.

    ``left_out`` counts the reviewer's awards that do not fit the tried rulebook.
    """

    claim: Claim
    assessment: Assessment
    before: ClaimTotals
    after: ClaimTotals
    left_out: int = 0

    @property
    def credit_change(self) -> Decimal:
        """Return credit after minus credit before."""
        return self.after.credit - self.before.credit

    @property
    def points_change(self) -> Decimal:
        """Return points after minus points before."""
        return self.after.points - self.before.points

    @property
    def changed(self) -> bool:
        """Return whether credit or points differ."""
        return bool(self.credit_change or self.points_change)

    @property
    def size(self) -> tuple[Decimal, Decimal]:
        """Return the sort key for the largest changes: credit, then points."""
        return abs(self.credit_change), abs(self.points_change)


@dataclass(slots=True)
class SimulationTally:
    """The findings of a simulation so far.

    ``gain`` and ``lose`` count claims whose credit changes; ``gain_points`` and ``lose_points`` those with equal credit
    whose points change. ``before`` and ``after`` are total credit. ``spread_before`` and ``spread_after`` count claims
    by credit. ``programmes`` has the same sums by the programme's key. ``failed`` counts claims that could not be
    evaluated.
    """

    claims: int = 0
    gain: int = 0
    lose: int = 0
    gain_points: int = 0
    lose_points: int = 0
    failed: int = 0
    left_out: int = 0
    before: Decimal = ZERO
    after: Decimal = ZERO
    spread_before: dict[str, int] = field(default_factory=dict)
    spread_after: dict[str, int] = field(default_factory=dict)
    programmes: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def same_credit(self) -> int:
        """Return how many claims keep their credit, whether or not their points change."""
        return self.claims - self.gain - self.lose

    @property
    def same(self) -> int:
        """Return how many claims keep both credit and points."""
        return self.same_credit - self.gain_points - self.lose_points

    @property
    def changes(self) -> int:
        """Return how many claims change in credit or points."""
        return self.claims - self.same

    @property
    def cost(self) -> Decimal:
        """Return how much more credit the tried rulebook gives in total (negative: less)."""
        return self.after - self.before

    def add(self, tried: TriedClaim) -> None:
        """Add the claim to the sums."""
        self.claims += 1
        self.left_out += tried.left_out
        credit, points = tried.credit_change, tried.points_change
        self.gain += credit > 0
        self.lose += credit < 0
        self.gain_points += not credit and points > 0
        self.lose_points += not credit and points < 0
        with exact_arithmetic():
            self.before += tried.before.credit
            self.after += tried.after.credit
            programme = self.programmes.setdefault(
                str(tried.claim.enrolment.programme_id),
                {"claims": 0, "gain": 0, "lose": 0, "before": "0", "after": "0"},
            )
            programme["before"] = to_text(Decimal(programme["before"]) + tried.before.credit)
            programme["after"] = to_text(Decimal(programme["after"]) + tried.after.credit)
        programme["claims"] += 1
        programme["gain"] += credit > 0
        programme["lose"] += credit < 0
        for spread, totals in ((self.spread_before, tried.before), (self.spread_after, tried.after)):
            key = to_text(totals.credit)
            spread[key] = spread.get(key, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """Return the tally as JSON values, credit as text."""
        return {
            "claims": self.claims,
            "gain": self.gain,
            "lose": self.lose,
            "gain_points": self.gain_points,
            "lose_points": self.lose_points,
            "failed": self.failed,
            "left_out": self.left_out,
            "before": to_text(self.before),
            "after": to_text(self.after),
            "spread_before": self.spread_before,
            "spread_after": self.spread_after,
            "programmes": self.programmes,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SimulationTally:
        """Read what :meth:`to_json` wrote; an empty mapping gives an empty tally."""
        read: dict[str, Any] = {name: data[name] for name in cls.__slots__ if name in data}
        for name in ("before", "after"):
            read[name] = Decimal(read.get(name, "0"))
        return cls(**read)


class RulebookTrial:
    """A rulebook compiled for many claims, compared with ``against`` or with each claim's own version."""

    def __init__(self, rulebook: RulebookDocument, against: RulebookVersion | None = None) -> None:
        self.rulebook = rulebook
        self.against = against
        self._compiled = compile_rulebook(rulebook)
        self._others: dict[int, CompiledRulebook] = {}

    def on(self, claim: Claim, assessment: Assessment) -> TriedClaim:
        """Evaluate both rulebooks on the facts in ``assessment``. Raises CreditsError if the facts cannot be used."""
        facts = facts_from_json(cast("dict[str, object]", assessment.facts))
        other = self._other(self.against or cast(RulebookVersion, claim.version))
        own_facts, left_out = fit_awards(facts, self.rulebook)
        other_facts, _left_out = fit_awards(facts, other.rulebook)
        return TriedClaim(
            claim, assessment, other.credit(other_facts), self._compiled.credit(own_facts), left_out
        )

    def _other(self, version: RulebookVersion) -> CompiledRulebook:
        compiled = self._others.get(version.pk)
        if compiled is None:
            compiled = self._others[version.pk] = compile_rulebook(rulebook_of(version))
        return compiled


def submitted_claims(
    round_: Round,
    *,
    programme: Programme | None = None,
    departments: Collection[int] | None = None,
) -> QuerySet[Claim]:
    """Return the submitted claims of a round that were not withdrawn, optionally of one programme.

    ``departments`` limits them to these departments (None: all). They are ordered by public id, which reveals nothing
    about a person. Each has ``basis``: the key of the assessment with the facts to use.
    """
    final = Decision.objects.filter(claim=OuterRef("pk"), standing=Decision.Standing.FINAL)
    first = Assessment.objects.filter(claim=OuterRef("pk"))
    chosen = Claim.objects.filter(~Q(status=Claim.Status.WITHDRAWN), round=round_, submitted_at__isnull=False)
    if programme is not None:
        chosen = chosen.filter(enrolment__programme=programme)
    if departments is not None:
        chosen = chosen.filter(enrolment__programme__department__in=departments)
    basis = Coalesce(
        Subquery(final.order_by("-stage", "-pk").values("assessment")[:1]),
        Subquery(first.order_by("made_at", "pk").values("pk")[:1]),
        output_field=BigIntegerField(),
    )
    return (
        chosen.annotate(basis=basis)
        .select_related("enrolment__programme", "version__rulebook")
        .defer("facts")
        .order_by("public_id")
    )


def next_batch(
    claims: QuerySet[Claim], *, after: uuid.UUID | None = None, limit: int = BATCH_SIZE
) -> list[tuple[Claim, Assessment]]:
    """Return the next claims after the public id ``after``, each with its basis; empty at the end."""
    beyond = claims if after is None else claims.filter(public_id__gt=after)
    found = list(beyond[:limit])
    assessments = Assessment.objects.defer("outcome").in_bulk([claim.basis for claim in found])  # type: ignore[attr-defined]
    return [(claim, assessments[claim.basis]) for claim in found]  # type: ignore[attr-defined]


def try_claims(trial: RulebookTrial, claims: QuerySet[Claim], tally: SimulationTally) -> Iterator[TriedClaim]:
    """Evaluate each claim by both rulebooks, add it to ``tally`` and yield it. One batch is in memory at a time.

    Claims that cannot be evaluated are counted in the tally and not yielded.
    """
    after: uuid.UUID | None = None
    while batch := next_batch(claims, after=after):
        after = batch[-1][0].public_id
        yield from try_batch(trial, batch, tally)


def try_batch(
    trial: RulebookTrial, batch: list[tuple[Claim, Assessment]], tally: SimulationTally
) -> Iterator[TriedClaim]:
    """Do the same as :func:`try_claims` for one batch."""
    for claim, assessment in batch:
        try:
            tried = trial.on(claim, assessment)
        except CreditsError:
            tally.failed += 1
            continue
        tally.add(tried)
        yield tried


def fit_awards(facts: ClaimFacts, rulebook: RulebookDocument) -> tuple[ClaimFacts, int]:
    """Return the facts with only the reviewer's awards that fit the rulebook, and how many do not fit."""
    criteria = {rule.id: rule for rule in rulebook.points if rule.reviewer is not None}
    left_out = 0
    kept = []
    for contribution in facts.contributions:
        awarded = {
            name: given
            for name, given in contribution.awarded.items()
            if _award_fits(criteria.get(name), given)
        }
        left_out += len(contribution.awarded) - len(awarded)
        kept.append(
            contribution
            if len(awarded) == len(contribution.awarded)
            else replace(contribution, awarded=awarded)
        )
    return (replace(facts, contributions=tuple(kept)), left_out) if left_out else (facts, 0)


def evaluate_both(
    assessment: Assessment, before: RulebookDocument, after: RulebookDocument
) -> tuple[ClaimFacts, Outcome, Outcome]:
    """Return the assessment's facts and the outcome of each rulebook for them, with traces."""
    facts = facts_from_json(cast("dict[str, object]", assessment.facts))
    return facts, evaluate(before, fit_awards(facts, before)[0]), evaluate(after, fit_awards(facts, after)[0])


def _award_fits(rule: PointsRule | None, given: Decimal) -> bool:
    if rule is None or rule.reviewer is None:
        return False
    award = rule.reviewer
    return award.at_least <= given <= award.at_most and not (given - award.at_least) % award.step
