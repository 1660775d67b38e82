"""Keep one embedded PostgreSQL running while any process uses it, and stop it after the last one.

`embedded_postgres` starts this module as a separate process; it uses the standard library only, no Django. It holds the
exclusive lock on PLACE/supervisor.lock as long as it runs. It creates the cluster if there is none, starts PostgreSQL,
prints one line of JSON ({"ready": SOCKET_FOLDER} or {"cannot": SENTENCE}), and then waits for the exclusive lock on
PLACE/use.lock. The kernel grants this lock when the last user has ended, for whatever reason. Then the supervisor stops
PostgreSQL and ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from embedded_postgres.layout import (
    MAJOR,
    NAME,
    NEEDED_BYTES,
    USER,
    CannotStart,
    ClusterLayout,
    choose_layout,
    disk_full_message,
    explain_os_error,
    private_folder,
    read_postmaster,
    socket_folder,
)

START_SECONDS = 60
STOP_SECONDS = 60
LOG_BYTES = 5_000_000
PR_SET_PDEATHSIG = 1


class _SupervisionOver(BaseException):
    """Raised by a signal handler when this supervisor is asked to end, or when PostgreSQL has ended by itself."""


def supervise(place: Path, binaries: Path) -> None:
    """Run PostgreSQL in `place` until nobody holds PLACE/use.lock. Raise CannotStart or OSError."""
    guard = os.open(place / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(guard, fcntl.LOCK_EX)
    use = os.open(place / "use.lock", os.O_RDWR | os.O_CREAT, 0o600)
    layout = choose_layout(place, binaries)
    _keep_log_short(layout.log)
    if not layout.data.exists():
        _make_cluster(layout)
    _check_version(layout)
    _end_leftover(layout)
    sockets = socket_folder(layout.base)
    private_folder(sockets, layout.user)
    server = _start_server(layout, sockets)
    with contextlib.suppress(_SupervisionOver), _signals_end_the_wait():
        if server.poll() is not None:
            raise _SupervisionOver
        _report_to_starter(ready=str(sockets))
        fcntl.flock(use, fcntl.LOCK_EX)
    if server.poll() is None:
        _stop_server(server)
    shutil.rmtree(sockets, ignore_errors=True)


def _keep_log_short(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".old"))
    log.touch(mode=0o600)


def _make_cluster(layout: ClusterLayout) -> None:
    """Create a cluster with our database in it. The folder gets its final name only when the cluster is complete."""
    if shutil.disk_usage(layout.base).free < NEEDED_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(layout.base))
    new = layout.base / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    private_folder(new, layout.user)
    _run_program(
        layout,
        *("initdb", "-D", str(new), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    )
    _run_program(
        layout, "postgres", "--single", "-D", str(new), "postgres", given=f"CREATE DATABASE {NAME}\n"
    )
    new.rename(layout.data)


def _check_version(layout: ClusterLayout) -> None:
    version = (layout.data / "PG_VERSION").read_text().strip()
    if version != MAJOR:
        raise CannotStart(
            f"{layout.data} was made by PostgreSQL {version} and this is {MAJOR}: "
            "export the data with the version of Yuanfen that made it, or move the folder away."
        )


def _end_leftover(layout: ClusterLayout) -> None:
    """Stop a PostgreSQL whose supervisor was killed, and delete a postmaster.pid that a power cut left behind.

    The process id in that file may belong to another program by now, which must not be stopped.
    """
    found = read_postmaster(layout.data)
    if found is None:
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _is_our_postgres(layout.data, found.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGINT)
        if time.monotonic() > deadline:
            raise CannotStart(f"An old PostgreSQL (process {found.pid}) does not stop: end it, start again.")
        time.sleep(0.05)
    (layout.data / "postmaster.pid").unlink(missing_ok=True)


def _is_our_postgres(data: Path, pid: int) -> bool:
    """Return whether the process is a PostgreSQL that uses this data folder."""
    # In the locale C, ps prints question marks instead of Chinese characters in the folder's name.
    listed = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(pid)],
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
    )
    return f"postgres -D {data} " in listed.stdout


def _start_server(layout: ClusterLayout, sockets: Path) -> subprocess.Popen[bytes]:
    """Start PostgreSQL as a child process, and return it when it accepts connections."""
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "log_line_prefix": "%m [%p] ",
        "log_checkpoints": "off",
        # Our queries are short, so compiling them takes longer than running them.
        "jit": "off",
    }
    options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
    log_start = layout.log.stat().st_size
    with layout.log.open("ab") as log:
        server = subprocess.Popen(
            [layout.binaries / "postgres", "-D", layout.data, *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **_process_options(layout),
        )
    deadline = time.monotonic() + START_SECONDS
    while not ((found := read_postmaster(layout.data)) and found.pid == server.pid and found.ready):
        if server.poll() is not None:
            with layout.log.open(errors="replace") as log_file:
                log_file.seek(log_start)
                raise CannotStart(_failure_sentence(layout, log_file.read()))
        if time.monotonic() > deadline:
            _stop_server(server)
            raise CannotStart(f"PostgreSQL was not ready after {START_SECONDS} s: see {layout.log}.")
        time.sleep(0.01)
    return server


def _stop_server(server: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown (sessions end, nothing committed is lost), then harder ones if that takes too long."""
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def _run_program(layout: ClusterLayout, *command: str, given: str = "") -> None:
    """Run one of PostgreSQL's programs. Its output goes into the log and, if it fails, into the CannotStart."""
    done = subprocess.run(
        [layout.binaries / command[0], *command[1:]],
        input=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **_process_options(layout),
    )
    with layout.log.open("a") as log:
        log.write(done.stdout)
    if done.returncode:
        raise CannotStart(_failure_sentence(layout, done.stdout))


def _process_options(layout: ClusterLayout) -> dict[str, Any]:
    """Return how to start PostgreSQL's programs: with the locale C, and no settings from the environment."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "PYTHON"))}
    options: dict[str, Any] = {"cwd": "/", "env": {**kept, "LC_ALL": "C"}, "preexec_fn": _die_with_parent}
    if layout.user is not None:
        options |= {"user": layout.user, "group": pwd.getpwuid(layout.user).pw_gid, "extra_groups": []}
    return options


def _die_with_parent() -> None:
    """Ask Linux to end PostgreSQL if this supervisor is killed. On other systems the next start ends it."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _failure_sentence(layout: ClusterLayout, output: str) -> str:
    """Return one sentence that explains why PostgreSQL failed, from its output."""
    if os.strerror(errno.ENOSPC) in output:
        return disk_full_message(layout.base)
    for mark in ("loading shared libraries: ", "Library not loaded: "):
        if mark in output:
            library = output.split(mark)[1].split("\n")[0].split(":")[0].strip()
            return (
                f"PostgreSQL needs the system library {library}, which is not here: install it, "
                "or set DATABASE_URL to a PostgreSQL of your own."
            )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    marked = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    last = (marked or lines or ["it said nothing"])[-1]
    return f"PostgreSQL could not start ({last}): see {layout.log}."


@contextlib.contextmanager
def _signals_end_the_wait() -> Iterator[None]:
    """Inside this context, the end of PostgreSQL or a request to end stops the wait. Closing the terminal does not."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise _SupervisionOver

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ending = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
    for number in ending:
        signal.signal(number, over)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGCHLD else signal.SIG_IGN)


def _report_to_starter(**words: str) -> None:
    """Send one line of JSON to the process that waits for us, then close the pipe."""
    with contextlib.suppress(OSError):  # that process may have been killed
        os.write(1, json.dumps(words).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)


def main() -> None:
    place, binaries = Path(sys.argv[1]), Path(sys.argv[2])
    if os.fork():  # so that the process that started us has no child to wait for
        os._exit(0)
    try:
        supervise(place, binaries)
    except CannotStart as error:
        _report_to_starter(cannot=str(error))
    except OSError as error:
        _report_to_starter(cannot=explain_os_error(error, place))
    except BaseException as error:
        _report_to_starter(cannot=f"PostgreSQL could not start ({error!r}): see {place / 'log'}.")
    # The kernel releases the locks only when this process has ended.
    os._exit(0)


if __name__ == "__main__":
    main()
