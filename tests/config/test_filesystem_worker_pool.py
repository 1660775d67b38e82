"""The worker's processes continue when one of them is killed while it waits for a job."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import pytest
from billiard.pool import Pool
from celery.concurrency import get_implementation
from django.conf import settings

from config.filesystem_worker_pool import FileLockedPool, ProcessFileLock, TaskPool


def test_a_lock_passes_on_when_its_holder_is_killed() -> None:
    """The kernel releases the lock of a killed process, and a living process keeps it."""
    lock = ProcessFileLock()
    ready, signal_ready = os.pipe()
    child = os.fork()
    if child == 0:
        lock.acquire()
        os.write(signal_ready, b"x")
        signal.pause()
    os.read(ready, 1)
    other = os.fork()
    if other == 0:
        lock.acquire()
        os._exit(7)
    time.sleep(0.2)
    assert os.waitpid(other, os.WNOHANG) == (0, 0)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]) == 7


@pytest.mark.timeout(60)
def test_invariant_10_children_killed_while_they_wait_hold_up_nobody() -> None:
    """One child after the other is killed, whichever is next to read, and the following job is done."""
    pool = FileLockedPool(2)
    try:
        for _turn in range(4):
            for child in list(pool._pool):
                assert pool.apply_async(os.getpid).get(timeout=20)
                with contextlib.suppress(ProcessLookupError):  # it was already, and is to be replaced
                    os.kill(child.pid, signal.SIGKILL)
                # What the dying still took out of the pipe would be lost, as a message may be.
                time.sleep(0.3)
        assert pool.apply_async(os.getpid).get(timeout=20)
    finally:
        pool.terminate()
        pool.join()


def test_workers_have_these_processes() -> None:
    """The setting names this pool, which is otherwise Celery's own."""
    assert get_implementation(settings.CELERY_WORKER_POOL) is TaskPool
    assert issubclass(TaskPool.BlockingPool, Pool)
