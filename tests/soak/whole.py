"""All rows of the data with everybody linked, and both forges, workers and queue on a clock that the test moves.

The truth is read from the file without the project's code. FORGE_DATA names a larger file; SOAK=1 asks for long
runs.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from accounts.models import ForgeAccount
from credits.contributions.collecting import collect
from credits.contributions.models import Authorship, CatalogueEntry, CollectionState, Contribution, Evidence
from credits.forges.gitee.adapter import Gitee
from credits.forges.github.adapter import GitHub
from credits.forges.protocol import Forge
from credits.jobs.models import Job, Lane
from demo.forge import LocalForge
from tests.factories import NOW, person

DATA = Path(os.environ.get("FORGE_DATA") or Path(__file__).parents[2] / "demo/data/changes.jsonl")
ROWS = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines() if line.strip()]

Truth = set[tuple[str, str, str, str]]
"""(forge, repository, number, id of the opener)"""


class Clock:
    """The only time of a test. Each call moves it on a little."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, tzinfo=UTC)
        self.step = timedelta(milliseconds=5)

    def __call__(self) -> datetime:
        self.now += self.step
        return self.now


def adapters(local: LocalForge, clock: Callable[[], datetime]) -> dict[str, Forge]:
    """Return both adapters with one token each, so that a rate limit on the token holds for the whole test."""
    environment = local.environment()
    return {
        name: adapter(
            environment[f"{name.upper()}_API_URL"],
            environment[f"{name.upper()}_TOKENS"].split(",")[:1],
            clock,
        )
        for name, adapter in (("github", GitHub), ("gitee", Gitee))
    }


def link_everybody(most: int | None = None) -> list[ForgeAccount]:
    """Link a person for each opener in the file (or the ``most`` busiest of each forge), and catalogue all
    repositories.
    """
    CatalogueEntry.objects.bulk_create(
        CatalogueEntry(forge=forge, full_name=name, tier="A")
        for forge, name in sorted({(row["forge"], row["repo"]) for row in ROWS})
    )
    linked = []
    for forge in ("github", "gitee"):
        wrote = Counter(
            (str(row["author"]["id"]), row["author"]["login"]) for row in ROWS if row["forge"] == forge
        )
        linked += [
            ForgeAccount(
                user=person(), forge=forge, forge_user_id=key, login=login, proof="oauth", linked_at=NOW
            )
            for (key, login), _count in wrote.most_common(most)
        ]
    return ForgeAccount.objects.bulk_create(linked)


def truth(accounts: list[ForgeAccount], rows: list[dict] = ROWS) -> Truth:
    """Return what the file has for these accounts."""
    wanted = {(account.forge, account.forge_user_id) for account in accounts}
    return {
        (row["forge"], row["repo"], str(row["number"]), str(row["author"]["id"]))
        for row in rows
        if (row["forge"], str(row["author"]["id"])) in wanted
    }


def stored_work() -> Truth:
    """Return what the database has, after a check that it has nothing twice."""
    parts = list(
        Authorship.objects.filter(role="author").values_list(
            "contribution__repository__forge",
            "contribution__repository__full_name",
            "contribution__number",
            "forge_user_id",
        )
    )
    assert len(parts) == len(set(parts)) == Contribution.objects.count()
    assert not Contribution.objects.filter(evidence=None).exists()
    return set(parts)


def fewest_evidence() -> bool:
    """Return whether each contribution has exactly one row of evidence."""
    return Evidence.objects.count() == Contribution.objects.count()


def round_of(forges: dict[str, Forge], clock: Clock, *, most: int = 2_000) -> int:
    """Collect until every due account is complete, moving the clock to the next due time. Return the number of
    turns.
    """
    began = clock()
    for turn in range(1, most):
        for forge in forges.values():
            collect.collect_all_due(forge, clock=clock)
        left = CollectionState.objects.exclude(complete_at__gte=began)
        if not left.exists() and not Job.objects.filter(holder__isnull=False).exists():
            return turn
        clock.now = max(clock.now, _next_time(clock.now))
    raise AssertionError(
        f"Not complete after {most} turns: {left.values_list('error_code', 'error_message')[:5]}"
    )


def _next_time(now: datetime) -> datetime:
    due = Job.objects.filter(due_at__gt=now).order_by("due_at").values_list("due_at", flat=True).first()
    open_ = (
        Lane.objects.filter(closed_until__gt=now)
        .order_by("closed_until")
        .values_list("closed_until", flat=True)
        .first()
    )
    return min((time for time in (due, open_) if time), default=now + timedelta(minutes=1))


def too_early(local: LocalForge) -> list[tuple[str, str, datetime, datetime]]:
    """Return the requests that came before the time that the forge had named for their quota."""
    found = []
    until: dict[tuple[str, str], datetime] = defaultdict(lambda: datetime.min.replace(tzinfo=UTC))
    for entry in local.log.entries(path="/api/"):
        pool = "graphql" if entry.path.endswith("/graphql") else "rest"
        if entry.at < until[entry.forge, pool]:
            found.append((entry.forge, pool, entry.at, until[entry.forge, pool]))
        if entry.not_before:
            # A secondary limit holds for all requests of the caller.
            pools = ("graphql", "rest") if entry.fault == "secondary_limit" else (pool,)
            for limited in pools:
                until[entry.forge, limited] = max(until[entry.forge, limited], entry.not_before)
    return found
