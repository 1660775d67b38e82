"""Keeps one embedded PostgreSQL running while any process uses it, and stops it when the last has gone.

Started by config/postgres.py as a script of its own, in isolated mode: standard library only, no Django. It takes the
exclusive lock on PLACE/supervisor.lock for its life, makes the cluster where there is none, starts PostgreSQL, prints
one line of JSON ({"ready": SOCKET_FOLDER} or {"cannot": SENTENCE}), and then asks for the exclusive lock on
PLACE/use.lock. The kernel grants that when the last user is gone, however it went; then it stops PostgreSQL and leaves.

PostgreSQL refuses to run as root. For root it runs in a user namespace of its own (there it is nobody, and root's files
stay as they are); where that is refused, as the existing user "nobody", with whatever that user cannot reach copied
to a folder that it can. No parent folder is ever opened wider, and no user made.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

with contextlib.suppress(
    ImportError
):  # absent on Windows, where config/postgres.py refuses before it is needed
    import fcntl

NAME = USER = "yuanfen"
MAJOR = "18"
SOCKET_FILE = ".s.PGSQL.5432"
LONGEST_SOCKET = 103  # sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included
NEEDED_BYTES = 200_000_000  # a new cluster takes 46 MB, its write-ahead log up to twice 64 MB
START_SECONDS = 60
STOP_SECONDS = 60
CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """The embedded PostgreSQL cannot run here; the message is one sentence that says what to do."""


class _Over(BaseException):
    """Raised by a signal: either somebody ends this supervisor, or PostgreSQL ended by itself."""


@dataclass(frozen=True)
class Layout:
    """Where things are: `binaries` is the folder with initdb and postgres, `base` holds data and socket."""

    place: Path
    base: Path
    binaries: Path
    user: int | None  # None: as whoever we are

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.place / "log"


def postmaster(data: Path) -> dict[str, Any] | None:
    """What PostgreSQL wrote about itself (pid, socket folder, whether ready), or None where it wrote nothing yet."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return {
            "pid": int(lines[0]),
            "socket": lines[4] if len(lines) > 4 else "",
            "ready": len(lines) > 7 and lines[7].strip() == "ready",
        }
    except (OSError, ValueError, IndexError):
        return None


def socket_folder(base: Path) -> Path:
    """The folder of the socket: beside the data, or a short one in the temporary folder where that path is too long.

    A comma or a quote in the path would be read as a list of hosts by libpq, hence also the short one.
    """
    beside = base / "socket"
    if _fits(beside):
        return beside
    mark = hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"yuanfen-{os.geteuid()}-{mark}"
    if not _fits(short):
        raise CannotStart(
            f"The path of {base} is too long for a socket, and so is that of the temporary folder: "
            "set TMPDIR to a short path such as /tmp."
        )
    return short


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_FILE)) <= LONGEST_SOCKET and not set(str(folder)) & set(",'\"\\")


def _private_folder(path: Path, user: int | None) -> None:
    """A folder of mode 0700 that belongs to PostgreSQL's user; refuses one that somebody else has put there."""
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid not in {os.geteuid(), user}:
        raise CannotStart(
            f"{path} belongs to somebody else: remove it, or set TMPDIR to a folder of your own."
        )
    path.chmod(0o700)
    if user is not None:
        os.chown(path, user, -1)


def _user_namespace() -> bool:
    """Puts this process into a user namespace of its own; False where the system refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    return hasattr(libc, "unshare") and libc.unshare(CLONE_NEWUSER) == 0


def _namespace_works(place: Path, binaries: Path) -> bool:
    """Whether a user namespace is allowed and root's files are still within reach there; tried in a child."""
    child = os.fork()
    if child == 0:
        works = False
        with contextlib.suppress(Exception):
            works = (
                _user_namespace() and os.access(place, os.W_OK) and os.access(binaries / "postgres", os.X_OK)
            )
        os._exit(0 if works else 1)
    return os.waitpid(child, 0)[1] == 0


def _reachable(path: Path, user: int) -> bool:
    """Whether an unprivileged user can pass through every folder down to path."""
    return all(
        folder.stat().st_mode & (0o100 if folder.stat().st_uid == user else 0o001)
        for folder in (path, *path.parents)
    )


def _layout(place: Path, binaries: Path) -> Layout:
    """Who runs PostgreSQL, and from where."""
    (place / "elsewhere").unlink(missing_ok=True)
    if os.geteuid() != 0:
        return Layout(place, place, binaries, None)
    if _namespace_works(place, binaries):
        _user_namespace()
        return Layout(place, place, binaries, None)
    user = pwd.getpwnam("nobody").pw_uid
    base = place
    if not _reachable(place, user):
        base = _outside_folder(place)
        # Read by `make demo-reset` and `make clean`, so that nothing outlives the data folder.
        (place / "elsewhere").write_text(f"{base}\n")
    if not _reachable(binaries, user):
        binaries = _copy_binaries(binaries, _outside_folder(place))
    return Layout(place, base, binaries, user)


def _outside_folder(place: Path) -> Path:
    """A folder of root's that others can pass through, which outlives a restart of the machine."""
    mark = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    home = next(path for path in map(Path, ("/var/lib", "/var/tmp")) if os.access(path, os.W_OK))
    folder = home / f"yuanfen-{mark}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise CannotStart(f"{folder} belongs to somebody else: remove it.")
    folder.chmod(0o755)
    return folder


def _copy_binaries(binaries: Path, outside: Path) -> Path:
    """PostgreSQL's programs and the libraries that they look for beside their package."""
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = outside / "programs"
    if not (copy / "whole").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(binaries.parent, copy / package.name / binaries.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for folder in [copy, *(path for path in copy.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        (copy / "whole").touch()
    return copy / package.name / binaries.parent.name / "bin"


def _die_with_parent() -> None:
    """Asks Linux to end PostgreSQL (fast shutdown) if this supervisor is killed; elsewhere the next start does."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _options(layout: Layout) -> dict[str, Any]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_"))}
    options: dict[str, Any] = {
        "cwd": "/",
        "env": {**environment, "LC_ALL": "C"},
        "preexec_fn": _die_with_parent,
    }
    if layout.user is not None:
        options |= {"user": layout.user, "group": pwd.getpwuid(layout.user).pw_gid, "extra_groups": []}
    return options


def _run(layout: Layout, *command: str, given: str = "") -> None:
    """Runs one of PostgreSQL's programs to its end; its words go into the log and, where it fails, into the error."""
    done = subprocess.run(
        [layout.binaries / command[0], *command[1:]],
        input=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **_options(layout),
    )
    with layout.log.open("a") as log:
        log.write(done.stdout)
    if done.returncode:
        raise CannotStart(_why(layout, done.stdout))


def _make_cluster(layout: Layout) -> None:
    """A new cluster with our database in it, or none at all: it gets its name when it is whole."""
    free = shutil.disk_usage(layout.base).free
    if free < NEEDED_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(layout.base))
    new = layout.base / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    _private_folder(new, layout.user)
    _run(
        layout,
        *("initdb", "-D", str(new), "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    )
    _run(layout, "postgres", "--single", "-D", str(new), "postgres", given=f"CREATE DATABASE {NAME}\n")
    new.rename(layout.data)


def _check_cluster(layout: Layout) -> None:
    version = (layout.data / "PG_VERSION").read_text().strip()
    if version != MAJOR:
        raise CannotStart(
            f"{layout.data} was made by PostgreSQL {version} and this is {MAJOR}: "
            "install the version of Yuanfen that made it and export the data, or move the folder away."
        )


def _end_leftover(layout: Layout) -> None:
    """Ends a PostgreSQL whose supervisor was killed, and forgets one that a power cut left only on paper.

    The pid in the file may belong to another program by now, which must not be touched.
    """
    found = postmaster(layout.data)
    if found is None:
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _is_ours(found["pid"], layout.data):
        with contextlib.suppress(ProcessLookupError):
            os.kill(found["pid"], signal.SIGINT)
        if time.monotonic() > deadline:
            raise CannotStart(
                f"An old PostgreSQL (process {found['pid']}) does not stop: end it and start again."
            )
        time.sleep(0.05)
    (layout.data / "postmaster.pid").unlink(missing_ok=True)


def _is_ours(pid: int, data: Path) -> bool:
    """Whether that process is a PostgreSQL over these data."""
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return f"postgres -D {data} " in shown.stdout


def _start(layout: Layout, sockets: Path) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "log_line_prefix": "%m [%p] ",
        # Five-minute checkpoints of an idle demo would fill the log.
        "log_checkpoints": "off",
        "jit": "off",
    }
    words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    begun = layout.log.stat().st_size
    with layout.log.open("ab") as log:
        server = subprocess.Popen(
            [layout.binaries / "postgres", "-D", layout.data, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **_options(layout),
        )
    deadline = time.monotonic() + START_SECONDS
    while not ((found := postmaster(layout.data)) and found["pid"] == server.pid and found["ready"]):
        if server.poll() is not None:
            with layout.log.open(errors="replace") as log_text:
                log_text.seek(begun)
                raise CannotStart(_why(layout, log_text.read()))
        if time.monotonic() > deadline:
            _stop(server)
            raise CannotStart(f"PostgreSQL was not ready after {START_SECONDS} s: see {layout.log}.")
        time.sleep(0.01)
    return server


def _stop(server: subprocess.Popen[bytes]) -> None:
    """A fast shutdown: sessions are cut, nothing committed is lost."""
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
            return


def _why(layout: Layout, said: str) -> str:
    """One sentence from what PostgreSQL said when it failed."""
    if "No space left on device" in said or "could not write" in said and "space" in said:
        return _full(layout.base)
    if "error while loading shared libraries" in said or "Library not loaded" in said:
        library = said.split("libraries:")[-1].split("loaded:")[-1].split("\n")[0].split(":")[0].strip()
        return (
            f"PostgreSQL needs the system library {library}, which is not here: install it, "
            "or set DATABASE_URL to a PostgreSQL of your own."
        )
    lines = [line for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
    last = (marked or lines or ["it said nothing"])[-1].strip()
    return f"PostgreSQL could not start ({last}): see {layout.log}."


def _full(folder: Path) -> str:
    return (
        f"The disk that holds {folder} is full: free at least {NEEDED_BYTES // 1_000_000} MB and start again."
    )


def explain(error: OSError, place: Path) -> str:
    """One sentence from an error of the file system."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _full(place)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"{error.filename or place} cannot be written by the user who starts Yuanfen: "
            "run it as the owner of that folder, or set DATA_DIR to another one."
        )
    return f"PostgreSQL could not start in {place}: {error.strerror or error}."


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """While waiting: the end of PostgreSQL or a request to leave ends the wait; hang-ups of a terminal do not."""

    def over(_number: int, _frame: FrameType | None) -> None:
        raise _Over

    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ending = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
    for number in ending:
        signal.signal(number, over)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGCHLD else signal.SIG_IGN)


def _answer(**words: str) -> None:
    """Tells the process that waits for us, then lets go of the pipe."""
    with contextlib.suppress(OSError):  # it may have been killed meanwhile
        os.write(1, json.dumps(words).encode() + b"\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 1)


def supervise(place: Path, binaries: Path) -> None:
    """Runs PostgreSQL in `place` until nobody holds PLACE/use.lock."""
    guard = os.open(place / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(guard, fcntl.LOCK_EX)
    use = os.open(place / "use.lock", os.O_RDWR | os.O_CREAT, 0o600)
    layout = _layout(place, binaries)
    _trim(layout.log)
    if not layout.data.exists():
        _make_cluster(layout)
    _check_cluster(layout)
    _end_leftover(layout)
    sockets = socket_folder(layout.base)
    _private_folder(sockets, layout.user)
    server = _start(layout, sockets)
    with contextlib.suppress(_Over), _signals():
        if server.poll() is not None:
            raise _Over
        _answer(ready=str(sockets))
        fcntl.flock(use, fcntl.LOCK_EX)
    if server.poll() is None:
        _stop(server)
    shutil.rmtree(sockets, ignore_errors=True)


def _trim(log: Path) -> None:
    """Keeps the log and one before it, each of some megabytes."""
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(log.with_suffix(".old"))
    log.touch(mode=0o600)


def main() -> None:
    place, binaries = Path(sys.argv[1]), Path(sys.argv[2])
    if os.fork():  # the starter does not become our parent, so that none of us is left for it to wait for
        os._exit(0)
    try:
        supervise(place, binaries)
    except CannotStart as error:
        _answer(cannot=str(error))
    except OSError as error:
        _answer(cannot=explain(error, place))
    except BaseException as error:
        _answer(cannot=f"PostgreSQL could not start ({error!r}): see {place / 'log'}.")
    # The kernel lets go of the locks when this process has ended, not a moment before.
    os._exit(0)


if __name__ == "__main__":
    main()
