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
from credits.forges.http import (
    TRANSPORT_FAILURES,
    USER_AGENT,
    Answer,
    ForgeHttp,
    TokenRejected,
    limit_reached,
    lower_case_names,
)
from credits.forges.json_reading import Clock, json_object
from credits.forges.protocol import RequestCost
from credits.forges.tokens import Token, TokenPool

ROWS_A_PAGE = 100

_ATTEMPTS = 3
_PATIENCE = 12
_HOPS = 5
_LIMIT_MESSAGE = re.compile(r"rate limit|too many|limit exceeded|频繁|超过.*限制|访问限制", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of a listing. ``more``: the forge has further pages."""

    rows: list[Mapping[str, Any]]
    more: bool


class GiteeHttp(ForgeHttp):
    """Requests to Gitee's REST interface. ``timeout`` is in seconds for each request."""

    def __init__(
        self, api_url: str, pool: TokenPool, clock: Clock, timeout: float, spent: RequestCost
    ) -> None:
        super().__init__(api_url, pool, clock, spent)
        self._timeout = timeout
        self._failures = 0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = USER_AGENT
        # If a session has its own auth, requests does not replace the token by a login from a .netrc file.
        self._session.auth = lambda request: request

    def close(self) -> None:
        self._session.close()

    @property
    def is_down(self) -> bool:
        """Whether so many requests failed in a row that the forge is down, not only the thing asked for."""
        return self._failures >= _PATIENCE

    def forget_failures(self) -> None:
        self._failures = 0

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Answer:
        """Return headers and JSON body. Retry a passing failure at once, a few times.

        Gitee sometimes answers 404 without cause, so a thing is missing only after a second 404.
        """
        was_missing = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                answer = self.send_with_token(
                    lambda token: self._follow(token, f"{self._api_url}{path}", dict(params or {}))
                )
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
                return answer
        raise forge_unavailable()

    def page(self, path: str, params: Mapping[str, str], page: int, size: int = ROWS_A_PAGE) -> ListingPage:
        """Return one page of a listing of objects. Pages count from 1."""
        headers, body = self.get(path, {**params, "page": str(page), "per_page": str(size)})
        if not isinstance(body, list):
            raise malformed_answer()
        rows = [json_object(row) for row in body]
        pages = headers.get("total_page", "").strip()
        if not pages.isdecimal():
            return ListingPage(rows, len(rows) >= size)
        more = page < int(pages)
        if more and not rows:
            # An empty page that is not the last one contradicts itself.
            raise malformed_answer()
        return ListingPage(rows, more)

    def _follow(self, token: Token, url: str, params: dict[str, str]) -> Answer:
        """Follow the redirects of renamed things by hand: the parameters must stay the same on the way, and the
        token must not leave the forge."""
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
        except TRANSPORT_FAILURES:
            failure = forge_unavailable()
        # Raise here, outside "except": the exception's context would otherwise hold the request with its token.
        raise failure


def _parse_response(response: requests.Response) -> Answer:
    headers = lower_case_names(response.headers)
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
    """Return what the status and Gitee's message mean, or None if the answer is not from Gitee itself."""
    message = _error_text(body)
    limit = limit_reached(status, headers, message, _LIMIT_MESSAGE)
    if limit is not None:
        return limit
    # An answer without a message may be a proxy's page, which does not make anything disappear.
    if not message:
        return None
    if status == 401:
        return TokenRejected()
    if status == 403:
        return forbidden()
    return missing_repository() if status == 404 else None


def _error_text(body: object) -> str:
    """Return the text of an error: ``message``, or ``error`` as text or as an object of lists."""
    if not isinstance(body, dict):
        return ""
    return " ".join(str(body[key]) for key in ("message", "error", "error_description") if body.get(key))
