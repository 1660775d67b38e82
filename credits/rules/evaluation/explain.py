"""Explain an outcome and what would have to be different, for a student and for an appeal panel.

The trace says what each rule saw, decided and gave. For a contribution that counts less than it gives by itself, this
module adds how much counts and why. For a contribution that does not count, it adds the nearest facts that would meet
each requirement. Each change was tried on the requirement itself, so none is a guess: if no small change of facts is
enough, only the rulebook's own words are shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, product
from typing import Any, cast

from credits.rules.decimals import to_text
from credits.rules.document.rulebook_model import Requirement, RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.contribution_points import (
    ContributionScore,
    checked_expression,
    requirement_tests,
)
from credits.rules.evaluation.outcome import ContributionOutcome, Outcome, Seen
from credits.rules.expressions import cel
from credits.rules.expressions.cel import BoundFacts, CheckedExpression
from credits.rules.expressions.expression_tree import CallNode, ConstantNode, ListNode, NameNode, Node, walk
from credits.rules.expressions.satisfiability import EARLIEST, LATEST, constant, fact_range
from credits.rules.fact_catalogue import CLOSED, CONDITION_FACTS
from credits.rules.facts import ClaimFacts, ContributionFacts, Value, bind
from credits.text import BilingualText, join_clauses

MAX_TRIALS = 2_000
"""The most changes of facts that are tried on one requirement."""
MAX_CHANGES = 3
"""The most facts that are changed together."""
MAX_PER_FACT = 12
"""The most other values of one fact that are tried; the nearest are taken."""

_FIXED = ("student.", "round.", "term.")
"""Prefixes of facts that do not depend on the contribution; a change of them is shown only if no other is enough."""


@dataclass(frozen=True, slots=True)
class FactChange:
    """The ``fact`` has the value ``has`` (None: unknown) and would need the value ``needs``.

    ``way`` is ``exactly``; for a whole number also ``at-least`` or ``at-most``, for a time ``since`` or ``until``, for
    a text that is searched ``such-as``.
    """

    fact: str
    has: Seen
    needs: Seen
    way: str

    def to_json(self) -> dict[str, Any]:
        return {"fact": self.fact, "has": self.has, "needs": self.needs, "way": self.way}


@dataclass(frozen=True, slots=True)
class RequirementRemedy:
    """A requirement that is not met or undecided, and what would meet it.

    ``changes`` are needed together; they are empty if nothing that was tried is enough. ``open`` are unknown facts.
    """

    rule: str
    text: BilingualText
    changes: tuple[FactChange, ...]
    open: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "text": dict(self.text),
            "changes": [change.to_json() for change in self.changes],
            "open": list(self.open),
        }


@dataclass(frozen=True, slots=True)
class ReducedContribution:
    """A contribution that counts with fewer points than it gives by itself.

    ``because`` are the sentences of the rules that took points, in their order.
    """

    before: str
    after: str
    text: BilingualText
    because: tuple[BilingualText, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "after": self.after,
            "text": dict(self.text),
            "because": [dict(sentence) for sentence in self.because],
        }


@dataclass(frozen=True, slots=True)
class TakenPoints:
    """Points that a cap, a selection or the mix took, with the refs of the contributions that lost and kept points."""

    step: str
    rule: str
    text: BilingualText
    points: str
    cut: tuple[str, ...]
    kept: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "rule": self.rule,
            "text": dict(self.text),
            "points": self.points,
            "cut": list(self.cut),
            "kept": list(self.kept),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of an outcome.

    ``remedies``, by ref, are for contributions that do not count; ``reduced``, by ref, for those that count less than
    they give by themselves; ``taken`` is in the order of the steps.
    """

    remedies: Mapping[str, tuple[RequirementRemedy, ...]]
    reduced: Mapping[str, ReducedContribution]
    taken: tuple[TakenPoints, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "remedies": {
                ref: [remedy.to_json() for remedy in remedies]
                for ref, remedies in sorted(self.remedies.items())
            },
            "reduced": {ref: reduced.to_json() for ref, reduced in sorted(self.reduced.items())},
            "taken": [taken.to_json() for taken in self.taken],
        }


def explain(
    rulebook: RulebookDocument, facts: ClaimFacts, outcome: Outcome, refs: Collection[str] | None = None
) -> Explanation:
    """Explain the ``outcome`` that the rulebook gave for the facts; only the contributions ``refs``, if given."""
    facts_by_ref = {contribution.ref: contribution for contribution in facts.contributions}
    wanted = [result for result in outcome.contributions if refs is None or result.ref in refs]
    remedies = {
        result.ref: tuple(_remedies(rulebook, facts, facts_by_ref[result.ref], result))
        for result in wanted
        if result.status != "counts"
    }
    reduced = {
        result.ref: less for result in wanted if (less := _reduced_contribution(rulebook, result)) is not None
    }
    return Explanation(remedies, reduced, tuple(_taken_points(outcome)))


_TAKES = (
    "share",
    "contribution-cap",
    "repository-cap",
    "period-cap",
    "kind-cap",
    "tier-cap",
    "selection",
)


def _reduced_contribution(
    rulebook: RulebookDocument, result: ContributionOutcome
) -> ReducedContribution | None:
    took = [line for line in result.lines if line.step in _TAKES and line.change < 0]
    if result.status != "counts" or not took:
        return None
    before = took[0].before
    text = trace_texts.sentence("less", before=before, after=result.points, points=rulebook.units.points)
    return ReducedContribution(
        to_text(before), to_text(result.points), text, tuple(line.text for line in took)
    )


def _taken_points(outcome: Outcome) -> Iterator[TakenPoints]:
    for line in outcome.lines:
        if line.unit != "points" or line.change >= 0 or line.step == "conversion":
            continue
        names = {key: tuple(cast("list[str]", line.saw.get(key) or [])) for key in ("cut", "kept")}
        if line.step == "mix":
            names["cut"] = tuple(
                result.ref for result in outcome.contributions if result.lines[-1].step == "mix"
            )
        yield TakenPoints(
            line.step, line.rule, line.text, trace_texts.change_text(line.change), names["cut"], names["kept"]
        )


def _remedies(
    rulebook: RulebookDocument,
    facts: ClaimFacts,
    contribution: ContributionFacts,
    result: ContributionOutcome,
) -> Iterator[RequirementRemedy]:
    item = ContributionScore(contribution, BoundFacts(bind(facts, contribution)), rulebook.time_zone)
    requirements = {requirement.id: requirement for requirement in rulebook.requirements}
    # An author's requirement may have the id of a built-in one ("maturing"); built-in ones come first.
    texts = {(line.step, line.rule): line.text for line in reversed(result.lines)}
    for test in requirement_tests(item, rulebook, facts):
        if test.answer is True:
            continue
        requirement = requirements.get(test.rule)
        if requirement is not None and requirement.text is not test.text:
            requirement = None
        if requirement is None and test.answer is False:
            # Time, and credit given elsewhere, are not facts that could be changed.
            text = trace_texts.sentence(
                "would-be",
                what=test.text,
                saw=item.shown(test.saw),
                otherwise=test.otherwise or trace_texts.NOTHING,
            )
            yield RequirementRemedy(test.rule, text, ())
        elif requirement is None:
            yield RequirementRemedy(test.rule, texts["requirements", test.rule], ())
        else:
            yield _remedy(
                requirement, checked_expression(requirement.when, "yes-no"), item.known, rulebook.time_zone
            )
    if contribution.accepted is False:
        yield RequirementRemedy("reviewer", trace_texts.sentence("would-be-accepted"), ())
    for line in result.lines:
        waits = (line.step, line.rule) in _UNKNOWN and set(line.saw.values()) == {None}
        if waits or line.step == "mix":
            yield RequirementRemedy(
                line.rule, line.text, (), tuple(sorted(line.saw)) if line.step != "mix" else ()
            )


_UNKNOWN = (("share", "share"), ("period-cap", "period-cap"))
"""Steps that need a fact themselves, without a condition."""


def _remedy(
    requirement: Requirement, expression: CheckedExpression, known: BoundFacts, zone: str
) -> RequirementRemedy:
    open_ = tuple(name for name in expression.facts if name not in known.values)
    changes = nearest_change(expression, known.values)
    if not changes:
        text = trace_texts.sentence(
            "would-need-other", what=requirement.text, otherwise=requirement.otherwise or trace_texts.NOTHING
        )
        return RequirementRemedy(requirement.id, text, (), open_)
    needed = [trace_texts.needed(change.fact, change.way, needs, zone) for change, needs in changes]
    text = trace_texts.sentence("would-need", what=requirement.text, needed=join_clauses(needed))
    return RequirementRemedy(requirement.id, text, tuple(change for change, _ in changes), open_)


def nearest_change(
    expression: CheckedExpression, values: Mapping[str, Value]
) -> list[tuple[FactChange, Value]]:
    """Return the fewest and smallest changes of facts that make the condition true; empty if none was found."""
    tried = 0
    options = {name: list(_options(name, expression.root, values.get(name))) for name in expression.facts}
    movable = [name for name in expression.facts if options[name]]
    movable.sort(key=lambda name: (name.startswith(_FIXED), name))
    for count in range(1, min(MAX_CHANGES, len(movable)) + 1):
        found: list[tuple[tuple[bool, int], tuple[str, ...], tuple[Value, ...]]] = []
        for names in combinations(movable, count):
            for rank, chosen in _ranked(options[name] for name in names):
                tried += 1
                if tried > MAX_TRIALS:
                    break
                if expression.value(BoundFacts({**values, **dict(zip(names, chosen, strict=True))})) is True:
                    fixed = any(name.startswith(_FIXED) for name in names)
                    found.append(((fixed, rank), names, chosen))
                    break
        if found:
            _, names, chosen = min(found, key=lambda candidate: (candidate[0], candidate[1]))
            return [
                (_change(expression, values, name, value, dict(zip(names, chosen, strict=True))), value)
                for name, value in zip(names, chosen, strict=True)
            ]
        if tried > MAX_TRIALS:
            break
    return []


def _ranked(options: Iterable[Sequence[Value]]) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield the choices of one value for each fact, the smallest changes first."""
    numbered = [list(enumerate(values)) for values in options]
    choices = sorted(product(*numbered), key=lambda choice: sum(rank for rank, _ in choice))
    for choice in choices[:MAX_TRIALS]:
        yield sum(rank for rank, _ in choice), tuple(value for _, value in choice)


def _options(name: str, root: Node, has: Value | None) -> Iterator[Value]:
    """Yield other values of a fact at which comparisons with constants change, the nearest first."""
    kind = CONDITION_FACTS[name].kind
    if kind == "yes-no":
        yield from (answer for answer in (True, False) if answer is not has)
        return
    constants = list(_constants(name, root))
    if kind == "whole":
        room = fact_range(name)
        numbers = {number + by for number in constants if isinstance(number, int) for by in (-1, 0, 1)}
        at = has if isinstance(has, int) else 0
        near = sorted(
            (number for number in numbers if room.least <= number <= room.most and number != has),
            key=lambda number: (abs(number - at), number),
        )
        yield from near[:MAX_PER_FACT]
    elif kind == "time":
        moments = [
            value + by * timedelta(seconds=1)
            for value in constants
            # Do not suggest a time that no fact can reach (the year 9999).
            if isinstance(value, datetime) and EARLIEST <= value <= LATEST
            for by in (-1, 0, 1)
        ]
        moment = has if isinstance(has, datetime) else None
        yield from sorted(moments, key=lambda time: (abs(time - moment) if moment else timedelta(0), time))[
            :MAX_PER_FACT
        ]
    elif kind == "text":
        texts = [text for text in dict.fromkeys([*constants, *CLOSED.get(name, ())]) if isinstance(text, str)]
        yield from (text for text in texts[:MAX_PER_FACT] if text != has)
    elif kind == "texts":
        listed = has if isinstance(has, list) else []
        texts = [text for text in dict.fromkeys(constants) if isinstance(text, str)]
        yield from ([*listed, text] for text in texts[:MAX_PER_FACT] if text not in listed)
        yield from ([other for other in listed if other != text] for text in texts if text in listed)


def _constants(name: str, root: Node) -> Iterator[Value]:
    """Yield the constants that appear in the same call (or loop) as the fact."""
    list_ = CONDITION_FACTS[name].kind == "texts"
    for node in walk(root):
        near = isinstance(node, CallNode) and any(
            isinstance(arg, NameNode) and arg.name == name for arg in node.args
        )
        if isinstance(node, CallNode) and near:
            for arg in node.args:
                parts = arg.items if isinstance(arg, ListNode) else (arg,)
                values = [constant(part) for part in parts]
                yield from (value for value in values if value is not None)
        elif list_ and isinstance(node, ConstantNode) and isinstance(node.value, str):
            yield node.value


def _change(
    expression: CheckedExpression,
    values: Mapping[str, Value],
    name: str,
    value: Value,
    chosen: Mapping[str, Value],
) -> FactChange:
    """Return the change, with its way: if larger (or smaller) values are enough too, it is a bound."""
    has, kind, way = values.get(name), CONDITION_FACTS[name].kind, "exactly"
    further: list[Value] = []
    up = True
    if isinstance(value, datetime):
        up = not isinstance(has, datetime) or value > has
        further = [value + (1 if up else -1) * timedelta(days=days) for days in (1, 100, 10_000)]
        further = [time for time in further if EARLIEST <= cast(datetime, time) <= LATEST]
    elif kind == "whole" and isinstance(value, int):
        up = not isinstance(has, int) or value > has
        room = fact_range(name)
        beyond = [value + (by if up else -by) for by in (1, 10, 10_000)]
        further = [number for number in beyond if room.least <= number <= room.most]
    elif kind == "text" and any(
        isinstance(node, CallNode)
        and node.overload not in ("equals", "not_equals", "in_list")
        and any(isinstance(arg, NameNode) and arg.name == name for arg in node.args)
        for node in walk(expression.root)
    ):
        way = "such-as"
    if further and all(
        expression.value(BoundFacts({**values, **chosen, name: other})) is True for other in further
    ):
        way = ("since" if up else "until") if kind == "time" else "at-least" if up else "at-most"
    return FactChange(name, cel.seen_json(values.get(name)), cel.seen_json(value), way)
