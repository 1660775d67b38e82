"""A worker pool for a broker that is a folder: it survives the loss of the folder and the death of its processes.

With this broker the processes read their jobs from one shared pipe, and the one that waits for the next job holds a
lock. Celery's lock is a semaphore, which stays locked when its holder is killed: then no process reads again. A file
lock is released by the kernel when its holder ends, for whatever reason. (With Redis, Valkey or RabbitMQ each process
has its own pipe and needs no lock.)
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

# If the folder is missing, the broker is missing: the worker waits for it, as for any other broker, and does not end.
Transport.connection_errors = (*Transport.connection_errors, FileNotFoundError)


class ProcessFileLock:
    """A lock between a process and its children. It does not work between threads of one process."""

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
    """The worker's processes, with locks for the shared pipe that the kernel releases when their holder ends."""

    def _setup_queues(self) -> None:
        super()._setup_queues()  # type: ignore[misc]
        self._inqueue._rlock = ProcessFileLock()  # type: ignore[attr-defined]  # noqa: SLF001
        self._outqueue._wlock = ProcessFileLock()  # type: ignore[attr-defined]  # noqa: SLF001


class TaskPool(prefork.TaskPool):
    """Celery's own pool with these processes. The setting ``CELERY_WORKER_POOL`` names this class."""

    BlockingPool = FileLockedPool
