"""What differs between two rulebooks, in words and in both languages: “cap per repository 20 → 12”.

Compared are the canonical forms, so what was left out and what was written out with its default are the same.
Entries of a list are matched by their name, not by their place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from credits.rules.document.field_labels import ALONE, CHOICES, LISTS, PARTS, PLACES, UNWRITTEN, VALUES, Words
from credits.rules.document.rulebook_model import RulebookDocument
from credits.text import Texts

Way = Literal["changed", "added", "removed", "moved"]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. ``place`` is the path in the rulebook (entries of a list by name, as in
    ``points[base].give``); ``before`` and ``after`` are the values as texts, empty where there is none."""

    place: str
    way: Way
    text: Texts
    before: Texts
    after: Texts

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "way": self.way,
            "text": dict(self.text),
            "before": dict(self.before),
            "after": dict(self.after),
        }


def differences(old: RulebookDocument, new: RulebookDocument) -> tuple[Difference, ...]:
    """Everything that ``new`` says otherwise than ``old``, in the order of the language; none where both have the same
    canonical text."""
    before, after = json.loads(old.canonical()), json.loads(new.canonical())
    order = [name for name in type(new).model_fields if name in before or name in after]
    return tuple(
        one for name in order for one in _compare((name,), before.get(name), after.get(name), _ListEntry())
    )


@dataclass(frozen=True, slots=True)
class _ListEntry:
    """The entries of lists that one is in: their names, where they stand, and how deep that is."""

    words: Words | None = None
    place: str = ""
    depth: int = 0


def _compare(path: Path, old: Any, new: Any, entry: _ListEntry) -> Iterator[Difference]:
    if old == new:
        return
    inside = ".".join(path[entry.depth :])
    if inside in LISTS and isinstance(old or [], list) and isinstance(new or [], list):
        yield from _compare_lists(path, inside, old or [], new or [], entry)
    elif _is_bilingual(old) and _is_bilingual(new):
        yield _changed_difference(path, inside, old, new, entry)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            yield from _compare((*path, name), old.get(name), new.get(name), entry)
    else:
        yield _changed_difference(path, inside, old, new, entry)


def _compare_lists(
    path: Path, inside: str, old: list[Any], new: list[Any], entry: _ListEntry
) -> Iterator[Difference]:
    keys, named = LISTS[inside]
    before, after = _by_name(old, keys), _by_name(new, keys)
    for name, one in before.items():
        words = _describe_entry(named, one, name, entry)
        place = f"{_place(path, entry)}[{name}]"
        if name not in after:
            yield _entry_difference("removed", place, words, one)
            continue
        below = _ListEntry(words, place, 1)
        if isinstance(one, dict) and not _is_bilingual(one):
            other = after[name]
            for part in dict.fromkeys([*one, *other]):
                if part not in keys:
                    default = UNWRITTEN.get(part)
                    yield from _compare(("", part), one.get(part, default), other.get(part, default), below)
        else:
            yield from _compare(("",), one, after[name], below)
    for name, one in after.items():
        if name not in before:
            place = f"{_place(path, entry)}[{name}]"
            yield _entry_difference("added", place, _describe_entry(named, one, name, entry), one)
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    if kept_before != kept_after:
        yield _moved_difference(_place(path, entry), kept_before, kept_after)


def _by_name(items: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        " ".join(str(one[key]) for key in keys) if keys else str(number): one
        for number, one in enumerate(items, start=1)
    }


def _describe_entry(named: Words, one: Any, name: str, entry: _ListEntry) -> Words:
    values = one if isinstance(one, dict) else {}

    def filled(at: int) -> str:
        slots = {key: value for key, value in values.items() if isinstance(value, str | int)}
        if "each" in values:
            slots["each"] = VALUES[values["each"]][at]
        return named[at].format_map({**slots, "number": name})

    english, chinese = filled(0), filled(1)
    if entry.words:
        return f"{entry.words[0]}, {english}", f"{entry.words[1]}，{chinese}"
    return english, chinese


def _changed_difference(path: Path, inside: str, old: Any, new: Any, entry: _ListEntry) -> Difference:
    what = _entry_label(inside, entry)
    before, after = _value(inside, old), _value(inside, new)
    if _is_bilingual(old) and _is_bilingual(new):
        # Where one language alone was mended, the other would show no difference at all.
        before, after = _compare_texts(old, new)
    return Difference(
        _place(path, entry),
        "added" if old is None else "removed" if new is None else "changed",
        {"zh": f"{what[1]} {before[1]} → {after[1]}", "en": f"{what[0]} {before[0]} → {after[0]}"},
        {"zh": before[1], "en": before[0]},
        {"zh": after[1], "en": after[0]},
    )


def _compare_texts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Words, Words]:
    if old["zh"] != new["zh"] and old["en"] != new["en"]:
        return _value("", old), _value("", new)
    tongue = "zh" if old["zh"] != new["zh"] else "en"
    before, after = f"“{old[tongue]}”", f"“{new[tongue]}”"
    return (before, before), (after, after)


def _entry_label(inside: str, entry: _ListEntry) -> Words:
    if entry.words is None:
        return PLACES.get(inside, (inside, inside))
    if inside in ALONE or not inside:
        return entry.words
    part = PARTS.get(inside, (inside, inside))
    return f"{entry.words[0]}: {part[0]}", f"{entry.words[1]}：{part[1]}"


def _entry_difference(way: Way, place: str, what: Words, one: Any) -> Difference:
    said = _summary(one)
    nothing: Texts = {"zh": "", "en": ""}
    held: Texts = {"zh": said[1], "en": said[0]}
    done = ("new", "新增") if way == "added" else ("removed", "删除")
    text = {"zh": f"{done[1]}{what[1]}：{said[1]}", "en": f"{done[0]} {what[0]}: {said[0]}"}
    if not said[0]:
        text = {"zh": f"{done[1]}{what[1]}", "en": f"{done[0]} {what[0]}"}
    return Difference(
        place, way, text, nothing if way == "added" else held, held if way == "added" else nothing
    )


def _summary(one: Any) -> Words:
    """An entry in a few words: its own wording, what it gives, its condition."""
    if not isinstance(one, dict) or _is_bilingual(one):
        return _value("", one)
    wordings = [one[name] for name in ("text", "title", "label") if name in one]
    parts: list[Words] = [(wording["en"], wording["zh"]) for wording in wordings]
    for name in ("give", "times", "points", "credit", "mark", "formula", "when", "by"):
        if name in one:
            part, value = PARTS[name], _value(name, one[name])
            alone = name in ("points", "credit", "mark")
            parts.append(value if alone else (f"{part[0]} {value[0]}", f"{part[1]} {value[1]}"))
    for name in ("bands", "reviewer"):
        if name in one:
            part, value = PARTS[name], _value(name, one[name])
            parts.append((f"{part[0]} {value[0]}", f"{part[1]} {value[1]}"))
    if "at_least" in one and "count" in one:
        parts.append((f"at least {one['at_least']}", f"至少 {one['at_least']}"))
    return "; ".join(one for one, _zh in parts), "；".join(zh for _en, zh in parts)


def _moved_difference(place: str, before: Sequence[str], after: Sequence[str]) -> Difference:
    old, new = ", ".join(before), ", ".join(after)
    what = PLACES.get(place, (f"order of {place}", f"{place} 的顺序"))
    return Difference(
        place,
        "moved",
        {"zh": f"顺序 {place}：{old} → {new}", "en": f"{what[0]}: {old} → {new}"},
        {"zh": old, "en": old},
        {"zh": new, "en": new},
    )


def _place(path: Path, entry: _ListEntry) -> str:
    inside = ".".join(path[entry.depth :])
    return ".".join(filter(None, (entry.place, inside)))


def _is_bilingual(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"zh", "en"}


def _value(inside: str, value: Any) -> Words:
    """A value for people. A condition, a name and a wording stand in quotes; a number stands by itself."""
    if value is None or value == []:
        return "none", "无"
    if isinstance(value, bool):
        return VALUES["true" if value else "false"]
    if inside in CHOICES and value in VALUES:
        return VALUES[value]
    if _is_bilingual(value):
        return f"“{value['en']}”", f"“{value['zh']}”"
    if isinstance(value, dict):
        pairs = [(PARTS.get(key, (key, key)), _value(key, one)) for key, one in value.items()]
        return (
            ", ".join(f"{name[0]} {one[0]}" for name, one in pairs),
            "，".join(f"{name[1]} {one[1]}" for name, one in pairs),
        )
    if isinstance(value, list):
        ones = [_value("", one) for one in value]
        return "; ".join(one for one, _zh in ones), "；".join(zh for _en, zh in ones)
    text = str(value)
    quoted = text if _is_number(text) else f"“{text}”"
    return quoted, quoted


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
