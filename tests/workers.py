"""Real Celery workers for tests: processes on the filesystem broker that use the test's database."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from django.db import connection

from demo.forge import LocalForge

PROJECT = Path(__file__).parent.parent


class Workers:
    """Start, kill and restart real workers on the filesystem broker, with the test's database and the local forge."""

    def __init__(self, data_dir: Path, local: LocalForge) -> None:
        database = connection.settings_dict
        folders = {name: data_dir / "queue" / name for name in ("messages", "control", "processed")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        self.messages = folders["messages"]
        self.broker = {
            "data_folder_in": str(self.messages),
            "data_folder_out": str(self.messages),
            "control_folder": str(folders["control"]),
        }
        """Transport options for sending these workers a message."""
        self._log = (data_dir / "log").open("w")
        self._environment = {
            **os.environ,
            **local.environment(),
            "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}",
            "PGHOST": str(database["HOST"]),
            "PGPORT": str(database["PORT"]),
            "PGPASSWORD": str(database["PASSWORD"]),
            "SECRET_KEY": secrets.token_hex(),
            "HTTPS": "off",
            "DATA_DIR": str(data_dir),
            "CELERY_BROKER_URL": "",
        }
        self._app = Celery("sender", broker="filesystem://localhost", set_as_current=False)
        self._app.conf.broker_transport_options = self.broker
        self._running: subprocess.Popen[bytes] | None = None
        self._turn = 0
        self.starts = 0

    def start(self) -> None:
        """Start a parent with two children, in their own process group."""
        self.starts += 1
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2"]
        self._running = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=self._environment,
            start_new_session=True,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def keep_up(self) -> None:
        """Start the workers again if they ended by themselves, as a supervisor does in production."""
        if self._running is not None and self._running.poll() is not None:
            self.kill()
            self.start()

    def alive(self) -> bool:
        return self._running is not None and self._running.poll() is None

    def kill(self) -> None:
        """Kill parent and children together with SIGKILL."""
        if self._running is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def kill_child(self) -> bool:
        """Kill one of the children with SIGKILL; the parent starts another. Return whether there was one."""
        assert self._running is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self._running.pid)], capture_output=True, text=True
        )
        children = [int(pid) for pid in listed.stdout.split()]
        if not children:
            return False
        os.kill(children[self._turn % len(children)], signal.SIGKILL)
        self._turn += 1
        return True

    def empty_broker(self) -> None:
        """Delete all messages."""
        for message in self.messages.iterdir():
            message.unlink(missing_ok=True)

    def output(self) -> str:
        """Return the end of what the workers wrote."""
        return Path(self._log.name).read_text(errors="replace")[-3_000:]

    def wake(self) -> None:
        """Send the message that wakes a worker."""
        self._app.send_task("credits.tasks.wake", ignore_result=True)

    def close(self) -> None:
        self.kill()
        self._app.close()
        self._log.close()


def wait_until(condition: Callable[[], bool], seconds: float = 120, output: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it took too long: {output()}"
        time.sleep(0.05)


def end_every_session() -> None:
    """End all other database sessions, as a restart of the database does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    # This process may have many open connections from other tests. It would notice their end one by one, and wait
    # longer each time.
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]
