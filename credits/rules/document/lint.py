"""Find what is valid in a rulebook and is probably a mistake. It is reported as a warning and never refused.

Each warning is certain: if it says that a condition is never true, no facts make it true.
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
    """Yield each place of a valid rulebook that is probably a mistake, with the texts for the author."""
    required = _RequirementConditions(_located_conditions(rulebook), SearchBudget())
    yield from _requirements(required)
    for index, rule in enumerate(rulebook.points):
        path: Path = ("points", index)
        when = _root(rule.when)
        if when is not None and (yield from _condition((*path, "when"), when, required)):
            continue
        if rule.bands is not None:
            yield from _bands((*path, "bands"), rule.bands, when, required)
    for key in ("factors", "mix"):
        for index, part in enumerate(getattr(rulebook, key)):
            when = _root(part.when)
            if when is not None:
                yield from _condition((key, index, "when"), when, required)
    yield from _gaps_and_overlaps(rulebook, required)
    with exact_arithmetic():
        yield from _amounts(rulebook)


@dataclass(frozen=True, slots=True)
class _LocatedCondition:
    """The condition of the requirement ``id``, its place, and the names of the facts in it."""

    path: Path
    id: str
    root: Node
    names: set[str]


@dataclass(frozen=True, slots=True)
class _RequirementConditions:
    """The conditions of the requirements, and the budget for questions about them."""

    conditions: Sequence[_LocatedCondition]
    budget: SearchBudget

    def satisfiable(
        self, *wanted: tuple[Node, bool], within: Mapping[str, WholeNumberRange] | None = None
    ) -> bool | None:
        return is_satisfiable(wanted, within, self.budget)

    def related_to(self, node: Node) -> Iterator[tuple[str, Node]]:
        """Yield id and condition of the requirements that look at a fact of this condition.

        Other requirements cannot exclude it. A requirement that can never be met has a warning of its own and is left
        out.
        """
        names = _names(node)
        for condition in self.conditions:
            if names & condition.names and self.satisfiable((condition.root, True)) is not False:
                yield condition.id, condition.root


def _names(node: Node) -> set[str]:
    return {part.name for part in walk(node) if isinstance(part, NameNode)}


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
    for condition in required.conditions:
        root = condition.root
        if required.satisfiable((root, True)) is False:
            yield condition.path, _never_true(root)
            continue
        if required.satisfiable((root, False)) is False:
            yield condition.path, _ALWAYS
        for earlier in sound:
            shared = condition.names & earlier.names
            if shared and required.satisfiable((root, True), (earlier.root, True)) is False:
                yield condition.path, _never_with(earlier.id)
                break
        sound.append(condition)


def _condition(path: Path, when: Node, required: _RequirementConditions) -> Generator[Doubt, None, bool]:
    """Yield the doubts about a rule's ``when``. Return whether the rule never applies."""
    if required.satisfiable((when, True)) is False:
        yield path, _never_true(when)
        return True
    if required.satisfiable((when, False)) is False:
        yield path, _ALWAYS
        return False
    for name, other in required.related_to(when):
        if required.satisfiable((when, True), (other, True)) is False:
            yield path, _never_with(name)
            return True
        if required.satisfiable((when, False), (other, True)) is False:
            yield path, _always_with(name)
            return False
    return False


def _bands(
    path: Path, bands: PointsBands, when: Node | None, required: _RequirementConditions
) -> Iterator[Doubt]:
    of = _root(bands.of, "whole")
    if not isinstance(of, NameNode):
        return
    possible = fact_range(of.name)
    conditions = [("", when)] if when is not None else []
    conditions += required.related_to(of)
    for index, step in enumerate(bands.steps):
        last = index + 1 == len(bands.steps)
        most = possible.most if last else min(possible.most, bands.steps[index + 1].above)
        least = max(possible.least, step.above + 1)
        place: Path = (*path, "steps", index, "above")
        if least > most:
            yield place, _unreached("")
            continue
        for name, root in conditions:
            if required.satisfiable((root, True), within={of.name: WholeNumberRange(least, most)}) is False:
                yield place, _unreached(name)
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
    """Find points rules that divide the values of one number between them, and leave a gap or overlap."""
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
    numbers = _decisive_numbers(fact, rules, required)
    covered: list[set[int]] = []
    for _, _, root in rules:
        ranges = [{fact: WholeNumberRange(number, number)} for number in numbers]
        applies = [required.satisfiable((root, True), within=within) for within in ranges]
        # If a rule can be true and false for one number, or the answer is unknown, nothing is certain.
        fails = [required.satisfiable((root, False), within=within) for within in ranges]
        if (
            None in applies
            or None in fails
            or any(yes and no for yes, no in zip(applies, fails, strict=True))
        ):
            return
        covered.append({number for number, yes in zip(numbers, applies, strict=True) if yes})
    if not all(covered):
        return
    shared = False
    for at, (index, _, _) in enumerate(rules):
        for before in range(at):
            both = covered[at] & covered[before]
            shared = shared or bool(both)
            # Nested ranges are meant to add up. Only a partial overlap is probably a mistake.
            if both and not covered[at] <= covered[before] and not covered[before] <= covered[at]:
                yield ("points", index, "when"), _overlap(rules[before][1].id, min(both), fact)
    touched = set().union(*covered)
    gaps = [number for number in numbers if min(touched) < number < max(touched) and number not in touched]
    if gaps and not shared:
        beyond = [at for at in range(len(rules)) if min(covered[at]) > gaps[0]]
        index = rules[min(beyond, key=lambda at: min(covered[at]))][0] if beyond else rules[-1][0]
        yield ("points", index, "when"), _gap(gaps[0], fact)


def _decisive_numbers(fact: str, rules: list[_Part], required: _RequirementConditions) -> list[int]:
    """Return the numbers at which a rule can change, without those that a requirement excludes."""
    possible = fact_range(fact)
    numbers = {possible.least, possible.most}
    for _, _, root in rules:
        for node in walk(root):
            if isinstance(node, ConstantNode) and isinstance(node.value, int):
                numbers.update(sign * node.value + by for sign in (1, -1) for by in (-1, 0, 1))
    numbers = {number for number in numbers if possible.least <= number <= possible.most}
    for _, other in required.related_to(rules[0][2]):
        numbers = {
            number
            for number in numbers
            if required.satisfiable((other, True), within={fact: WholeNumberRange(number, number)})
            is not False
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
    """Return the fewest points of a contribution that counts and has a full share. Return 0 if nothing is certain."""
    total = sum((_extreme_points(rule, min) or ZERO for rule in rulebook.points), ZERO)
    if any(_extreme_points(rule, min) is None for rule in rulebook.points):
        return ZERO
    for factor in rulebook.factors:
        total *= factor.times if factor.when is None else min(Decimal(1), factor.times)
    return max(ZERO, total)


def most_points(rulebook: RulebookDocument) -> Decimal | None:
    """Return the most points of one contribution, or None if there is no limit."""
    ends = [_extreme_points(rule, max) for rule in rulebook.points]
    total = None if None in ends else sum((end for end in ends if end is not None), ZERO)
    for factor in rulebook.factors:
        total = None if total is None else total * max(Decimal(1), factor.times)
    cap = rulebook.caps.contribution
    return cap if total is None else max(ZERO, total if cap is None else min(total, cap))


def _extreme_points(rule: PointsRule, choose: Callable[[list[Decimal]], Decimal]) -> Decimal | None:
    """Return the fewest or the most points that a rule gives; a rule that does not apply gives 0. None for a
    formula."""
    if rule.formula is not None:
        return None
    if rule.reviewer is not None:
        return choose([ZERO, rule.reviewer.at_most])
    if rule.bands is not None:
        # With an unknown fact, bands give nothing.
        return choose([ZERO, *(step.give for step in rule.bands.steps)])
    fixed = rule.give if rule.give is not None else ZERO
    return fixed if rule.when is None else choose([ZERO, fixed])


def _never_true(root: Node) -> FaultTexts:
    meant = _probable_word(root)
    return (
        "This can never be true, whatever the facts.",
        f"Did you mean “{meant}”?" if meant else "Check the operators and the numbers.",
        "无论数据如何，此条件都不可能成立。",
        f"是否应为“{meant}”？" if meant else "请检查比较符号和数值。",
    )


def _probable_word(root: Node) -> str:
    """Return the word that was probably meant if a fact is compared with a word that it never has."""
    for node in walk(root):
        if not isinstance(node, CallNode):
            continue
        words = [part.value for part in walk(node) if isinstance(part, ConstantNode)]
        for name in (part.name for part in walk(node) if isinstance(part, NameNode)):
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
