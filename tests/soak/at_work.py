"""Watch workers from outside: when everything is collected, and how long they needed."""

from __future__ import annotations

import time

from django.db import connection

from accounts.models import ForgeAccount
from credits.contributions.models import CollectionState
from demo.forge import LocalForge
from tests.workers import Workers, wait_until


def complete() -> bool:
    """Return whether every linked account was collected completely."""
    linked = ForgeAccount.objects.filter(unlinked_at=None)
    return not linked.exclude(
        pk__in=CollectionState.objects.exclude(complete_at=None).values("account")
    ).exists()


def forget() -> None:
    """Delete everything that was collected."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "TRUNCATE credits_repository, credits_collectionstate, credits_job, credits_lane CASCADE"
        )
        cursor.execute("SET session_replication_role = origin")


class Beat:
    """Restarts dead workers and wakes them every few seconds, as the beat does every minute."""

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
    """Measures how long workers ``worked``, from the first request after a start to the kill, and how long a test
    ``waited`` for that request.
    """

    def __init__(self, local: LocalForge) -> None:
        self.local = local
        self.worked = self.waited = 0.0

    def work(self, seconds: float, workers: Workers) -> bool:
        """Let the workers run for ``seconds``. Return whether they finished before."""
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
