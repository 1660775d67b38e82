"""Try a rulebook on what was claimed: the same frozen facts by two rulebooks, and what differs. Decides nothing.

The facts are those that the claim stands on: of its final decision, where there is one (with what the reviewer
accepted and gave), else of its submission. What a reviewer gave for a criterion that a rulebook does not have, or
beyond its range, is left out for that rulebook and counted.
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
    CompiledRulebook,
    Outcome,
    PointsRule,
    RulebookDocument,
    Totals,
    compile_rulebook,
    evaluate,
)
from credits.rules.decimals import exactly, to_text
from credits.rules.facts import ClaimFacts, facts_from_json

BATCH_SIZE = 200
"""Claims that are held in memory at once."""
LARGEST_SHOWN = 10
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class TriedClaim:
    """One claim by both rulebooks, on the facts of ``assessment``. ``left_out``: what a reviewer gave that the rulebook
    that is tried has no place for."""

    claim: Claim
    assessment: Assessment
    before: Totals
    after: Totals
    left_out: int = 0

    @property
    def credit_change(self) -> Decimal:
        return self.after.credit - self.before.credit

    @property
    def points_change(self) -> Decimal:
        return self.after.points - self.before.points

    @property
    def changed(self) -> bool:
        return bool(self.credit_change or self.points_change)

    @property
    def size(self) -> tuple[Decimal, Decimal]:
        """What the largest changes are found by: credit, then points."""
        return abs(self.credit_change), abs(self.points_change)


@dataclass(slots=True)
class SimulationTally:
    """What was found so far. ``gain`` and ``lose`` count claims by credit; ``gain_points`` and ``lose_points`` those
    whose credit stays and whose points do not. ``before`` and ``after`` are credit in total, ``spread_…`` how many
    claims have how much, ``programmes`` the same sums by programme's key. ``failed`` claims could not be computed."""

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
        """Claims whose credit stays, whether or not their points do."""
        return self.claims - self.gain - self.lose

    @property
    def same(self) -> int:
        """Claims whose credit and points stay."""
        return self.same_credit - self.gain_points - self.lose_points

    @property
    def changes(self) -> int:
        return self.claims - self.same

    @property
    def cost(self) -> Decimal:
        """Credit that the rulebook would give more (or less) than the one before."""
        return self.after - self.before

    def add(self, one: TriedClaim) -> None:
        self.claims += 1
        self.left_out += one.left_out
        credit, points = one.credit_change, one.points_change
        self.gain += credit > 0
        self.lose += credit < 0
        self.gain_points += not credit and points > 0
        self.lose_points += not credit and points < 0
        with exactly():
            self.before += one.before.credit
            self.after += one.after.credit
            own = self.programmes.setdefault(
                str(one.claim.enrolment.programme_id),
                {"claims": 0, "gain": 0, "lose": 0, "before": "0", "after": "0"},
            )
            own["before"] = to_text(Decimal(own["before"]) + one.before.credit)
            own["after"] = to_text(Decimal(own["after"]) + one.after.credit)
        own["claims"] += 1
        own["gain"] += credit > 0
        own["lose"] += credit < 0
        for spread, totals in ((self.spread_before, one.before), (self.spread_after, one.after)):
            key = to_text(totals.credit)
            spread[key] = spread.get(key, 0) + 1

    def to_json(self) -> dict[str, Any]:
        """JSON-safe; credit as texts."""
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
        """What :meth:`to_json` wrote; nothing yet where it is empty."""
        read: dict[str, Any] = {name: data[name] for name in cls.__slots__ if name in data}
        for name in ("before", "after"):
            read[name] = Decimal(read.get(name, "0"))
        return cls(**read)


class RulebookTrial:
    """A rulebook ready to be tried on many claims, held against ``against`` or each claim's own version."""

    def __init__(self, rulebook: RulebookDocument, against: RulebookVersion | None = None) -> None:
        self.rulebook = rulebook
        self.against = against
        self._compiled = compile_rulebook(rulebook)
        self._others: dict[int, CompiledRulebook] = {}

    def on(self, claim: Claim, assessment: Assessment) -> TriedClaim:
        """Both rulebooks on the facts that the claim stands on. Raises CreditsError where these cannot be used."""
        facts = facts_from_json(cast("dict[str, object]", assessment.facts))
        other = self._other(self.against or cast(RulebookVersion, claim.version))
        mine, left_out = fit_awards(facts, self.rulebook)
        theirs, _left_out = fit_awards(facts, other.rulebook)
        return TriedClaim(claim, assessment, other.credit(theirs), self._compiled.credit(mine), left_out)

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
    """The submitted claims of a round that were not withdrawn, of everyone or of a programme, within ``departments``
    (None: all), in an order that tells nothing about anybody. Each has ``basis``, the key of the assessment whose
    facts it stands on."""
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
    """The next claims beyond ``after`` with the assessments that they stand on; none at the end."""
    beyond = claims if after is None else claims.filter(public_id__gt=after)
    found = list(beyond[:limit])
    held = Assessment.objects.defer("outcome").in_bulk([one.basis for one in found])  # type: ignore[attr-defined]
    return [(one, held[one.basis]) for one in found]  # type: ignore[attr-defined]


def try_claims(trial: RulebookTrial, claims: QuerySet[Claim], tally: SimulationTally) -> Iterator[TriedClaim]:
    """Each claim by both rulebooks, added to ``tally``; those that cannot be computed are counted there and left out.
    Holds one batch in memory."""
    after: uuid.UUID | None = None
    while batch := next_batch(claims, after=after):
        after = batch[-1][0].public_id
        yield from try_batch(trial, batch, tally)


def try_batch(
    trial: RulebookTrial, batch: list[tuple[Claim, Assessment]], tally: SimulationTally
) -> Iterator[TriedClaim]:
    """The same for claims that are read already."""
    for claim, assessment in batch:
        try:
            one = trial.on(claim, assessment)
        except CreditsError:
            tally.failed += 1
            continue
        tally.add(one)
        yield one


def fit_awards(facts: ClaimFacts, rulebook: RulebookDocument) -> tuple[ClaimFacts, int]:
    """The facts with only those of the reviewer's awards that the rulebook has a place for, and how many it has none
    for."""
    criteria = {rule.id: rule for rule in rulebook.points if rule.reviewer is not None}
    left_out = 0
    kept = []
    for one in facts.contributions:
        awarded = {
            name: given for name, given in one.awarded.items() if _award_fits(criteria.get(name), given)
        }
        left_out += len(one.awarded) - len(awarded)
        kept.append(one if len(awarded) == len(one.awarded) else replace(one, awarded=awarded))
    return (replace(facts, contributions=tuple(kept)), left_out) if left_out else (facts, 0)


def evaluate_both(
    assessment: Assessment, before: RulebookDocument, after: RulebookDocument
) -> tuple[ClaimFacts, Outcome, Outcome]:
    """The facts, and what each rulebook gives for them with its trace."""
    facts = facts_from_json(cast("dict[str, object]", assessment.facts))
    return facts, evaluate(before, fit_awards(facts, before)[0]), evaluate(after, fit_awards(facts, after)[0])


def _award_fits(rule: PointsRule | None, given: Decimal) -> bool:
    if rule is None or rule.reviewer is None:
        return False
    award = rule.reviewer
    return award.at_least <= given <= award.at_most and not (given - award.at_least) % award.step
