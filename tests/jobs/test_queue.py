"""The queue gives each job to one worker at a time, and accepts writes from the holder only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import translation

from credits.errors import CreditsError
from credits.jobs import queue
from credits.jobs.models import Job, Lane
from tests.factories import NOW

LEASE = timedelta(minutes=5)
LATER = NOW + LEASE

pytestmark = pytest.mark.django_db


def made(*keys: str, lane: str = "slow") -> None:
    for minutes, key in enumerate(keys):
        queue.ensure("read", key, lane, due_at=NOW - timedelta(minutes=60 - minutes))


def taken(now=NOW, *, limit=10, lane="slow", keys=None) -> list[Job]:
    return queue.take("read", lane, limit=limit, now=now, lease=LEASE, keys=keys)


def test_a_job_stands_once():
    """Ensuring a job that exists already does not change it."""
    assert queue.ensure("read", "a", "slow", due_at=NOW)
    assert not queue.ensure("read", "a", "slow", due_at=LATER)
    assert Job.objects.get().due_at == NOW


def test_longest_due_is_taken_first_and_nothing_twice():
    """Batches are taken in the order in which jobs became due, and no job is in two batches."""
    made("a", "b", "c")
    assert [job.key for job in taken(limit=2)] == ["a", "b"]
    assert [job.key for job in taken(limit=2)] == ["c"]
    assert taken() == []


def test_only_what_is_due_is_taken():
    """A job that is due later, and a job that waits until someone asks for it, are not taken."""
    queue.ensure("read", "later", "slow", due_at=NOW + timedelta(seconds=1))
    queue.ensure("read", "asleep", "slow", due_at=None)
    assert taken() == []
    assert queue.due_lanes("read", now=NOW) == []
    assert [job.key for job in taken(NOW + timedelta(seconds=1))] == ["later"]


def test_keys_narrow_the_choice():
    """A worker that wants certain jobs takes no others."""
    made("a", "b")
    assert [job.key for job in taken(keys=["b"])] == ["b"]


def test_a_closed_lane_holds_up_its_own_jobs_only():
    """A limit on one forge does not delay another forge, and ends at the given time."""
    made("a", lane="slow")
    made("b", lane="fast")
    queue.close_lane("slow", until=LATER)
    assert queue.due_lanes("read", now=NOW) == ["fast"]
    assert taken(lane="slow") == []
    assert [job.key for job in taken(lane="fast")] == ["b"]
    assert [job.key for job in taken(LATER, lane="slow")] == ["a"]


def test_a_closing_is_never_shortened():
    """If two workers receive different times, both wait for the later one."""
    queue.close_lane("slow", until=LATER)
    queue.close_lane("slow", until=NOW)
    assert Lane.objects.get().closed_until == LATER


def test_invariant_10_a_dead_worker_loses_its_jobs_to_the_next_one():
    """After a lease ends another worker takes the job, and every write of the first worker is refused."""
    made("a")
    (dead,) = taken()
    assert taken(LATER - timedelta(microseconds=1)) == []
    (alive,) = taken(LATER)
    for write in (
        lambda: queue.finish(dead, now=LATER, due_at=None),
        lambda: queue.fail(dead, CreditsError("x", "X."), now=LATER, due_at=None),
        lambda: queue.hold(dead, now=LATER, lease=LEASE, progress={}),
    ):
        with pytest.raises(queue.LeaseLost):
            write()
    assert queue.keep([dead], now=LATER, lease=LEASE) == []
    assert queue.put_back([dead]) == 0
    assert Job.objects.get().holder == alive.holder


def test_a_renewed_lease_lasts():
    """A worker that renews in time keeps its jobs."""
    made("a", "b")
    jobs = taken()
    assert queue.keep(jobs, now=NOW + timedelta(minutes=4), lease=LEASE) == jobs
    assert taken(LATER) == []


def test_keep_hands_back_what_is_still_held():
    """A worker that loses one job keeps the rest of its batch."""
    made("a", "b")
    jobs = taken()
    queue.ask_now("read", ["a"], now=NOW, anew=True)
    assert [job.key for job in queue.keep(jobs, now=NOW, lease=LEASE)] == ["b"]


def test_a_finished_job_is_let_go_and_due_again_when_it_says():
    """Finishing clears lease, failures and error."""
    made("a")
    queue.fail(taken()[0], CreditsError("broke", "It broke."), now=NOW, due_at=NOW)
    queue.finish(taken()[0], now=NOW, due_at=LATER)
    job = Job.objects.get()
    assert (job.due_at, job.holder, job.leased_until) == (LATER, None, None)
    assert (job.failures, job.error_code, job.finished_at) == (0, "", NOW)


def test_failures_are_counted_and_told():
    """A failed job stores how often it failed in a row, and why, in sentences that can be translated later."""
    made("a")
    for _ in range(2):
        with translation.override("zh-hans"):
            queue.fail(taken()[0], CreditsError("broke", "It broke.", "Mend it."), now=NOW, due_at=NOW)
    job = Job.objects.get()
    assert (job.failures, job.error_code, job.error_message) == (2, "broke", "It broke.\nMend it.")
    assert queue.in_the_readers_words(job.error_message) == "It broke. Mend it."
    assert queue.in_the_readers_words("") == ""


def test_what_could_not_be_begun_is_put_back_without_blame():
    """A batch that was stopped from outside is due as before, and no failure is counted."""
    made("a")
    before = Job.objects.get()
    assert queue.put_back(taken(), CreditsError("limit", "Later.")) == 1
    after = Job.objects.get()
    assert (after.due_at, after.failures, after.error_code) == (before.due_at, 0, "limit")
    assert len(taken()) == 1


def test_asked_while_it_runs_means_once_more():
    """A request during a run may concern data that the run no longer sees, so the job runs again at once."""
    made("a")
    (job,) = taken()
    asked = NOW + timedelta(seconds=3)
    assert queue.ask_now("read", ["a"], now=asked) == 1
    queue.finish(job, now=NOW + timedelta(seconds=5), due_at=LATER)
    assert Job.objects.get().due_at == asked


def test_asking_wakes_the_sleeping_and_moves_nobody_back():
    """A job that waits its turn keeps its place in the queue."""
    made("waiting")
    place = Job.objects.get().due_at
    queue.ensure("read", "asleep", "slow", due_at=None)
    queue.ensure("read", "later", "slow", due_at=LATER)
    assert queue.ask_now("read", ["waiting", "asleep", "later", "unheard-of"], now=NOW) == 3
    due = dict(Job.objects.values_list("key", "due_at"))
    assert due == {"waiting": place, "asleep": NOW, "later": NOW}


@pytest.mark.django_db(transaction=True)
def test_invariant_10_two_takers_at_once_share_no_job():
    """Eight workers take from the same forty jobs at the same moment, and each job is taken once."""
    made(*(f"{number:02}" for number in range(40)))
    start = Barrier(8)

    def work() -> list[str]:
        start.wait()
        got: list[str] = []
        try:
            while jobs := taken(limit=3):
                got += [job.key for job in jobs]
        finally:
            connection.close()
        return got

    with ThreadPoolExecutor(8) as pool:
        shares = [pool.submit(work) for _ in range(8)]
        got = [key for share in shares for key in share.result()]
    assert sorted(got) == [f"{number:02}" for number in range(40)]


def test_taking_and_finishing_cost_few_queries(django_assert_max_num_queries):
    """The number of queries does not grow with the batch."""
    made(*map(str, range(50)))
    with django_assert_max_num_queries(5):  # two of them begin and end the transaction's savepoint
        jobs = taken(limit=50)
    with django_assert_max_num_queries(4):
        queue.keep(jobs, now=NOW, lease=LEASE)
    with django_assert_max_num_queries(1):
        queue.finish(jobs[0], now=NOW, due_at=None)
