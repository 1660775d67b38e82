"""What the HTTP clients of all forges share: the university's tokens in turn, limits, and failures as typed errors.

A client sends its requests by its own means (GitHub's through PyGithub, Gitee's with requests) and follows the rules
of its forge. It raises :class:`TokenRejected` or :class:`LimitReached` for one token;
:meth:`ForgeHttp.send_with_token` decides what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from requests import RequestException

from credits.forges.errors import ForgeError
from credits.forges.json_reading import Clock, next_allowed_call
from credits.forges.protocol import RequestCost
from credits.forges.tokens import Token, TokenPool

USER_AGENT = "yuanfen"

TRANSPORT_FAILURES: tuple[type[Exception], ...] = (RequestException, OSError, ValueError)
"""What requests raises for a time-out, a reset connection, or a body that is not what its headers promise."""

Answer = tuple[Mapping[str, str], Any]
"""Headers with lower-case names, and the JSON body."""


class TokenRejected(ForgeError):
    """The forge refused the token itself. Never leaves the client."""

    def __init__(self) -> None:
        super().__init__("forge-token-refused", "")


class LimitReached(ForgeError):
    """This token reached a limit. Never leaves the client. ``primary``: the quota is used up; otherwise the forge
    asks for a pause."""

    def __init__(self, headers: Mapping[str, str], *, primary: bool) -> None:
        super().__init__("forge-rate-limited", "")
        self.headers = headers
        self.primary = primary


class ForgeHttp:
    """The base of a forge's HTTP client. ``api_url`` is the root of the interface; ``spent`` counts the requests."""

    def __init__(self, api_url: str, pool: TokenPool, clock: Clock, spent: RequestCost) -> None:
        self._api_url = api_url.rstrip("/")
        self._pool = pool
        self._clock = clock
        self._spent = spent

    def send_with_token(self, send: Callable[[Token], Answer], resource: str = "core") -> Answer:
        """Call ``send`` with one token after another until the forge answers.

        The pool raises :class:`TokenRefused` or :class:`RateLimited` when no token is left for ``resource``.
        """
        while True:
            token = self._pool.take(self._clock(), resource)
            try:
                headers, body = send(token)
            except TokenRejected:
                self._pool.refuse(token, self._clock())
                continue
            except LimitReached as limit:
                until = next_allowed_call(limit.headers, self._clock())
                if limit.primary:
                    self._pool.exhaust(token, until, resource)
                else:
                    self._pool.slow(token, until)
                continue
            self._pool.accept(token)
            self.note_quota(token, resource, headers, body)
            return headers, body

    def note_quota(self, token: Token, resource: str, headers: Mapping[str, str], body: object) -> None:
        """Let the token rest when the answer says that its quota of ``resource`` is used up."""
        if quota_is_used_up(headers):
            self._pool.exhaust(token, next_allowed_call(headers, self._clock()), resource)


def lower_case_names(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers with lower-case names and text values."""
    return {str(name).lower(): str(value) for name, value in headers.items()}


def quota_is_used_up(headers: Mapping[str, str]) -> bool:
    """Return whether the headers (lower-case names) say that no request is left."""
    return headers.get("x-ratelimit-remaining", "").strip() == "0"


def limit_reached(
    status: int, headers: Mapping[str, str], message: str, limit_words: re.Pattern[str]
) -> LimitReached | None:
    """Return the limit that an error answer means, or None if it means something else.

    Forges answer 403 both for a limit and for a thing that the token may not see. It is a limit if the quota is used
    up, if there is a ``Retry-After``, or if ``limit_words`` occur in ``message``.
    """
    if status not in (403, 429):
        return None
    used_up, has_pause = quota_is_used_up(headers), "retry-after" in headers
    if status == 429 or used_up or has_pause or limit_words.search(message):
        return LimitReached(headers, primary=used_up and not has_pause)
    return None
