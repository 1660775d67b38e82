"""What is valid in a rulebook and is probably not meant: told beside the faults, never refused.

Each is certain as far as it goes: a condition that is said never to hold holds for no facts whatever.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from credits.rules.decimals import ZERO, exact_arithmetic, to_text
from credits.rules.document.conversion_consistency import least_points_for_credit
from credits.rules.document.rulebook_model import PointsBands, PointsRule, RulebookDocument
from credits.rules.expressions import cel
from credits.rules.expressions.expression_tree import CallNode, ConstantNode, NameNode, Node, walk
from credits.rules.expressions.satisfiability import (
    SearchBudget,
    WholeNumberRange,
    fact_range,
    is_satisfiable,
)
from credits.rules.fact_catalogue import CLOSED, CONDITION_FACTS
from credits.rules.faults import FaultTexts, Path, nearest

Doubt = tuple[Path, FaultTexts]


def find_doubts(rulebook: RulebookDocument) -> Iterator[Doubt]:
    """Each place of a valid rulebook that is probably not meant, with what to say of it."""
    required = _RequirementConditions(_located_conditions(rulebook), SearchBudget())
    yield from _requirements(required)
    for index, rule in enumerate(rulebook.points):
        here: Path = ("points", index)
        when = _root(rule.when)
        if when is not None and (yield from _condition((*here, "when"), when, required)):
            continue
        if rule.bands is not None:
            yield from _bands((*here, "bands"), rule.bands, when, required)
    for key in ("factors", "mix"):
        for index, other in enumerate(getattr(rulebook, key)):
            when = _root(other.when)
            if when is not None:
                yield from _condition((key, index, "when"), when, required)
    yield from _gaps_and_overlaps(rulebook, required)
    with exact_arithmetic():
        yield from _amounts(rulebook)


@dataclass(frozen=True, slots=True)
class _LocatedCondition:
    path: Path
    id: str
    root: Node
    names: set[str]


@dataclass(frozen=True, slots=True)
class _RequirementConditions:
    """The requirements' conditions with place and id, and what asking about them may still cost."""

    asked: Sequence[_LocatedCondition]
    budget: SearchBudget

    def can(
        self, *wanted: tuple[Node, bool], within: Mapping[str, WholeNumberRange] | None = None
    ) -> bool | None:
        return is_satisfiable(wanted, within, self.budget)

    def near(self, node: Node) -> Iterator[tuple[str, Node]]:
        """The requirements that look at a fact of the condition: others cannot exclude it. Those that can never be
        met are told by themselves."""
        names = _names(node)
        for one in self.asked:
            if names & one.names and self.can((one.root, True)) is not False:
                yield one.id, one.root


def _names(node: Node) -> set[str]:
    return {one.name for one in walk(node) if isinstance(one, NameNode)}


def _located_conditions(rulebook: RulebookDocument) -> list[_LocatedCondition]:
    found: list[_LocatedCondition] = []
    for index, requirement in enumerate(rulebook.requirements):
        root = _root(requirement.when)
        if root is not None:
            found.append(
                _LocatedCondition(("requirements", index, "when"), requirement.id, root, _names(root))
            )
    return found


def _root(text: str | None, wanted: cel.Wanted = "yes-no") -> Node | None:
    checked = cel.check(text, wanted) if text else ()
    return None if isinstance(checked, tuple) else checked.root


def _requirements(required: _RequirementConditions) -> Iterator[Doubt]:
    sound: list[_LocatedCondition] = []
    for one in required.asked:
        if required.can((one.root, True)) is False:
            yield one.path, _never_true(one.root)
            continue
        if required.can((one.root, False)) is False:
            yield one.path, _ALWAYS
        for earlier in sound:
            if one.names & earlier.names and required.can((one.root, True), (earlier.root, True)) is False:
                yield one.path, _never_with(earlier.id)
                break
        sound.append(one)


def _condition(path: Path, when: Node, required: _RequirementConditions) -> Generator[Doubt, None, bool]:
    """Doubts about when a rule applies; returns whether it never does."""
    if required.can((when, True)) is False:
        yield path, _never_true(when)
        return True
    if required.can((when, False)) is False:
        yield path, _ALWAYS
        return False
    for name, other in required.near(when):
        if required.can((when, True), (other, True)) is False:
            yield path, _never_with(name)
            return True
        if required.can((when, False), (other, True)) is False:
            yield path, _always_with(name)
            return False
    return False


def _bands(
    path: Path, bands: PointsBands, when: Node | None, required: _RequirementConditions
) -> Iterator[Doubt]:
    of = _root(bands.of, "whole")
    if not isinstance(of, NameNode):
        return
    room = fact_range(of.name)
    conditions = [("", when)] if when is not None else []
    conditions += required.near(of)
    for index, step in enumerate(bands.steps):
        last = index + 1 == len(bands.steps)
        most = room.most if last else min(room.most, bands.steps[index + 1].above)
        least = max(room.least, step.above + 1)
        here: Path = (*path, "steps", index, "above")
        if least > most:
            yield here, _unreached("")
            continue
        for name, root in conditions:
            if required.can((root, True), within={of.name: WholeNumberRange(least, most)}) is False:
                yield here, _unreached(name)
                break
        if index and step.give == bands.steps[index - 1].give:
            yield (
                (*path, "steps", index, "give"),
                (
                    "This band gives the same as the one before it.",
                    "Delete it, or give it a different value.",
                    "本档与上一档得分相同。",
                    "请删除，或改为不同的得分。",
                ),
            )


def _gaps_and_overlaps(rulebook: RulebookDocument, required: _RequirementConditions) -> Iterator[Doubt]:
    """Points rules that divide one number between them, and leave some of it out or share some of it."""
    by_fact: dict[str, list[_Part]] = {}
    for index, rule in enumerate(rulebook.points):
        root = _root(rule.when)
        if root is None:
            continue
        names = {node.name for node in walk(root) if isinstance(node, NameNode)}
        if len(names) == 1 and (fact := CONDITION_FACTS.get(min(names))) and fact.kind == "whole":
            by_fact.setdefault(fact.name, []).append((index, rule, root))
    for name, rules in sorted(by_fact.items()):
        if len(rules) > 1:
            yield from _divided_by(name, rules, required)


_Part = tuple[int, PointsRule, Node]


def _divided_by(fact: str, rules: list[_Part], required: _RequirementConditions) -> Iterator[Doubt]:
    points = _decisive_numbers(fact, rules, required)
    covered: list[set[int]] = []
    for _, _, root in rules:
        answers = [required.can((root, True), within={fact: WholeNumberRange(one, one)}) for one in points]
        # Where a rule can go either way, or nobody can say, nothing is certain.
        surely = [required.can((root, False), within={fact: WholeNumberRange(one, one)}) for one in points]
        if (
            None in answers
            or None in surely
            or any(yes and no for yes, no in zip(answers, surely, strict=True))
        ):
            return
        covered.append({one for one, yes in zip(points, answers, strict=True) if yes})
    if not all(covered):
        return
    shared = False
    for at, (index, _, _) in enumerate(rules):
        for before in range(at):
            both = covered[at] & covered[before]
            shared = shared or bool(both)
            # Nested thresholds are meant to add up; only a partial overlap is odd.
            if both and not covered[at] <= covered[before] and not covered[before] <= covered[at]:
                yield ("points", index, "when"), _overlap(rules[before][1].id, min(both), fact)
    touched = set().union(*covered)
    left = [one for one in points if min(touched) < one < max(touched) and one not in touched]
    if left and not shared:
        beyond = [at for at in range(len(rules)) if min(covered[at]) > left[0]]
        index = rules[min(beyond, key=lambda at: min(covered[at]))][0] if beyond else rules[-1][0]
        yield ("points", index, "when"), _gap(left[0], fact)


def _decisive_numbers(fact: str, rules: list[_Part], required: _RequirementConditions) -> list[int]:
    """The numbers at which something can change, those left out that a requirement rules out."""
    room = fact_range(fact)
    numbers = {room.least, room.most}
    for _, _, root in rules:
        for node in walk(root):
            if isinstance(node, ConstantNode) and isinstance(node.value, int):
                numbers.update(sign * node.value + by for sign in (1, -1) for by in (-1, 0, 1))
    numbers = {one for one in numbers if room.least <= one <= room.most}
    for _, other in required.near(rules[0][2]):
        numbers = {
            one
            for one in numbers
            if required.can((other, True), within={fact: WholeNumberRange(one, one)}) is not False
        }
    return sorted(numbers)


def _amounts(rulebook: RulebookDocument) -> Iterator[Doubt]:
    least = least_points(rulebook)
    caps = rulebook.caps
    limits: list[tuple[Path, Decimal | None]] = [
        (("caps", "contribution"), caps.contribution),
        (("caps", "repository", "points"), caps.repository.points),
    ]
    for key in ("periods", "kinds", "tiers"):
        limits += [
            (("caps", key, index, "points"), cap.points) for index, cap in enumerate(getattr(caps, key))
        ]
    for path, limit in limits:
        if limit is not None and limit < least:
            yield (
                path,
                (
                    f"A full contribution gives at least {to_text(least)}, so this cap reduces every one.",
                    f"Raise it to {to_text(least)} or more, or give fewer points.",
                    f"一项完整的贡献至少得 {to_text(least)} 分：此上限会削减每一项。",
                    f"请提高到不低于 {to_text(least)}，或降低得分。",
                ),
            )
    most, best = most_points(rulebook), rulebook.selection.best
    first = least_points_for_credit(rulebook)
    if best is None or rulebook.selection.within != "claim" or rulebook.conversion.remainder == "carry":
        return
    if most is not None and first is not None and most * best < first:
        yield (
            ("conversion",),
            (
                f"The best {best} give at most {to_text(most * best)}, but credit starts at {to_text(first)}.",
                "Count more contributions, or require fewer points.",
                f"得分最高的 {best} 项最多得 {to_text(most * best)} 分，而 {to_text(first)} 分起才有学分。",
                "请增加计入的项数，或降低折算所需积分。",
            ),
        )


def least_points(rulebook: RulebookDocument) -> Decimal:
    """The fewest points of a contribution that counts and is wholly the student's (0 where nothing is certain)."""
    total = sum((_ends(rule, min) or ZERO for rule in rulebook.points), ZERO)
    if any(_ends(rule, min) is None for rule in rulebook.points):
        return ZERO
    for factor in rulebook.factors:
        total *= factor.times if factor.when is None else min(Decimal(1), factor.times)
    return max(ZERO, total)


def most_points(rulebook: RulebookDocument) -> Decimal | None:
    """The most points of one contribution; None where there is no end to them."""
    ends = [_ends(rule, max) for rule in rulebook.points]
    total = None if None in ends else sum((end for end in ends if end is not None), ZERO)
    for factor in rulebook.factors:
        total = None if total is None else total * max(Decimal(1), factor.times)
    cap = rulebook.caps.contribution
    return cap if total is None else max(ZERO, total if cap is None else min(total, cap))


def _ends(rule: PointsRule, which: Callable[[list[Decimal]], Decimal]) -> Decimal | None:
    """The least or the most that a rule gives, not applying included; None for a formula."""
    if rule.formula is not None:
        return None
    if rule.reviewer is not None:
        return which([ZERO, rule.reviewer.at_most])
    if rule.bands is not None:
        # An unknown fact leaves the bands open, which gives nothing.
        return which([ZERO, *(step.give for step in rule.bands.steps)])
    given = rule.give if rule.give is not None else ZERO
    return given if rule.when is None else which([ZERO, given])


def _never_true(root: Node) -> FaultTexts:
    meant = _probable_word(root)
    return (
        "This can never be true, whatever the facts.",
        f"Did you mean “{meant}”?" if meant else "Check the operators and the numbers.",
        "无论数据如何，此条件都不可能成立。",
        f"是否应为“{meant}”？" if meant else "请检查比较符号和数值。",
    )


def _probable_word(root: Node) -> str:
    """The word that was probably meant where a fact is compared with one that it never is."""
    for node in walk(root):
        if not isinstance(node, CallNode):
            continue
        words = [one.value for one in walk(node) if isinstance(one, ConstantNode)]
        for name in (one.name for one in walk(node) if isinstance(one, NameNode)):
            for word in words:
                if name in CLOSED and isinstance(word, str) and word not in CLOSED[name]:
                    return nearest(word, CLOSED[name])
    return ""


_ALWAYS: FaultTexts = (
    "This is always true, whatever the facts.",
    "Delete it, or check the operators and the numbers.",
    "无论数据如何，此条件都成立。",
    "请删除，或检查比较符号和数值。",
)


def _never_with(name: str) -> FaultTexts:
    return (
        f"This can never be true together with the requirement “{name}”.",
        "Change one of the two.",
        f"此条件与要求“{name}”不可能同时成立。",
        "请修改其中之一。",
    )


def _always_with(name: str) -> FaultTexts:
    return (
        f"This is always true if the requirement “{name}” is met.",
        "Delete it, or make it stricter.",
        f"满足要求“{name}”时，此条件总是成立。",
        "请删除，或提高要求。",
    )


def _unreached(name: str) -> FaultTexts:
    because = f" because of the requirement “{name}”" if name else ""
    because_zh = f"（受要求“{name}”限制）" if name else ""
    return (
        f"No contribution can reach this band{because}.",
        "Delete it, or change the numbers.",
        f"没有贡献能落入此档{because_zh}。",
        "请删除，或修改数值。",
    )


def _overlap(other: str, number: int, fact: str) -> FaultTexts:
    return (
        f"At {number}, both this rule and “{other}” apply ({fact}); elsewhere each of them applies alone.",
        "If they should add up, make one range contain the other; otherwise change the limit.",
        f"{fact} 为 {number} 时，此规则与“{other}”同时适用，而两者又各有单独适用的范围。",
        "若应叠加，请让其中一条包含另一条；否则请调整边界。",
    )


def _gap(number: int, fact: str) -> FaultTexts:
    return (
        f"At {number}, none of the rules that divide {fact} applies.",
        "Change the limit of one of them.",
        f"{fact} 为 {number} 时，按其划分的各条规则均不适用。",
        "请调整其中一条的边界。",
    )
