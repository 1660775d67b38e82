"""Compute the points of one contribution by itself: requirements, points, factors, share, contribution cap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from credits.errors import CreditsError, Sentence, gettext_noop
from credits.rules.decimals import ZERO, to_text
from credits.rules.document.field_types import RulebookText
from credits.rules.document.rulebook_model import PointsBands, PointsRule, ReviewerAward, RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.outcome import ContributionOutcome, Seen, Status, Step, TraceLine
from credits.rules.expressions import cel
from credits.rules.expressions.cel import BoundFacts, FailedValue, UnknownValue
from credits.rules.facts import ClaimFacts, ContributionFacts, Value, bind, share_of
from credits.text import BilingualText

Answer = bool | UnknownValue | FailedValue


@dataclass
class ContributionScore:
    """A contribution during evaluation: each line added changes ``points``."""

    facts: ContributionFacts
    known: BoundFacts
    zone: str
    status: Status = "counts"
    points: Decimal = ZERO
    lines: list[TraceLine] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)

    @property
    def repository(self) -> str:
        """Return the key of the repository: the forge and its immutable id (its name if there is no id)."""
        repository = self.facts.repository
        forge = repository.get("forge") or self.facts.contribution.get("forge") or ""
        return f"{forge}:{repository.get('id') or repository.get('full_name') or self.facts.ref}"

    @property
    def name(self) -> str:
        """Return the contribution's name for people: repository and number, or its ref if these are unknown."""
        repository, number = self.facts.repository.get("full_name"), self.facts.contribution.get("number")
        return f"{repository}#{number}" if repository and number else self.facts.ref

    def add(
        self, step: Step, rule: str, text: BilingualText, saw: Mapping[str, Seen], change: Decimal = ZERO
    ) -> None:
        before = self.points
        self.points = before + change
        self.lines.append(TraceLine(step, rule, text, saw, before, change, self.points))

    def shown(self, saw: Mapping[str, Value | None]) -> tuple[str, str]:
        return trace_texts.seen_values_text(saw, self.zone)

    def outcome(self) -> ContributionOutcome:
        return ContributionOutcome(
            self.facts.ref, self.status, self.points, tuple(self.lines), tuple(sorted(self.unknown))
        )

    def undecided(
        self,
        step: Step,
        rule: str,
        what: RulebookText,
        answer: UnknownValue | FailedValue,
        saw: Mapping[str, Seen],
    ) -> None:
        """Add a line that says what is not known. The caller sets the contribution's status."""
        if isinstance(answer, UnknownValue):
            self.unknown.update(answer.facts)
            text = trace_texts.sentence("undecided", what=what, unknown=trace_texts.fact_labels(answer.facts))
        else:
            text = trace_texts.sentence("failed", what=what, reason=answer.reason)
        self.add(step, rule, text, saw)


def score_contribution(
    rulebook: RulebookDocument, claim: ClaimFacts, contribution: ContributionFacts
) -> ContributionScore:
    """Return the contribution with its lines, before any rule that spans several contributions."""
    refuse_invalid_awards(rulebook, contribution)
    item = ContributionScore(contribution, BoundFacts(bind(claim, contribution)), rulebook.time_zone)
    _requirements(item, rulebook, claim)
    if item.status != "counts":
        return item
    for rule in rulebook.points:
        _points(item, rulebook, rule)
    if item.points < 0:
        text = trace_texts.sentence("not-below-zero", points=rulebook.units.points)
        item.add("points", "not-below-zero", text, {}, -item.points)
    _factors(item, rulebook)
    _share(item, rulebook)
    _period(item, rulebook)
    cap = rulebook.caps.contribution
    if cap is not None and item.points > cap:
        text = trace_texts.sentence(
            "contribution-cap", limit=cap, before=item.points, after=cap, points=rulebook.units.points
        )
        item.add("contribution-cap", "contribution-cap", text, {"limit": to_text(cap)}, cap - item.points)
    return item


@dataclass(frozen=True)
class RequirementTest:
    """One requirement on one contribution: written by the author, or one that every rulebook has."""

    rule: str
    text: RulebookText
    answer: Answer
    saw: Mapping[str, Value | None]
    otherwise: RulebookText | None = None


def _requirements(item: ContributionScore, rulebook: RulebookDocument, claim: ClaimFacts) -> None:
    answers: list[Answer] = []
    for test in requirement_tests(item, rulebook, claim):
        answers.append(test.answer)
        saw = {name: cel.seen_json(value) for name, value in test.saw.items()}
        if isinstance(test.answer, bool):
            text = trace_texts.sentence(
                "met" if test.answer else "not-met",
                what=test.text,
                saw=item.shown(test.saw),
                otherwise=test.otherwise or trace_texts.NOTHING,
            )
            item.add("requirements", test.rule, text, saw)
        else:
            item.undecided("requirements", test.rule, test.text, test.answer, saw)
    accepted = item.facts.accepted
    if accepted is not None:
        text = trace_texts.sentence("accepted" if accepted else "refused")
        item.add("requirements", "reviewer", text, {"accepted": accepted})
        answers.append(accepted)
    # One requirement that is certainly not met decides; unknown answers no longer matter.
    if any(answer is False for answer in answers):
        item.status = "does-not-count"
    elif any(answer is not True for answer in answers):
        item.status = "undecided"


def requirement_tests(
    item: ContributionScore, rulebook: RulebookDocument, claim: ClaimFacts
) -> Iterator[RequirementTest]:
    """Yield every requirement with its answer, in the order of the trace."""
    known = item.known.values
    once = known.get("contribution.already_credited", False)
    yield RequirementTest("once", trace_texts.ONCE, once is False, {}, trace_texts.ONCE_OTHERWISE)
    if rulebook.merged_since == "enrolment":
        start = ("student.enrolled_on", "contribution.merged_at")
        yield _in_order("merged-since", trace_texts.SINCE_ENROLMENT, item.known, start)
    elif rulebook.merged_since == "term":
        term = ("term.starts", "contribution.merged_at", "term.ends")
        yield _in_order("merged-since", trace_texts.IN_TERM, item.known, term)
    if rulebook.maturing_days:
        yield _maturing(item, rulebook, claim)
    for requirement in rulebook.requirements:
        expression = checked_expression(requirement.when, "yes-no")
        answer = expression.value(item.known)
        yield RequirementTest(
            requirement.id,
            requirement.text,
            _as_answer(answer),
            item.known.seen_by(expression),
            requirement.otherwise,
        )


def _in_order(rule: str, text: RulebookText, known: BoundFacts, names: tuple[str, ...]) -> RequirementTest:
    """Test whether the times ``names`` are in order (equal times are)."""
    saw = {name: known.values.get(name) for name in names}
    times = [value for value in saw.values() if isinstance(value, datetime)]
    missing = tuple(name for name in names if saw[name] is None)
    answer: Answer = UnknownValue(missing) if missing else times == sorted(times)
    return RequirementTest(rule, text, answer, saw)


def _maturing(item: ContributionScore, rulebook: RulebookDocument, claim: ClaimFacts) -> RequirementTest:
    days = rulebook.maturing_days
    merged = item.facts.contribution.get("merged_at")
    # If the facts are not frozen yet, use the last moment at which they can be: the end of the round.
    at = claim.as_of or claim.round.get("closes")
    # Days of 24 hours, added in UTC: in local time, a change to or from summer time would change them.
    ripe = merged.astimezone(UTC) + timedelta(days=days) if merged else None
    saw: dict[str, Value | None] = {"contribution.merged_at": merged}
    if ripe is None:
        answer: Answer = UnknownValue(("contribution.merged_at",))
    elif at is None:
        answer = UnknownValue(("round.closes",))
    else:
        answer = ripe <= at
    return RequirementTest(
        "maturing",
        trace_texts.maturing_requirement(days),
        answer,
        saw,
        None if answer is True else trace_texts.maturing_times(ripe, at, item.zone),
    )


def _points(item: ContributionScore, rulebook: RulebookDocument, rule: PointsRule) -> None:
    unit = rulebook.units.points
    saw: dict[str, Value | None] = {}
    if rule.when is not None and not _applies(item, "points", rule.id, rule.text, rule.when, saw):
        return
    if rule.give is not None:
        text = trace_texts.sentence(
            "given",
            what=rule.text,
            change=trace_texts.change_text(rule.give),
            points=unit,
            saw=item.shown(saw),
        )
        item.add("points", rule.id, text, _json(saw), rule.give)
    elif rule.reviewer is not None:
        _award(item, rulebook, rule, rule.reviewer)
    else:
        _computed(item, rulebook, rule, saw)


def _computed(
    item: ContributionScore, rulebook: RulebookDocument, rule: PointsRule, saw: dict[str, Value | None]
) -> None:
    """Add points by bands or by a formula, both from a whole number."""
    unit = rulebook.units.points
    expression = checked_expression(rule.bands.of if rule.bands else rule.formula or "", "whole")
    saw = {**saw, **item.known.seen_by(expression)}
    value = expression.value(item.known)
    if isinstance(value, UnknownValue | FailedValue):
        item.undecided("points", rule.id, rule.text, value, _json(saw))
        return
    if rule.bands is None:
        given = Decimal(value)
        text = trace_texts.sentence(
            "given", what=rule.text, change=trace_texts.change_text(given), points=unit, saw=item.shown(saw)
        )
        item.add("points", rule.id, text, _json(saw), given)
        return
    _band(item, rulebook, rule, rule.bands, value, saw)


def _band(
    item: ContributionScore,
    rulebook: RulebookDocument,
    rule: PointsRule,
    bands: PointsBands,
    value: int,
    saw: dict[str, Value | None],
) -> None:
    reached = [step for step in bands.steps if value > step.above]
    given = reached[-1].give if reached else ZERO
    text = trace_texts.sentence(
        "band" if reached else "no-band",
        what=rule.text,
        value=value,
        above=(reached[-1] if reached else bands.steps[0]).above,
        change=trace_texts.change_text(given),
        points=rulebook.units.points,
        saw=trace_texts.NOTHING if tuple(saw) == (bands.of,) else item.shown(saw),
    )
    item.add("points", rule.id, text, _json(saw), given)


def _award(
    item: ContributionScore, rulebook: RulebookDocument, rule: PointsRule, award: ReviewerAward
) -> None:
    given = item.facts.awarded.get(rule.id)
    slots: dict[str, trace_texts.Slot] = {"what": rule.text, "low": award.at_least, "high": award.at_most}
    if given is None:
        item.add("points", rule.id, trace_texts.sentence("not-awarded", **slots), {"awarded": None})
        return
    text = trace_texts.sentence(
        "awarded", **slots, value=given, change=trace_texts.change_text(given), points=rulebook.units.points
    )
    item.add("points", rule.id, text, {"awarded": to_text(given)}, given)


def _factors(item: ContributionScore, rulebook: RulebookDocument) -> None:
    for factor in rulebook.factors:
        saw: dict[str, Value | None] = {}
        if factor.when is not None and not _applies(
            item, "factors", factor.id, factor.text, factor.when, saw
        ):
            continue
        after = item.points * factor.times
        text = trace_texts.sentence(
            "factor",
            what=factor.text,
            before=item.points,
            times=factor.times,
            after=after,
            points=rulebook.units.points,
            saw=item.shown(saw),
        )
        item.add("factors", factor.id, text, _json(saw), after - item.points)


def _share(item: ContributionScore, rulebook: RulebookDocument) -> None:
    share = share_of(item.facts)
    if share is None:
        item.status = "undecided"
        name = "contribution.share_hundredths"
        text = trace_texts.sentence("undecided", what=_SHARE, unknown=trace_texts.fact_labels((name,)))
        item.unknown.add(name)
        item.add("share", "share", text, {"share": None}, -item.points)
        return
    if share != 1:
        after = item.points * share
        text = trace_texts.sentence(
            "share", before=item.points, share=share, after=after, points=rulebook.units.points
        )
        item.add("share", "share", text, {"share": to_text(share)}, after - item.points)


def _period(item: ContributionScore, rulebook: RulebookDocument) -> None:
    """Set the contribution to undecided if a cap by day, week or month needs its unknown time of merging."""
    if not rulebook.caps.periods or item.facts.contribution.get("merged_at") is not None:
        return
    item.status = "undecided"
    name = "contribution.merged_at"
    item.unknown.add(name)
    text = trace_texts.sentence("undecided", what=_PERIOD, unknown=trace_texts.fact_labels((name,)))
    item.add("period-cap", "period-cap", text, {name: None}, -item.points)


_PERIOD = RulebookText(zh="合并于哪一天、周或月", en="the day, week or month in which it was merged")
_SHARE = RulebookText(zh="本人在此项贡献中的份额", en="the student's share of this contribution")


def _applies(
    item: ContributionScore,
    step: Step,
    rule: str,
    what: RulebookText,
    when: str,
    saw: dict[str, Value | None],
) -> bool:
    """Return whether a rule's ``when`` is true; if it is false or undecided, add a line that says so."""
    expression = checked_expression(when, "yes-no")
    saw.update(item.known.seen_by(expression))
    answer = _as_answer(expression.value(item.known))
    if answer is True:
        return True
    if answer is False:
        item.add(step, rule, trace_texts.sentence("not-applied", what=what, saw=item.shown(saw)), _json(saw))
    else:
        item.undecided(step, rule, what, answer, _json(saw))
    return False


def refuse_invalid_awards(rulebook: RulebookDocument, contribution: ContributionFacts) -> None:
    """Raise CreditsError for an award without a criterion (``award-unknown``) or out of its range."""
    criteria = {rule.id: rule.reviewer for rule in rulebook.points if rule.reviewer is not None}
    for criterion, given in sorted(contribution.awarded.items()):
        award = criteria.get(criterion)
        if award is None:
            raise CreditsError(
                "award-unknown",
                Sentence(
                    gettext_noop("The rulebook has no reviewer criterion “%(criterion)s”."),
                    {"criterion": criterion},
                ),
                Sentence(
                    gettext_noop("Available criteria: %(criteria)s."),
                    {"criteria": ", ".join(sorted(criteria)) or "–"},
                ),
            )
        if not award.at_least <= given <= award.at_most or (given - award.at_least) % award.step != 0:
            raise CreditsError(
                "award-out-of-range",
                Sentence(
                    gettext_noop("“%(criterion)s” cannot be %(given)s."),
                    {"criterion": criterion, "given": to_text(given)},
                ),
                Sentence(
                    gettext_noop("Give a value from %(least)s to %(most)s in steps of %(step)s."),
                    {
                        "least": to_text(award.at_least),
                        "most": to_text(award.at_most),
                        "step": to_text(award.step),
                    },
                ),
            )


def checked_expression(text: str, wanted: cel.Wanted) -> cel.CheckedExpression:
    """Return the checked expression of a parsed rulebook. Raise CreditsError ``rulebook-faults`` if it is not valid."""
    found = cel.check(text, wanted)
    if isinstance(found, tuple):
        # A parsed rulebook has only valid expressions; a RulebookDocument built in code may have others.
        raise CreditsError("rulebook-faults", f"The expression “{text}” is not valid: {found[0].message}")
    return found


def merged_first(item: ContributionScore) -> tuple[datetime, str]:
    """Return the sort key of contributions: what was merged first comes first."""
    return item.facts.contribution.get("merged_at") or _LAST, item.facts.ref


_LAST = datetime.max.replace(tzinfo=UTC)


def _as_answer(value: bool | int | UnknownValue | FailedValue) -> Answer:
    return value if isinstance(value, UnknownValue | FailedValue) else bool(value)


def _json(saw: Mapping[str, Value | None]) -> dict[str, Seen]:
    return {name: cel.seen_json(value) for name, value in saw.items()}
