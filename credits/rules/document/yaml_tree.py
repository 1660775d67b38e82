"""Read YAML text into a plain tree with line and column of each node, within limits of size, depth and node count.

Scalars stay text. The field decides what a text means (a number, yes or no), so ``no`` as a language code or ``007`` as
a course code keep their meaning, and no number passes through a float. Anchors, aliases, tags and a second document are
refused, because people read a rulebook from the top to the bottom.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from credits.rules.faults import RulebookFault, RulebookFaults

MAX_CHARACTERS = 100_000
MAX_DEPTH = 12
MAX_NODES = 5_000

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text. ``start`` and ``end`` are offsets into the source.

    ``quoted`` is True for quoted and block texts: only an empty plain text means "left out".
    """

    text: str
    line: int
    column: int
    start: int
    end: int
    quoted: bool


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys with values, in the order of the text."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    line: int
    column: int


Node = ScalarNode | SequenceNode | MappingNode


def path_text(path: Path) -> str:
    """Return a path as text: ``('points', 1, 'when')`` becomes ``points[1].when``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_tree(source: str) -> MappingNode:
    """Read the tree of one document.

    Raises :class:`RulebookFaults` if the text is not YAML, is too large, or uses something that is refused.
    """
    _refuse_size_and_characters(source)
    builder = _TreeBuilder(source)
    try:
        return builder.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = error.problem or "not readable"
        raise _single_fault(
            line,
            column,
            f"This is not valid YAML: {problem}.",
            "Check the indentation, the colon and the quotes here and in the line above.",
            f"此处不是有效的 YAML（{problem}）。",
            "请检查本行和上一行的缩进、冒号和引号。",
        ) from error
    except (ReaderError, YAMLError, ValueError, OverflowError) as error:
        raise _single_fault(1, 1, "This is not valid YAML.", "", "此处不是有效的 YAML。") from error


def find_empty_values(node: Node, path: Path = ()) -> Iterator[tuple[Path, ScalarNode]]:
    """Yield the path of each empty value, with the key or the entry that has no value."""
    if isinstance(node, SequenceNode):
        for index, item in enumerate(node.items):
            yield from _empty_values_below(item, item, (*path, index))
    elif isinstance(node, MappingNode):
        for key, value in node.entries:
            yield from _empty_values_below(key, value, (*path, key.text))


def _empty_values_below(owner: Node, node: Node, path: Path) -> Iterator[tuple[Path, ScalarNode]]:
    if isinstance(node, ScalarNode) and _is_nothing(node) and isinstance(owner, ScalarNode):
        yield path, owner
    yield from find_empty_values(node, path)


def _is_nothing(scalar: ScalarNode) -> bool:
    return not scalar.quoted and scalar.text in ("", "~", "null")


def find_node(root: Node, path: Path) -> Node:
    """Return the node at ``path``, or the nearest existing node above it."""
    node = root
    for part in path:
        below: Node | None = None
        if isinstance(node, MappingNode):
            below = next((value for key, value in node.entries if key.text == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            below = node.items[part]
        if below is None:
            return node
        node = below
    return node


def key_at(root: Node, path: Path) -> ScalarNode | None:
    """Return the last key of ``path``. Return None if its last part is not a key of a mapping."""
    above = find_node(root, path[:-1])
    if isinstance(above, MappingNode):
        return next((key for key, _ in above.entries if key.text == path[-1]), None)
    return None


def plain_data(node: Node) -> Any:
    """Return the node as dictionaries, lists and strings. A key without a value is left out."""
    if isinstance(node, ScalarNode):
        return None if _is_nothing(node) else node.text
    if isinstance(node, SequenceNode):
        return [plain_data(item) for item in node.items]
    values = {key.text: plain_data(value) for key, value in node.entries}
    return {key: value for key, value in values.items() if value is not None}


def read_plain(source: str) -> Any:
    """Return what :func:`read_tree` reads as dictionaries, lists and strings, without places."""
    return plain_data(read_tree(source))


def count_values(data: Any) -> int:
    """Return the number of values in plain data, counted as :func:`read_tree` counts nodes: keys are values too."""
    if isinstance(data, dict):
        return 1 + sum(1 + count_values(value) for value in data.values())
    return 1 + sum(map(count_values, data)) if isinstance(data, list) else 1


def position(source: str, scalar: ScalarNode, offset: int) -> tuple[int, int]:
    """Return line and column in ``source`` of the character at ``offset`` in the scalar's text.

    Indentation and folded lines are taken into account. If escapes changed the text, the position of the scalar itself
    is returned.
    """
    at = _source_offset(source, scalar, offset)
    if at is None:
        return scalar.line, scalar.column
    before = source[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _source_offset(source: str, scalar: ScalarNode, offset: int) -> int | None:
    at = scalar.start
    if source[at : at + 1] in ("|", ">"):
        at = source.find("\n", at) + 1
    elif source[at : at + 1] in ("'", '"') and scalar.quoted:
        at += 1
    for index, character in enumerate(scalar.text):
        if character.isspace():
            if index >= offset:
                break
            continue
        while at < scalar.end and source[at].isspace():
            at += 1
        if at >= scalar.end or source[at] != character:
            return None
        if index >= offset:
            return at
        at += 1
    return min(at, scalar.end)


def _refuse_size_and_characters(source: str) -> None:
    if len(source) > MAX_CHARACTERS:
        raise _single_fault(
            1,
            1,
            f"The text has {len(source)} characters; {MAX_CHARACTERS} are allowed.",
            "",
            f"文本有 {len(source)} 个字符，最多允许 {MAX_CHARACTERS} 个。",
        )
    for number, line in enumerate(source.split("\n"), start=1):
        if line.isascii() and line.isprintable():
            continue
        for column, character in enumerate(line, start=1):
            if _is_hidden(character):
                raise RulebookFaults([_hidden_character(number, column, character)])


def _is_hidden(character: str) -> bool:
    """Return whether a character is invisible: a control, a change of direction or a line separator.

    With such characters, a text can look different from what it is.
    """
    if ord(character) & 0xFFFE == 0xFFFE:  # a noncharacter, which YAML refuses
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")


def _hidden_character(line: int, column: int, character: str) -> RulebookFault:
    name = f"U+{ord(character):04X}"
    return RulebookFault(
        line,
        column,
        "",
        f"There is an invisible character here ({name}).",
        "Delete it; indent with spaces, not tabs.",
        f"此处有不可见字符（{name}）。",
        "请删除；缩进请用空格，不要用制表符。",
    )


class _TreeBuilder:
    """Builds the tree from the parser's events one by one, so that reading stops at a limit, not only building."""

    def __init__(self, source: str) -> None:
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(source)
        self._nodes = 0
        self._faults: list[RulebookFault] = []

    def document(self) -> MappingNode:
        event = next(self._events)
        while type(event).__name__ in ("StreamStartEvent", "DocumentStartEvent"):
            event = next(self._events)
        if type(event).__name__ == "StreamEndEvent":
            raise _single_fault(1, 1, "The text is empty.", "", "文本为空。")
        root = self._node(event, 1)
        for event in self._events:
            if type(event).__name__ == "DocumentStartEvent":
                line, column = _start(event)
                self._faults.append(
                    RulebookFault(
                        line,
                        column,
                        "",
                        "A file can contain only one rulebook.",
                        "",
                        "一个文件只能有一份认定办法。",
                    )
                )
                break
        if self._faults:
            raise RulebookFaults(self._faults)
        if not isinstance(root, MappingNode):
            raise _single_fault(
                root.line,
                root.column,
                "A rulebook is a list of keys with values, such as “code: open-source-practice”.",
                "",
                "认定办法应由“键: 值”组成，例如“code: open-source-practice”。",
            )
        return root

    def _node(self, event: Any, depth: int) -> Node:
        self._check_limits(event, depth)
        self._refuse_indirection(event)
        line, column = _start(event)
        name = type(event).__name__
        if name == "MappingStartEvent":
            return MappingNode(self._entries(depth), line, column)
        if name == "SequenceStartEvent":
            return SequenceNode(self._items(depth), line, column)
        if name == "ScalarEvent":
            text = str(event.value)
            for character in text:
                if character != "\n" and _is_hidden(character):
                    self._faults.append(_hidden_character(line, column, character))
                    break
            quoted = bool(event.style)
            return ScalarNode(text, line, column, event.start_mark.index, event.end_mark.index, quoted)
        return ScalarNode("", line, column, event.start_mark.index, event.end_mark.index, False)

    def _items(self, depth: int) -> tuple[Node, ...]:
        items = []
        for event in self._events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            items.append(self._node(event, depth + 1))
        return tuple(items)

    def _entries(self, depth: int) -> tuple[tuple[ScalarNode, Node], ...]:
        entries: list[tuple[ScalarNode, Node]] = []
        seen: dict[str, ScalarNode] = {}
        for event in self._events:
            if type(event).__name__ == "MappingEndEvent":
                break
            key = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, ScalarNode):
                self._faults.append(
                    RulebookFault(key.line, key.column, "", "A key must be one word.", "", "键必须是一个词。")
                )
            elif key.text in seen:
                first = seen[key.text].line
                self._faults.append(
                    RulebookFault(
                        key.line,
                        key.column,
                        key.text,
                        f"“{key.text}” is already given in line {first}.",
                        "Keep one of the two.",
                        f"“{key.text}”已在第 {first} 行给出。",
                        "请只保留一处。",
                    )
                )
            else:
                seen[key.text] = key
                entries.append((key, value))
        return tuple(entries)

    def _check_limits(self, event: Any, depth: int) -> None:
        self._nodes += 1
        line, column = _start(event)
        if depth > MAX_DEPTH:
            raise _single_fault(
                line,
                column,
                f"This is nested more than {MAX_DEPTH} levels deep.",
                "",
                f"嵌套超过 {MAX_DEPTH} 层。",
            )
        if self._nodes > MAX_NODES:
            raise _single_fault(
                line,
                column,
                f"The rulebook has more than {MAX_NODES} values.",
                "",
                f"认定办法超过 {MAX_NODES} 个值。",
            )

    def _refuse_indirection(self, event: Any) -> None:
        line, column = _start(event)
        if getattr(event, "anchor", None):
            self._faults.append(
                RulebookFault(
                    line,
                    column,
                    "",
                    "Anchors and references (& and *) are not allowed.",
                    "Write the value out, or put it in quotes if it is meant as text.",
                    "不允许使用锚点和引用（& 和 *）。",
                    "请直接写出内容；如果是文字，请加引号。",
                )
            )
        # Only tags that the author wrote are refused. Plain scalars get no tag from the parser.
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in ("None", "!"):
            self._faults.append(
                RulebookFault(
                    line,
                    column,
                    "",
                    "Tags (!) are not allowed.",
                    'Put a condition that starts with ! in quotes: when: "!…"',
                    "不允许使用标签（!）。",
                    '以 ! 开头的条件要加引号：when: "!…"',
                )
            )


def _single_fault(line: int, column: int, *texts: str) -> RulebookFaults:
    """Return the error for a single fault, after which nothing more can be read."""
    return RulebookFaults([RulebookFault(line, column, "", *texts)])


def _start(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
