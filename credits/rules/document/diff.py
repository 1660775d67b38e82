"""Describe the differences of two rulebooks in sentences, in both languages: “cap per repository 20 → 12”.

The canonical forms are compared, so a key that is left out equals its default. Entries of a list are matched by name,
not by position.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from credits.rules.document.field_labels import ALONE, CHOICES, LISTS, PARTS, PLACES, UNWRITTEN, VALUES, Words
from credits.rules.document.rulebook_model import RulebookDocument
from credits.text import BilingualText

Way = Literal["changed", "added", "removed", "moved"]
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference.

    ``place`` is the path in the rulebook, with entries of a list by name, as in ``points[base].give``. ``before`` and
    ``after`` are the values as texts, empty if there is no value.
    """

    place: str
    way: Way
    text: BilingualText
    before: BilingualText
    after: BilingualText

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "way": self.way,
            "text": dict(self.text),
            "before": dict(self.before),
            "after": dict(self.after),
        }


def differences(old: RulebookDocument, new: RulebookDocument) -> tuple[Difference, ...]:
    """Return the differences of ``new`` from ``old``, in the order of the language.

    The result is empty if both have the same canonical text.
    """
    before, after = json.loads(old.canonical()), json.loads(new.canonical())
    order = [name for name in type(new).model_fields if name in before or name in after]
    return tuple(
        difference
        for name in order
        for difference in _compare((name,), before.get(name), after.get(name), _ListEntry())
    )


@dataclass(frozen=True, slots=True)
class _ListEntry:
    """The entry of a list that is being compared: its label, its place, and the length of the path to it."""

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
    keys, labels = LISTS[inside]
    before, after = _by_name(old, keys), _by_name(new, keys)
    for name, item in before.items():
        words = _describe_entry(labels, item, name, entry)
        place = f"{_place(path, entry)}[{name}]"
        if name not in after:
            yield _entry_difference("removed", place, words, item)
            continue
        below = _ListEntry(words, place, 1)
        if isinstance(item, dict) and not _is_bilingual(item):
            other = after[name]
            for part in dict.fromkeys([*item, *other]):
                if part not in keys:
                    default = UNWRITTEN.get(part)
                    yield from _compare(("", part), item.get(part, default), other.get(part, default), below)
        else:
            yield from _compare(("",), item, after[name], below)
    for name, item in after.items():
        if name not in before:
            place = f"{_place(path, entry)}[{name}]"
            yield _entry_difference("added", place, _describe_entry(labels, item, name, entry), item)
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    if kept_before != kept_after:
        yield _moved_difference(_place(path, entry), kept_before, kept_after)


def _by_name(items: Sequence[Any], keys: Sequence[str]) -> dict[str, Any]:
    return {
        " ".join(str(item[key]) for key in keys) if keys else str(number): item
        for number, item in enumerate(items, start=1)
    }


def _describe_entry(labels: Words, item: Any, name: str, entry: _ListEntry) -> Words:
    values = item if isinstance(item, dict) else {}

    def filled(language: int) -> str:
        slots = {key: value for key, value in values.items() if isinstance(value, str | int)}
        if "each" in values:
            slots["each"] = VALUES[values["each"]][language]
        return labels[language].format_map({**slots, "number": name})

    english, chinese = filled(0), filled(1)
    if entry.words:
        return f"{entry.words[0]}, {english}", f"{entry.words[1]}，{chinese}"
    return english, chinese


def _changed_difference(path: Path, inside: str, old: Any, new: Any, entry: _ListEntry) -> Difference:
    label = _entry_label(inside, entry)
    before, after = _value(inside, old), _value(inside, new)
    if _is_bilingual(old) and _is_bilingual(new):
        # If only one language changed, the texts of the other would show no difference.
        before, after = _compare_texts(old, new)
    return Difference(
        _place(path, entry),
        "added" if old is None else "removed" if new is None else "changed",
        {"zh": f"{label[1]} {before[1]} → {after[1]}", "en": f"{label[0]} {before[0]} → {after[0]}"},
        {"zh": before[1], "en": before[0]},
        {"zh": after[1], "en": after[0]},
    )


def _compare_texts(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[Words, Words]:
    if old["zh"] != new["zh"] and old["en"] != new["en"]:
        return _value("", old), _value("", new)
    language = "zh" if old["zh"] != new["zh"] else "en"
    before, after = f"“{old[language]}”", f"“{new[language]}”"
    return (before, before), (after, after)


def _entry_label(inside: str, entry: _ListEntry) -> Words:
    if entry.words is None:
        return PLACES.get(inside, (inside, inside))
    if inside in ALONE or not inside:
        return entry.words
    part = PARTS.get(inside, (inside, inside))
    return f"{entry.words[0]}: {part[0]}", f"{entry.words[1]}：{part[1]}"


def _entry_difference(way: Way, place: str, label: Words, item: Any) -> Difference:
    summary = _summary(item)
    nothing: BilingualText = {"zh": "", "en": ""}
    value: BilingualText = {"zh": summary[1], "en": summary[0]}
    verb = ("new", "新增") if way == "added" else ("removed", "删除")
    text = {"zh": f"{verb[1]}{label[1]}：{summary[1]}", "en": f"{verb[0]} {label[0]}: {summary[0]}"}
    if not summary[0]:
        text = {"zh": f"{verb[1]}{label[1]}", "en": f"{verb[0]} {label[0]}"}
    return Difference(
        place, way, text, nothing if way == "added" else value, value if way == "added" else nothing
    )


def _summary(item: Any) -> Words:
    """Return an entry in a few words: its wording, what it gives, and its condition."""
    if not isinstance(item, dict) or _is_bilingual(item):
        return _value("", item)
    wordings = [item[name] for name in ("text", "title", "label") if name in item]
    parts: list[Words] = [(wording["en"], wording["zh"]) for wording in wordings]
    for name in ("give", "times", "points", "credit", "mark", "formula", "when", "by"):
        if name in item:
            part, value = PARTS[name], _value(name, item[name])
            alone = name in ("points", "credit", "mark")
            parts.append(value if alone else (f"{part[0]} {value[0]}", f"{part[1]} {value[1]}"))
    for name in ("bands", "reviewer"):
        if name in item:
            part, value = PARTS[name], _value(name, item[name])
            parts.append((f"{part[0]} {value[0]}", f"{part[1]} {value[1]}"))
    if "at_least" in item and "count" in item:
        parts.append((f"at least {item['at_least']}", f"至少 {item['at_least']}"))
    return "; ".join(en for en, _zh in parts), "；".join(zh for _en, zh in parts)


def _moved_difference(place: str, before: Sequence[str], after: Sequence[str]) -> Difference:
    old, new = ", ".join(before), ", ".join(after)
    label = PLACES.get(place, (f"order of {place}", f"{place} 的顺序"))
    return Difference(
        place,
        "moved",
        {"zh": f"顺序 {place}：{old} → {new}", "en": f"{label[0]}: {old} → {new}"},
        {"zh": old, "en": old},
        {"zh": new, "en": new},
    )


def _place(path: Path, entry: _ListEntry) -> str:
    inside = ".".join(path[entry.depth :])
    return ".".join(filter(None, (entry.place, inside)))


def _is_bilingual(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"zh", "en"}


def _value(inside: str, value: Any) -> Words:
    """Return a value for people: conditions, names and wordings in quotes, numbers without."""
    if value is None or value == []:
        return "none", "无"
    if isinstance(value, bool):
        return VALUES["true" if value else "false"]
    if inside in CHOICES and value in VALUES:
        return VALUES[value]
    if _is_bilingual(value):
        return f"“{value['en']}”", f"“{value['zh']}”"
    if isinstance(value, dict):
        pairs = [(PARTS.get(key, (key, key)), _value(key, part)) for key, part in value.items()]
        return (
            ", ".join(f"{name[0]} {part[0]}" for name, part in pairs),
            "，".join(f"{name[1]} {part[1]}" for name, part in pairs),
        )
    if isinstance(value, list):
        entries = [_value("", entry) for entry in value]
        return "; ".join(en for en, _zh in entries), "；".join(zh for _en, zh in entries)
    text = str(value)
    quoted = text if _is_number(text) else f"“{text}”"
    return quoted, quoted


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()
