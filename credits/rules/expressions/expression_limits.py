"""Limits of a checked expression: how large its numbers and times can become, and how long it can run.

Both follow from the tree alone, before the expression runs: facts are bounded (:mod:`credits.rules.facts` refuses
others), and loops go over lists of known length.
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
"""The smallest and the largest possible value. Times and durations are in microseconds."""

MAX_ITEMS = 100
"""The most entries of a fact that is a list. An expression is not computed on a longer list."""
MAX_TURNS = 9_999
"""The most turns of all loops together. The reference stops at 10,000."""
MAX_STEPS = 200_000
"""The most parts that may be computed; each part counts as often as its loops turn."""

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
_FACT = (-(2**57), 2**57)
_SIZE = (0, 2**40)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(value: datetime | timedelta) -> int:
    """Return the microseconds since 1970 of a time, or the length of a duration in microseconds."""
    return ((value - _EPOCH) if isinstance(value, datetime) else value) // _MICROSECOND


# The times of facts are in the years 1970 to 2200, in any time zone.
_TIME = (microseconds(datetime(1969, 12, 31, tzinfo=UTC)), microseconds(datetime(2201, 1, 2, tzinfo=UTC)))
_ALL_TIME = (microseconds(datetime.min.replace(tzinfo=UTC)), microseconds(datetime.max.replace(tzinfo=UTC)))
_APART = 2**63 // 1000
"""The reference stores the difference of two times as 64 bits of nanoseconds: about 292 years."""


@dataclass(frozen=True, slots=True)
class ExpressionCost:
    """The highest possible cost of a part: turns of loops, and steps in total."""

    turns: int
    steps: int


def expression_cost(node: Node) -> ExpressionCost:
    """Return the highest possible cost of computing ``node`` once."""
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
    """Return the most entries that a list can have, or 1 for anything else."""
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
    """The spans of the parts of one expression. ``literal`` reads the text of a time or a duration.

    Its methods raise :class:`~credits.rules.expressions.expression_tree.UnsupportedExpression` for times that could
    leave the calendar.
    """

    literal: Literal_
    _spans: dict[int, Span | None] = field(default_factory=dict)

    def span_of(self, node: Node) -> Span | None:
        """Return the span of a part.

        Return None for a truth value, a text or a list, which have no span, and if no narrower limit is known.
        """
        key = id(node)
        if key not in self._spans:
            self._spans[key] = self._compute(node)
        return self._spans[key]

    def fits_64_bits(self, node: CallNode) -> bool:
        """Return whether whole-number arithmetic cannot leave 64 bits here."""
        span = self._unclamped(node)
        return span is not None and span[0] >= INT_MIN and span[1] <= INT_MAX

    def _compute(self, node: Node) -> Span | None:
        if isinstance(node, ConstantNode):
            value = node.value
            return (value, value) if isinstance(value, int) and not isinstance(value, bool) else None
        if isinstance(node, NameNode):
            # A loop's variable can have any whole number of a list that the author wrote.
            fact = {"int": _FACT, "time": _TIME} if "." in node.name else {"int": (INT_MIN, INT_MAX)}
            return fact.get(node.kind)
        for part in child_nodes(node):
            self.span_of(part)
        if not isinstance(node, CallNode):
            return None
        span = self._unclamped(node)
        if span is None or not node.overload.endswith("int64"):
            return span
        return max(INT_MIN, span[0]), min(INT_MAX, span[1])

    def _unclamped(self, node: CallNode) -> Span | None:
        """Return the span before whole numbers are limited to 64 bits."""
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
            return _union(self.span_of(args[1]), self.span_of(args[2]))
        if name == "negate_int64":
            span = self.span_of(args[0])
            return span and (-span[1], -span[0])
        operations: Mapping[str, Callable[[Span, Span], Span]] = {
            "add_int64": _sum,
            "subtract_int64": _difference,
            "multiply_int64": _product,
            "subtract_timestamp_timestamp": _difference,
            "add_timestamp_duration": _sum,
            "subtract_timestamp_duration": _difference,
        }
        operation = operations.get(name)
        if operation is None:
            return (INT_MIN, INT_MAX) if name.endswith(("divide_int64", "modulo_int64")) else None
        left, right = self.span_of(args[0]), self.span_of(args[1])
        if left is None or right is None:
            if "timestamp" in name:
                raise UnsupportedExpression("a time or duration that is not a fact or written out")
            return None
        span = operation(left, right)
        if name == "subtract_timestamp_timestamp":
            if span[0] <= -_APART or span[1] >= _APART:
                raise UnsupportedExpression("the time between two times that may lie 292 years apart")
        elif "timestamp" in name and (span[0] < _ALL_TIME[0] or span[1] > _ALL_TIME[1]):
            raise UnsupportedExpression("a time before the year 1 or after 9999")
        return span


def _union(left: Span | None, right: Span | None) -> Span | None:
    return (min(left[0], right[0]), max(left[1], right[1])) if left and right else None


def _sum(left: Span, right: Span) -> Span:
    return left[0] + right[0], left[1] + right[1]


def _difference(left: Span, right: Span) -> Span:
    return left[0] - right[1], left[1] - right[0]


def _product(left: Span, right: Span) -> Span:
    corners = [a * b for a in left for b in right]
    return min(corners), max(corners)
