"""Variants: merge a rulebook with the one that it extends, and check that it is not less strict.

A faculty's variant names the university's version (``extends: {code: …, version: …}``) and gives only what differs.
Mappings are merged, lists whose entries have a name are merged by name, everything else is replaced. The result is a
complete rulebook: nothing is looked up when a claim is assessed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from credits.rules.decimals import to_text
from credits.rules.document.rulebook_model import RulebookDocument
from credits.rules.faults import FaultTexts, Path

Library = Mapping[tuple[str, str], str]
"""The texts of the rulebooks that a variant may extend, by code and version (the label or the number, as text)."""

_NAMES = ("id", "kind", "tier", "each")
_OWN = ("code", "label", "about", "variants", "derived_from")
"""Keys that a variant never takes over from its parent."""


def overlay(parent: RulebookDocument, given: dict[str, Any]) -> tuple[dict[str, Any], dict[Path, Path]]:
    """Return the merged plain data, and for each place that the variant gives, its place in the variant's own text."""
    below = {key: value for key, value in json.loads(parent.canonical()).items() if key not in _OWN}
    places: dict[Path, Path] = {}
    return _overlay_mapping(below, given, (), (), places), places


def _overlay_mapping(below: Any, above: Any, path: Path, own: Path, places: dict[Path, Path]) -> Any:
    places[path] = own
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for key, value in above.items():
            merged[key] = _overlay_mapping(below.get(key), value, (*path, key), (*own, key), places)
        return merged
    if (
        isinstance(below, list)
        and isinstance(above, list)
        and _naming_key(below)
        and _naming_key(above) == _naming_key(below)
    ):
        return _overlay_list(below, above, path, own, places)
    for inner in _inside(above):
        places[(*path, *inner)] = (*own, *inner)
    return above


def _overlay_list(
    below: list[Any], above: list[Any], path: Path, own: Path, places: dict[Path, Path]
) -> list[Any]:
    name = _naming_key(below)
    merged = list(below)
    positions = {entry[name]: index for index, entry in enumerate(below)}
    for index, entry in enumerate(above):
        position = positions.get(entry[name], len(merged))
        if position == len(merged):
            merged.append(None)
        merged[position] = _overlay_mapping(merged[position], entry, (*path, position), (*own, index), places)
    return merged


def _naming_key(entries: list[Any]) -> str:
    """Return the key that names the entries. Return an empty text if a name is missing or occurs twice."""
    for name in _NAMES:
        names = [entry.get(name) for entry in entries if isinstance(entry, dict)]
        if len(names) == len(entries) and all(isinstance(entry_name, str) for entry_name in names):
            return name if len(set(names)) == len(names) else ""
    return ""


def _inside(value: Any) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield (key,)
        for rest in _inside(below):
            yield (key, *rest)


_LOWER: tuple[Path, ...] = (
    ("caps", "contribution"),
    ("caps", "repository", "points"),
    ("caps", "repository", "share"),
    ("selection", "best"),
    ("term_cap",),
    ("degree_cap",),
)
"""A variant may lower these, or set them if the parent does not."""

_HIGHER: tuple[Path, ...] = (
    ("maturing_days",),
    ("conversion", "minimum"),
    # These days protect the student, so more of them is stricter.
    ("hearing_days",),
    ("notice", "working_days"),
    ("appeal", "re_review_working_days"),
    ("appeal", "days"),
)

_SAME: tuple[Path, ...] = (
    ("language",),
    ("category",),
    ("units",),
    ("time_zone",),
    ("notice", "mask"),
    ("notice", "audience"),
    ("selection", "within"),
    ("selection", "pay"),
    ("conversion", "points_per_step"),
    ("conversion", "step"),
    ("conversion", "table"),
    ("conversion", "rounding"),
    ("conversion", "remainder"),
    ("grade",),
    ("retention",),
)


def find_loosened(parent: RulebookDocument, variant: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    """Yield each place where the variant is less strict than its parent, with the texts for the author."""
    for path in _LOWER:
        had, has = _at(parent, path), _at(variant, path)
        if had is not None and (has is None or has > had):
            yield path, _limit_texts(had, "or less", "或更低")
    for path in _HIGHER:
        had, has = _at(parent, path), _at(variant, path)
        if has < had:
            yield path, _limit_texts(had, "or more", "或更高")
    for path in _SAME:
        if _at(parent, path) != _at(variant, path):
            yield path, _fixed()
    if parent.merged_since not in ("any", variant.merged_since):
        yield ("merged_since",), _fixed()
    if variant.variants == "free":
        yield ("variants",), _fixed()
    if parent.course is not None and parent.course != variant.course:
        yield ("course",), _fixed()
    yield from _caps(parent, variant)
    yield from _rules(parent, variant)


def _caps(parent: RulebookDocument, variant: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    for key, name in (("periods", "each"), ("kinds", "kind"), ("tiers", "tier")):
        had = {getattr(cap, name): cap.points for cap in getattr(parent.caps, key)}
        if not had.keys() <= {getattr(cap, name) for cap in getattr(variant.caps, key)}:
            # An empty list replaces the parent's list.
            yield ("caps", key), _fixed()
        for index, cap in enumerate(getattr(variant.caps, key)):
            limit = had.get(getattr(cap, name))
            if limit is not None and cap.points > limit:
                yield ("caps", key, index, "points"), _limit_texts(limit, "or less", "或更低")


def _rules(parent: RulebookDocument, variant: RulebookDocument) -> Iterator[tuple[Path, FaultTexts]]:
    stages = {stage.id: stage for stage in parent.review.stages}
    for index, stage in enumerate(variant.review.stages):
        if stage.id in stages and stage.by != stages[stage.id].by:
            yield ("review", "stages", index, "by"), _fixed()
    requirements = {rule.id: rule for rule in parent.requirements}
    for index, requirement in enumerate(variant.requirements):
        if requirement.id in requirements and requirement.when != requirements[requirement.id].when:
            yield ("requirements", index, "when"), _add_another()
    mixes = {mix.id: mix for mix in parent.mix}
    for index, mix in enumerate(variant.mix):
        before = mixes.get(mix.id)
        if before and (mix.when, mix.count) != (before.when, before.count):
            yield ("mix", index), _add_another()
        elif before and mix.at_least < before.at_least:
            yield ("mix", index, "at_least"), _limit_texts(before.at_least, "or more", "或更高")
    factors = {factor.id: factor for factor in parent.factors}
    for index, factor in enumerate(variant.factors):
        original = factors.get(factor.id)
        if original and factor.when != original.when:
            yield ("factors", index), _fixed()
        elif factor.times > (original.times if original else 1):
            most = original.times if original else Decimal(1)
            yield ("factors", index, "times"), _limit_texts(most, "or less", "或更低")
    points = {rule.id: rule for rule in parent.points}
    for index, rule in enumerate(variant.points):
        old = points.get(rule.id)
        if old is None:
            if rule.give is None or rule.give > 0:
                yield ("points", index), _more_points()
            continue
        if (rule.when, rule.bands, rule.formula) != (old.when, old.bands, old.formula):
            yield ("points", index), _fixed()
        elif old.give is not None and (rule.give is None or rule.give > old.give):
            yield ("points", index, "give"), _limit_texts(old.give, "or less", "或更低")
        elif old.reviewer is not None and (
            rule.reviewer is None
            or rule.reviewer.at_most > old.reviewer.at_most
            or rule.reviewer.at_least > old.reviewer.at_least
        ):
            yield ("points", index, "reviewer"), _limit_texts(old.reviewer.at_most, "or less", "或更低")


def _at(rulebook: RulebookDocument, path: Path) -> Any:
    value: Any = rulebook
    for part in path:
        value = getattr(value, str(part))
    return value


def _limit_texts(limit: Decimal | int, direction: str, direction_zh: str) -> FaultTexts:
    number = to_text(limit) if isinstance(limit, Decimal) else str(limit)
    return (
        f"A variant can only make the rulebook stricter: {number} {direction}.",
        "Change it, or remove it.",
        f"此细则只能在所依据的办法上收紧：应为 {number} {direction_zh}。",
        "请修改或删去。",
    )


def _fixed() -> FaultTexts:
    return (
        "A variant can only make the rulebook stricter; the rulebook it extends already sets this.",
        "Remove it.",
        "此细则只能在所依据的办法上收紧；此项已由该办法规定。",
        "请删去。",
    )


def _add_another() -> FaultTexts:
    return (
        "A variant can only make the rulebook stricter; it cannot change this condition.",
        "Add another condition with its own id.",
        "此细则只能在所依据的办法上收紧；此条件已由该办法规定。",
        "请另加一条，并使用新的 id。",
    )


def _more_points() -> FaultTexts:
    return (
        "A variant can only make the rulebook stricter; this would give more points.",
        "Remove it; you can add rules that take points off.",
        "此细则只能在所依据的办法上收紧；此项会增加得分。",
        "请删去；可以增加扣分项。",
    )
