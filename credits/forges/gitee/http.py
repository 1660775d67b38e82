"""Requests to Gitee's API v5, with every failure turned into a typed error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from credits.forges.errors import (
    ForgeError,
    ForgeUnavailable,
    MissingOnForge,
    forbidden,
    forge_unavailable,
    malformed_answer,
    missing_repository,
)
from credits.forges.json_reading import Clock, json_object, next_allowed_call
from credits.forges.protocol import RequestCost
from credits.forges.tokens import Token, TokenPool

USER_AGENT = "yuanfen"
ROWS_A_PAGE = 100

_ATTEMPTS = 3
_PATIENCE = 12
_HOPS = 5
_LIMIT_MESSAGE = re.compile(r"rate limit|too many|limit exceeded|频繁|超过.*限制|访问限制", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of a listing; ``more``: the forge has further pages."""

    rows: list[Mapping[str, Any]]
    more: bool


class GiteeHttp:
    def __init__(
        self, api_url: str, pool: TokenPool, clock: Clock, timeout: float, spent: RequestCost
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._pool = pool
        self._clock = clock
        self._timeout = timeout
        self._spent = spent
        self._failures = 0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        # With an auth of our own, requests does not put one from a .netrc file in place of the token.
        self._session.auth = lambda request: request

    def close(self) -> None:
        self._session.close()

    @property
    def is_down(self) -> bool:
        """Whether so many requests failed in a row that it is the forge, not the thing asked for."""
        return self._failures >= _PATIENCE

    def forget_failures(self) -> None:
        self._failures = 0

    def get(self, path: str, params: Mapping[str, str] | None = None) -> tuple[Mapping[str, str], Any]:
        """Headers (lower-case names) and the JSON body. A passing fault is tried again at once, a few times.

        Gitee is known to answer 404 without cause, so that something is missing must be said twice.
        """
        was_missing = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                headers, body = self._send(path, dict(params or {}))
            except ForgeUnavailable:
                self._failures += 1
                if attempt == _ATTEMPTS or self.is_down:
                    raise
            except MissingOnForge:
                self._failures = 0
                if was_missing:
                    raise
                was_missing = True
            else:
                self._failures = 0
                return headers, body
        raise forge_unavailable()

    def page(self, path: str, params: Mapping[str, str], page: int, size: int = ROWS_A_PAGE) -> ListingPage:
        """One page, counted from 1, of a listing of objects."""
        headers, body = self.get(path, {**params, "page": str(page), "per_page": str(size)})
        if not isinstance(body, list):
            raise malformed_answer()
        rows = [json_object(row) for row in body]
        pages = headers.get("total_page", "").strip()
        if not pages.isdecimal():
            return ListingPage(rows, len(rows) >= size)
        more = page < int(pages)
        if more and not rows:
            # "Nothing here, and more to come" is no answer.
            raise malformed_answer()
        return ListingPage(rows, more)

    def _send(self, path: str, params: dict[str, str]) -> tuple[Mapping[str, str], Any]:
        """Ask with one token after another until one is let through; the pool says when there is none left."""
        while True:
            token = self._pool.take(self._clock())
            try:
                headers, body = self._follow(token, f"{self._api_url}{path}", params)
            except _GiteeTokenRefused:
                self._pool.refuse(token, self._clock())
                continue
            except _GiteeRateLimited as limited:
                until = next_allowed_call(limited.headers, self._clock())
                if limited.primary:
                    self._pool.exhaust(token, until)
                else:
                    self._pool.slow(token, until)
                continue
            self._pool.accept(token)
            if headers.get("x-ratelimit-remaining", "").strip() == "0":
                self._pool.exhaust(token, next_allowed_call(headers, self._clock()))
            return headers, body

    def _follow(self, token: Token, url: str, params: dict[str, str]) -> tuple[Mapping[str, str], Any]:
        """Follow the redirects of renamed things by hand: the question must stay the same on the way, and the token
        must not leave the forge."""
        for _ in range(_HOPS):
            response = self._once(token, url, params)
            if response.status_code not in (301, 302, 307, 308):
                return _parse_response(response)
            target = urlsplit(urljoin(url, response.headers.get("Location", "")))
            here = urlsplit(url)
            if (target.scheme, target.netloc) != (here.scheme, here.netloc) or not response.headers.get(
                "Location"
            ):
                raise forge_unavailable()
            params = {**dict(parse_qsl(target.query)), **params}
            url = target._replace(query="", fragment="").geturl()
        raise forge_unavailable()

    def _once(self, token: Token, url: str, params: Mapping[str, str]) -> requests.Response:
        self._spent.requests += 1
        try:
            return self._session.get(
                url,
                params=dict(params),
                headers={"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.RequestException, OSError, ValueError):
            failure = forge_unavailable()
        # Raised here, so that no request object, which holds the token, hangs on to it as context.
        raise failure


class _GiteeTokenRefused(ForgeError):
    """The token itself was refused."""

    def __init__(self) -> None:
        super().__init__("forge-token-refused", "")


class _GiteeRateLimited(ForgeError):
    """A limit was met with this token."""

    def __init__(self, headers: Mapping[str, str], *, primary: bool) -> None:
        super().__init__("forge-rate-limited", "")
        self.headers = headers
        self.primary = primary


def _parse_response(response: requests.Response) -> tuple[Mapping[str, str], Any]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body: Any = None
    try:
        body = response.json()
    except ValueError:
        failure = malformed_answer() if response.ok else forge_unavailable()
    else:
        failure = forge_unavailable()
    if response.status_code == 200 and body is not None:
        return headers, body
    raise _typed_error(response.status_code, headers, body) or failure


def _typed_error(status: int, headers: Mapping[str, str], body: object) -> ForgeError | None:
    """What the status means, together with what Gitee said; ``None`` where that is no answer of Gitee's."""
    said = _error_text(body)
    if status == 401:
        return _GiteeTokenRefused() if said else None
    if status in (403, 429):
        exhausted = headers.get("x-ratelimit-remaining", "").strip() == "0"
        if status == 429 or exhausted or "retry-after" in headers or _LIMIT_MESSAGE.search(said):
            return _GiteeRateLimited(headers, primary=exhausted and "retry-after" not in headers)
        return forbidden() if said else None
    # A proxy's page with status 404 does not make anything disappear.
    if status == 404 and said:
        return missing_repository()
    return None


def _error_text(body: object) -> str:
    """The words of an error: ``message``, or ``error`` as text or as an object of lists."""
    if not isinstance(body, dict):
        return ""
    return " ".join(str(body[key]) for key in ("message", "error", "error_description") if body.get(key))
