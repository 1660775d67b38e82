"""Find out whether any facts make conditions true together, by trying every case that can make a difference.

A comparison of a fact with a constant changes only at the constant, so a few values of each fact represent all values.
Any other part (two facts compared, a text searched) is taken as possibly true and possibly false, independently of all
others. That allows more cases than are really possible, so a possible combination is never called impossible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

from credits.rules.expressions.expression_tree import CallNode, ConstantNode, ListNode, NameNode, Node, walk
from credits.rules.fact_catalogue import CLOSED, CONDITION_FACTS

MAX_STEPS = 200_000
"""The most parts of conditions that one question may compute. A larger question gets no answer (None)."""

_Value = bool | int | str | datetime
_SIGNS = ("less", "less_equals", "greater", "greater_equals")
_ORDERED = frozenset(f"{sign}_{kind}" for sign in _SIGNS for kind in ("int64", "timestamp"))
_LARGE = 2**53
_MOMENT = timedelta(microseconds=1)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Constants outside these are left out: Python has no times beyond the ends of the calendar, and no fact is near
them."""
_SIGNED = ("standing.",)


@dataclass(frozen=True, slots=True)
class WholeNumberRange:
    """A range of whole numbers, both ends included."""

    least: int
    most: int


def fact_range(fact: str) -> WholeNumberRange:
    """Return the possible values of a whole-number fact: a count is at least 0, a share is from 0 to 100 hundredths."""
    if fact == "contribution.share_hundredths":
        return WholeNumberRange(0, 100)
    return WholeNumberRange(-_LARGE if fact.startswith(_SIGNED) else 0, _LARGE)


@dataclass
class SearchBudget:
    """What all questions about one rulebook may cost together. ``left`` counts parts of conditions to compute."""

    left: int = 1_000_000


def is_satisfiable(
    wanted: Sequence[tuple[Node, bool]],
    within: Mapping[str, WholeNumberRange] | None = None,
    budget: SearchBudget | None = None,
) -> bool | None:
    """Return whether some known facts give each condition its wanted answer, with the facts in ``within`` in their
    range.

    Return None if there are too many cases to try, or if the budget is used up.
    """
    budget = budget or SearchBudget()
    if budget.left <= 0:
        return None
    cases = _RepresentativeValues(within or {})
    for node, _ in wanted:
        cases.add_condition(node)
    cost = sum(1 for node, _ in wanted for _ in walk(node))
    budget.left -= cost
    if cases.count() * cost > min(MAX_STEPS, budget.left):
        return None
    for case in cases.all():
        budget.left -= cost
        if all(_value_in_case(node, case) is answer for node, answer in wanted):
            return True
    return False


_Key = str | Node
_Case = Mapping[_Key, _Value]


@dataclass
class _RepresentativeValues:
    """The values to try: a few for each fact, and true and false for each part that is not a simple comparison."""

    within: Mapping[str, WholeNumberRange]
    constants: dict[str, set[_Value]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    opaque: dict[Node, None] = field(default_factory=dict)

    def add_condition(self, node: Node) -> None:
        """Take in the facts, constants and opaque parts of a condition."""
        if isinstance(node, ConstantNode):
            return
        if isinstance(node, NameNode) and node.kind == "bool" and node.name in CONDITION_FACTS:
            self._fact(node, ())
        elif isinstance(node, CallNode) and node.overload in ("logical_and", "logical_or", "logical_not"):
            for part in node.args:
                self.add_condition(part)
        elif isinstance(node, CallNode) and (found := _comparison(node)):
            self._fact(found[0], found[1])
        else:
            self.opaque[node] = None

    def _fact(self, name: NameNode, constants: Sequence[_Value]) -> None:
        self.kinds[name.name] = name.kind
        self.constants.setdefault(name.name, set()).update(constants)

    def count(self) -> int:
        count = 1
        for _, values in self._dimensions():
            count *= len(values)
        return count

    def all(self) -> Iterator[_Case]:
        dimensions = self._dimensions()
        keys = [key for key, _ in dimensions]
        for case in product(*(values for _, values in dimensions)):
            yield dict(zip(keys, case, strict=True))

    def _dimensions(self) -> list[tuple[_Key, list[_Value]]]:
        found: list[tuple[_Key, list[_Value]]] = [
            (name, self._values(name)) for name in sorted(self.constants)
        ]
        found += [(node, [True, False]) for node in self.opaque]
        return found

    def _values(self, name: str) -> list[_Value]:
        kind, constants = self.kinds[name], self.constants[name]
        if kind == "bool":
            return [True, False]
        if kind == "int":
            possible = self.within.get(name, fact_range(name))
            near = {number + by for number in constants if isinstance(number, int) for by in (-1, 0, 1)}
            inner = {number for number in near if possible.least <= number <= possible.most}
            numbers: list[_Value] = [*sorted({possible.least, possible.most} | inner)]
            return numbers
        if kind == "time":
            moments = [value for value in constants if isinstance(value, datetime) and _FIRST < value < _LAST]
            return [
                EARLIEST,
                LATEST,
                *(moment + by for moment in sorted(moments) for by in (-_MOMENT, timedelta(0), _MOMENT)),
            ]
        if name in CLOSED:
            return [*CLOSED[name]]
        texts = sorted(value for value in constants if isinstance(value, str))
        # The added text represents every text that no condition names.
        return [*texts, "".join(texts) + "·"]


def _value_in_case(node: Node, case: _Case) -> bool:
    if isinstance(node, ConstantNode):
        return bool(node.value)
    if isinstance(node, NameNode):
        return bool(case[node.name])
    if isinstance(node, CallNode) and node.overload == "logical_not":
        return not _value_in_case(node.args[0], case)
    if isinstance(node, CallNode) and node.overload == "logical_and":
        return all(_value_in_case(part, case) for part in node.args)
    if isinstance(node, CallNode) and node.overload == "logical_or":
        return any(_value_in_case(part, case) for part in node.args)
    found = _comparison(node) if isinstance(node, CallNode) else None
    if found is None or not isinstance(node, CallNode):
        return bool(case[node])
    name, constants, constant_first = found
    return _compare(node.overload, case[name.name], constants, constant_first)


def _compare(overload: str, value: _Value, constants: Sequence[_Value], constant_first: bool) -> bool:
    if overload == "in_list":
        return value in constants
    other = constants[0]
    if overload in ("equals", "not_equals"):
        return (value == other) is (overload == "equals")
    left, right = (other, value) if constant_first else (value, other)
    if overload.startswith("less_equals"):
        return left <= right  # type: ignore[operator]
    if overload.startswith("less"):
        return left < right  # type: ignore[operator]
    if overload.startswith("greater_equals"):
        return left >= right  # type: ignore[operator]
    return left > right  # type: ignore[operator]


def _comparison(node: CallNode) -> tuple[NameNode, tuple[_Value, ...], bool] | None:
    """Return the fact and the constants of a comparison, and whether the constant comes first.

    Return None for any other call.
    """
    if len(node.args) != 2 or (node.overload not in _ORDERED and node.overload not in _EQUAL):
        return None
    left, right = node.args
    if node.overload == "in_list":
        if not _is_fact(left) or not isinstance(right, ListNode):
            return None
        found = [constant(item) for item in right.items]
        values = tuple(value for value in found if value is not None)
        return (left, values, False) if isinstance(left, NameNode) and len(values) == len(found) else None
    for fact, other, constant_first in ((left, right, False), (right, left, True)):
        value = constant(other)
        if isinstance(fact, NameNode) and _is_fact(fact) and value is not None:
            return fact, (value,), constant_first
    return None


_EQUAL = ("equals", "not_equals", "in_list")


def _is_fact(node: Node) -> bool:
    return (
        isinstance(node, NameNode)
        and node.name in CONDITION_FACTS
        and node.kind in ("bool", "int", "string", "time")
    )


def constant(node: Node) -> _Value | None:
    """Return the value of a constant, a negative number or a time that the author wrote. Return None for anything
    else."""
    if isinstance(node, ConstantNode):
        return node.value
    if isinstance(node, CallNode) and len(node.args) == 1:
        below = constant(node.args[0])
        if node.overload == "negate_int64" and isinstance(below, int):
            return -below
        if node.overload == "string_to_timestamp" and isinstance(below, str):
            try:
                moment = datetime.fromisoformat(below)
            except ValueError:
                return None
            return moment if moment.tzinfo is not None else None
    return None
