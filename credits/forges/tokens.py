"""The university's own tokens for one forge: which to use next, and which must rest.

There are three separate states: *exhausted* (the hourly quota of one resource is used up until a time), *slowed* (the
forge asked for a pause, which applies to everything done with the token), and *revoked* (the forge refuses it: it is
not used for :data:`REFUSED_REST`, then tried once more, because somebody may have repaired it). A student's token is
never used here.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from credits.errors import gettext_noop
from credits.forges.errors import TokenRefused, rate_limited, token_refused

REFUSED_REST = timedelta(minutes=15)

State = Literal["ready", "exhausted", "slowed", "revoked"]


class Token:
    """A token that never shows its text, except where a request is made."""

    __slots__ = ("_secret", "mark", "number")

    def __init__(self, secret: str, number: int) -> None:
        self._secret = secret
        self.number = number
        self.mark = hashlib.sha256(secret.encode()).hexdigest()[:10]
        """A hash: the same in every process that has the token, and useless to anybody else."""

    def reveal(self) -> str:
        return self._secret

    def __repr__(self) -> str:
        return f"<token {self.number}>"


class TokenPool:
    """The tokens, used in turn. Safe to share between threads. ``resource`` names a quota that the forge counts
    separately (GitHub counts REST and GraphQL separately)."""

    def __init__(self, secrets: Sequence[str]) -> None:
        distinct = dict.fromkeys(secret.strip() for secret in secrets if secret.strip())
        self._tokens = [Token(secret, number) for number, secret in enumerate(distinct, start=1)]
        self._next = 0
        self._revoked: dict[int, datetime] = {}
        self._refused_once: set[int] = set()
        self._slowed: dict[int, datetime] = {}
        self._exhausted: dict[tuple[int, str], datetime] = {}
        self._lock = threading.Lock()
        self.on_rest: Callable[[str, datetime], None] | None = None
        """Called with the name and end of every rest that a forge asks for, so that other processes with the same
        tokens can pass it to :meth:`apply_rests`."""

    def __len__(self) -> int:
        return len(self._tokens)

    def require(self) -> None:
        """Raise :class:`TokenRefused` if no token is set."""
        if not self._tokens:
            raise TokenRefused(
                "forge-token-absent",
                gettext_noop("No access token is set for this platform."),
                gettext_noop("An administrator must set one of the university's own tokens."),
            )

    def take(self, now: datetime, resource: str = "core") -> Token:
        """Return the next token that may be used at ``now``.

        Raise :class:`TokenRefused` if no token is set or all are revoked, and :class:`RateLimited` with the earliest
        time at which a token may be used again.
        """
        self.require()
        with self._lock:
            waits: list[datetime] = []
            for step in range(len(self._tokens)):
                position = (self._next + step) % len(self._tokens)
                token = self._tokens[position]
                if self._is_revoked(token, now):
                    continue
                until = self._rests_until(token, resource)
                if until is None or until <= now:
                    self._next = (position + 1) % len(self._tokens)
                    return token
                waits.append(until)
        if waits:
            raise rate_limited(min(waits))
        raise token_refused()

    def exhaust(self, token: Token, until: datetime, resource: str = "core") -> None:
        """Note that the quota of ``resource`` is used up until a time. The later of two times wins."""
        with self._lock:
            key = (token.number, resource)
            self._exhausted[key] = max(until, self._exhausted.get(key, until))
        if self.on_rest:
            self.on_rest(f"{token.mark}/{resource}", until)

    def slow(self, token: Token, until: datetime) -> None:
        """Note that the forge asked for a pause with this token, for every resource. The later of two times wins."""
        with self._lock:
            self._slowed[token.number] = max(until, self._slowed.get(token.number, until))
        if self.on_rest:
            self.on_rest(token.mark, until)

    def apply_rests(self, rests: Mapping[str, datetime]) -> None:
        """Apply rests that another process received from the forge.

        A name is a token's mark, or its mark, a slash and the resource; the value says until when the token rests.
        Marks of unknown tokens are ignored.
        """
        with self._lock:
            numbers = {token.mark: token.number for token in self._tokens}
            for name, until in rests.items():
                mark, _, resource = name.partition("/")
                number = numbers.get(mark)
                if number is None:
                    continue
                if resource:
                    known = self._exhausted.get((number, resource), until)
                    self._exhausted[number, resource] = max(until, known)
                else:
                    self._slowed[number] = max(until, self._slowed.get(number, until))

    def refuse(self, token: Token, now: datetime) -> None:
        """Note that the forge refused the token itself. A forge with a failure refuses good tokens too, so only a
        second refusal without a success in between revokes the token."""
        with self._lock:
            if token.number in self._refused_once:
                self._revoked[token.number] = now + REFUSED_REST
            self._refused_once.add(token.number)

    def accept(self, token: Token) -> None:
        """Note that the forge accepted the token."""
        with self._lock:
            self._refused_once.discard(token.number)

    def state(self, token: Token, now: datetime, resource: str = "core") -> State:
        with self._lock:
            if self._is_revoked(token, now):
                return "revoked"
            slowed = self._slowed.get(token.number)
            if slowed is not None and slowed > now:
                return "slowed"
            exhausted = self._exhausted.get((token.number, resource))
            return "exhausted" if exhausted is not None and exhausted > now else "ready"

    def _is_revoked(self, token: Token, now: datetime) -> bool:
        until = self._revoked.get(token.number)
        return until is not None and now < until

    def _rests_until(self, token: Token, resource: str) -> datetime | None:
        times = [
            time
            for time in (self._slowed.get(token.number), self._exhausted.get((token.number, resource)))
            if time is not None
        ]
        return max(times, default=None)


def pool_of(tokens: TokenPool | Sequence[str]) -> TokenPool:
    """Return the pool itself, or a new pool of the plain tokens."""
    return tokens if isinstance(tokens, TokenPool) else TokenPool(tokens)
