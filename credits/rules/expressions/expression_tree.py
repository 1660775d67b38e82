"""A checked expression as a small tree, read from the CEL library's serialisation.

The serialisation is an ``Any`` around ``cel.expr.CheckedExpr`` in the wire format of protocol buffers. The field
numbers are those of ``checked.proto`` and ``syntax.proto`` in the CEL specification. An expression with a part for
which the tree has no node is refused, and the part is named: only what is listed here can be computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from credits.rules.fact_catalogue import CONDITION_FACTS

How = Literal["exists", "all", "exists_one"]

MAX_NODES = 200
"""The most parts of an expression, including those that its loops expand to."""
MAX_DEPTH = 100
"""The most levels of parts within parts."""


@dataclass(frozen=True, slots=True)
class ConstantNode:
    """A truth value, a whole number or a text that the author wrote."""

    value: bool | int | str


@dataclass(frozen=True, slots=True)
class NameNode:
    """A fact, or the variable of a surrounding loop. ``kind`` is its type, such as ``int`` or ``list string``."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class CallNode:
    """A function call. ``overload`` is the name in the CEL specification, such as ``add_int64``."""

    overload: str
    args: tuple[Node, ...]
    at: int = 0
    """Offset in the text, from 0."""


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list that the author wrote."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class LoopNode:
    """A loop: ``over.exists(variable, body)``, or ``all`` or ``exists_one`` instead of ``exists``."""

    how: How
    variable: str
    over: Node
    body: Node


Node = ConstantNode | NameNode | CallNode | ListNode | LoopNode


class UnsupportedExpression(Exception):
    """The expression uses ``what``, which a rulebook may not use. ``at`` is its offset in the text, from 0."""

    def __init__(self, what: str, at: int = 0) -> None:
        super().__init__(what, at)
        self.what, self.at = what, at


class ExpressionTooLarge(Exception):
    """The expression has ``nodes`` parts, more than :data:`MAX_NODES`."""

    def __init__(self, nodes: int) -> None:
        super().__init__(nodes)
        self.nodes = nodes


@dataclass(frozen=True, slots=True)
class ExpressionTree:
    """``nodes`` is the number of parts that the library counted, including those that the loops expand to."""

    root: Node
    nodes: int


def walk(node: Node) -> Iterator[Node]:
    """Return the node and all nodes below it."""
    yield node
    for part in child_nodes(node):
        yield from walk(part)


def child_nodes(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below the node."""
    if isinstance(node, CallNode):
        return node.args
    if isinstance(node, ListNode):
        return node.items
    return (node.over, node.body) if isinstance(node, LoopNode) else ()


def read_expression(serialised: bytes) -> ExpressionTree:
    """Read the tree of a checked expression.

    Raises :class:`UnsupportedExpression` for anything that a rulebook may not use, and :class:`ExpressionTooLarge` for
    more than :data:`MAX_NODES` parts.
    """
    checked = _ProtobufMessage(serialised).bytes(2)
    reader = _ExpressionReader(checked)
    if len(reader.kinds) > MAX_NODES:
        raise ExpressionTooLarge(len(reader.kinds))
    return ExpressionTree(reader.node(_ProtobufMessage(checked).bytes(4), 0), len(reader.kinds))


_PRIMITIVES = {1: "bool", 2: "int", 3: "uint", 4: "double", 5: "string", 6: "bytes"}
_WELL_KNOWN = {1: "any", 2: "time", 3: "span"}
_OTHERS = {1: "dyn", 2: "null", 4: "wrapper", 7: "map", 8: "function", 9: "message", 10: "dyn", 11: "type"}
_KIND_NAMES = {
    "map": "a map",
    "double": "a fraction",
    "dyn": "mixed kinds",
    "uint": "an unsigned number",
}
SIMPLE = frozenset({"bool", "int", "string", "time", "span"})


class _ExpressionReader:
    """Builds the nodes of one ``CheckedExpr``; ``kinds`` are the types of its parts, by the parts' numbers."""

    def __init__(self, checked: bytes) -> None:
        self.kinds: dict[int, str] = {}
        self._references: dict[int, tuple[str, list[str]]] = {}
        self._at: dict[int, int] = {}
        for tag, entry in _fields(checked):
            if not isinstance(entry, bytes):
                continue
            message = _ProtobufMessage(entry)
            if tag == 2:
                reference = _ProtobufMessage(message.bytes(2))
                self._references[message.number(1)] = (
                    reference.text(1),
                    [overload.decode() for overload in reference.all(3)],
                )
            elif tag == 3:
                self.kinds[message.number(1)] = _kind(_ProtobufMessage(message.bytes(2)))
            elif tag == 5:
                for position in message.all(4):
                    pair = _ProtobufMessage(position)
                    self._at[pair.number(1)] = pair.number(2)

    def node(self, expr: bytes, depth: int) -> Node:
        message = _ProtobufMessage(expr)
        number = message.number(2)
        if depth > MAX_DEPTH:
            raise self._unsupported("so many parts within parts", number)
        if message.has(9):
            return self._loop(_ProtobufMessage(message.bytes(9)), number, depth)
        kind = self.kinds.get(number, "dyn")
        if kind.replace("list ", "") not in SIMPLE:
            raise self._unsupported(_KIND_NAMES.get(kind, kind), number)
        if message.has(3):
            return ConstantNode(_constant(_ProtobufMessage(message.bytes(3))))
        name, overloads = self._references.get(number, ("", []))
        if message.has(5):
            raise self._unsupported("has", number)
        if name and not overloads:
            return NameNode(name, kind)
        if message.has(6) and len(overloads) == 1:
            call = _ProtobufMessage(message.bytes(6))
            args = [*call.all(1), *call.all(3)]
            nodes = tuple(self.node(arg, depth + 1) for arg in args)
            return CallNode(overloads[0], nodes, self._at.get(number, 0))
        if message.has(7):
            listed = _ProtobufMessage(message.bytes(7))
            if not listed.has(2):
                return ListNode(tuple(self.node(item, depth + 1) for item in listed.all(1)))
        raise self._unsupported(overloads[0] if overloads else kind, number)

    def _loop(self, loop: _ProtobufMessage, number: int, depth: int) -> LoopNode:
        """Return the loop of one of the three macros.

        The expansion shows which macro it is: ``@result || body`` is ``exists``, ``@result && body`` is ``all``,
        ``body ? @result + 1 : @result`` is ``exists_one``.
        """
        step = _ProtobufMessage(_ProtobufMessage(loop.bytes(6)).bytes(6))
        how = _HOWS.get(step.text(2))
        args = step.all(3)
        if how is None or loop.has(8) or not _ProtobufMessage(loop.bytes(4)).has(3):
            raise self._unsupported("map” or “filter", number)
        body = args[0] if how == "exists_one" else args[1]
        variable = loop.text(1)
        if variable in FACT_GROUPS or variable.startswith("@"):
            raise self._unsupported(variable, number)
        return LoopNode(how, variable, self.node(loop.bytes(2), depth + 1), self.node(body, depth + 1))

    def _unsupported(self, what: str, number: int) -> UnsupportedExpression:
        return UnsupportedExpression(what, self._at.get(number, 0))


_HOWS: Mapping[str, How] = {"_||_": "exists", "_&&_": "all", "_?_:_": "exists_one"}
FACT_GROUPS = frozenset(name.partition(".")[0] for name in CONDITION_FACTS)
"""Names that a loop's variable may not have, because it would hide the facts."""


def _kind(message: _ProtobufMessage) -> str:
    """Return ``bool``, ``int``, ``string``, ``time`` or ``span``, ``list`` and one of them, or another name."""
    for tag, value in message:
        if tag == 6 and isinstance(value, bytes):
            return "list " + _kind(_ProtobufMessage(_ProtobufMessage(value).bytes(1)))
        if isinstance(value, int) and tag in (3, 5):
            return (_PRIMITIVES if tag == 3 else _WELL_KNOWN).get(value, "dyn")
        return _OTHERS.get(tag, "dyn")
    return "dyn"


def _constant(message: _ProtobufMessage) -> bool | int | str:
    ((tag, value),) = message
    if tag == 6 and isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, int):
        raise TypeError(tag)
    # Whole numbers are stored as 64 bits in two's complement.
    return bool(value) if tag == 2 else value - (1 << 64) if value >> 63 else value


class _ProtobufMessage:
    """The fields of a message, by their numbers. A missing field is empty or zero."""

    __slots__ = ("_parts",)

    def __init__(self, message: bytes) -> None:
        self._parts = tuple(_fields(message))

    def __iter__(self) -> Iterator[tuple[int, int | bytes]]:
        return iter(self._parts)

    def has(self, tag: int) -> bool:
        return any(number == tag for number, _value in self._parts)

    def all(self, tag: int) -> list[bytes]:
        return [value for number, value in self._parts if number == tag and isinstance(value, bytes)]

    def bytes(self, tag: int) -> bytes:
        found = self.all(tag)
        return found[-1] if found else b""

    def text(self, tag: int) -> str:
        return self.bytes(tag).decode()

    def number(self, tag: int) -> int:
        found = [value for number, value in self._parts if number == tag and isinstance(value, int)]
        return found[-1] if found else 0


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
    value = message[at]
    at += 1
    if value < 128:
        return value, at
    value &= 127
    shift = 7
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
