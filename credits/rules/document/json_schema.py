"""The JSON Schema of a rulebook, for editors that complete and check the text while a person types.

It is generated from ``rulebook_model``, so the two cannot differ. The check finds what an editor cannot know: types in
conditions, values that make no sense together, variants that are less strict.
"""

from __future__ import annotations

import json
from typing import Any

from credits.rules.document.rulebook_model import RulebookDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NAMES = ("id", "kind", "tier", "each")
"""Keys that name the entries of lists. A variant cannot leave them out."""

_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
_NUMBER = {"type": ["number", "string"], "pattern": r"^-?\d{1,9}(\.\d{1,6})?$"}


def schema() -> dict[str, Any]:
    """Return the schema as JSON-safe data. A variant (a text with ``extends``) may leave out what it takes over."""
    generated = RulebookDocument.model_json_schema(mode="validation")
    definitions = {name: _tidy(part) for name, part in generated.pop("$defs").items()}
    properties = {name: _tidy(part) for name, part in generated["properties"].items()}
    # The resolution of a variant writes this key, people never do.
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
        "description": generated["description"],
        "type": "object",
        "properties": {**dict.fromkeys(properties, True), "extends": extends},
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"required": ["code"], "properties": _without_required(properties)},
        "else": {"required": generated["required"], "properties": properties},
        "$defs": {
            **definitions,
            **{f"{name}InVariant": _without_required(part) for name, part in definitions.items()},
        },
    }


def text() -> str:
    """Return the text of ``rulebooks/schema.json``."""
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _tidy(node: Any) -> Any:
    """Return the schema without what does not help an author: titles, "or null", the input types of a number."""
    if isinstance(node, list):
        return [_tidy(part) for part in node]
    if not isinstance(node, dict):
        return node
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        rest = {key: value for key, value in node.items() if key not in ("anyOf", "title")}
        types = {option.get("type") for option in options}
        bounds = options[0] if types == {"number", "string"} else {}
        inner = dict(_NUMBER) if bounds else _tidy(options[0])
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


def _without_required(node: Any) -> Any:
    """Return the schema for variants: only the keys that name an entry are required."""
    if isinstance(node, list):
        return [_without_required(part) for part in node]
    if not isinstance(node, dict):
        return node
    variant = {
        key: _without_required(value) for key, value in node.items() if key not in ("required", "minItems")
    }
    if isinstance(node.get("required"), list):
        variant["required"] = [name for name in node["required"] if name in _NAMES]
    if isinstance(node.get("$ref"), str):
        variant["$ref"] = f"{node['$ref']}InVariant"
    return variant


if __name__ == "__main__":
    print(text(), end="")
