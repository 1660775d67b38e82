"""The cost of a GraphQL request, and its limits, by GitHub's documented rules.

Points: add up the requests that it would take to fill every connection if each had the requested length (``first`` or
``last``), divide by 100, round, and charge at least one. Nodes: the product of lengths along every path, 500,000 at
most. A connection needs a length from 1 to 100. (GitHub's documentation, rate limits and query limits of GraphQL.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
    value_from_ast_untyped,
)

MOST_NODES = 500_000
MOST_IDS = 100


@dataclass
class QueryPrice:
    """``refusals`` are error entries. The request runs only if there are none."""

    requests: int = 0
    nodes: int = 0
    refusals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def points(self) -> int:
        return max(1, (self.requests + 50) // 100)


def price(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    values: Mapping[str, Any],
) -> QueryPrice:
    """Return the price of a valid operation. ``values`` are its variables, with defaults filled in."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    found = QueryPrice()
    assert schema.query_type is not None
    _walk(schema, schema.query_type, operation.selection_set, 1, ("query",), fragments, values, found)
    if found.nodes > MOST_NODES:
        found.refusals.append(
            {
                "type": "MAX_NODE_LIMIT_EXCEEDED",
                "message": f"This query requests up to {found.nodes:,} possible nodes which exceeds the maximum "
                f"limit of {MOST_NODES:,}.",
            }
        )
    return found


def _walk(
    schema: GraphQLSchema,
    parent: Any,
    selections: SelectionSetNode | None,
    times: int,
    path: tuple[str, ...],
    fragments: Mapping[str, FragmentDefinitionNode],
    values: Mapping[str, Any],
    found: QueryPrice,
) -> None:
    for node in selections.selections if selections else ():
        if isinstance(node, FragmentSpreadNode):
            fragment = fragments[node.name.value]
            kind = schema.get_type(fragment.type_condition.name.value)
            _walk(schema, kind, fragment.selection_set, times, path, fragments, values, found)
        elif isinstance(node, InlineFragmentNode):
            name = node.type_condition
            kind = schema.get_type(name.name.value) if name else parent
            _walk(schema, kind, node.selection_set, times, path, fragments, values, found)
        elif isinstance(node, FieldNode):
            _field(schema, parent, node, times, path, fragments, values, found)


def _field(
    schema: GraphQLSchema,
    parent: Any,
    node: FieldNode,
    times: int,
    path: tuple[str, ...],
    fragments: Mapping[str, FragmentDefinitionNode],
    values: Mapping[str, Any],
    found: QueryPrice,
) -> None:
    definition = getattr(parent, "fields", {}).get(node.name.value)
    if definition is None:
        return
    kind = get_named_type(definition.type)
    name = node.name.value
    here = (*path, node.alias.value if node.alias else name)
    given = {a.name.value: value_from_ast_untyped(a.value, dict(values)) for a in node.arguments or ()}
    inner = times
    if isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
        length = given.get("first") if given.get("first") is not None else given.get("last")
        word = "first" if given.get("first") is not None else "last"
        found.requests += times
        if length is None:
            found.refusals.append(
                {
                    "type": "MISSING_PAGINATION_BOUNDARIES",
                    "path": list(here),
                    "message": "You must provide a `first` or `last` value to properly paginate the "
                    f"`{name}` connection.",
                }
            )
            length = 1
        elif not isinstance(length, int):
            length = 1
        elif not 1 <= length <= 100:
            found.refusals.append(
                {
                    "type": "EXCESSIVE_PAGINATION" if length > 100 else "INVALID_PAGINATION",
                    "path": list(here),
                    "message": f"Requesting {length} records on the `{name}` connection exceeds the `{word}` limit "
                    "of 100 records."
                    if length > 100
                    else f"`{word}` on the `{name}` connection cannot be less than 1.",
                }
            )
            length = 1
        inner = times * length
        found.nodes += inner
    elif parent is schema.query_type and name == "nodes":
        ids = given.get("ids") or []
        if len(ids) > MOST_IDS:
            found.refusals.append(
                {
                    "type": "ARGUMENT_LIMIT",
                    "path": list(here),
                    "message": f"You may not provide more than {MOST_IDS} node ids; you provided {len(ids)}.",
                }
            )
        inner = times * max(1, len(ids))
    if is_composite_type(kind):
        _walk(schema, kind, node.selection_set, inner, here, fragments, values, found)
