"""Fifty thousand accounts with nothing new, on one token: the cost of a whole round, and its duration by a clock that
only the forge moves. GitHub spends a tenth of a second on an account, and allows each caller sixty seconds a minute."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.clock import show_progress
from benchmarks.database import empty_database
from credits.forges.github.adapter import GitHub
from credits.forges.tokens import Token

ACCOUNTS = int(os.environ.get("BENCH_IDLE") or 50_000)
SECONDS_AN_ACCOUNT = 0.1
GRANTED_A_MINUTE = 60.0
LONGEST_ANSWER = 10.0


class SimulatedGitHub:
    """A replacement for HTTP under the adapter: it answers the sweep, and applies GitHub's limits on server time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.points = self.requests = self.refused = self.too_long = 0
        self._spent: deque[tuple[datetime, float]] = deque()

    def clock(self) -> datetime:
        return self.now

    def once(
        self, token: Token, verb: str, path: str, payload: dict[str, Any] | None
    ) -> tuple[Mapping[str, str], Any]:
        from credits.forges.errors import forge_unavailable
        from credits.forges.http import LimitReached

        if payload is None:
            raise RuntimeError(f"only the sweep is simulated: {verb} {path}")
        self.requests += 1
        ids = {name[2:]: value for name, value in payload["variables"].items() if name.startswith("id")}
        seconds = len(ids) * SECONDS_AN_ACCOUNT
        while self._spent and self._spent[0][0] <= self.now - timedelta(minutes=1):
            self._spent.popleft()
        if sum(spent for _at, spent in self._spent) + seconds > GRANTED_A_MINUTE + 1e-6:
            self.refused += 1
            raise LimitReached({}, primary=False)
        self._spent.append((self.now, seconds))
        self.now += timedelta(seconds=min(seconds, LONGEST_ANSWER))
        self.points += 1
        if seconds > LONGEST_ANSWER + 1e-6:
            self.too_long += 1
            raise forge_unavailable()
        data: dict[str, Any] = {f"a{at}": _idle(node_id) for at, node_id in ids.items()}
        left = 5_000 - self.points % 5_000
        reset = (self.now + timedelta(hours=1)).isoformat()
        data["rateLimit"] = {"cost": 1, "limit": 5_000, "remaining": left, "resetAt": reset}
        return {}, {"data": data}


def _idle(node_id: str) -> dict[str, Any]:
    number = node_id.removeprefix("U_")
    return {
        "__typename": "User",
        "id": node_id,
        "databaseId": int(number),
        "login": f"login{number}",
        "pullRequests": {
            "totalCount": 0,
            "pageInfo": {"hasNextPage": False, "endCursor": None},
            "nodes": [],
        },
    }


def main() -> list[tuple[str, str]]:
    """Return measured figures as (name, value) pairs."""
    with empty_database():
        return measure_idle(ACCOUNTS)


def measure_idle(count: int) -> list[tuple[str, str]]:
    """Measure ``count`` accounts in the current database."""
    from credits.contributions.collecting import collect

    forge = SimulatedGitHub()
    show_progress(f"linking {count:,} accounts")
    link_accounts(count, forge.now)
    show_progress("the round over all of them")
    started = time.perf_counter()
    begun = forge.now + collect.COLLECT_EVERY
    points, requests = whole_round(forge)
    took, wall = forge.now - begun, time.perf_counter() - started
    return [
        (f"{count:,} idle accounts on one token", f"{requests:,} requests, {points:,} points"),
        ("the whole round, by the forge's clock", f"{took.total_seconds() / 60:.0f} minutes"),
        ("refused for using too much, or cut off", f"{forge.refused + forge.too_long}"),
        ("processor and database time on this machine", f"{wall:.0f} s"),
    ]


def whole_round(forge: SimulatedGitHub) -> tuple[int, int]:
    """Run the scheduler and the real adapter until every account is complete. Return (points, requests)."""
    from credits.contributions.collecting import collect
    from credits.contributions.models import CollectionState

    adapter = make_adapter(forge)
    begun = forge.now = forge.now + collect.COLLECT_EVERY
    collect.schedule_new_accounts(now=forge.now)
    while True:
        report = collect.collect_all_due(adapter, clock=forge.clock)
        if report.closed_until is None:
            break
        forge.now = max(forge.now, report.closed_until)
    left = CollectionState.objects.exclude(complete_at__gte=begun)
    if left.exists():
        raise RuntimeError(f"{left.count()} accounts are not complete.")
    return forge.points, forge.requests


def make_adapter(forge: SimulatedGitHub) -> GitHub:
    adapter = GitHub("https://api.github.example", ["token"], forge.clock)
    adapter._http._once = forge.once  # type: ignore[method-assign]  # noqa: SLF001
    return adapter


def link_accounts(count: int, now: datetime) -> None:
    """Create ``count`` accounts, each of a different person, which were complete before."""
    from django.db import connection

    from accounts.models import ForgeAccount, User
    from credits.contributions.models import CollectionState
    from credits.forges.protocol import AccountOnForge, CollectionRequest

    *_pages, last = make_adapter(SimulatedGitHub()).merged_changes(
        [CollectionRequest(AccountOnForge("1", "one", "U_1"))]
    )

    people = User.objects.bulk_create(
        [
            User(username=f"idle{number}", name=f"idle{number}", email=f"idle{number}@university.example")
            for number in range(count)
        ],
        batch_size=5_000,
    )
    accounts = ForgeAccount.objects.bulk_create(
        [
            ForgeAccount(
                user=person,
                forge="github",
                forge_user_id=str(number),
                login=f"login{number}",
                node_id=f"U_{number}",
                proof=ForgeAccount.Proof.OAUTH,
                linked_at=now,
            )
            for number, person in enumerate(people, 1_000_000)
        ],
        batch_size=5_000,
    )
    CollectionState.objects.bulk_create(
        [CollectionState(account=account, cursor=last.cursor, complete_at=now) for account in accounts],
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_forgeaccount, credits_collectionstate")
