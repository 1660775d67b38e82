"""Read a rulebook's YAML text into a frozen :class:`RulebookDocument`, or report every fault in it with its place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from credits.rules.document import yaml_tree
from credits.rules.document.consistency import find_inconsistencies
from credits.rules.document.lint import find_doubts
from credits.rules.document.rulebook_model import MAX_RULES, RulebookDocument
from credits.rules.document.variants import Library, find_loosened, overlay
from credits.rules.expressions import cel
from credits.rules.faults import FaultTexts, Path, RulebookFault, RulebookFaults, nearest

__all__ = ["Library", "RulebookDocument", "RulebookFault", "RulebookFaults", "digest", "parse", "warnings"]

MAX_GENERATIONS = 5
"""The most rulebooks in one chain of extensions."""

_CONDITIONS: tuple[tuple[str, tuple[str, ...], cel.Wanted], ...] = (
    ("requirements", ("when",), "yes-no"),
    ("points", ("when",), "yes-no"),
    ("points", ("bands", "of"), "whole"),
    ("points", ("formula",), "whole"),
    ("factors", ("when",), "yes-no"),
    ("mix", ("when",), "yes-no"),
)


def parse(text: str, library: Library | None = None) -> RulebookDocument:
    """Return the rulebook that the YAML ``text`` describes. A variant is resolved with the rulebooks in ``library``.

    Raises :class:`RulebookFaults` with all faults at once: structure, limits, types of conditions, values that make no
    sense together, and places where a variant is less strict than it may be. A text that is not YAML has one fault.
    """
    return _parse(text, library or {}, ())[0]


def warnings(text: str, library: Library | None = None) -> tuple[RulebookFault, ...]:
    """Return what is valid in ``text`` and probably a mistake, in the order of the text.

    Raises :class:`RulebookFaults` as :func:`parse` does.
    """
    rulebook, where = _parse(text, library or {}, ())
    return tuple(sorted({where.fault(path, *texts) for path, texts in find_doubts(rulebook)}))


def _parse(
    text: str, library: Library, above: tuple[tuple[str, str], ...]
) -> tuple[RulebookDocument, _SourceMap]:
    source = source_of(text)
    root = yaml_tree.read_tree(source)
    faults = [*_expression_faults(source, root), *_empty_faults(root)]
    data = yaml_tree.plain_data(root)
    parent, places = None, None
    if yaml_tree.key_at(root, ("extends",)) is not None:
        try:
            name = _read_extends(root, data.pop("extends", None))
            parent = _resolve_parent(root, name, library, above)
        except RulebookFaults as error:
            raise RulebookFaults([*faults, *error.faults]) from None
        data, places = overlay(parent, data)
        data["derived_from"] = {"code": name[0], "version": name[1], "digest": digest(parent)}
    where = _SourceMap(root, places)
    try:
        rulebook = RulebookDocument.model_validate(data)
    except ValidationError as error:
        reported = {fault.path for fault in faults}
        model_faults = (fault for fault in _model_faults(where, error) if fault.path not in reported)
        raise RulebookFaults([*faults, *model_faults]) from None
    faults.extend(where.fault(path, *texts) for path, texts in find_inconsistencies(rulebook))
    if parent is not None:
        faults.extend(where.fault(path, *texts) for path, texts in _loosening_faults(parent, rulebook))
    if faults:
        raise RulebookFaults(faults)
    _refuse_what_cannot_be_read_back(rulebook, where)
    return rulebook, where


def source_of(text: str) -> str:
    """Return the text in which lines and columns are counted: no byte order mark, and ``\\n`` as the end of line."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def digest(rulebook: RulebookDocument) -> str:
    """Return the SHA-256 of the canonical text, in hex. It identifies a published version."""
    return hashlib.sha256(rulebook.canonical().encode()).hexdigest()


def _expression_faults(source: str, root: yaml_tree.MappingNode) -> Iterator[RulebookFault]:
    for key, below, wanted in _CONDITIONS:
        rules = yaml_tree.find_node(root, (key,))
        count = len(rules.items) if isinstance(rules, yaml_tree.SequenceNode) else 0
        # A longer list is a fault by itself, so entries beyond the limit are not checked.
        for index in range(min(count, MAX_RULES)):
            path: yaml_tree.Path = (key, index, *below)
            node = yaml_tree.find_node(root, path)
            if (
                yaml_tree.key_at(root, path) is None
                or not isinstance(node, yaml_tree.ScalarNode)
                or not node.text
            ):
                continue
            checked = cel.check(node.text.rstrip(), wanted)
            for problem in checked if isinstance(checked, tuple) else ():
                line, column = yaml_tree.position(
                    source, node, _offset(node.text, problem.line, problem.column)
                )
                yield RulebookFault(
                    line,
                    column,
                    yaml_tree.path_text(path),
                    problem.message,
                    problem.suggestion,
                    problem.message_zh,
                    problem.suggestion_zh,
                )


def _empty_faults(root: yaml_tree.MappingNode) -> Iterator[RulebookFault]:
    for path, owner in yaml_tree.find_empty_values(root):
        word = owner.text
        yield RulebookFault(
            owner.line,
            owner.column,
            yaml_tree.path_text(path),
            f"“{word}” has no value." if word else "This entry is empty.",
            "Give it a value, or delete it. Put text with a comma or a colon in quotes.",
            f"“{word}”没有值。" if word else "此项为空。",
            "请填写或删除；含逗号或冒号的文字请加引号。",
        )


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(earlier) + 1 for earlier in lines[: line - 1]) + column - 1


class _SourceMap:
    """Maps a place of the rulebook to its place in the text.

    For a variant, that is a place in its own text, or ``extends`` for a value that it takes over.
    """

    def __init__(self, root: yaml_tree.MappingNode, places: dict[Path, Path] | None) -> None:
        self.root, self._places = root, places

    def own(self, path: Path) -> Path:
        """Return the place in the author's own text."""
        if self._places is None:
            return path
        for end in range(len(path), 0, -1):
            if path[:end] in self._places:
                return (*self._places[path[:end]], *path[end:])
        return ("extends",)

    def fault(self, path: Path, message: str, help_: str, message_zh: str, help_zh: str) -> RulebookFault:
        own = self.own(tuple(path))
        node = yaml_tree.find_node(self.root, own)
        return RulebookFault(
            node.line, node.column, yaml_tree.path_text(own), message, help_, message_zh, help_zh
        )


def _read_extends(root: yaml_tree.MappingNode, given: object) -> tuple[str, str]:
    """Return the code and version that a variant extends. Raise :class:`RulebookFaults` if it does not name both."""
    if isinstance(given, dict) and set(given) == {"code", "version"}:
        code, version = given["code"], given["version"]
        if isinstance(code, str) and isinstance(version, str):
            return code, version
    raise RulebookFaults([_SourceMap(root, None).fault(("extends",), *_NOT_NAMED)])


def _resolve_parent(
    root: yaml_tree.MappingNode, name: tuple[str, str], library: Library, above: tuple[tuple[str, str], ...]
) -> RulebookDocument:
    where = _SourceMap(root, None)
    code, version = name
    if name in above or len(above) >= MAX_GENERATIONS:
        raise RulebookFaults([where.fault(("extends",), *_IN_CIRCLES)])
    text = library.get(name)
    if text is None:
        meant = nearest(f"{code} {version}", (" ".join(key) for key in library))
        raise RulebookFaults(
            [
                where.fault(
                    ("extends",),
                    f"There is no rulebook “{code}”, version “{version}”, to extend.",
                    f"Did you mean “{meant}”?" if meant else "Publish it first.",
                    f"没有可依据的认定办法“{code}”版本“{version}”。",
                    f"是否应为“{meant}”？" if meant else "请先发布。",
                )
            ]
        )
    try:
        parent, _ = _parse(text, library, (*above, name))
    except RulebookFaults as error:
        first = error.faults[0]
        raise RulebookFaults(
            [
                where.fault(
                    ("extends",),
                    f"“{code}” itself has an error in line {first.line}: {first.message}",
                    "",
                    f"“{code}”本身有误（第 {first.line} 行）：{first.message_zh}",
                    "",
                )
            ]
        ) from error
    if parent.variants == "none":
        raise RulebookFaults([where.fault(("extends",), *_NO_VARIANTS)])
    return parent


def _refuse_what_cannot_be_read_back(rulebook: RulebookDocument, where: _SourceMap) -> None:
    """Refuse a rulebook whose canonical text is too large to be read again.

    The canonical text is larger than the author's text: it has all defaults, and everything that a variant takes over.
    """
    whole = rulebook.canonical()
    characters, values = len(whole), yaml_tree.count_values(json.loads(whole))
    if characters > yaml_tree.MAX_CHARACTERS or values > yaml_tree.MAX_NODES:
        most = f"{yaml_tree.MAX_CHARACTERS}", f"{yaml_tree.MAX_NODES}"
        raise RulebookFaults(
            [
                where.fault(
                    (),
                    f"With all defaults written out, this has {characters} characters and {values} values; "
                    f"{most[0]} and {most[1]} are allowed.",
                    "Shorten texts, or combine rules.",
                    f"写出全部默认值后，共有 {characters} 个字符、{values} 个值，上限为 {most[0]} 个和 {most[1]} 个。",
                    "请缩短文字，或合并规则。",
                )
            ]
        )


def _loosening_faults(
    parent: RulebookDocument, variant: RulebookDocument
) -> Iterator[tuple[Path, FaultTexts]]:
    if variant.code == parent.code:
        yield ("code",), _SAME_CODE
    if parent.variants == "tighten":
        yield from find_loosened(parent, variant)


_NOT_NAMED = (
    "Name the rulebook to extend by its code and its version.",
    "For example “extends: {code: open-source-practice, version: '2025'}”.",
    "所依据的办法应写明代码和版本。",
    "例如“extends: {code: open-source-practice, version: '2025'}”。",
)
_IN_CIRCLES = (
    "This rulebook extends itself, or the chain of extensions is too long.",
    "",
    "依据关系成环，或层数过多。",
    "",
)
_NO_VARIANTS = (
    "That rulebook does not allow variants.",
    "Write a separate rulebook.",
    "该办法不允许制定细则。",
    "请另写一份完整的认定办法。",
)
_SAME_CODE = (
    "A variant needs its own code.",
    "Choose a code that differs from the rulebook it extends.",
    "细则应有自己的代码。",
    "请使用与所依据办法不同的代码。",
)


def _model_faults(where: _SourceMap, error: ValidationError) -> Iterator[RulebookFault]:
    errors = error.errors(include_url=False, include_input=False)
    places = [tuple(details["loc"]) for details in errors]
    for details, path in zip(errors, places, strict=True):
        kind = details["type"]
        if kind == "too_short" and any(other[: len(path)] == path != other for other in places):
            # The list has entries, but with faults of their own, so pydantic did not count them.
            continue
        limits = details.get("ctx", {})
        if kind == "extra_forbidden":
            yield _unknown_key(where, path)
            continue
        yield where.fault(path, *_fault_sentence(kind, str(path[-1]) if path else "", limits))


def _unknown_key(where: _SourceMap, path: yaml_tree.Path) -> RulebookFault:
    word = str(path[-1])
    own = where.own(path)
    place = yaml_tree.key_at(where.root, own) or yaml_tree.find_node(where.root, own)
    known = _keys(path[:-1])
    meant = nearest(word, known)
    return RulebookFault(
        place.line,
        place.column,
        yaml_tree.path_text(own),
        f"There is no key “{word}” here.",
        f"Did you mean “{meant}”?" if meant else f"Allowed keys: {', '.join(known)}.",
        f"此处没有“{word}”这个键。",
        f"是否应为“{meant}”？" if meant else f"可用的键：{'、'.join(known)}。",
    )


def _keys(path: yaml_tree.Path) -> list[str]:
    """Return the keys that are allowed at ``path``."""
    model: type[BaseModel] = RulebookDocument
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        below = next(_models_in(field.annotation), None) if field else None
        if below is None:
            break
        model = below
    return [*model.model_fields, *(("extends",) if model is RulebookDocument else ())]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (tuple, Union, UnionType):
        for argument in get_args(annotation):
            yield from _models_in(argument)


_FAULT_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "zone": (
        "This must be the name of a time zone.",
        "For example Asia/Shanghai.",
        "此处应为时区名称。",
        "例如 Asia/Shanghai。",
    ),
    "missing": ("“{key}” is missing.", "Add it here.", "缺少“{key}”。", "请在此处补上。"),
    "whole": ("This must be a whole number.", "For example 5.", "此处应为整数。", "例如 5。"),
    "number": (
        "This must be a number.",
        "For example 5 or 0.5, with at most nine digits before the point and six after.",
        "此处应为数字。",
        "例如 5 或 0.5，小数点前最多九位，后最多六位。",
    ),
    "yes_no": ("This must be true or false.", "", "此处应为 true 或 false。", ""),
    "string_type": ("This must be text.", "", "此处应为文字。", ""),
    "string_too_short": ("The text is empty.", "", "文字不能为空。", ""),
    "string_too_long": (
        "The text is longer than {max_length} characters.",
        "",
        "文字超过 {max_length} 个字符。",
        "",
    ),
    "string_pattern_mismatch": (
        "This must be an identifier: lower-case letters, digits and hyphens.",
        "For example “merged-since”.",
        "此处应为标识名：小写字母、数字和连字符。",
        "例如“merged-since”。",
    ),
    "greater_than": ("This must be more than {gt}.", "", "此处应大于 {gt}。", ""),
    "greater_than_equal": ("This must be {ge} or more.", "", "此处不能小于 {ge}。", ""),
    "less_than_equal": ("This must be {le} or less.", "", "此处不能大于 {le}。", ""),
    "literal_error": ("This must be {expected}.", "", "此处应为 {expected}。", ""),
    "too_short": ("At least {min_length} needed here.", "", "此处至少需要 {min_length} 项。", ""),
    "too_long": ("At most {max_length} allowed here.", "", "此处最多允许 {max_length} 项。", ""),
    "model_type": (
        "This must consist of keys with values.",
        "Write them below, indented. Texts need both languages, for example {zh: …, en: …}.",
        "此处应为“键: 值”。",
        "请另起一行并缩进书写；文字要写中英文两项，例如 {zh: …, en: …}。",
    ),
    "tuple_type": (
        "This must be a list.",
        "Start each entry with “- ”.",
        "此处应为列表。",
        "每一项以“- ”开头。",
    ),
}


def _fault_sentence(kind: str, key: str, limits: dict[str, Any]) -> tuple[str, str, str, str]:
    english, help_, chinese, help_zh = _FAULT_TEXTS.get(
        kind, ("This value cannot be used here.", "", "此处的值无法使用。", "")
    )
    values = {"key": key, **{name: str(value) for name, value in limits.items()}}
    return english.format_map(values), help_, chinese.format_map(values), help_zh
