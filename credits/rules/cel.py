"""Conditions and formulas in CEL: checked against the facts' types when the rulebook is read, bounded, evaluated.

The only importer of the CEL library. What an expression may use is a fixed set (:data:`ALLOWED`): comparison, logic,
whole-number arithmetic, times, and looking through a list; nothing that builds texts or lists, so no expression can
grow its data, and at most two loops over a list, so none can run long. Whole numbers divide towards zero. There are
no fractions: decimals are offered in hundredths, and points that are not whole are given by ``give``, ``bands``,
``factors`` or a reviewer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from cel_expr_python import cel as library

from credits.rules.facts import Value
from credits.rules.faults import nearest
from credits.rules.vocabulary import CONDITION_FACTS, Kind

Wanted = Literal["yes-no", "whole"]

MAX_CHARACTERS = 1_000
MAX_NODES = 200
MAX_LOOPS = 2

ALLOWED = frozenset(
    "logical_and logical_or logical_not not_strictly_false conditional equals not_equals in_list"
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
_SPOKEN = (
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

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_LOOP = re.compile(r"\.\s*(?:exists|all|exists_one|existsOne|map|filter)\s*\(")
_REPORT = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)
_NO_VALUE = re.compile(r'No value with name "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in an expression: ``line`` and ``column`` within it, from 1; sentence and suggestion in English and
    Chinese."""

    line: int
    column: int
    message: str
    suggestion: str
    message_zh: str
    suggestion_zh: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The value depends on facts that nobody told; ``facts`` names those it needs and lacks, sorted."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The expression could not be computed on these facts (a division by zero, a number too large)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression. ``facts`` are the condition facts that it names, sorted."""

    text: str
    wanted: Wanted
    facts: tuple[str, ...]
    _compiled: Any = field(repr=False, compare=False)

    def value(self, known: Known) -> bool | int | Unknown | Failed:
        """The value on the known facts. ``a || b`` and ``a && b`` are decided where one side decides them, even if
        the other is unknown."""
        answer = self._compiled.eval(known.activation)
        # Errors come back as values: an error's plain value is a text, and a text is true.
        if answer.type() == library.Type.ERROR:
            reason = str(answer.value())
            if _NO_VALUE.search(reason):
                missing = tuple(name for name in self.facts if name not in known.values)
                return Unknown(missing or tuple(_NO_VALUE.findall(reason)))
            return Failed(reason.partition(": ")[2] or reason)
        given = answer.value()
        if isinstance(given, bool) == (self.wanted == "yes-no") and isinstance(given, int):
            return given
        return Failed(f"{type(given).__name__} was computed")


class Known:
    """The known facts of one contribution, handed to the library once for all expressions."""

    __slots__ = ("activation", "values")

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values = values
        self.activation = _environment().Activation(dict(values))

    def seen_by(self, expression: Expression) -> dict[str, Value | None]:
        """What the expression was shown: each fact it names with its value, None where it is unknown."""
        return {name: self.values.get(name) for name in expression.facts}


def check(text: str, wanted: Wanted) -> Expression | tuple[Problem, ...]:
    """The checked expression, or every problem found in it (at least one)."""
    return _check(text, wanted)


@lru_cache(maxsize=4096)
def _check(text: str, wanted: Wanted) -> Expression | tuple[Problem, ...]:
    if len(text) > MAX_CHARACTERS:
        return (
            Problem(
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
    tree = _Tree(compiled.serialize())
    problems = tuple(_refusals(text, tree, compiled.return_type().name(), wanted))
    if problems:
        return problems
    facts = tuple(sorted(name for name in tree.names if name in CONDITION_FACTS))
    expression = Expression(text, wanted, facts, compiled)
    nothing = expression.value(Known({}))
    if isinstance(nothing, Failed):
        return (
            Problem(
                1,
                1,
                f"This can never be computed: {nothing.reason}.",
                "",
                f"该表达式无法计算（{nothing.reason}）。",
                "",
            ),
        )
    return expression


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


def _refusals(text: str, tree: _Tree, given: str, wanted: Wanted) -> Iterator[Problem]:
    if tree.nodes > MAX_NODES:
        yield Problem(
            1,
            1,
            f"The expression has {tree.nodes} parts; {MAX_NODES} are allowed.",
            "Split it.",
            f"表达式有 {tree.nodes} 个部分，最多允许 {MAX_NODES} 个。",
            "请拆分。",
        )
    bare = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)
    if len(_LOOP.findall(bare)) > MAX_LOOPS:
        yield Problem(
            1,
            1,
            f"The expression looks through lists more than {MAX_LOOPS} times.",
            "Split it into several requirements.",
            f"表达式遍历列表超过 {MAX_LOOPS} 次。",
            "请拆成几条要求。",
        )
    odd = sorted(tree.functions - ALLOWED) or sorted(
        name for name in tree.names if "." in name and name not in CONDITION_FACTS
    )
    if odd or re.search(r"\bhas\s*\(", bare):
        what = odd[0] if odd else "has"
        yield Problem(
            1,
            1,
            f"A rulebook may not use “{what}”.",
            "Only comparison, and/or/not, whole-number arithmetic, times, and looking through labels are there.",
            f"认定办法不能使用“{what}”。",
            "只能使用比较、与或非、整数运算、时间，以及在标签中查找。",
        )
    expected = "BOOL" if wanted == "yes-no" else "INT"
    if given != expected:
        want = ("yes or no", "是或否") if wanted == "yes-no" else ("a whole number", "整数")
        yield Problem(
            1,
            1,
            f"This must give {want[0]}, but gives {given.lower()}.",
            "Compare it with something, such as “> 20”." if wanted == "yes-no" else "",
            f"此处应得出{want[1]}，实际得出 {given.lower()}。",
            "请加上比较，例如“> 20”。" if wanted == "yes-no" else "",
        )


def _problems(text: str, report: str) -> tuple[Problem, ...]:
    lines = text.split("\n")
    found: dict[tuple[int, int, str], Problem] = {}
    for match in _REPORT.finditer(report):
        line, column = max(1, int(match[1])), max(1, int(match[2]))
        said = match[3].removesuffix(" [INVALID_ARGUMENT]")
        here = lines[line - 1] if line <= len(lines) else ""
        problem = _spoken(said, here, line, column)
        found.setdefault((problem.line, problem.column, problem.message), problem)
    if found:
        return tuple(found.values())
    return (
        Problem(
            1,
            1,
            "The expression is too deeply nested or not readable.",
            "Split it into several requirements.",
            "表达式嵌套过深或无法读取。",
            "请拆成几条要求。",
        ),
    )


def _spoken(said: str, here: str, line: int, column: int) -> Problem:
    reference = re.match(r"undeclared reference to '([^']+)'", said)
    if reference:
        name = reference[1]
        # The library points at the last dot; a reader looks for the name's beginning.
        start = here.rfind(name, 0, column + len(name))
        column = start + 1 if start >= 0 else column
        meant = nearest(name, [*CONDITION_FACTS, *_SPOKEN])
        return Problem(
            line,
            column,
            f"There is no fact or function “{name}”.",
            f"Did you mean “{meant}”?" if meant else "",
            f"没有名为“{name}”的事实或函数。",
            f"是否应为“{meant}”？" if meant else "",
        )
    overload = re.match(r"found no matching overload for '([^']+)' applied to '\((.*)\)'", said)
    if overload:
        operator = overload[1].strip("_").replace("_", " ").replace("@", "")
        kinds = overload[2]
        whole = "double" in kinds
        return Problem(
            line,
            column,
            f"“{operator}” does not work on ({kinds}).",
            "Write whole numbers without a point." if whole else "Both sides must be of one kind.",
            f"“{operator}”不能用于（{kinds}）。",
            "整数请不要写小数点。" if whole else "两边的类型必须一致。",
        )
    said = said if len(said) < 160 else said[:157] + "…"
    return Problem(
        line, column, f"Not readable as a condition: {said}.", "", f"无法按条件读取（{said}）。", ""
    )


class _Tree:
    """What a checked expression refers to, read from the library's own serialisation.

    It is an ``Any`` around ``cel.expr.CheckedExpr`` (field 2: references by node, field 3: types by node), in the
    protocol buffers' wire format; see the CEL specification's ``checked.proto``.
    """

    def __init__(self, serialised: bytes) -> None:
        self.names: set[str] = set()
        self.functions: set[str] = set()
        self.nodes = 0
        for tag, checked in _fields(serialised):
            if tag == 2 and isinstance(checked, bytes):
                self._read(checked)

    def _read(self, checked: bytes) -> None:
        for tag, entry in _fields(checked):
            if tag == 3:
                self.nodes += 1
            if tag != 2 or not isinstance(entry, bytes):
                continue
            reference = dict(_fields(entry)).get(2, b"")
            name, overloads = "", []
            for part, value in _fields(reference if isinstance(reference, bytes) else b""):
                if part == 1 and isinstance(value, bytes):
                    name = value.decode()
                elif part == 3 and isinstance(value, bytes):
                    overloads.append(value.decode())
            if overloads:
                self.functions.update(overloads)
            elif name:
                self.names.add(name)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        tag, wire = key >> 3, key & 7
        if wire == 0:
            number, at = _varint(message, at)
            yield tag, number
            continue
        length = 8 if wire == 1 else 4
        if wire == 2:
            length, at = _varint(message, at)
        yield tag, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    shift = value = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def seen_json(value: Value | None) -> str | int | bool | list[str] | None:
    """A seen value as JSON: times as UTC text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return value
