"""Being alone in a lane: whoever speaks to a forge does so by itself, as forges ask of their callers.

It is a lock of the database session, not a row: the moment a worker dies, however it dies, PostgreSQL lets it go. So
whoever is alone in a lane knows that every other holder of its jobs is dead, and need not wait for their leases.
Between here and the database there must be nothing that shares sessions among clients (pgbouncer in transaction mode).
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
"""The first half of the lock's key: other programs in the same database have other numbers."""

_PAUSE_SECONDS = 0.1


@contextlib.contextmanager
def alone_in(lane: str, *, wait: timedelta = timedelta(0)) -> Iterator[bool]:
    """Whether the caller is alone in the lane until the block ends; it is tried for as long as ``wait``."""
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
        # A session that is broken holds nothing any more; why it broke is told where it was used.
        logger.debug("The lane %s could not be left in order.", lane, exc_info=True)
    finally:
        session = connection.connection
        if not released and session is not None:
            # It must not go back to the pool with the lock in its hand.
            session.close()
            if not connection.in_atomic_block:
                connection.close()


def _told(statement: str, lane: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_OURS, lane])
        return bool(cursor.fetchone()[0])
