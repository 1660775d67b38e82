"""The JSON Schema of a rulebook, for editors that complete and check while one types.

It is made from the shapes, so that it never says anything else. What an editor cannot know (types within conditions,
what makes sense together, variants that loosen) is the check's.
"""

from __future__ import annotations

import json
from typing import Any

from credits.rules.document.rulebook_model import RulebookDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMES = ("id", "kind", "tier", "each")
"""Keys that name the entries of lists: what a variant cannot leave out."""

_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
_NUMBER = {"type": ["number", "string"], "pattern": r"^-?\d{1,9}(\.\d{1,6})?$"}


def schema() -> dict[str, Any]:
    """The schema as JSON-safe data. A variant (with ``extends``) may leave out what it takes over."""
    made = RulebookDocument.model_json_schema(mode="validation")
    definitions = {name: _tidy(one) for name, one in made.pop("$defs").items()}
    properties = {name: _tidy(one) for name, one in made["properties"].items()}
    # Written by the resolution of a variant, never by people.
    del properties["derived_from"], definitions["DerivedFrom"]
    extends = {
        "description": "The published rulebook that this one is a variant of; the variant says only what differs.",
        "type": "object",
        "additionalProperties": False,
        "required": ["code", "version"],
        "properties": {"code": properties["code"], "version": {"type": "string", "minLength": 1}},
    }
    return {
        "$schema": DIALECT,
        "title": "Rulebook",
        "description": made["description"],
        "type": "object",
        "properties": {**dict.fromkeys(properties, True), "extends": extends},
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"required": ["code"], "properties": _loose(properties)},
        "else": {"required": made["required"], "properties": properties},
        "$defs": {**definitions, **{f"{name}InVariant": _loose(one) for name, one in definitions.items()}},
    }


def text() -> str:
    """The file that is shipped beside the rulebooks."""
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _tidy(node: Any) -> Any:
    """Without what says nothing to an author: titles, "or null", the ways in which a number arrives."""
    if isinstance(node, list):
        return [_tidy(one) for one in node]
    if not isinstance(node, dict):
        return node
    ways = [way for way in node.get("anyOf", ()) if way.get("type") != "null"]
    if ways:
        rest = {key: value for key, value in node.items() if key not in ("anyOf", "title")}
        types = {way.get("type") for way in ways}
        bounds = ways[0] if types == {"number", "string"} else {}
        inner = dict(_NUMBER) if bounds else _tidy(ways[0])
        return _plain({**inner, **{key: value for key, value in bounds.items() if key != "type"}, **rest})
    return _plain(
        {key: _tidy(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    )


def _plain(node: dict[str, Any]) -> dict[str, Any]:
    named = {_BOUNDS.get(key, key): value for key, value in node.items()}
    if named.get("default", 0) is None or isinstance(named.get("default"), dict | list):
        del named["default"]
    if isinstance(named.get("description"), str):
        named["description"] = " ".join(named["description"].replace("``", "`").split())
    return named


def _loose(node: Any) -> Any:
    """The same where only what names an entry is required."""
    if isinstance(node, list):
        return [_loose(one) for one in node]
    if not isinstance(node, dict):
        return node
    loose = {key: _loose(value) for key, value in node.items() if key not in ("required", "minItems")}
    if isinstance(node.get("required"), list):
        loose["required"] = [name for name in node["required"] if name in _NAMES]
    if isinstance(node.get("$ref"), str):
        loose["$ref"] = f"{node['$ref']}InVariant"
    return loose


if __name__ == "__main__":
    print(text(), end="")
