"""How large a checked expression's numbers and times can get, and how long it can run: known before it ever does.

Facts are bounded (:mod:`credits.rules.facts` refuses others), loops go over lists of known length, and so both follow
from the tree alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from credits.rules.expressions.expression_tree import (
    CallNode,
    ConstantNode,
    ListNode,
    LoopNode,
    NameNode,
    Node,
    UnsupportedExpression,
    child_nodes,
)

Literal_ = Callable[[str, str], datetime | timedelta]
Span = tuple[int, int]
"""The least and the greatest that a value can be: whole numbers as they are, times and durations in microseconds."""

MAX_ITEMS = 100
"""Entries of a list among the facts that an expression looks at."""
MAX_TURNS = 9_999
"""Turns of all loops together: the reference gives up at 10,000."""
MAX_STEPS = 200_000
"""Parts computed at most, each as often as its loops turn."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_FACT = (-(2**57), 2**57)
_SIZE = (0, 2**40)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | timedelta) -> int:
    """Since 1970 for a time, the length of a duration."""
    return ((value - _EPOCH) if isinstance(value, datetime) else value) // _MICROSECOND


# Facts' times are of the years 1970 to 2200, in any time zone.
_TIME = (microseconds(datetime(1969, 12, 31, tzinfo=UTC)), microseconds(datetime(2201, 1, 2, tzinfo=UTC)))
_ALL_TIME = (microseconds(datetime.min.replace(tzinfo=UTC)), microseconds(datetime.max.replace(tzinfo=UTC)))
_APART = 2**63 // 1000
"""The reference reckons the time between two times in nanoseconds of 64 bits: some 292 years."""


@dataclass(frozen=True, slots=True)
class ExpressionCost:
    """The most that a part can take: turns of loops, and steps in all."""

    turns: int
    steps: int


def expression_cost(node: Node) -> ExpressionCost:
    """What computing ``node`` once can take at most."""
    if isinstance(node, LoopNode):
        over, body, length = expression_cost(node.over), expression_cost(node.body), _length(node.over)
        return ExpressionCost(over.turns + length * (1 + body.turns), over.steps + length * (1 + body.steps))
    turns, steps = 0, 1
    for part in child_nodes(node):
        below = expression_cost(part)
        turns, steps = turns + below.turns, steps + below.steps
    if isinstance(node, CallNode) and node.overload in ("equals", "not_equals", "in_list"):
        steps += _length(node.args[-1])
    return ExpressionCost(turns, steps)


def _length(node: Node) -> int:
    """The most entries of a list (one for anything else)."""
    if isinstance(node, ConstantNode) or (isinstance(node, NameNode) and not node.kind.startswith("list ")):
        return 1
    if isinstance(node, ListNode):
        return len(node.items) + sum(_length(item) for item in node.items if isinstance(item, ListNode))
    if isinstance(node, CallNode) and node.overload == "conditional":
        return max(_length(part) for part in node.args[1:])
    if isinstance(node, CallNode) and node.overload != "index_list":
        return 1
    return max([MAX_ITEMS, *(_length(part) for part in child_nodes(node))])


@dataclass
class ValueSpans:
    """Spans of the parts of one expression. ``literal`` reads the text of a time or a duration.

    Raises :class:`~credits.rules.expressions.expression_tree.UnsupportedExpression` for times that could leave the
    calendar.
    """

    literal: Literal_
    _within: dict[int, Span | None] = field(default_factory=dict)

    def of(self, node: Node) -> Span | None:
        """None for what has no order (a truth value, a text, a list), and where nothing narrower is known."""
        key = id(node)
        if key not in self._within:
            self._within[key] = self._reckon(node)
        return self._within[key]

    def safe(self, node: CallNode) -> bool:
        """Whether whole-number arithmetic cannot leave 64 bits here."""
        span = self._raw(node)
        return span is not None and span[0] >= INT_MIN and span[1] <= INT_MAX

    def _reckon(self, node: Node) -> Span | None:
        if isinstance(node, ConstantNode):
            value = node.value
            return (value, value) if isinstance(value, int) and not isinstance(value, bool) else None
        if isinstance(node, NameNode):
            # A loop's variable may hold any whole number of a list that is written out.
            fact = {"int": _FACT, "time": _TIME} if "." in node.name else {"int": (INT_MIN, INT_MAX)}
            return fact.get(node.kind)
        for part in child_nodes(node):
            self.of(part)
        if not isinstance(node, CallNode):
            return None
        span = self._raw(node)
        if span is None or not node.overload.endswith("int64"):
            return span
        return max(INT_MIN, span[0]), min(INT_MAX, span[1])

    def _raw(self, node: CallNode) -> Span | None:
        name, args = node.overload, node.args
        if name in ("string_to_timestamp", "string_to_duration"):
            text = args[0]
            if not isinstance(text, ConstantNode) or not isinstance(text.value, str):
                raise UnsupportedExpression(
                    "timestamp” or “duration” of anything but a text in quotes, such as “…"
                )
            at = microseconds(self.literal(name, text.value))
            return at, at
        if name in ("size_string", "string_size", "size_list", "list_size"):
            return _SIZE
        if name == "conditional":
            return _union(self.of(args[1]), self.of(args[2]))
        if name == "negate_int64":
            span = self.of(args[0])
            return span and (-span[1], -span[0])
        ways: Mapping[str, Callable[[Span, Span], Span]] = {
            "add_int64": _sum,
            "subtract_int64": _difference,
            "multiply_int64": _product,
            "subtract_timestamp_timestamp": _difference,
            "add_timestamp_duration": _sum,
            "subtract_timestamp_duration": _difference,
        }
        way = ways.get(name)
        if way is None:
            return (INT_MIN, INT_MAX) if name.endswith(("divide_int64", "modulo_int64")) else None
        left, right = self.of(args[0]), self.of(args[1])
        if left is None or right is None:
            if "timestamp" in name:
                raise UnsupportedExpression("a time or duration that is not a fact or written out")
            return None
        span = way(left, right)
        if name == "subtract_timestamp_timestamp":
            if span[0] <= -_APART or span[1] >= _APART:
                raise UnsupportedExpression("the time between two times that may lie 292 years apart")
        elif "timestamp" in name and (span[0] < _ALL_TIME[0] or span[1] > _ALL_TIME[1]):
            raise UnsupportedExpression("a time before the year 1 or after 9999")
        return span


def _union(one: Span | None, other: Span | None) -> Span | None:
    return (min(one[0], other[0]), max(one[1], other[1])) if one and other else None


def _sum(one: Span, other: Span) -> Span:
    return one[0] + other[0], one[1] + other[1]


def _difference(one: Span, other: Span) -> Span:
    return one[0] - other[1], one[1] - other[0]


def _product(one: Span, other: Span) -> Span:
    corners = [a * b for a in one for b in other]
    return min(corners), max(corners)
