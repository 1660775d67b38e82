"""A rulebook's YAML text to a frozen :class:`Rulebook`, or every fault in it with its place."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from credits.rules import cel, yamltree
from credits.rules.faults import Fault, RulebookFaults, nearest
from credits.rules.sense import senseless
from credits.rules.shapes import MAX_RULES, Rulebook

__all__ = ["Fault", "Rulebook", "RulebookFaults", "digest", "parse"]

_CONDITIONS: tuple[tuple[str, tuple[str, ...], cel.Wanted], ...] = (
    ("requirements", ("when",), "yes-no"),
    ("points", ("when",), "yes-no"),
    ("points", ("bands", "of"), "whole"),
    ("points", ("formula",), "whole"),
    ("factors", ("when",), "yes-no"),
    ("mix", ("when",), "yes-no"),
)


def parse(text: str) -> Rulebook:
    """The rulebook that the YAML ``text`` describes.

    Raises :class:`RulebookFaults` with all faults at once: shape, bounds, types of conditions, and what makes no
    sense together. A text that is not YAML at all has one fault.
    """
    source = text.removeprefix("\ufeff").replace("\r\n", "\n")
    root = yamltree.read(source)
    faults = [*_expression_faults(source, root), *_empty_faults(root)]
    data = yamltree.plain(root)
    try:
        rulebook = Rulebook.model_validate(data)
    except ValidationError as error:
        told = {fault.path for fault in faults}
        shapes = (fault for fault in _shape_faults(root, error) if fault.path not in told)
        raise RulebookFaults([*faults, *shapes]) from None
    faults.extend(_at(root, path, *said) for path, said in senseless(rulebook))
    if faults:
        raise RulebookFaults(faults)
    return rulebook


def digest(rulebook: Rulebook) -> str:
    """SHA-256 of the canonical text, in hex: what a published version is known by."""
    return hashlib.sha256(rulebook.canonical().encode()).hexdigest()


def _expression_faults(source: str, root: yamltree.Mapping) -> Iterator[Fault]:
    for key, below, wanted in _CONDITIONS:
        rules = yamltree.find(root, (key,))
        count = len(rules.items) if isinstance(rules, yamltree.Sequence) else 0
        # A longer list is a fault by itself; there is no use in checking what lies beyond.
        for index in range(min(count, MAX_RULES)):
            path: yamltree.Path = (key, index, *below)
            node = yamltree.find(root, path)
            if yamltree.key_at(root, path) is None or not isinstance(node, yamltree.Scalar) or not node.text:
                continue
            checked = cel.check(node.text.rstrip(), wanted)
            for problem in checked if isinstance(checked, tuple) else ():
                line, column = yamltree.position(
                    source, node, _offset(node.text, problem.line, problem.column)
                )
                yield Fault(
                    line,
                    column,
                    yamltree.path_text(path),
                    problem.message,
                    problem.suggestion,
                    problem.message_zh,
                    problem.suggestion_zh,
                )


def _empty_faults(root: yamltree.Mapping) -> Iterator[Fault]:
    for path, at in yamltree.empties(root):
        word = at.text
        yield Fault(
            at.line,
            at.column,
            yamltree.path_text(path),
            f"“{word}” has no value." if word else "This entry is empty.",
            "Give it one, or delete it; a text with a comma or a colon stands in quotes.",
            f"“{word}”没有值。" if word else "此项为空。",
            "请填写或删除；含逗号或冒号的文字请加引号。",
        )


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(one) + 1 for one in lines[: line - 1]) + column - 1


def _shape_faults(root: yamltree.Mapping, error: ValidationError) -> Iterator[Fault]:
    for one in error.errors(include_url=False, include_input=False):
        path = tuple(one["loc"])
        kind = one["type"]
        bounds = one.get("ctx", {})
        if kind == "extra_forbidden":
            yield _unknown_key(root, path)
            continue
        yield _at(root, path, *_said(kind, str(path[-1]) if path else "", bounds))


def _unknown_key(root: yamltree.Mapping, path: yamltree.Path) -> Fault:
    word = str(path[-1])
    key = yamltree.key_at(root, path)
    place = key or yamltree.find(root, path)
    known = _keys(path[:-1])
    meant = nearest(word, known)
    return Fault(
        place.line,
        place.column,
        yamltree.path_text(path),
        f"There is no key “{word}” here.",
        f"Did you mean “{meant}”?" if meant else f"There are: {', '.join(known)}.",
        f"此处没有“{word}”这个键。",
        f"是否应为“{meant}”？" if meant else f"可用的键：{'、'.join(known)}。",
    )


def _keys(path: yamltree.Path) -> list[str]:
    """The keys that the shape at ``path`` has."""
    shape: type[BaseModel] = Rulebook
    for part in path:
        if isinstance(part, int):
            continue
        field = shape.model_fields.get(part)
        below = next(_shapes(field.annotation), None) if field else None
        if below is None:
            break
        shape = below
    return list(shape.model_fields)


def _shapes(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (tuple, Union, UnionType):
        for one in get_args(annotation):
            yield from _shapes(one)


_SAID: dict[str, tuple[str, str, str, str]] = {
    "zone": (
        "A time zone's name is needed.",
        "Such as Asia/Shanghai.",
        "此处应为时区名称。",
        "例如 Asia/Shanghai。",
    ),
    "missing": ("“{key}” is missing.", "Add it here.", "缺少“{key}”。", "请在此处补上。"),
    "whole": ("A whole number is needed.", "Such as 5.", "此处应为整数。", "例如 5。"),
    "number": (
        "A number is needed.",
        "Such as 5 or 0.5: at most nine digits before the point and six after.",
        "此处应为数字。",
        "例如 5 或 0.5，小数点前最多九位，后最多六位。",
    ),
    "yes_no": ("This must be true or false.", "", "此处应为 true 或 false。", ""),
    "string_type": ("A text is needed.", "", "此处应为文字。", ""),
    "string_too_short": ("The text is empty.", "", "文字不能为空。", ""),
    "string_too_long": (
        "The text is longer than {max_length} characters.",
        "",
        "文字超过 {max_length} 个字符。",
        "",
    ),
    "string_pattern_mismatch": (
        "A name for machines is needed: small letters, digits and hyphens.",
        "Such as “merged-since”.",
        "此处应为标识名：小写字母、数字和连字符。",
        "例如“merged-since”。",
    ),
    "greater_than": ("This must be more than {gt}.", "", "此处应大于 {gt}。", ""),
    "greater_than_equal": ("This must be {ge} or more.", "", "此处不能小于 {ge}。", ""),
    "less_than_equal": ("This must be {le} or less.", "", "此处不能大于 {le}。", ""),
    "literal_error": ("This must be {expected}.", "", "此处应为 {expected}。", ""),
    "too_short": ("At least {min_length} is needed here.", "", "此处至少需要 {min_length} 项。", ""),
    "too_long": ("At most {max_length} are allowed here.", "", "此处最多允许 {max_length} 项。", ""),
    "model_type": (
        "Keys with values are needed here.",
        "Write them below, indented.",
        "此处应为“键: 值”。",
        "请另起一行并缩进书写。",
    ),
    "tuple_type": (
        "A list is needed here.",
        "Begin each entry with “- ”.",
        "此处应为列表。",
        "每一项以“- ”开头。",
    ),
}


def _said(kind: str, key: str, bounds: dict[str, Any]) -> tuple[str, str, str, str]:
    english, help_, chinese, help_zh = _SAID.get(
        kind, ("This value cannot be used here.", "", "此处的值无法使用。", "")
    )
    values = {"key": key, **{name: str(value) for name, value in bounds.items()}}
    return english.format_map(values), help_, chinese.format_map(values), help_zh


def _at(
    root: yamltree.Mapping, path: Iterable[str | int], message: str, help_: str, message_zh: str, help_zh: str
) -> Fault:
    path = tuple(path)
    node = yamltree.find(root, path)
    return Fault(node.line, node.column, yamltree.path_text(path), message, help_, message_zh, help_zh)
