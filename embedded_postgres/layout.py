"""Where the embedded PostgreSQL's files are, and which user runs it.

PostgreSQL refuses to run as root. If root starts it, it runs in its own user namespace (there it is nobody, and root's
files stay as they are). If the system refuses a namespace, it runs as the existing user "nobody", and files that this
user cannot reach are copied to a folder that it can reach. The permissions of parent folders are never widened, and no
user is created.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

NAME = USER = "yuanfen"
MAJOR = "18"
SOCKET_FILE = ".s.PGSQL.5432"
MAX_SOCKET_PATH_BYTES = 103  # sun_path has 104 bytes on macOS and 108 on Linux, with the final zero
NEEDED_BYTES = 200_000_000  # a new cluster takes 46 MB, its write-ahead log up to twice 64 MB
CLONE_NEWUSER = 0x10000000


class CannotStart(Exception):
    """The embedded PostgreSQL cannot run here; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class ClusterLayout:
    """The folders of a cluster: `place` has locks and log, `base` data and socket, `binaries` initdb and postgres."""

    place: Path
    base: Path
    binaries: Path
    user: int | None  # None: PostgreSQL runs as the user of this process

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.place / "log"


@dataclass(frozen=True)
class PostmasterStatus:
    """What a running PostgreSQL writes about itself into its data folder."""

    pid: int
    socket: str  # the folder of the socket; empty if there is none yet
    ready: bool


def read_postmaster(data: Path) -> PostmasterStatus | None:
    """Return the contents of postmaster.pid, or None if it is missing or not complete."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        return PostmasterStatus(
            pid=int(lines[0]),
            socket=lines[4] if len(lines) > 4 else "",
            ready=len(lines) > 7 and lines[7].strip() == "ready",
        )
    except (OSError, ValueError, IndexError):
        return None


def data_base(place: Path) -> Path:
    """Return the folder with the cluster's data: `place` itself, or another one if root started it there."""
    elsewhere = place / "elsewhere"
    return Path(elsewhere.read_text().strip()) if elsewhere.exists() else place


def choose_layout(place: Path, binaries: Path) -> ClusterLayout:
    """Decide which user runs PostgreSQL and where its files are. This may put the process into a user namespace."""
    elsewhere = place / "elsewhere"
    elsewhere.unlink(missing_ok=True)
    if os.geteuid() != 0:
        return ClusterLayout(place, place, binaries, None)
    if _namespace_works(place, binaries):
        _enter_namespace()
        return ClusterLayout(place, place, binaries, None)
    import pwd

    user = pwd.getpwnam("nobody").pw_uid
    base = place
    if not reachable(place, user):
        base = _reachable_folder(place)
        elsewhere.write_text(f"{base}\n")
    if not reachable(binaries, user):
        binaries = _copy_binaries(binaries, _reachable_folder(place))
    return ClusterLayout(place, base, binaries, user)


def _enter_namespace() -> bool:
    """Put this process into its own user namespace. Return False if the system refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    return hasattr(libc, "unshare") and libc.unshare(CLONE_NEWUSER) == 0


def _namespace_works(place: Path, binaries: Path) -> bool:
    """Return whether a namespace is allowed and root's files can still be used inside it. A child process tries it."""
    child = os.fork()
    if child == 0:
        works = False
        with contextlib.suppress(Exception):
            works = (
                _enter_namespace() and os.access(place, os.W_OK) and os.access(binaries / "postgres", os.X_OK)
            )
        os._exit(0 if works else 1)
    return os.waitpid(child, 0)[1] == 0


def reachable(path: Path, user: int) -> bool:
    """Return whether an unprivileged user may enter every folder down to path."""
    stats = [folder.stat() for folder in (path, *path.parents)]
    return all(stat.st_mode & (0o100 if stat.st_uid == user else 0o001) for stat in stats)


def _reachable_folder(place: Path) -> Path:
    """Return a folder of root that other users may enter and that survives a restart of the machine."""
    mark = hashlib.sha256(os.fsencode(place)).hexdigest()[:12]
    home = next(path for path in map(Path, ("/var/lib", "/var/tmp")) if os.access(path, os.W_OK))  # noqa: S108
    folder = home / f"yuanfen-{mark}"
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise CannotStart(f"{folder} belongs to somebody else: remove it.")
    folder.chmod(0o755)
    return folder


def _copy_binaries(binaries: Path, outside: Path) -> Path:
    """Copy PostgreSQL's programs and the libraries that they expect beside their package. Return the new folder."""
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = outside / "programs"
    if not (copy / "whole").exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(binaries.parent, copy / package.name / binaries.parent.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
            folder.chmod(0o755)
        (copy / "whole").touch()
    return copy / package.name / binaries.parent.name / "bin"


def socket_folder(base: Path) -> Path:
    """Return the folder of the socket: beside the data, or in the temporary folder.

    The temporary folder is used if the path is too long for a socket, or contains a comma or a quote, which libpq would
    read as a list of hosts. Raise CannotStart if that path is too long as well.
    """
    beside = base / "socket"
    if _fits_socket_path(beside):
        return beside
    mark = hashlib.sha256(os.fsencode(base)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"yuanfen-{mark}"
    if not _fits_socket_path(short):
        raise CannotStart(
            f"The path of {base} is too long for a socket, and so is that of the temporary folder: "
            "set TMPDIR to a short path such as /tmp."
        )
    return short


def _fits_socket_path(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_FILE)) <= MAX_SOCKET_PATH_BYTES and not set(str(folder)) & set(
        ",'\"\\"
    )


def private_folder(path: Path, user: int | None) -> None:
    """Make a folder of mode 0700 that belongs to PostgreSQL's user. Raise CannotStart if another user owns it."""
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.lstat().st_uid not in {os.geteuid(), user}:
        raise CannotStart(f"{path} belongs to somebody else: remove it, or set TMPDIR to another folder.")
    path.chmod(0o700)
    if user is not None:
        os.chown(path, user, -1)


def disk_full_message(folder: Path) -> str:
    """Return the error message for a full disk."""
    return f"The disk that holds {folder} is full: free {NEEDED_BYTES // 1_000_000} MB and start again."


def explain_os_error(error: OSError, place: Path) -> str:
    """Return one sentence that explains an error of the file system."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full_message(place)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return (
            f"{error.filename or place} cannot be used by the user who starts Yuanfen: "
            "run it as the owner of that folder, or set DATA_DIR to another one."
        )
    return f"PostgreSQL could not start in {place}: {error.strerror or error}."
