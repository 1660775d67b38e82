"""Watching workers at work, from outside: when all is held, and how long they needed."""

from __future__ import annotations

import time

from django.db import connection

from accounts.models import ForgeAccount
from credits.contributions.models import CollectionState
from demo.forge import LocalForge
from tests.workers import Workers, wait_until


def complete() -> bool:
    """Whether every linked account was collected to its end."""
    linked = ForgeAccount.objects.filter(unlinked_at=None)
    return not linked.exclude(
        pk__in=CollectionState.objects.exclude(complete_at=None).values("account")
    ).exists()


def forget() -> None:
    """As if nothing had ever been collected."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "TRUNCATE credits_repository, credits_collectionstate, credits_job, credits_lane CASCADE"
        )
        cursor.execute("SET session_replication_role = origin")


class Beat:
    """Sees every few seconds that there are workers, and wakes them, as the beat does every minute."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.last = time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self.last > 3:
            self.last = time.monotonic()
            self.workers.keep_up()
            self.workers.wake()
        return False


class Stopwatch:
    """How long workers worked, from the first request after a start to the kill, and how long they were ``waited``
    for until then."""

    def __init__(self, local: LocalForge) -> None:
        self.local = local
        self.worked = self.waited = 0.0

    def work(self, seconds: float, workers: Workers) -> bool:
        """Let them work for so long; whether they were done before."""
        before = self.local.log.requests()
        beat, started = Beat(workers), time.monotonic()
        wait_until(lambda: beat() or self.local.log.requests() > before or complete(), 180, workers.output)
        began = time.monotonic()
        self.waited += began - started
        while time.monotonic() - began < seconds and not complete():
            beat()
            time.sleep(0.05)
        self.worked += time.monotonic() - began
        return complete()
