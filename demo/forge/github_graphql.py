"""GitHub's GraphQL endpoint: parse, validate, price and execute the request over our part of the schema."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)
from werkzeug.wrappers import Response

from demo.forge import github_shapes as shapes
from demo.forge.github_cost import QueryPrice, price
from demo.forge.github_fields import CONNECTION, EDGE, FIELDS
from demo.forge.github_objects import QueryRefusal, type_name
from demo.forge.http import ForgeCall, StopWithResponse, answer

SDL = Path(__file__).with_name("github.graphql")


def _from_dict(source: Any, info: Any, **arguments: Any) -> Any:
    return source[info.field_name]


def _python_name(name: str) -> str:
    """``orderBy`` is ``order_by`` to a resolver; a name of a builtin gets an underscore."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return f"{snake}_" if snake in ("id", "type", "from") else snake


@functools.cache
def schema() -> GraphQLSchema:
    """Return the executable schema. A field of the SDL without a resolver is an error here, not at the first query."""
    made = build_schema(SDL.read_text(encoding="utf-8"))
    for name, kind in made.type_map.items():
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            kind.resolve_type = lambda value, info, abstract: type_name(value)
        elif isinstance(kind, GraphQLScalarType) and name in ("DateTime", "GitTimestamp"):
            kind.coerce_output_value = shapes.stamp
        elif isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            answers = FIELDS.get(name)
            if answers is None and name.endswith("Connection"):
                answers = CONNECTION
            elif answers is None and name.endswith("Edge"):
                answers = EDGE
            for field_name, field in kind.fields.items():
                field.resolve = _from_dict if answers is None else answers[field_name]
                for argument_name, argument in field.args.items():
                    argument.out_name = _python_name(argument_name)
    return made


@functools.lru_cache(maxsize=256)
def _prepared(text: str) -> tuple[DocumentNode | None, list[dict[str, Any]]]:
    """Return the document, and its errors that do not depend on variables."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [{"message": error.message, "locations": _locations(error)}]
    wrong = validate(schema(), document)
    return document, [{"message": e.message, "locations": _locations(e)} for e in wrong]


def _locations(error: GraphQLError) -> list[dict[str, int]]:
    return [{"line": at.line, "column": at.column} for at in error.locations or ()]


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    found = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if name:
        found = [d for d in found if d.name is not None and d.name.value == name]
    return found[0] if len(found) == 1 else None


def _values(operation: OperationDefinitionNode, given: dict[str, Any]) -> dict[str, Any]:
    """Return the variables, with defaults for those that were not given."""
    values = {
        d.variable.name.value: value_from_ast_untyped(d.default_value)
        for d in operation.variable_definitions or ()
        if d.default_value is not None
    }
    return values | given


def _dry(operation: OperationDefinitionNode, values: dict[str, Any]) -> bool:
    """Whether only the price is asked for (``rateLimit(dryRun: true)``)."""
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode) and node.name.value == "rateLimit":
            for argument in node.arguments or ():
                if value_from_ast_untyped(argument.value, values):
                    return True
    return False


def graphql(call: ForgeCall) -> Response:
    """Answer POST /graphql. The status is 200 whatever is wrong with the query, as on GitHub."""
    if call.grant is None:
        raise StopWithResponse(401, {"message": "This endpoint requires you to be authenticated."})
    body = call.request.get_json(silent=True)
    if not isinstance(body, dict):
        raise StopWithResponse(400, {"message": "Problems parsing JSON"})
    text, given = body.get("query"), body.get("variables") or {}
    if not isinstance(text, str) or not isinstance(given, dict):
        return answer({"errors": [{"message": "A query attribute must be specified and must be a string."}]})
    document, wrong = _prepared(text)
    operation = _operation(document, body.get("operationName")) if document else None
    if document is None or wrong or operation is None:
        return answer({"errors": wrong or [{"message": "An operation name is required"}]})
    values = _values(operation, given)
    cost = price(schema(), document, operation, values)
    if cost.refusals:
        return answer({"errors": cost.refusals})
    dry = _dry(operation, values)
    budget = call.local.limits.spend("graphql", call.caller, 0 if dry else cost.points, call.now)
    _budget_headers(call, budget)
    if not budget.allowed:
        call.not_before = budget.reset
        message = f"API rate limit exceeded for user ID {call.grant.account.id}."
        return answer({"errors": [{"type": "RATE_LIMITED", "message": message}]})
    call.points = 0 if dry else cost.points
    if dry:
        document = _only_rate_limit(document, operation)
    return answer(_executed(call, document, body.get("operationName"), given, cost, budget))


def _only_rate_limit(document: DocumentNode, operation: OperationDefinitionNode) -> DocumentNode:
    """Return the document without its other root fields."""
    kept = [
        node
        for node in operation.selection_set.selections
        if isinstance(node, FieldNode) and node.name.value == "rateLimit"
    ]
    asked = dataclasses.replace(operation.selection_set, selections=tuple(kept))
    cut = dataclasses.replace(operation, selection_set=asked)
    definitions = tuple(cut if node is operation else node for node in document.definitions)
    return dataclasses.replace(document, definitions=definitions)


def _budget_headers(call: ForgeCall, budget: Any) -> None:
    call.headers |= {
        "x-ratelimit-limit": str(budget.limit),
        "x-ratelimit-remaining": str(budget.remaining),
        "x-ratelimit-used": str(budget.used),
        "x-ratelimit-reset": str(int(budget.reset.timestamp())),
        "x-ratelimit-resource": "graphql",
    }


def _executed(
    call: ForgeCall,
    document: DocumentNode,
    name: str | None,
    given: dict[str, Any],
    cost: QueryPrice,
    budget: Any,
) -> dict[str, Any]:
    limit = {
        "cost": cost.points,
        "limit": budget.limit,
        "nodeCount": cost.nodes,
        "remaining": budget.remaining,
        "resetAt": budget.reset,
        "used": budget.used,
    }
    with call.local.world.lock:
        result = execute_sync(
            schema(),
            document,
            root_value={"rateLimit": limit},
            context_value=call,
            variable_values=given,
            operation_name=name,
        )
    shown: dict[str, Any] = {"data": result.data}
    if result.errors:
        shown["errors"] = [_entry(error) for error in result.errors]
    return shown


def _entry(error: GraphQLError) -> dict[str, Any]:
    cause = error.original_error
    if cause is not None and not isinstance(cause, QueryRefusal | GraphQLError):
        raise cause
    entry: dict[str, Any] = {"type": cause.kind} if isinstance(cause, QueryRefusal) else {}
    if error.path:
        entry["path"] = error.path
    return {**entry, "locations": _locations(error), "message": error.message}
