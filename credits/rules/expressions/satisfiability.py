"""What conditions can reach: whether some facts make them hold together, by trying every case that can differ.

A comparison of a fact with a constant changes only at the constant, so a few values of each fact stand for all of
them. What is no such comparison (two facts compared, a text searched) is taken to be able to go either way, each time
by itself: that allows more than can really be, so "impossible" is never said of what is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product

from credits.rules.expressions.expression_tree import CallNode, ConstantNode, ListNode, NameNode, Node, walk
from credits.rules.fact_catalogue import CLOSED, CONDITION_FACTS

MAX_STEPS = 200_000
"""Parts of conditions that one question may compute; beyond it nothing is said."""

_Value = bool | int | str | datetime
_SIGNS = ("less", "less_equals", "greater", "greater_equals")
_ORDERED = frozenset(f"{sign}_{kind}" for sign in _SIGNS for kind in ("int64", "timestamp"))
_LARGE = 2**53
_MOMENT = timedelta(microseconds=1)
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)
_FIRST, _LAST = datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""No facts are near the ends of the calendar, beyond which Python has no time."""
_SIGNED = ("standing.",)


@dataclass(frozen=True, slots=True)
class WholeNumberRange:
    """A whole-number fact between two numbers, both included."""

    least: int
    most: int


def fact_range(fact: str) -> WholeNumberRange:
    """The numbers that a whole-number fact can be: counts are not below zero, a share is at most the whole."""
    if fact == "contribution.share_hundredths":
        return WholeNumberRange(0, 100)
    return WholeNumberRange(-_LARGE if fact.startswith(_SIGNED) else 0, _LARGE)


@dataclass
class SearchBudget:
    """What all questions about one rulebook may cost together, in parts of conditions computed."""

    left: int = 1_000_000


def is_satisfiable(
    wanted: Sequence[tuple[Node, bool]],
    within: Mapping[str, WholeNumberRange] | None = None,
    budget: SearchBudget | None = None,
) -> bool | None:
    """Whether some known facts give every condition its wanted answer, the facts ``within`` being in their ranges;
    None where there are too many cases to try, or the budget is used up."""
    budget = budget or SearchBudget()
    if budget.left <= 0:
        return None
    cases = _RepresentativeValues(within or {})
    for node, _ in wanted:
        cases.look(node)
    cost = sum(1 for node, _ in wanted for _ in walk(node))
    budget.left -= cost
    if cases.count() * cost > min(MAX_STEPS, budget.left):
        return None
    for case in cases.all():
        budget.left -= cost
        if all(_holds(node, case) is answer for node, answer in wanted):
            return True
    return False


_Key = str | Node
_Case = Mapping[_Key, _Value]


@dataclass
class _RepresentativeValues:
    """The values that stand for all: by fact, and yes and no for each part that is not understood."""

    within: Mapping[str, WholeNumberRange]
    constants: dict[str, set[_Value]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    open: dict[Node, None] = field(default_factory=dict)

    def look(self, node: Node) -> None:
        if isinstance(node, ConstantNode):
            return
        if isinstance(node, NameNode) and node.kind == "bool" and node.name in CONDITION_FACTS:
            self._fact(node, ())
        elif isinstance(node, CallNode) and node.overload in ("logical_and", "logical_or", "logical_not"):
            for part in node.args:
                self.look(part)
        elif isinstance(node, CallNode) and (found := _comparison(node)):
            self._fact(found[0], found[1])
        else:
            self.open[node] = None

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
        found += [(node, [True, False]) for node in self.open]
        return found

    def _values(self, name: str) -> list[_Value]:
        kind, constants = self.kinds[name], self.constants[name]
        if kind == "bool":
            return [True, False]
        if kind == "int":
            room = self.within.get(name, fact_range(name))
            near = {number + by for number in constants if isinstance(number, int) for by in (-1, 0, 1)}
            inner = {one for one in near if room.least <= one <= room.most}
            whole: list[_Value] = [*sorted({room.least, room.most} | inner)]
            return whole
        if kind == "time":
            moments = [one for one in constants if isinstance(one, datetime) and _FIRST < one < _LAST]
            return [
                EARLIEST,
                LATEST,
                *(moment + by for moment in sorted(moments) for by in (-_MOMENT, timedelta(0), _MOMENT)),
            ]
        if name in CLOSED:
            return [*CLOSED[name]]
        texts = sorted(one for one in constants if isinstance(one, str))
        # One more stands for every text that no condition names.
        return [*texts, "".join(texts) + "·"]


def _holds(node: Node, case: _Case) -> bool:
    if isinstance(node, ConstantNode):
        return bool(node.value)
    if isinstance(node, NameNode):
        return bool(case[node.name])
    if isinstance(node, CallNode) and node.overload == "logical_not":
        return not _holds(node.args[0], case)
    if isinstance(node, CallNode) and node.overload == "logical_and":
        return all(_holds(part, case) for part in node.args)
    if isinstance(node, CallNode) and node.overload == "logical_or":
        return any(_holds(part, case) for part in node.args)
    found = _comparison(node) if isinstance(node, CallNode) else None
    if found is None or not isinstance(node, CallNode):
        return bool(case[node])
    name, constants, turned = found
    return _compared(node.overload, case[name.name], constants, turned)


def _compared(overload: str, value: _Value, constants: Sequence[_Value], turned: bool) -> bool:
    if overload == "in_list":
        return value in constants
    other = constants[0]
    if overload in ("equals", "not_equals"):
        return (value == other) is (overload == "equals")
    left, right = (other, value) if turned else (value, other)
    if overload.startswith("less_equals"):
        return left <= right  # type: ignore[operator]
    if overload.startswith("less"):
        return left < right  # type: ignore[operator]
    if overload.startswith("greater_equals"):
        return left >= right  # type: ignore[operator]
    return left > right  # type: ignore[operator]


def _comparison(node: CallNode) -> tuple[NameNode, tuple[_Value, ...], bool] | None:
    """The fact and the constants that a comparison is between, and whether the constant stands first."""
    if len(node.args) != 2 or (node.overload not in _ORDERED and node.overload not in _EQUAL):
        return None
    left, right = node.args
    if node.overload == "in_list":
        if not _is_fact(left) or not isinstance(right, ListNode):
            return None
        found = [constant(item) for item in right.items]
        values = tuple(value for value in found if value is not None)
        return (left, values, False) if isinstance(left, NameNode) and len(values) == len(found) else None
    for one, other, turned in ((left, right, False), (right, left, True)):
        value = constant(other)
        if isinstance(one, NameNode) and _is_fact(one) and value is not None:
            return one, (value,), turned
    return None


_EQUAL = ("equals", "not_equals", "in_list")


def _is_fact(node: Node) -> bool:
    return (
        isinstance(node, NameNode)
        and node.name in CONDITION_FACTS
        and node.kind in ("bool", "int", "string", "time")
    )


def constant(node: Node) -> _Value | None:
    """The value of a constant, of a negative number, or of a time that is written out."""
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
