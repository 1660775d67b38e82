"""Workers killed, the broker emptied, every database session ended: nothing lost, nothing twice."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from credits.contributions.collecting import collect
from credits.contributions.models import Contribution
from demo.forge import LocalForge
from tests.soak.at_work import Beat, Stopwatch, complete, forget
from tests.soak.whole import ROWS, fewest_evidence, link_everybody, stored_work, truth
from tests.workers import Workers, end_every_session, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(14_400), pytest.mark.soak]

KILLS = int(os.environ.get("SOAK_KILLS") or 200)
SECONDS_AN_ANSWER = float(os.environ.get("SOAK_ANSWER") or 0.15)
BETWEEN_KILLS = float(os.environ.get("SOAK_BETWEEN") or 6.0)
"""The work must last for all kills. With more rows, or fewer seconds between kills, answers may come sooner
(SOAK_ANSWER, SOAK_BETWEEN). SOAK_KILLS sets another number of kills."""


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge(ROWS) as serving:
        serving.faults.add("slow", times=None, seconds=SECONDS_AN_ANSWER)
        # Reading all rows twice takes more requests than two tokens allow in an hour, and waiting is not measured here.
        serving.limits.limits["gitee"] = (1_000_000, timedelta(hours=1))
        yield serving


@pytest.fixture
def workers(tmp_path, local) -> Iterator[Workers]:
    made = Workers(tmp_path, local)
    yield made
    made.close()


def test_invariant_10_kills_without_end_lose_and_double_nothing(workers, local):
    """Workers and single children are killed in turn, the broker is emptied, and every database session is ended at
    once. In the end the database has what the file has, once, in at most twice the undisturbed time, start-ups not
    counted.
    """
    accounts = link_everybody()
    wanted = truth(accounts)
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
    print(
        f"{killed} kills, {watch.worked:.0f} s of work, {watch.waited:.0f} s of starting, "
        f"undisturbed {undisturbed:.0f} s"
    )
    assert stored_work() == wanted
    assert fewest_evidence()
    assert Contribution.objects.count() == len(wanted)
    workers.kill()
    assert killed == KILLS, "it was over before all kills were done: make it longer"
    assert watch.worked <= 2 * undisturbed
    assert watch.waited <= killed * collect.LEASE.total_seconds() / 3, "somebody waited for leases to end"


def test_invariant_10_a_broker_that_is_gone_and_then_empty_delays_only(workers, local, tmp_path):
    """The broker's folder is removed while workers run and comes back empty: the workers go on, and the next
    message is enough.
    """
    accounts = link_everybody(2)
    workers.start()
    workers.wake()
    watch = Stopwatch(local)
    watch.work(0.5, workers)
    away = workers.messages.with_name("away")
    workers.messages.rename(away)
    time.sleep(60)
    workers.messages.mkdir(exist_ok=True)
    workers.wake()
    beat = Beat(workers)
    wait_until(lambda: beat() or complete(), 180, workers.output)
    assert stored_work() == truth(accounts)
    assert workers.starts == 1
