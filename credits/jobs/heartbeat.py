"""Renew the leases of a worker's jobs for as long as the worker lives, however long one request takes."""

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
    """Renew the lease of these jobs until the block ends; a job that has another holder by then is left alone.

    A separate thread does it, on its own connection, so that it beats while the worker waits for an answer. It dies
    with the worker. A worker that hangs for good is ended by the time limit of its task.
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
                # The database may be back at the next beat. If not, the lease ends, as it should.
                logger.warning("A lease could not be renewed.", exc_info=True)
                connection.close()
    finally:
        connection.close()
