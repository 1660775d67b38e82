"""Helpers that the resolvers of GraphQL fields are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLResolveInfo

from demo.forge.http import ForgeCall
from demo.forge.model import LocalAccount, LocalPullRequest

Resolver = Callable[..., Any]


def call_of(info: GraphQLResolveInfo) -> ForgeCall:
    found: ForgeCall = info.context
    return found


def living(account: LocalAccount | None) -> LocalAccount | None:
    return None if account is None or account.deleted else account


def web(info: GraphQLResolveInfo, path: str) -> str:
    return call_of(info).address + path


def pull_path(pull: LocalPullRequest) -> str:
    return f"/{pull.repository.full_name}/pull/{pull.number}"


def of(function: Callable[[Any], Any]) -> Resolver:
    """Return a resolver for a field that needs only its object."""
    return lambda source, info, **arguments: function(source)


def at(path: Callable[[Any], str], *, on_web: bool) -> Resolver:
    return lambda source, info, **arguments: web(info, path(source)) if on_web else path(source)


def place_fields(path: Callable[[Any], str]) -> dict[str, Resolver]:
    return {"resourcePath": at(path, on_web=False), "url": at(path, on_web=True)}
