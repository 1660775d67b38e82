"""Conditions and formulas in CEL: check them against the facts' types when a rulebook is read, and compute them.

This is the only module that imports the CEL library. The library checks each expression and is the reference for its
meaning (:meth:`CheckedExpression.reference`). Values are computed by a translation to Python
(``expression_to_python``), because it is much faster.

An expression may use a fixed set of functions (:data:`ALLOWED`): comparison, logic, whole-number arithmetic, times, and
searching in a list. Nothing builds texts or lists, so an expression cannot grow its data. At most two loops over lists
are allowed, and the highest possible cost is computed at the check (``expression_limits``), so an expression cannot run
long. Whole numbers divide towards zero. There are no fractions: decimals are offered in hundredths, and points that are
not whole are given by ``give``, ``bands``, ``factors`` or a reviewer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from cel_expr_python import cel as library

from credits.rules.expressions import expression_limits, expression_to_python, expression_tree
from credits.rules.fact_catalogue import CONDITION_FACTS, Kind
from credits.rules.facts import Value
from credits.rules.faults import nearest

Wanted = Literal["yes-no", "whole"]

MAX_CHARACTERS = 1_000
MAX_LOOPS = 2

ALLOWED = frozenset(
    "logical_and logical_or logical_not conditional equals not_equals in_list"
    " less_int64 less_equals_int64 greater_int64 greater_equals_int64"
    " less_timestamp less_equals_timestamp greater_timestamp greater_equals_timestamp"
    " less_duration less_equals_duration greater_duration greater_equals_duration"
    " less_string less_equals_string greater_string greater_equals_string"
    " less_bool less_equals_bool greater_bool greater_equals_bool"
    " add_int64 subtract_int64 multiply_int64 divide_int64 modulo_int64 negate_int64"
    " subtract_timestamp_timestamp add_timestamp_duration subtract_timestamp_duration"
    " string_to_timestamp string_to_duration"
    " starts_with_string ends_with_string contains_string size_string string_size size_list list_size"
    " index_list".split()
)
_FUNCTION_NAMES = (
    "startsWith",
    "endsWith",
    "contains",
    "size",
    "exists",
    "all",
    "exists_one",
    "timestamp",
    "duration",
)

_REPORT = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_NO_VALUE = re.compile(r'No value with name "([^"]+)"')


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """A fault in an expression. ``line`` and ``column`` count from 1 within the expression."""

    line: int
    column: int
    message: str
    suggestion: str
    message_zh: str
    suggestion_zh: str


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """The value depends on unknown facts. ``facts`` are the names of the missing ones, sorted."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailedValue:
    """The expression could not be computed on these facts, for example because of a division by zero or an overflow."""

    reason: str


@dataclass(frozen=True, slots=True)
class CheckedExpression:
    """An expression that passed the check.

    ``facts`` are the condition facts that it names, sorted; ``lists`` are those of them that are lists. ``root`` is its
    tree.
    """

    text: str
    wanted: Wanted
    facts: tuple[str, ...]
    lists: tuple[str, ...]
    root: expression_tree.Node = field(repr=False, compare=False)
    _quick: Callable[[Mapping[str, expression_to_python.Bound]], Any] = field(repr=False, compare=False)
    _compiled: Any = field(repr=False, compare=False)

    def value(self, known: BoundFacts) -> bool | int | UnknownValue | FailedValue:
        """Return the value on the known facts.

        If one side alone decides ``a || b`` or ``a && b``, the value is known even if the other side is unknown.
        """
        if self.lists and (failure := self._list_too_long(known)):
            return failure
        try:
            value: bool | int = self._quick(known.bound)
        except (KeyError, expression_to_python.EvaluationError):
            return self.undecided(known.bound)
        return value

    def undecided(
        self, bound: Mapping[str, expression_to_python.Bound]
    ) -> bool | int | UnknownValue | FailedValue:
        """Return the value after the quick translation met an unknown fact or an error."""
        try:
            value: bool | int = _exact(self)(bound)
        except expression_to_python.MissingFact as missing:
            return UnknownValue(tuple(name for name in self.facts if name not in bound) or (missing.reason,))
        except expression_to_python.EvaluationError as error:
            return FailedValue(error.reason)
        return value

    def reference(self, known: BoundFacts) -> bool | int | UnknownValue | FailedValue:
        """Return the value as the CEL library computes it. It is slow; tests compare :meth:`value` with it."""
        if self.lists and (failure := self._list_too_long(known)):
            return failure
        answer = self._compiled.eval(known.activation)
        # The library returns errors as values. The plain value of an error is a text, which Python takes as true, so
        # check the type first.
        if answer.type() == library.Type.ERROR:
            reason = str(answer.value())
            if _NO_VALUE.search(reason):
                missing = tuple(name for name in self.facts if name not in known.values)
                return UnknownValue(missing or tuple(_NO_VALUE.findall(reason)))
            return FailedValue(reason.partition(": ")[2] or reason)
        value = answer.value()
        if isinstance(value, bool) == (self.wanted == "yes-no") and isinstance(value, int):
            return value
        return FailedValue(f"{type(value).__name__} was computed")

    def _list_too_long(self, known: BoundFacts) -> FailedValue | None:
        for name in self.lists:
            if len(known.bound.get(name, ())) > expression_limits.MAX_ITEMS:  # type: ignore[arg-type]
                return FailedValue(f"{name} has more than {expression_limits.MAX_ITEMS} entries")
        return None


@lru_cache(maxsize=4096)
def _exact(expression: CheckedExpression) -> Callable[[Mapping[str, expression_to_python.Bound]], Any]:
    return expression_to_python.exact(expression.root, literal)


class BoundFacts:
    """The known facts of one contribution: ``values`` as given, ``bound`` as the translation needs them."""

    __slots__ = ("_activation", "bound", "values")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = values
        self.bound: Mapping[str, expression_to_python.Bound] = {
            name: _bound(value) for name, value in values.items()
        }
        self._activation: Any = None

    @property
    def activation(self) -> Any:
        """The facts in the form that the CEL library needs. It is made once, at the first use."""
        if self._activation is None:
            self._activation = _environment().Activation(dict(self.values))
        return self._activation

    def seen_by(self, expression: CheckedExpression) -> dict[str, Value | None]:
        """Return each fact that the expression names with its value, None if it is unknown."""
        return {name: self.values.get(name) for name in expression.facts}


def _bound(value: Value) -> expression_to_python.Bound:
    if isinstance(value, datetime):
        # Python subtracts two times of one zone by their wall clocks, the reference by their instants. In UTC both
        # agree.
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    return tuple(value) if isinstance(value, list) else value


def check(text: str, wanted: Wanted) -> CheckedExpression | tuple[ExpressionProblem, ...]:
    """Return the checked expression, or all problems that were found in it (at least one)."""
    return _check(text, wanted)


@lru_cache(maxsize=4096)
def _check(text: str, wanted: Wanted) -> CheckedExpression | tuple[ExpressionProblem, ...]:
    if len(text) > MAX_CHARACTERS:
        return (
            ExpressionProblem(
                1,
                1,
                f"The expression has {len(text)} characters; {MAX_CHARACTERS} are allowed.",
                "Split it into several requirements.",
                f"表达式有 {len(text)} 个字符，最多允许 {MAX_CHARACTERS} 个。",
                "请拆成几条要求。",
            ),
        )
    try:
        compiled = _environment().compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        return _problems(text, str(error))
    try:
        tree = expression_tree.read_expression(compiled.serialize())
        problems = tuple(_usage_problems(text, tree, compiled.return_type().name(), wanted))
        if problems:
            return problems
        expression = _translate(text, wanted, tree, compiled)
    except expression_tree.ExpressionTooLarge as error:
        return (_too_large(error.nodes),)
    except expression_tree.UnsupportedExpression as error:
        return (_unsupported_problem(text, error),)
    except expression_to_python.EvaluationError as error:
        return (_never_computable(error.reason),)
    # An expression that fails without any fact fails on all facts.
    without_facts = expression.reference(BoundFacts({}))
    if isinstance(without_facts, FailedValue):
        return (_never_computable(without_facts.reason),)
    return expression


def _translate(
    text: str, wanted: Wanted, tree: expression_tree.ExpressionTree, compiled: Any
) -> CheckedExpression:
    names = {
        node.name: node.kind
        for node in expression_tree.walk(tree.root)
        if isinstance(node, expression_tree.NameNode)
    }
    facts = tuple(sorted(name for name in names if name in CONDITION_FACTS))
    return CheckedExpression(
        text,
        wanted,
        facts,
        tuple(name for name in facts if names[name].startswith("list ")),
        tree.root,
        expression_to_python.quick(tree.root, literal),
        compiled,
    )


@lru_cache(maxsize=1024)
def literal(overload: str, text: str) -> datetime | timedelta:
    """Return the time or duration that ``text`` describes, as the CEL library reads it.

    Raises :class:`~credits.rules.expressions.expression_to_python.EvaluationError` if it describes none, or one finer
    than a microsecond.
    """
    function = "timestamp" if overload == "string_to_timestamp" else "duration"
    # Any two facts that are texts serve as variables here.
    name, other = "contribution.title", "contribution.url"
    answer = _environment().compile(f"{function}({name})").eval(_environment().Activation({name: text}))
    if answer.type() == library.Type.ERROR:
        reason = str(answer.value())
        raise expression_to_python.EvaluationError(reason.partition(": ")[2] or reason)
    value: object = answer.value()
    if not isinstance(value, datetime | timedelta):
        raise expression_to_python.EvaluationError(f"{type(value).__name__} was computed")
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
        written = value.replace(tzinfo=None).isoformat() + "Z"
    else:
        written = f"{expression_limits.microseconds(value)}us"
    equality = _environment().compile(f"{function}({name}) == {function}({other})")
    if equality.eval(_environment().Activation({name: text, other: written})).value() is not True:
        raise expression_to_python.EvaluationError("a time is exact to the microsecond")
    return value


@lru_cache(maxsize=1)
def _environment() -> Any:
    types: dict[Kind, Any] = {
        "text": library.Type.STRING,
        "whole": library.Type.INT,
        "yes-no": library.Type.BOOL,
        "time": library.Type.TIMESTAMP,
        "texts": library.Type.List(library.Type.STRING),
    }
    return library.NewEnv(variables={name: types[fact.kind] for name, fact in CONDITION_FACTS.items()})


def _too_large(nodes: int) -> ExpressionProblem:
    return ExpressionProblem(
        1,
        1,
        f"The expression has {nodes} parts; {expression_tree.MAX_NODES} are allowed.",
        "Split it.",
        f"表达式有 {nodes} 个部分，最多允许 {expression_tree.MAX_NODES} 个。",
        "请拆分。",
    )


def _never_computable(reason: str) -> ExpressionProblem:
    return ExpressionProblem(
        1, 1, f"This can never be computed: {reason}.", "", f"该表达式无法计算（{reason}）。", ""
    )


def _unsupported_problem(text: str, error: expression_tree.UnsupportedExpression) -> ExpressionProblem:
    before = text[: error.at].split("\n")
    return ExpressionProblem(
        len(before),
        len(before[-1]) + 1,
        f"A rulebook may not use “{error.what}”.",
        "Allowed are comparisons, and/or/not, whole-number arithmetic, times, and searching in labels.",
        f"认定办法不能使用“{error.what}”。",
        "只能使用比较、与或非、整数运算、时间，以及在标签中查找。",
    )


def _usage_problems(
    text: str, tree: expression_tree.ExpressionTree, result_type: str, wanted: Wanted
) -> Iterator[ExpressionProblem]:
    nodes = tuple(expression_tree.walk(tree.root))
    if sum(isinstance(node, expression_tree.LoopNode) for node in nodes) > MAX_LOOPS:
        yield ExpressionProblem(
            1,
            1,
            f"The expression goes through lists more than {MAX_LOOPS} times.",
            "Split it into several requirements.",
            f"表达式遍历列表超过 {MAX_LOOPS} 次。",
            "请拆成几条要求。",
        )
    cost = expression_limits.expression_cost(tree.root)
    if cost.turns > expression_limits.MAX_TURNS or cost.steps > expression_limits.MAX_STEPS:
        yield ExpressionProblem(
            1,
            1,
            f"Going through these lists can take {cost.turns} turns and {cost.steps} steps; "
            f"{expression_limits.MAX_TURNS} and {expression_limits.MAX_STEPS} are allowed.",
            "Go through one list at a time.",
            f"遍历这些列表最多需要 {cost.turns} 轮、{cost.steps} 步，"
            f"上限为 {expression_limits.MAX_TURNS} 轮、{expression_limits.MAX_STEPS} 步。",
            "请每次只遍历一个列表。",
        )
    spans = expression_limits.ValueSpans(literal)
    for node in nodes:
        spans.span_of(node)
        if isinstance(node, expression_tree.CallNode) and node.overload not in ALLOWED:
            yield _unsupported_problem(text, expression_tree.UnsupportedExpression(node.overload, node.at))
            break
        if (
            isinstance(node, expression_tree.NameNode)
            and "." in node.name
            and node.name not in CONDITION_FACTS
        ):
            yield _unsupported_problem(text, expression_tree.UnsupportedExpression(node.name))
            break
    expected = "BOOL" if wanted == "yes-no" else "INT"
    if result_type != expected:
        names = ("yes or no", "是或否") if wanted == "yes-no" else ("a whole number", "整数")
        yield ExpressionProblem(
            1,
            1,
            f"This must give {names[0]}, but gives {result_type.lower()}.",
            "Add a comparison, for example “> 20”." if wanted == "yes-no" else "",
            f"此处应得出{names[1]}，实际得出 {result_type.lower()}。",
            "请加上比较，例如“> 20”。" if wanted == "yes-no" else "",
        )


def _problems(text: str, report: str) -> tuple[ExpressionProblem, ...]:
    lines = text.split("\n")
    found: dict[tuple[int, int, str], ExpressionProblem] = {}
    for match in _REPORT.finditer(report):
        line, column = max(1, int(match[1])), max(1, int(match[2]))
        message = match[3].removesuffix(" [INVALID_ARGUMENT]")
        source_line = lines[line - 1] if line <= len(lines) else ""
        problem = _plain_message(message, source_line, line, column)
        found.setdefault((problem.line, problem.column, problem.message), problem)
    if found:
        return tuple(found.values())
    return (
        ExpressionProblem(
            1,
            1,
            "The expression is nested too deeply or cannot be read.",
            "Split it into several requirements.",
            "表达式嵌套过深或无法读取。",
            "请拆成几条要求。",
        ),
    )


def _plain_message(message: str, source_line: str, line: int, column: int) -> ExpressionProblem:
    reference = re.match(r"undeclared reference to '([^']+)'", message)
    if reference:
        name = reference[1]
        # The library gives the column of the last dot. A reader looks for the start of the name.
        start = source_line.rfind(name, 0, column + len(name))
        column = start + 1 if start >= 0 else column
        meant = nearest(name, [*CONDITION_FACTS, *_FUNCTION_NAMES])
        return ExpressionProblem(
            line,
            column,
            f"There is no fact or function “{name}”.",
            f"Did you mean “{meant}”?" if meant else "",
            f"没有名为“{name}”的数据项或函数。",
            f"是否应为“{meant}”？" if meant else "",
        )
    overload = re.match(r"found no matching overload for '([^']+)' applied to '\((.*)\)'", message)
    if overload:
        operator = overload[1].strip("_").replace("_", " ").replace("@", "")
        kinds = overload[2]
        has_fraction = "double" in kinds
        return ExpressionProblem(
            line,
            column,
            f"“{operator}” cannot be used on ({kinds}).",
            "Write whole numbers without a decimal point."
            if has_fraction
            else "Both sides must have the same type.",
            f"“{operator}”不能用于（{kinds}）。",
            "整数请不要写小数点。" if has_fraction else "两边的类型必须一致。",
        )
    message = message if len(message) < 160 else message[:157] + "…"
    return ExpressionProblem(
        line,
        column,
        f"This cannot be read as a condition: {message}.",
        "",
        f"无法按条件读取（{message}）。",
        "",
    )


def seen_json(value: Value | None) -> str | int | bool | list[str] | None:
    """Return a value that a rule saw as JSON; a time becomes a text in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return value
