"""What a worker needs besides, where the broker is a folder: it outlives its broker, and the death of its processes.

There the processes read from one pipe what to do, and whoever waits at it holds a lock meanwhile. A semaphore stays
with the dead: after one kill at the wrong moment nobody would ever read again. A lock on a file is let go of by the
kernel, however its holder ended. (With Redis, Valkey or RabbitMQ each process has a pipe of its own, and no lock.)
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from types import TracebackType

from billiard.pool import Pool
from celery.concurrency import prefork
from kombu.transport.filesystem import Transport

# A folder that is gone is a broker that is gone: the worker waits for it, as for any other, rather than end.
Transport.connection_errors = (*Transport.connection_errors, FileNotFoundError)


class ProcessFileLock:
    """A lock among a process and its children. Threads of one process do not exclude each other by it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile() as file:
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def acquire(self) -> bool:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class FileLockedPool(Pool):
    """The worker's processes, whose locks at the common pipe die with their holder."""

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]
        self._inqueue._rlock = ProcessFileLock()  # type: ignore[attr-defined]  # noqa: SLF001
        self._outqueue._wlock = ProcessFileLock()  # type: ignore[attr-defined]  # noqa: SLF001


class TaskPool(prefork.TaskPool):
    """Celery's own, over these processes: what ``CELERY_WORKER_POOL`` names."""

    BlockingPool = FileLockedPool
