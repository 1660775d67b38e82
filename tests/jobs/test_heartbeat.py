"""A lease lasts as long as its worker lives, and no longer than that."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from credits.jobs import queue
from credits.jobs.heartbeat import keep_leases_alive
from credits.jobs.models import Job

LEASE = timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


def taken(now: datetime | None = None) -> list[Job]:
    return queue.take("read", "slow", limit=9, now=now or timezone.now(), lease=LEASE)


def test_a_slow_request_does_not_lose_its_lease():
    """While a worker waits for an answer, longer than a lease, no other worker gets its jobs; afterwards one does."""
    queue.ensure("read", "a", "slow", due_at=timezone.now())
    jobs = taken()
    with keep_leases_alive(jobs, clock=timezone.now, lease=LEASE):
        end = time.monotonic() + 2.5 * LEASE.total_seconds()
        while time.monotonic() < end:
            assert taken() == []
            time.sleep(0.05)
        last = Job.objects.get().leased_until
    assert last is not None
    assert [job.key for job in taken(last)] == ["a"]


def test_only_what_is_still_held_is_renewed():
    """A job that another worker took over, or that was finished, is not renewed."""
    for key in "abc":
        queue.ensure("read", key, "slow", due_at=timezone.now())
    jobs = {job.key: job for job in taken()}
    queue.finish(jobs["a"], now=timezone.now(), due_at=None)
    Job.objects.filter(key="b").update(holder=None, leased_until=None)
    (other,) = taken()
    later = timezone.now() + timedelta(hours=1)
    assert queue.beat(list(jobs.values()), now=later, lease=LEASE) == 1
    leases = dict(Job.objects.values_list("key", "leased_until"))
    assert leases == {"a": None, "b": other.leased_until, "c": later + LEASE}
