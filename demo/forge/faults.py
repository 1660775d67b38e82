"""Faults that tests switch on: the ways in which real forges fail, in one table by kind.

A fault applies to the next ``times`` requests that match it, or (``probability``) to a share of them, drawn from a
seeded generator. If several faults apply, the first one is used.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Response

from demo.forge.http import ForgeCall, answer


class ConnectionCut(ConnectionResetError):
    """Raised to cut the connection without an answer."""


@dataclass
class PlayedFault:
    """A fault that waits for requests. ``times`` None: without end. ``details`` belong to the kind (``retry_after``,
    ``shape``, ``seconds``, ``status``)."""

    kind: str
    forge: str | None = None
    path: str = ""
    times: int | None = 1
    probability: float = 1.0
    when: Callable[[ForgeCall], bool] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    generator: random.Random = field(default_factory=random.Random)

    def applies(self, call: ForgeCall) -> bool:
        if self.times == 0 or self.forge not in (None, call.forge) or self.path not in call.request.path:
            return False
        if self.kind.startswith("graphql_") and not call.request.path.endswith("/graphql"):
            return False
        if self.when is not None and not self.when(call):
            return False
        return self.probability >= 1 or self.generator.random() < self.probability


class PlayedFaults:
    """The active faults, in the order in which they were switched on."""

    def __init__(self) -> None:
        self._faults: list[PlayedFault] = []
        self._lock = threading.Lock()

    def add(
        self,
        kind: str,
        *,
        forge: str | None = None,
        path: str = "/api/",
        times: int | None = 1,
        probability: float | None = None,
        seed: int = 0,
        when: Callable[[ForgeCall], bool] | None = None,
        **details: Any,
    ) -> PlayedFault:
        """Switch a fault on. With a ``probability`` it has no end unless ``times`` is above 1."""
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind}; there are {', '.join(sorted(KINDS))}")
        if probability is not None and times == 1:
            times = None
        share = 1.0 if probability is None else probability
        fault = PlayedFault(kind, forge, path, times, share, when, details, random.Random(seed))
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def take(self, call: ForgeCall) -> PlayedFault | None:
        """Return the fault for this call and count it, or return None."""
        with self._lock:
            for fault in self._faults:
                if fault.applies(call):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None


def suffer(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    """Return the answer under a fault. ``respond`` makes the correct answer if the kind needs it."""
    return KINDS[fault.kind](fault, call, respond)


_Kind = Callable[[PlayedFault, ForgeCall, Callable[[], Response]], Response]


def _status(code: int, text: str) -> _Kind:
    def fail(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
        page = f"<!DOCTYPE html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
        return Response(page, code, content_type="text/html; charset=utf-8")

    return fail


def _reset(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    raise ConnectionCut("reset by the forge")


def _truncated(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    whole = respond()
    whole.set_data(whole.get_data()[: max(1, len(whole.get_data()) * 2 // 3)])
    return whole


def _cut(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    """End the body before the announced length."""
    whole = respond()
    data = whole.get_data()
    whole.set_data(data[: len(data) // 2])
    whole.headers["Content-Length"] = str(len(data))
    whole.headers["Connection"] = "close"
    return whole


def _html(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    page = "<!DOCTYPE html><html><body><h1>Please wait</h1><p>Checking your browser…</p></body></html>"
    return Response(page, 200, content_type="text/html; charset=utf-8")


def _empty(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    return Response("", 200, content_type="application/json; charset=utf-8")


def _graphql_rate(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    """Return HTTP 200 with an error of one of the two type names that were seen at GitHub."""
    if fault.details.get("shape", "RATE_LIMITED") == "RATE_LIMITED":
        error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}
    else:
        error = {
            "type": "RATE_LIMIT",
            "code": "graphql_rate_limit",
            "message": "API rate limit already exceeded for user ID 1.",
        }
    return answer({"errors": [error]}, headers=_exhausted(fault, call, "graphql"))


def _graphql_resources(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    """Return partial data, as under the server's own limits: the correct answer without its first field."""
    whole = json.loads(respond().get_data())
    data = whole.get("data") or {}
    field = next(iter(data), None)
    if field is not None:
        data[field] = None
    whole.setdefault("errors", []).append(
        {
            "type": "RESOURCE_LIMITS_EXCEEDED",
            "path": [field],
            "message": "Resource limits for this query exceeded.",
        }
    )
    return answer(whole)


def _exhausted(fault: PlayedFault, call: ForgeCall, resource: str) -> dict[str, str]:
    reset = call.now + timedelta(seconds=fault.details.get("seconds", 60))
    call.not_before = reset
    return {
        "x-ratelimit-limit": "5000",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-used": "5000",
        "x-ratelimit-reset": str(_ceil(reset)),
        "x-ratelimit-resource": resource,
    }


def _ceil(moment: datetime) -> int:
    return int(moment.timestamp()) + (moment.microsecond > 0)


def _primary(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    body = {
        "message": "API rate limit exceeded for user ID 1.",
        "documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api",
    }
    status = fault.details.get("status", 403 if call.forge == "github" else 429)
    return answer(body, status, _exhausted(fault, call, "core"))


def _secondary(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    """Without ``retry_after`` the caller has to wait at least a minute (GitHub's documentation)."""
    wait = fault.details.get("retry_after")
    call.not_before = call.now + timedelta(seconds=60 if wait is None else wait)
    headers = {} if wait is None else {"retry-after": str(wait)}
    if call.forge != "github":
        return answer({"message": "Too Many Requests"}, 429, headers)
    body = {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        "documentation_url": "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
    }
    return answer(body, 403, headers)


def _slow(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    time.sleep(fault.details.get("seconds", 1))
    return respond()


def _not_found(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    return answer({"message": "Not Found"}, 404)


def _unauthorised(fault: PlayedFault, call: ForgeCall, respond: Callable[[], Response]) -> Response:
    return answer({"message": "Bad credentials" if call.forge == "github" else "401 Unauthorized"}, 401)


KINDS: dict[str, _Kind] = {
    "http_500": _status(500, "500 Internal Server Error"),
    "http_502": _status(502, "502 Bad Gateway"),
    "http_503": _status(503, "503 Service Unavailable"),
    "http_504": _status(504, "504 Gateway Timeout"),
    "reset": _reset,
    "truncated_json": _truncated,
    "cut_body": _cut,
    "html_200": _html,
    "empty_200": _empty,
    "graphql_rate_limited": _graphql_rate,
    "graphql_resource_limits": _graphql_resources,
    "primary_limit": _primary,
    "secondary_limit": _secondary,
    "slow": _slow,
    "not_found": _not_found,
    "unauthorized": _unauthorised,
}
