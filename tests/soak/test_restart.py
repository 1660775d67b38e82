"""The database server is stopped at once during work and started again: nothing lost, nothing twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from credits.contributions.models import Contribution
from credits.jobs.models import Job
from demo.forge import LocalForge
from embedded_postgres.layout import NAME, USER, data_base, read_postmaster
from tests import databases
from tests.profiles import LONG
from tests.soak.at_work import Stopwatch, complete
from tests.soak.whole import ROWS, link_everybody, stored_work, truth
from tests.workers import Workers

pytestmark = [pytest.mark.long, pytest.mark.timeout(3_600)]

RESTARTS = 20 if LONG else 1
PEOPLE = 40 if LONG else 2
BETWEEN = 3.0 if LONG else 0.5
SECONDS_AN_ANSWER = 0.15 if LONG else 0.05

HOLD = """
import sys
from pathlib import Path
import embedded_postgres as postgres
print(postgres.ensure_running(Path(sys.argv[1]))["HOST"], flush=True)
sys.stdin.read()
"""


class Server:
    """An embedded PostgreSQL of the test's own, to stop and start at will."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._holder: subprocess.Popen[str] | None = None
        self.socket = self.start()

    def start(self) -> str:
        self._holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self._data_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        socket = self._holder.stdout.readline().strip()
        assert socket, "the database did not start"
        return socket

    def stop_at_once(self) -> None:
        """Stop in immediate mode: no checkpoint, and no message to clients. The next start recovers from the log."""
        running = read_postmaster(data_base(self._data_dir / "postgres") / "data")
        assert running is not None
        os.kill(running.pid, signal.SIGQUIT)
        with contextlib.suppress(ProcessLookupError):
            while True:
                os.kill(running.pid, 0)
                time.sleep(0.01)
        self._let_go()

    def close(self) -> None:
        self._let_go()

    def _let_go(self) -> None:
        if self._holder is not None:
            self._holder.communicate()
            self._holder = None


def lead_to(where: dict[str, str]) -> None:
    """Send this process's connections to another database from now on."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
    connection.settings_dict.update(where)


@pytest.fixture
def server(transactional_db, tmp_path) -> Iterator[Server]:
    usual = {name: connection.settings_dict[name] for name in ("NAME", "USER", "HOST", "PORT")}
    databases.copy_cluster(tmp_path / "database")
    made = Server(tmp_path / "database")
    lead_to({"NAME": NAME, "USER": USER, "HOST": made.socket, "PORT": ""})
    try:
        yield made
    finally:
        lead_to(usual)
        made.close()


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge(ROWS) as serving:
        serving.faults.add("slow", times=None, seconds=SECONDS_AN_ANSWER)
        yield serving


@pytest.fixture
def workers(server, tmp_path, local) -> Iterator[Workers]:
    made = Workers(tmp_path, local)
    yield made
    made.close()


def test_invariant_10_a_database_restarted_at_once_loses_and_doubles_nothing(server, workers, local):
    """During work the server is stopped in immediate mode, is away for a moment, and recovers. The workers go on by
    themselves; in the end the database has what the file has, once, and no worker has a job.
    """
    accounts = link_everybody(PEOPLE)
    workers.start()
    workers.wake()
    watch = Stopwatch(local)
    restarts = 0
    while restarts < RESTARTS and not watch.work(BETWEEN, workers):
        server.stop_at_once()
        time.sleep(0.5)
        server.start()
        connection.close()
        restarts += 1
        workers.wake()
    assert restarts == RESTARTS, "it was over before the database was restarted: make it longer"
    local.faults.clear()  # what is left need not be slow
    assert complete() or watch.work(1_800, workers)
    print(f"{restarts} restarts, {watch.worked:.0f} s of work")
    workers.kill()
    assert stored_work() == truth(accounts)
    assert Contribution.objects.count() == len(truth(accounts))
    assert not Job.objects.filter(holder__isnull=False).exists()
