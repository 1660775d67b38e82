"""The local forge's GraphQL schema is a part of GitHub's, with nothing invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import parse, print_ast

from demo.forge.github_graphql import SDL, schema

PUBLISHED = Path(__file__).with_name("published.graphql")
NEWER = {("SearchType", "ISSUE_ADVANCED")}
"""Added by GitHub after 2025-02, the date of the published schema that is compared."""


def _definitions(path: Path) -> dict[str, Any]:
    nodes: tuple[Any, ...] = tuple(parse(path.read_text(encoding="utf-8"), no_location=True).definitions)
    return {node.name.value: node for node in nodes if getattr(node, "name", None) is not None}


OURS, THEIRS = _definitions(SDL), _definitions(PUBLISHED)


def _arguments(field: Any) -> dict[str, tuple[str, str]]:
    return {
        a.name.value: (print_ast(a.type), print_ast(a.default_value) if a.default_value else "")
        for a in field.arguments or ()
    }


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_type_is_as_github_publishes_it(name: str) -> None:
    """Kind, interfaces, members, values, fields, types, nullability, arguments and defaults are the published ones."""
    ours, theirs = OURS[name], THEIRS[name]
    assert ours.kind == theirs.kind
    for part in ("interfaces", "types", "values"):
        mine = {(name, node.name.value) for node in getattr(ours, part, None) or ()}
        published = {(name, node.name.value) for node in getattr(theirs, part, None) or ()}
        assert mine - NEWER <= published
    published_fields = {field.name.value: field for field in getattr(theirs, "fields", None) or ()}
    for field in getattr(ours, "fields", None) or ():
        other = published_fields[field.name.value]
        where = f"{name}.{field.name.value}"
        assert print_ast(field.type) == print_ast(other.type), where
        if hasattr(field, "arguments"):
            assert _arguments(field) == _arguments(other), where
    if ours.kind == "input_object_type_definition":
        assert set(published_fields) == {field.name.value for field in ours.fields}


def test_every_field_has_an_answer() -> None:
    """Making the executable schema fails if a field of the SDL has no resolver."""
    assert schema().query_type is not None
