"""What every route shares: the call, its answer in JSON, and errors that end a call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from demo.forge.credentials import ForgeCredentials, TokenGrant
from demo.forge.limits import ForgeLimits
from demo.forge.log import RequestLog
from demo.forge.model import ForgeName
from demo.forge.world import ForgeWorld


class FaultPlan(Protocol):
    """The faults that a forge plays, as its control page changes them (see ``demo.forge.faults``)."""

    def add(self, kind: str, **options: Any) -> Any:
        """Play a fault of this kind from now on."""

    def clear(self) -> None:
        """Stop playing faults."""


class ForgeState(Protocol):
    """What a route may use of the local forge that serves it."""

    world: ForgeWorld
    credentials: ForgeCredentials
    limits: ForgeLimits
    log: RequestLog
    featured: list[str]

    @property
    def faults(self) -> FaultPlan:
        """The faults that are played now."""

    def web_url(self, forge: ForgeName) -> str:
        """Return the address of a forge's web pages, without a slash at the end."""

    def api_url(self, forge: ForgeName) -> str:
        """Return the address of a forge's API, without a slash at the end."""


@dataclass
class ForgeCall:
    """One request. ``address`` is the forge's web address, ``api`` its API's; ``grant`` None: anonymous."""

    local: ForgeState
    request: Request
    forge: ForgeName
    now: datetime
    grant: TokenGrant | None = None
    points: int = 0
    not_before: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.local.web_url(self.forge)

    @property
    def api(self) -> str:
        return self.local.api_url(self.forge)

    @property
    def caller(self) -> str:
        return f"user:{self.grant.account.id}" if self.grant else f"address:{self.request.remote_addr}"


class StopWithResponse(Exception):
    """End a call with this answer."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.response = answer(body, status, headers)


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return JSON as both forges send it: UTF-8, unescaped."""
    response = Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status,
        content_type="application/json; charset=utf-8",
    )
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def number(call: ForgeCall, name: str, default: int, most: int | None = None) -> int:
    """Return a positive number from the query. Anything else gives the default, as the real forges do."""
    try:
        value = int(call.request.args.get(name, default))
    except ValueError:
        value = default
    value = default if value < 1 else value
    return value if most is None else min(value, most)


def link(call: ForgeCall, page: int, last: int, path: str | None = None) -> str:
    """Return the ``Link`` header: first, prev, next, last, as far as such pages exist."""
    where = call.api + (path if path is not None else _own_path(call))
    pages = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    wanted = [name for name, at in pages.items() if 1 <= at <= last and at != page]
    parts = []
    for name in wanted:
        query = {**call.request.args.to_dict(), "page": str(pages[name])}
        query.pop("access_token", None)
        parts.append(f'<{where}?{urlencode(query)}>; rel="{name}"')
    return ", ".join(parts)


def _own_path(call: ForgeCall) -> str:
    return call.request.path.partition("/api/v3" if call.forge == "github" else "/api/v5")[2]
