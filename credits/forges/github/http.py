"""Requests to GitHub through PyGithub's requester, with every failure turned into a typed error.

PyGithub's own retrying is off: it would sleep for as long as a limit lasts, and it knows neither GraphQL limits that
come with status 200 nor a second token. What is tried again, and when, is decided here and above.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from github import Auth, Github, GithubException
from github.Requester import Requester
from requests import RequestException

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
from credits.forges.json_reading import (
    LONGEST_WAIT,
    Clock,
    json_array,
    json_object,
    next_allowed_call,
    parse_time,
)
from credits.forges.protocol import RequestCost
from credits.forges.tokens import Token, TokenPool

USER_AGENT = "yuanfen"

_LIMIT_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})
_LIMIT_MESSAGE = re.compile(r"rate limit|abuse detection|wait a few minutes", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class GraphQLError:
    """One entry of ``errors``; ``path`` is empty when GitHub named no place."""

    type: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """A GraphQL answer that may be partial: look at ``errors`` before believing a null."""

    data: Mapping[str, Any]
    errors: tuple[GraphQLError, ...]

    @property
    def was_too_much(self) -> bool:
        """Whether GitHub left part of it out for the work it would have been."""
        return any(error.type == "RESOURCE_LIMITS_EXCEEDED" for error in self.errors)

    def errors_at(self, *path: str | int) -> tuple[GraphQLError, ...]:
        """The errors at this place or below it."""
        return tuple(error for error in self.errors if error.path[: len(path)] == path)


class GitHubHttp:
    def __init__(
        self, api_url: str, pool: TokenPool, clock: Clock, timeout: float, spent: RequestCost
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._pool = pool
        self._clock = clock
        self._timeout = max(1, round(timeout))
        self._spent = spent
        self._requesters: dict[int, Requester] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for requester in self._requesters.values():
            requester.close()
        self._requesters.clear()

    def rest(self, path: str) -> Mapping[str, Any]:
        """``GET`` of one JSON object; :class:`Missing` where GitHub itself says "Not Found"."""
        _, body = self._send("core", "GET", path, None)
        return json_object(body)

    def graphql(self, query: str, variables: Mapping[str, Any]) -> GraphQLAnswer:
        """Run one query. Raises where nothing can be used; errors that name their place come with the answer."""
        _, body = self._send("graphql", "POST", "", {"query": query, "variables": dict(variables)})
        answer = json_object(body)
        errors = _errors(answer.get("errors"))
        if any(not error.path for error in errors) or not isinstance(answer.get("data"), dict):
            raise forge_unavailable() if errors else malformed_answer()
        data = json_object(answer["data"])
        limit = data.get("rateLimit")
        if isinstance(limit, dict) and isinstance(limit.get("cost"), int):
            self._spent.points += limit["cost"]
        return GraphQLAnswer(data, errors)

    def _send(
        self, resource: str, verb: str, path: str, payload: dict[str, Any] | None
    ) -> tuple[Mapping[str, str], Any]:
        """Ask with one token after another until one is let through; the pool says when there is none left."""
        while True:
            token = self._pool.take(self._clock(), resource)
            try:
                headers, body = self._once(token, verb, path, payload)
            except _GitHubTokenRefused:
                self._pool.refuse(token, self._clock())
                continue
            except _GitHubRateLimited as limited:
                self._rest(token, resource, limited)
                continue
            self._pool.accept(token)
            self._budget(token, body)
            if headers.get("x-ratelimit-remaining", "").strip() == "0":
                self._pool.exhaust(
                    token,
                    next_allowed_call(headers, self._clock()),
                    headers.get("x-ratelimit-resource") or resource,
                )
            return headers, body

    def _budget(self, token: Token, body: object) -> None:
        """Where the points left would not pay for the same question again, the token rests before it is refused."""
        data = body.get("data") if isinstance(body, dict) else None
        limit = data.get("rateLimit") if isinstance(data, dict) else None
        if not isinstance(limit, dict):
            return
        cost, left = limit.get("cost"), limit.get("remaining")
        if isinstance(cost, int) and isinstance(left, int) and left < cost:
            until = parse_time(limit.get("resetAt"))
            now = self._clock()
            self._pool.exhaust(token, max(now, min(until, now + LONGEST_WAIT)), "graphql")

    def _rest(self, token: Token, resource: str, limited: _GitHubRateLimited) -> None:
        until = next_allowed_call(limited.headers, self._clock())
        if limited.primary:
            self._pool.exhaust(token, until, resource)
        else:
            self._pool.slow(token, until)

    def _once(
        self, token: Token, verb: str, path: str, payload: dict[str, Any] | None
    ) -> tuple[Mapping[str, str], Any]:
        self._spent.requests += 1
        failure: ForgeError
        try:
            requester = self._requester(token)
            url = path or requester.graphql_url
            # PyGithub keeps a request on its connection until it is sent: one at a time, as GitHub asks anyway.
            with self._lock:
                headers, body = requester.requestJsonAndCheck(verb, url, input=payload)
        except GithubException as error:
            failure = _typed_error(error)
            if payload is not None and isinstance(failure, MissingOnForge):
                # GraphQL says in its answer what is missing; a 404 there is a wrong address, or trouble.
                failure = forge_unavailable()
        except (
            RequestException,
            OSError,
            ValueError,
            TypeError,
            AttributeError,
            RuntimeError,
            AssertionError,
        ):
            # PyGithub meets answers that are not what it expects with whatever Python raises there.
            failure = forge_unavailable()
        else:
            if payload is not None and isinstance(body, dict) and _has_limit_error(body.get("errors")):
                raise _GitHubRateLimited(headers, primary=True)
            return headers, body
        # Raised here, so that no request object, which holds the token, hangs on to it as context.
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


class _GitHubTokenRefused(ForgeError):
    """The token itself was refused."""

    def __init__(self) -> None:
        super().__init__("forge-token-refused", "")


class _GitHubRateLimited(ForgeError):
    """A limit was met with this token."""

    def __init__(self, headers: Mapping[str, str], *, primary: bool) -> None:
        super().__init__("forge-rate-limited", "")
        self.headers = headers
        self.primary = primary


def _typed_error(error: GithubException) -> ForgeError:
    headers = {str(key).lower(): str(value) for key, value in (error.headers or {}).items()}
    body = error.data if isinstance(error.data, dict) else {}
    message = body.get("message")
    said = message if isinstance(message, str) else ""
    if error.status == 401:
        return _GitHubTokenRefused()
    if error.status in (403, 429):
        exhausted = headers.get("x-ratelimit-remaining", "").strip() == "0"
        if error.status == 429 or exhausted or "retry-after" in headers or _LIMIT_MESSAGE.search(said):
            return _GitHubRateLimited(headers, primary=exhausted and "retry-after" not in headers)
        return forbidden() if said else malformed_answer()
    if error.status == 422 and "no commit found" in said.lower():
        return missing_commit()
    # Only GitHub's own words say that something is gone; a proxy's page with status 404 does not.
    if error.status == 404 and "not found" in said.lower():
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
    """Raise what the errors at one place mean; ``missing`` where GitHub says that there is no such thing."""
    if any(error.type == "NOT_FOUND" for error in errors):
        raise missing
    if errors:
        raise forbidden() if is_forbidden(errors) else forge_unavailable()


def fetch_nodes(http: GitHubHttp, query: str, keys: Sequence[str]) -> list[object | ForgeError]:
    """For each node id its node, or why it did not come; :class:`Missing` only where GitHub says so."""
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
