"""Workers killed outright, the broker emptied, every session of the database ended: nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.db import connection

from credits.contributions.models import CollectionState, Contribution
from demo.forge import LocalForge
from tests.soak.whole import LONG, ROWS, fewest_evidence, held, link_everybody, truth
from tests.workers import Workers, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(14_400)]

KILLS = 200 if LONG else 4
PEOPLE = None if LONG else 3
SECONDS_AN_ANSWER = 0.15 if LONG else 0.05
BETWEEN_KILLS = 6.0 if LONG else 1.0


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge(ROWS) as serving:
        serving.faults.add("slow", times=None, seconds=SECONDS_AN_ANSWER)
        yield serving


@pytest.fixture
def workers(tmp_path, local) -> Iterator[Workers]:
    made = Workers(tmp_path, local)
    yield made
    made.close()


def complete() -> bool:
    return not CollectionState.objects.filter(complete_at=None).exists() and CollectionState.objects.exists()


def forget() -> None:
    """As if nothing had ever been collected."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "TRUNCATE credits_repository, credits_collectionstate, credits_job, credits_lane CASCADE"
        )
        cursor.execute("SET session_replication_role = origin")


class Beat:
    """Wakes the workers every few seconds, as the beat does every minute."""

    def __init__(self, workers: Workers) -> None:
        self.workers = workers
        self.last = time.monotonic()

    def __call__(self) -> bool:
        if time.monotonic() - self.last > 3:
            self.last = time.monotonic()
            self.workers.wake()
        return False


class Stopwatch:
    """How long workers worked: from the first request after a start to the kill."""

    def __init__(self, local: LocalForge) -> None:
        self.local = local
        self.worked = 0.0

    def work(self, seconds: float, workers: Workers) -> bool:
        """Let them work for so long; whether they were done before."""
        before = self.local.log.requests()
        beat = Beat(workers)
        wait_until(lambda: beat() or self.local.log.requests() > before or complete(), 180, workers.said)
        began = time.monotonic()
        while time.monotonic() - began < seconds and not complete():
            beat()
            time.sleep(0.05)
        self.worked += time.monotonic() - began
        return complete()


def test_invariant_10_kills_without_end_lose_and_double_nothing(workers, local):
    """The whole worker and single children are killed in turn, the broker is emptied and gone for a while, every
    session of the database is ended at once: in the end all is held as the file says, once, and in the long run it
    takes at most twice as long as undisturbed, start-ups not counted.
    """
    accounts = link_everybody(PEOPLE)
    wanted = truth(accounts)
    undisturbed = 0.0
    if LONG:
        watch = Stopwatch(local)
        workers.start()
        workers.wake()
        assert watch.work(3_600, workers)
        undisturbed = watch.worked
        workers.kill()
        workers.empty_broker()
        forget()

    watch = Stopwatch(local)
    killed = 0
    workers.start()
    workers.wake()
    while not watch.work(BETWEEN_KILLS, workers) and killed < KILLS:
        killed += 1
        if killed % 2 or not workers.kill_child():
            workers.kill()
            if killed % 5 == 1:
                workers.empty_broker()
            workers.start()
        if killed % 50 == 2:
            end_every_session()
        workers.wake()
    if not complete():
        assert watch.work(3_600, workers)
    print(f"{killed} kills, {watch.worked:.0f} s of work, undisturbed {undisturbed:.0f} s")
    assert killed >= min(KILLS, 2)
    assert held() == wanted
    assert fewest_evidence()
    assert Contribution.objects.count() == len(wanted)
    workers.kill()
    if LONG:
        assert killed == KILLS, "it was over before all kills were done: make it longer"
        assert watch.worked <= 2 * undisturbed


def test_invariant_10_a_broker_that_is_gone_and_then_empty_delays_only(workers, local, tmp_path):
    """The broker's folder is taken away while workers work, and comes back empty: the next message finds it all."""
    accounts = link_everybody(2)
    workers.start()
    workers.wake()
    watch = Stopwatch(local)
    watch.work(0.5, workers)
    away = workers.messages.with_name("away")
    workers.messages.rename(away)
    time.sleep(60 if LONG else 2)
    workers.messages.mkdir(exist_ok=True)
    workers.wake()
    beat = Beat(workers)
    wait_until(lambda: beat() or complete(), 180, workers.said)
    assert held() == truth(accounts)


def end_every_session() -> None:
    """What everybody but us sees when the database is restarted at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
