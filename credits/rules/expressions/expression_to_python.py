"""The translation of a checked expression to Python, built from its tree.

Nothing that an author wrote is read as Python: names are replaced by our own, texts and numbers become constants, and
an expression with any other form was refused before. The functions have no builtins.

There are two translations. :func:`quick` is plain Python. If it returns a value, the value is right; it raises
:class:`EvaluationError` or ``KeyError`` as soon as anything fails or is unknown. :func:`exact` then follows CEL's
logic: ``||`` and ``&&`` have a value if either side alone decides it, even if the other side fails or is unknown.
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
"""A known fact as the translation needs it: times in UTC, lists as tuples."""


class EvaluationError(Exception):
    """The expression cannot be computed on these facts. ``reason`` has the words of the reference."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MissingFact(EvaluationError):
    """The expression needs the fact named in ``reason``, which is unknown."""


class PythonTranslation:
    """Translates the parts of one expression to Python.

    ``fact`` returns the Python for a fact's name. Times and durations go into ``constants``, under names that begin
    with ``prefix``; they become globals of the function.
    """

    def __init__(
        self, fact: Callable[[str], ast.expr], literal: Literal_, *, exact: bool = False, prefix: str = "k"
    ) -> None:
        self.constants: dict[str, datetime | timedelta] = {}
        self._fact, self._literal, self._exact, self._prefix = fact, literal, exact, prefix
        self._spans = ValueSpans(literal)
        self._variables: list[tuple[str, str]] = []
        self._loops_so_far = 0

    def translate(self, node: Node) -> ast.expr:
        """Return ``node`` as Python."""
        if isinstance(node, ConstantNode):
            return ast.Constant(node.value)
        if isinstance(node, NameNode):
            variable = next((ours for name, ours in reversed(self._variables) if name == node.name), None)
            return ast.Name(variable, ast.Load()) if variable else self._fact(node.name)
        if isinstance(node, ListNode):
            return ast.Tuple([self.translate(item) for item in node.items], ast.Load())
        return self._loop(node) if isinstance(node, LoopNode) else self._call(node)

    def _loop(self, node: LoopNode) -> ast.expr:
        over = self.translate(node.over)
        searched = _searched_constant(node)
        if searched is not None and not self._exact:
            return ast.Compare(searched, [ast.In()], [over])
        self._loops_so_far += 1
        variable = f"{self._prefix}_x{self._loops_so_far}"
        self._variables.append((node.variable, variable))
        body = self.translate(node.body)
        self._variables.pop()
        if self._exact:
            helper = {"exists": "_exists", "all": "_all_of", "exists_one": "_exists_one"}[node.how]
            return _call_helper(helper, over, _lambda([variable], body))
        if node.how == "exists_one":
            turns = ast.comprehension(ast.Name(variable, ast.Store()), over, [body], 0)
            count = _call_helper("_sum", ast.GeneratorExp(ast.Constant(1), [turns]))
            return ast.Compare(count, [ast.Eq()], [ast.Constant(1)])
        turns = ast.comprehension(ast.Name(variable, ast.Store()), over, [], 0)
        return _call_helper("_any" if node.how == "exists" else "_all", ast.GeneratorExp(body, [turns]))

    def _call(self, node: CallNode) -> ast.expr:
        name = node.overload
        if name in ("string_to_timestamp", "string_to_duration"):
            text = node.args[0]
            constant = f"{self._prefix}_k{len(self.constants)}"
            self.constants[constant] = self._literal(
                name, str(text.value) if isinstance(text, ConstantNode) else ""
            )
            return ast.Name(constant, ast.Load())
        args = [self.translate(arg) for arg in node.args]
        if name in ("logical_and", "logical_or"):
            if self._exact:
                return _call_helper(f"_{name}", *(_lambda([], arg) for arg in args))
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
            return _call_helper("_len", *args)
        return self._arithmetic(node, args)

    def _arithmetic(self, node: CallNode, args: list[ast.expr]) -> ast.expr:
        name = node.overload
        if name == "negate_int64" and not self._exact and self._spans.fits_64_bits(node):
            return ast.UnaryOp(ast.USub(), args[0])
        operator = _ARITHMETIC.get(name)
        # The check of the expression proved that times stay within their limits.
        if operator is not None and (
            "timestamp" in name or (not self._exact and self._spans.fits_64_bits(node))
        ):
            return ast.BinOp(args[0], operator(), args[1])
        if name == "divide_int64" and not self._exact:
            dividend, divisor = self._spans.span_of(node.args[0]), self._spans.span_of(node.args[1])
            # Rounding down equals rounding towards zero if neither side is negative.
            if dividend and divisor and dividend[0] >= 0 and divisor[0] > 0:
                return ast.BinOp(args[0], ast.FloorDiv(), args[1])
        return _call_helper(f"_{name}", *args)


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


def _searched_constant(loop: LoopNode) -> ast.expr | None:
    """Return the constant that ``exists`` searches for. Return None for any other body than one equality."""
    body = loop.body
    if loop.how != "exists" or not isinstance(body, CallNode) or body.overload != "equals":
        return None
    for entry, searched in (body.args, body.args[::-1]):
        if isinstance(entry, NameNode) and entry.name == loop.variable and isinstance(searched, ConstantNode):
            return ast.Constant(searched.value)
    return None


def _call_helper(helper: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(helper, ast.Load()), list(args), [])


def _lambda(names: list[str], body: ast.expr) -> ast.expr:
    parameters = [ast.arg(name) for name in names]
    return ast.Lambda(ast.arguments([], parameters, None, [], [], None, []), body)


def function(names: list[str], body: ast.expr, constants: Mapping[str, object]) -> Callable[..., Any]:
    """Return a Python function with the parameters ``names`` that returns ``body``.

    Its globals are ``constants`` and :data:`HELPERS`; it has no builtins.
    """
    tree = ast.fix_missing_locations(ast.Expression(_lambda(names, body)))
    code = compile(tree, "<expression>", "eval", dont_inherit=True)
    inner = next(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return FunctionType(inner, {**HELPERS, **constants, "__builtins__": {}})


def quick(root: Node, literal: Literal_) -> Callable[[Mapping[str, Bound]], Any]:
    """Return a fast function from the known facts to the value.

    The function raises :class:`EvaluationError` or ``KeyError`` if anything fails or is unknown. Then call the function
    that :func:`exact` returns.
    """

    def fact(name: str) -> ast.expr:
        return ast.Subscript(ast.Name("facts", ast.Load()), ast.Constant(name), ast.Load())

    translation = PythonTranslation(fact, literal)
    return function(["facts"], translation.translate(root), translation.constants)


def exact(root: Node, literal: Literal_) -> Callable[[Mapping[str, Bound]], Any]:
    """Return a function from the known facts to the value, with CEL's logic.

    The function raises :class:`EvaluationError` if nothing decides the value; :class:`MissingFact` if a fact is
    unknown.
    """

    def fact(name: str) -> ast.expr:
        return _call_helper("_fact", ast.Name("facts", ast.Load()), ast.Constant(name))

    translation = PythonTranslation(fact, literal, exact=True)
    return function(["facts"], translation.translate(root), translation.constants)


def _fact(facts: Mapping[str, Bound], name: str) -> Bound:
    try:
        return facts[name]
    except KeyError:
        raise MissingFact(name) from None


def _either_side(deciding: bool, left: Callable[[], bool], right: Callable[[], bool]) -> bool:
    """Return ``left || right`` (``deciding`` is True) or ``left && right`` (False).

    The deciding value of either side wins over an error of the other side. If both sides fail, the left error is
    raised.
    """
    try:
        if left() is deciding:
            return deciding
    except EvaluationError as error:
        if _gives(deciding, right):
            return deciding
        raise error from None
    return right()


def _gives(value: bool, side: Callable[[], bool]) -> bool:
    try:
        return side() is value
    except EvaluationError:
        return False


def _any_item(deciding: bool, items: Iterable[Any], body: Callable[[Any], bool]) -> bool:
    """Return ``deciding`` if the body gives it for an item, else the opposite.

    The deciding value wins over an error of another item. If no item gives it, the first error is raised.
    """
    first: EvaluationError | None = None
    for item in items:
        try:
            if body(item) is deciding:
                return deciding
        except EvaluationError as error:
            first = first or error
    if first is not None:
        raise first
    return not deciding


def _exists_one(items: Iterable[Any], body: Callable[[Any], bool]) -> bool:
    found, last = 0, None
    for item in items:
        try:
            found += body(item)
        except EvaluationError as error:
            # The macro goes on after an error, and its result is the last one.
            last = error
    if last is not None:
        raise last
    return found == 1


def _within_64_bits(value: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("divide by zero")
    value = abs(left) // abs(right)
    return _within_64_bits(value if (left < 0) == (right < 0) else -value)


def _modulo(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("modulus by zero")
    if left == INT_MIN and right == -1:
        raise EvaluationError("integer overflow")
    value = abs(left) % abs(right)
    return -value if left < 0 else value


def _index(items: tuple[Any, ...], index: int) -> Any:
    if 0 <= index < len(items):
        return items[index]
    raise EvaluationError(f"Index error: index={index} size={len(items)}")


HELPERS: Mapping[str, object] = {
    "_fact": _fact,
    "_any": any,
    "_all": all,
    "_sum": sum,
    "_len": len,
    "_logical_or": lambda left, right: _either_side(True, left, right),
    "_logical_and": lambda left, right: _either_side(False, left, right),
    "_exists": lambda items, body: _any_item(True, items, body),
    "_all_of": lambda items, body: _any_item(False, items, body),
    "_exists_one": _exists_one,
    "_contains_string": lambda text, part: part in text,
    "_index_list": _index,
    "_add_int64": lambda left, right: _within_64_bits(left + right),
    "_subtract_int64": lambda left, right: _within_64_bits(left - right),
    "_multiply_int64": lambda left, right: _within_64_bits(left * right),
    "_negate_int64": lambda value: _within_64_bits(-value),
    "_divide_int64": _divide,
    "_modulo_int64": _modulo,
}
"""Everything that the functions can use besides their facts and constants."""
