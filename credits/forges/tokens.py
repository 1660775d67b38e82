"""The university's own tokens for one forge: which to use next, and which must rest.

Three states are kept apart: *exhausted* (the hourly quota of one resource is used up until a time), *slowed* (the
forge asked for a pause, which counts for everything done with the token), and *revoked* (the forge refuses it: it
is left alone for :data:`REFUSED_REST`, then tried once more, since somebody may have mended it). A student's token
never comes here.
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
    """A token that does not show itself: its text is only read where a request is made."""

    __slots__ = ("_secret", "mark", "number")

    def __init__(self, secret: str, number: int) -> None:
        self._secret = secret
        self.number = number
        self.mark = hashlib.sha256(secret.encode()).hexdigest()[:10]
        """The same in every process that has the token, and of no use to anybody else."""

    def reveal(self) -> str:
        return self._secret

    def __repr__(self) -> str:
        return f"<token {self.number}>"


class TokenPool:
    """Tokens in turn. Safe to share between threads. ``resource`` names a quota that a forge counts by itself
    (GitHub counts REST and GraphQL apart)."""

    def __init__(self, secrets: Sequence[str]) -> None:
        distinct = dict.fromkeys(secret.strip() for secret in secrets if secret.strip())
        self._tokens = [Token(secret, number) for number, secret in enumerate(distinct, start=1)]
        self._next = 0
        self._revoked: dict[int, datetime] = {}
        self._doubted: set[int] = set()
        self._slowed: dict[int, datetime] = {}
        self._exhausted: dict[tuple[int, str], datetime] = {}
        self._lock = threading.Lock()
        self.tell: Callable[[str, datetime], None] | None = None
        """Called with every rest that a forge asks for, as :meth:`heed` takes it: for other processes with the same
        tokens."""

    def __len__(self) -> int:
        return len(self._tokens)

    def require(self) -> None:
        """Raise :class:`TokenRefused` when there is none at all."""
        if not self._tokens:
            raise TokenRefused(
                "forge-token-absent",
                gettext_noop("No access token is set for this platform."),
                gettext_noop("An administrator must set one of the university's own tokens."),
            )

    def take(self, now: datetime, resource: str = "core") -> Token:
        """The next token that may be used at ``now``.

        Raises :class:`TokenRefused` when there is none at all or all are revoked, and :class:`RateLimited` with the
        earliest time at which one may be used again.
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
        """The quota of ``resource`` is used up; a later time than the one known wins."""
        with self._lock:
            key = (token.number, resource)
            self._exhausted[key] = max(until, self._exhausted.get(key, until))
        if self.tell:
            self.tell(f"{token.mark}/{resource}", until)

    def slow(self, token: Token, until: datetime) -> None:
        """The forge asked for a pause with this token, whatever is asked; a later time wins."""
        with self._lock:
            self._slowed[token.number] = max(until, self._slowed.get(token.number, until))
        if self.tell:
            self.tell(token.mark, until)

    def heed(self, rests: Mapping[str, datetime]) -> None:
        """Take over what another process was told: until when a token rests, by its mark alone, or by its mark, a
        slash and the resource. What is none of ours is passed over."""
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
        """The forge refused the token itself. A forge in trouble refuses good tokens too: only a second refusal
        with no success in between revokes it."""
        with self._lock:
            if token.number in self._doubted:
                self._revoked[token.number] = now + REFUSED_REST
            self._doubted.add(token.number)

    def accept(self, token: Token) -> None:
        """The forge answered to the token."""
        with self._lock:
            self._doubted.discard(token.number)

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
    """The pool itself, or a new one over plain tokens."""
    return tokens if isinstance(tokens, TokenPool) else TokenPool(tokens)
