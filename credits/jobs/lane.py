"""Let one worker at a time into a lane: only one speaks to a forge at any moment, as forges ask of their callers.

This is a lock of the database session, not a row: PostgreSQL releases it the moment a worker dies, however it dies. So
a worker that is alone in a lane knows that every other holder of jobs there is dead, and need not wait for their leases
to end. Nothing that shares sessions among clients may be between a worker and the database: no pgbouncer in transaction
mode.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import Error, connection

logger = logging.getLogger(__name__)

_OURS = 0x59F
"""The first half of the lock's key. Other programs in the same database use other numbers."""

_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def alone_in(lane: str, *, wait: timedelta = timedelta(0)) -> Iterator[bool]:
    """Yield whether the caller is alone in the lane until the block ends. Try for as long as ``wait``."""
    end = time.monotonic() + wait.total_seconds()
    while not (alone := _told("SELECT pg_try_advisory_lock(%s, hashtext(%s))", lane)):
        if time.monotonic() >= end:
            break
        time.sleep(_PAUSE_SECONDS)
    try:
        yield alone
    finally:
        if alone:
            _let_go(lane)


def _let_go(lane: str) -> None:
    released = False
    try:
        released = _told("SELECT pg_advisory_unlock(%s, hashtext(%s))", lane)
    except Error:
        # A broken session has lost its lock already. The error that broke it is reported where it happened.
        logger.debug("The lane %s could not be left in order.", lane, exc_info=True)
    finally:
        session = connection.connection
        if not released and session is not None:
            # The session must not return to the pool while it has the lock.
            session.close()
            if not connection.in_atomic_block:
                connection.close()


def _told(statement: str, lane: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_OURS, lane])
        return bool(cursor.fetchone()[0])
