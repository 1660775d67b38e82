"""Renewing leases for as long as a worker lives, however long one request takes."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from django.db import Error, connection

from credits.jobs import queue
from credits.jobs.models import Job

logger = logging.getLogger(__name__)

BEATS_A_LEASE = 4


@contextlib.contextmanager
def keep_leases_alive(
    jobs: Sequence[Job], *, clock: Callable[[], datetime], lease: timedelta
) -> Iterator[None]:
    """Keep the lease of those of these jobs that are still held as they were taken, until the block ends.

    A thread of its own does it, with a connection of its own, so that it beats while the worker waits for an answer.
    When the worker dies it dies too; what hangs for good is ended by the task's time limit.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(jobs, clock, lease, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=lease.total_seconds())


def _beat(
    jobs: Sequence[Job], clock: Callable[[], datetime], lease: timedelta, stop: threading.Event
) -> None:
    try:
        while not stop.wait(lease.total_seconds() / BEATS_A_LEASE):
            try:
                queue.beat(jobs, now=clock(), lease=lease)
            except Error:
                # The database may be back at the next beat; if not, the lease ends, as it should.
                logger.warning("A lease could not be renewed.", exc_info=True)
                connection.close()
    finally:
        connection.close()
