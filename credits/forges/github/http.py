"""Requests to GitHub through PyGithub's requester, with every failure turned into a typed error.

PyGithub's own retries are off. It would sleep for as long as a limit lasts, and it knows neither GraphQL limits that
come with status 200 nor a second token. This module and its callers decide what to retry, and when.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from github import Auth, Github, GithubException
from github.Requester import Requester

from credits.forges.errors import (
    ForgeError,
    MissingOnForge,
    forbidden,
    forge_unavailable,
    malformed_answer,
    missing_account,
    missing_change,
    missing_commit,
)
from credits.forges.http import (
    TRANSPORT_FAILURES,
    USER_AGENT,
    Answer,
    ForgeHttp,
    LimitReached,
    TokenRejected,
    limit_reached,
    lower_case_names,
)
from credits.forges.json_reading import LONGEST_WAIT, Clock, json_array, json_object, parse_time
from credits.forges.protocol import RequestCost
from credits.forges.tokens import Token, TokenPool

_FAILURES: tuple[type[Exception], ...] = (
    *TRANSPORT_FAILURES,
    TypeError,
    AttributeError,
    RuntimeError,
    AssertionError,
)
"""PyGithub does not check answers: an unexpected one raises whatever Python raises at that place."""

_LIMIT_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_LIMIT_MESSAGE = re.compile(r"rate limit|abuse detection|wait a few minutes", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """One entry of ``errors``. ``path`` is empty if GitHub named no place."""

    type: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """A GraphQL answer that may be partial: check ``errors`` before you believe a null."""

    data: Mapping[str, Any]
    errors: tuple[GraphQLError, ...]

    @property
    def was_too_much(self) -> bool:
        """Whether GitHub left out a part because the query was too much work."""
        return any(error.type == "RESOURCE_LIMITS_EXCEEDED" for error in self.errors)

    def errors_at(self, *path: str | int) -> tuple[GraphQLError, ...]:
        """Return the errors at this place or below it."""
        return tuple(error for error in self.errors if error.path[: len(path)] == path)


class GitHubHttp(ForgeHttp):
    """Requests to GitHub's REST and GraphQL interfaces. ``timeout`` is in seconds for each request."""

    def __init__(
        self, api_url: str, pool: TokenPool, clock: Clock, timeout: float, spent: RequestCost
    ) -> None:
        super().__init__(api_url, pool, clock, spent)
        self._timeout = max(1, round(timeout))
        self._requesters: dict[int, Requester] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for requester in self._requesters.values():
            requester.close()
        self._requesters.clear()

    def rest(self, path: str) -> Mapping[str, Any]:
        """Get one JSON object. Raise :class:`MissingOnForge` only where GitHub itself says "Not Found"."""
        _, body = self.send_with_token(lambda token: self._once(token, "GET", path, None))
        return json_object(body)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
        """Run one query. Raise if nothing in the answer can be used; errors that name their place come with it."""
        payload = {"query": query, "variables": dict(variables)}
        _, body = self.send_with_token(lambda token: self._once(token, "POST", "", payload), "graphql")
        answer = json_object(body)
        errors = _errors(answer.get("errors"))
        if any(not error.path for error in errors) or not isinstance(answer.get("data"), dict):
            raise forge_unavailable() if errors else malformed_answer()
        data = json_object(answer["data"])
        limit = data.get("rateLimit")
        if isinstance(limit, dict) and isinstance(limit.get("cost"), int):
            self._spent.points += limit["cost"]
        return GraphQLAnswer(data, errors)

    def note_quota(self, token: Token, resource: str, headers: Mapping[str, str], body: object) -> None:
        """GitHub may count a request against another quota than the one expected, and says so in a header."""
        self._note_points(token, body)
        super().note_quota(token, headers.get("x-ratelimit-resource") or resource, headers, body)

    def _note_points(self, token: Token, body: object) -> None:
        """Let the token rest before GitHub refuses it: when the points left do not pay for the same query again."""
        data = body.get("data") if isinstance(body, dict) else None
        limit = data.get("rateLimit") if isinstance(data, dict) else None
        if not isinstance(limit, dict):
            return
        cost, left = limit.get("cost"), limit.get("remaining")
        if isinstance(cost, int) and isinstance(left, int) and left < cost:
            until = parse_time(limit.get("resetAt"))
            now = self._clock()
            self._pool.exhaust(token, max(now, min(until, now + LONGEST_WAIT)), "graphql")

    def _once(self, token: Token, verb: str, path: str, payload: dict[str, Any] | None) -> Answer:
        self._spent.requests += 1
        failure: ForgeError
        try:
            requester = self._requester(token)
            url = path or requester.graphql_url
            # PyGithub stores a request on its connection until it is sent. So send one at a time; GitHub asks for
            # this anyway.
            with self._lock:
                headers, body = requester.requestJsonAndCheck(verb, url, input=payload)
        except GithubException as error:
            failure = _typed_error(error)
            if payload is not None and isinstance(failure, MissingOnForge):
                # GraphQL says in its answer what is missing. A 404 there is a wrong address or a failure.
                failure = forge_unavailable()
        except _FAILURES:
            failure = forge_unavailable()
        else:
            if payload is not None and isinstance(body, dict) and _has_limit_error(body.get("errors")):
                raise LimitReached(headers, primary=True)
            return headers, body
        # Raise here, outside "except": the exception's context would otherwise hold the request with its token.
        raise failure

    def _requester(self, token: Token) -> Requester:
        requester = self._requesters.get(token.number)
        if requester is None:
            requester = Github(
                base_url=self._api_url,
                auth=Auth.Token(token.reveal()),
                timeout=self._timeout,
                user_agent=USER_AGENT,
                per_page=100,
                retry=0,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
            self._requesters[token.number] = requester
        return requester


def _typed_error(error: GithubException) -> ForgeError:
    body = error.data if isinstance(error.data, dict) else {}
    text = body.get("message")
    message = text if isinstance(text, str) else ""
    limit = limit_reached(error.status, lower_case_names(error.headers or {}), message, _LIMIT_MESSAGE)
    if limit is not None:
        return limit
    if error.status == 401:
        return TokenRejected()
    if error.status == 403:
        return forbidden() if message else malformed_answer()
    if error.status == 422 and "no commit found" in message.lower():
        return missing_commit()
    # Only GitHub's own message says that something is gone. A proxy's page with status 404 does not.
    if error.status == 404 and "not found" in message.lower():
        return missing_account()
    return forge_unavailable()


def _has_limit_error(errors: object) -> bool:
    if not isinstance(errors, list):
        return False
    return any(
        isinstance(entry, dict)
        and (entry.get("type") in _LIMIT_TYPES or "rate limit" in str(entry.get("message", "")).lower())
        for entry in errors
    )


def _errors(value: object) -> tuple[GraphQLError, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise malformed_answer()
    return tuple(_error(json_object(entry)) for entry in value)


def _error(entry: Mapping[str, Any]) -> GraphQLError:
    path = entry.get("path")
    steps: Sequence[Any] = path if isinstance(path, list) else ()
    return GraphQLError(
        str(entry.get("type") or ""), tuple(step for step in steps if isinstance(step, str | int))
    )


def is_forbidden(errors: Sequence[GraphQLError]) -> bool:
    return any(error.type in ("FORBIDDEN", "INSUFFICIENT_SCOPES") for error in errors)


def raise_errors(errors: Sequence[GraphQLError], missing: MissingOnForge) -> None:
    """Raise what the errors at one place mean; ``missing`` if GitHub says that there is no such thing."""
    if any(error.type == "NOT_FOUND" for error in errors):
        raise missing
    if errors:
        raise forbidden() if is_forbidden(errors) else forge_unavailable()


def fetch_nodes(http: GitHubHttp, query: str, keys: Sequence[str]) -> list[object | ForgeError]:
    """Return for each node id its node, or the error; :class:`MissingOnForge` only if GitHub says so."""
    answer = http.graphql(query, {"ids": list(keys)})
    nodes = json_array(answer.data.get("nodes"))
    if len(nodes) != len(keys) or any(len(error.path) < 2 for error in answer.errors):
        raise malformed_answer()
    return [_node_or_error(node, answer.errors_at("nodes", i)) for i, node in enumerate(nodes)]


def _node_or_error(node: object, errors: Sequence[GraphQLError]) -> object | ForgeError:
    if any(error.type == "NOT_FOUND" and len(error.path) == 2 for error in errors):
        return missing_change()
    if errors:
        return forbidden() if is_forbidden(errors) else forge_unavailable()
    return node
