"""A checked expression as Python: built from its tree, over the fixed set of forms below.

Nothing that an author wrote is ever read as Python: names become our own, texts and numbers become constants, and
what has no form here was refused before. The functions know no builtins.

There are two translations. :func:`quick` is plain Python: right wherever it gives a value, and it raises
:class:`Trouble` or ``KeyError`` as soon as something fails or is unknown. :func:`exact` then says what the expression
gives with that: CEL's logic, where ``||`` and ``&&`` are decided by the side that decides, whichever it is.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import CodeType, FunctionType
from typing import Any

from credits.rules.expressions.expression_limits import INT_MAX, INT_MIN, Literal_, ValueSpans
from credits.rules.expressions.expression_tree import (
    CallNode,
    ConstantNode,
    ListNode,
    LoopNode,
    NameNode,
    Node,
)

Listed = tuple["str | int | bool | Listed", ...]
Bound = str | int | bool | datetime | timedelta | Listed
"""A known fact as the translation sees it: times in UTC, lists as tuples."""


class EvaluationError(Exception):
    """The expression cannot be computed on these facts; ``reason`` in the reference's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MissingFact(EvaluationError):
    """It needs the fact named in ``reason``, which nobody told."""


class PythonTranslation:
    """Turns the parts of one expression into Python. ``fact`` gives the form for a fact's name; times and durations
    are kept in ``held``, under names that begin with ``prefix``, for the function's globals."""

    def __init__(
        self, fact: Callable[[str], ast.expr], literal: Literal_, *, exact: bool = False, prefix: str = "k"
    ) -> None:
        self.held: dict[str, datetime | timedelta] = {}
        self._fact, self._literal, self._exact, self._prefix = fact, literal, exact, prefix
        self._spans = ValueSpans(literal)
        self._variables: list[tuple[str, str]] = []
        self._made = 0

    def of(self, node: Node) -> ast.expr:
        """The Python form of ``node``."""
        if isinstance(node, ConstantNode):
            return ast.Constant(node.value)
        if isinstance(node, NameNode):
            ours = next((ours for name, ours in reversed(self._variables) if name == node.name), None)
            return ast.Name(ours, ast.Load()) if ours else self._fact(node.name)
        if isinstance(node, ListNode):
            return ast.Tuple([self.of(item) for item in node.items], ast.Load())
        return self._loop(node) if isinstance(node, LoopNode) else self._call(node)

    def _loop(self, node: LoopNode) -> ast.expr:
        over = self.of(node.over)
        wanted = _searched(node)
        if wanted is not None and not self._exact:
            return ast.Compare(wanted, [ast.In()], [over])
        self._made += 1
        ours = f"{self._prefix}_x{self._made}"
        self._variables.append((node.variable, ours))
        body = self.of(node.body)
        self._variables.pop()
        if self._exact:
            helper = {"exists": "_exists", "all": "_all_of", "exists_one": "_exists_one"}[node.how]
            return _use(helper, over, _lambda([ours], body))
        if node.how == "exists_one":
            turns = ast.comprehension(ast.Name(ours, ast.Store()), over, [body], 0)
            counted = _use("_sum", ast.GeneratorExp(ast.Constant(1), [turns]))
            return ast.Compare(counted, [ast.Eq()], [ast.Constant(1)])
        turns = ast.comprehension(ast.Name(ours, ast.Store()), over, [], 0)
        return _use("_any" if node.how == "exists" else "_all", ast.GeneratorExp(body, [turns]))

    def _call(self, node: CallNode) -> ast.expr:
        name = node.overload
        if name in ("string_to_timestamp", "string_to_duration"):
            text = node.args[0]
            held = f"{self._prefix}_k{len(self.held)}"
            self.held[held] = self._literal(name, str(text.value) if isinstance(text, ConstantNode) else "")
            return ast.Name(held, ast.Load())
        args = [self.of(one) for one in node.args]
        if name in ("logical_and", "logical_or"):
            if self._exact:
                return _use(f"_{name}", *(_lambda([], one) for one in args))
            return ast.BoolOp(ast.And() if name == "logical_and" else ast.Or(), args)
        if name == "logical_not":
            return ast.UnaryOp(ast.Not(), args[0])
        if name == "conditional":
            return ast.IfExp(*args)
        comparison = _COMPARISONS.get(name) or _COMPARISONS.get(name.rpartition("_")[0])
        if comparison is not None:
            return ast.Compare(args[0], [comparison()], [args[1]])
        if name in _METHODS:
            return ast.Call(ast.Attribute(args[0], _METHODS[name], ast.Load()), [args[1]], [])
        if name == "contains_string" and not self._exact:
            return ast.Compare(args[1], [ast.In()], [args[0]])
        if name in _SIZES:
            return _use("_len", *args)
        return self._arithmetic(node, args)

    def _arithmetic(self, node: CallNode, args: list[ast.expr]) -> ast.expr:
        name = node.overload
        if name == "negate_int64" and not self._exact and self._spans.safe(node):
            return ast.UnaryOp(ast.USub(), args[0])
        plain = _ARITHMETIC.get(name)
        # The bounds of times were proven when the expression was checked.
        if plain is not None and ("timestamp" in name or (not self._exact and self._spans.safe(node))):
            return ast.BinOp(args[0], plain(), args[1])
        if name == "divide_int64" and not self._exact:
            above, below = self._spans.of(node.args[0]), self._spans.of(node.args[1])
            if above and below and above[0] >= 0 and below[0] > 0:
                return ast.BinOp(args[0], ast.FloorDiv(), args[1])
        return _use(f"_{name}", *args)


_COMPARISONS: Mapping[str, type[ast.cmpop]] = {
    "equals": ast.Eq,
    "not_equals": ast.NotEq,
    "in_list": ast.In,
    "less": ast.Lt,
    "less_equals": ast.LtE,
    "greater": ast.Gt,
    "greater_equals": ast.GtE,
}
_METHODS = {"starts_with_string": "startswith", "ends_with_string": "endswith"}
_SIZES = frozenset({"size_string", "string_size", "size_list", "list_size"})
_ARITHMETIC: Mapping[str, type[ast.operator]] = {
    "add_int64": ast.Add,
    "subtract_int64": ast.Sub,
    "multiply_int64": ast.Mult,
    "subtract_timestamp_timestamp": ast.Sub,
    "add_timestamp_duration": ast.Add,
    "subtract_timestamp_duration": ast.Sub,
}


def _searched(loop: LoopNode) -> ast.expr | None:
    """The constant that ``exists`` looks for, where its body only asks whether the entry is equal to one."""
    body = loop.body
    if loop.how != "exists" or not isinstance(body, CallNode) or body.overload != "equals":
        return None
    for entry, wanted in (body.args, body.args[::-1]):
        if isinstance(entry, NameNode) and entry.name == loop.variable and isinstance(wanted, ConstantNode):
            return ast.Constant(wanted.value)
    return None


def _use(helper: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(helper, ast.Load()), list(args), [])


def _lambda(names: list[str], body: ast.expr) -> ast.expr:
    given = [ast.arg(name) for name in names]
    return ast.Lambda(ast.arguments([], given, None, [], [], None, []), body)


def function(names: list[str], body: ast.expr, held: Mapping[str, object]) -> Callable[..., Any]:
    """A Python function of ``names`` that gives ``body``; it sees ``held`` and :data:`HELPERS`, no builtins."""
    tree = ast.fix_missing_locations(ast.Expression(_lambda(names, body)))
    code = compile(tree, "<expression>", "eval", dont_inherit=True)
    inner = next(one for one in code.co_consts if isinstance(one, CodeType))
    return FunctionType(inner, {**HELPERS, **held, "__builtins__": {}})


def quick(root: Node, literal: Literal_) -> Callable[[Mapping[str, Bound]], Any]:
    """Of the known facts: the value, or :class:`Trouble` or ``KeyError``, after which :func:`exact` is to be asked."""

    def fact(name: str) -> ast.expr:
        return ast.Subscript(ast.Name("facts", ast.Load()), ast.Constant(name), ast.Load())

    made = PythonTranslation(fact, literal)
    return function(["facts"], made.of(root), made.held)


def exact(root: Node, literal: Literal_) -> Callable[[Mapping[str, Bound]], Any]:
    """Of the known facts: the value, or :class:`Trouble` (:class:`Missing`) where nothing decides it."""

    def fact(name: str) -> ast.expr:
        return _use("_fact", ast.Name("facts", ast.Load()), ast.Constant(name))

    made = PythonTranslation(fact, literal, exact=True)
    return function(["facts"], made.of(root), made.held)


def _fact(facts: Mapping[str, Bound], name: str) -> Bound:
    try:
        return facts[name]
    except KeyError:
        raise MissingFact(name) from None


def _decided(by: bool, one: Callable[[], bool], other: Callable[[], bool]) -> bool:
    """``||`` and ``&&``: the deciding value wins over trouble, from either side; of two troubles, the left one."""
    try:
        if one() is by:
            return by
    except EvaluationError as trouble:
        if _is(by, other):
            return by
        raise trouble from None
    return other()


def _is(value: bool, asked: Callable[[], bool]) -> bool:
    try:
        return asked() is value
    except EvaluationError:
        return False


def _looked(by: bool, items: Iterable[Any], body: Callable[[Any], bool]) -> bool:
    first: EvaluationError | None = None
    for item in items:
        try:
            if body(item) is by:
                return by
        except EvaluationError as trouble:
            first = first or trouble
    if first is not None:
        raise first
    return not by


def _exists_one(items: Iterable[Any], body: Callable[[Any], bool]) -> bool:
    found, last = 0, None
    for item in items:
        try:
            found += body(item)
        except EvaluationError as trouble:
            # The macro counts on from the latest trouble, and so does this.
            last = trouble
    if last is not None:
        raise last
    return found == 1


def _whole(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("divide by zero")
    value = abs(left) // abs(right)
    return _whole(value if (left < 0) == (right < 0) else -value)


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("modulus by zero")
    if left == INT_MIN and right == -1:
        raise EvaluationError("integer overflow")
    value = abs(left) % abs(right)
    return -value if left < 0 else value


def _index(items: tuple[Any, ...], at: int) -> Any:
    if 0 <= at < len(items):
        return items[at]
    raise EvaluationError(f"Index error: index={at} size={len(items)}")


HELPERS: Mapping[str, object] = {
    "_fact": _fact,
    "_any": any,
    "_all": all,
    "_sum": sum,
    "_len": len,
    "_logical_or": lambda one, other: _decided(True, one, other),
    "_logical_and": lambda one, other: _decided(False, one, other),
    "_exists": lambda items, body: _looked(True, items, body),
    "_all_of": lambda items, body: _looked(False, items, body),
    "_exists_one": _exists_one,
    "_contains_string": lambda text, part: part in text,
    "_index_list": _index,
    "_add_int64": lambda one, other: _whole(one + other),
    "_subtract_int64": lambda one, other: _whole(one - other),
    "_multiply_int64": lambda one, other: _whole(one * other),
    "_negate_int64": lambda one: _whole(-one),
    "_divide_int64": _divide,
    "_modulo_int64": _modulo,
}
"""What the functions can reach besides their facts."""
