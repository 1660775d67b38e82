"""Tasks and workers: a message only wakes; killing workers loses nothing and doubles nothing."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django.utils import timezone

from accounts import forges
from credits import tasks
from credits.contributions import collect
from credits.contributions.models import CollectionState, Contribution, Evidence
from credits.jobs.models import Job
from demo.forge import LocalForge
from tests.contributions.busy import link_busiest, merged_as_held, merged_by_file
from tests.contributions.told import ALICE, ScriptedForge, change, page
from tests.factories import forge_account

HOUSE = Path(__file__).parent.parent


@pytest.fixture
def sent(monkeypatch) -> list[tuple[Any, ...]]:
    """What tasks send instead of sending it."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.collect, "apply_async", lambda args, **_options: messages.append(args))
    return messages


@pytest.mark.django_db
def test_wake_sends_a_worker_to_each_forge_that_is_due(sent):
    """New accounts are found by themselves; a forge with nothing due gets no message."""
    forge_account(forge="github")
    tasks.wake()
    assert sent == [("github",)]
    Job.objects.update(due_at=timezone.now() + timedelta(hours=1))
    tasks.wake()
    assert sent == [("github",)]


@pytest.mark.django_db
def test_invariant_10_a_doubled_message_does_nothing_twice(monkeypatch, sent):
    """The first message collects what is due; the same message once more, or a late one, finds nothing to do."""
    forge_account(forge_user_id=ALICE.id, login=ALICE.login)
    forge = ScriptedForge(lambda _asks: [page(ALICE, change(1))])
    monkeypatch.setattr(forges, "forge", lambda _name: forge)
    tasks.wake()
    for _ in range(3):
        tasks.collect("github")
    assert len(forge.asked) == 1
    assert Contribution.objects.count() == 1
    assert sent == [("github",)]


@pytest.mark.django_db
def test_a_task_asks_for_another_turn_when_its_time_is_up(monkeypatch, sent):
    """A forge with much to do gives way to the next message after a while, and asks to be called again."""
    forge_account(forge_user_id=ALICE.id, login=ALICE.login)
    monkeypatch.setattr(tasks, "BUDGET", timedelta(0))
    monkeypatch.setattr(forges, "forge", lambda _name: ScriptedForge(lambda _asks: [page(ALICE)]))
    collect.schedule_new_accounts(now=timezone.now())
    tasks.collect("github")
    assert sent == [("github",)]


class Workers:
    """Real workers on the filesystem broker, over the test's database and the local forge."""

    def __init__(self, data_dir: Path, local: LocalForge) -> None:
        database = connection.settings_dict
        folders = {name: data_dir / "queue" / name for name in ("messages", "control", "processed")}
        for folder in folders.values():
            folder.mkdir(parents=True)
        self.messages = folders["messages"]
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
        self._app = Celery("sender", broker="filesystem://", set_as_current=False)
        self._app.conf.broker_transport_options = {
            "data_folder_in": str(self.messages),
            "data_folder_out": str(self.messages),
            "control_folder": str(folders["control"]),
        }
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A parent with two children, in a process group of their own."""
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "--concurrency", "2"]
        self._running = subprocess.Popen(
            command,
            cwd=HOUSE,
            env=self._environment,
            start_new_session=True,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def kill(self) -> None:
        """Parent and children at once, without a word."""
        if self._running is not None:
            os.killpg(self._running.pid, signal.SIGKILL)
            self._running.wait()
            self._running = None

    def wake(self) -> None:
        self._app.send_task("credits.tasks.wake", ignore_result=True)

    def close(self) -> None:
        self.kill()
        self._app.close()
        self._log.close()


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge() as serving:
        yield serving


@pytest.fixture
def workers(tmp_path, local) -> Iterator[Workers]:
    made = Workers(tmp_path, local)
    yield made
    made.close()


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.mark.timeout(400)
@pytest.mark.django_db(transaction=True)
def test_invariant_10_workers_killed_outright_lose_and_double_nothing(workers, local):
    """Parent and children are killed in the middle of collecting, the queue of messages is emptied, and then the
    message comes three times. In the end the same is held as if nothing had happened, and nothing twice.
    """
    accounts = link_busiest(local, "github", 4) + link_busiest(local, "gitee", 4)
    truth = merged_by_file(accounts)
    everything = sum(map(len, truth.values()))
    slow = local.faults.add("slow", times=None, seconds=0.1)
    workers.start()
    workers.wake()
    wait_until(lambda: Contribution.objects.count() >= everything // 3)
    workers.kill()
    assert CollectionState.objects.filter(complete_at=None).exists()
    assert Contribution.objects.count() < everything
    for message in workers.messages.iterdir():
        message.unlink()
    # Five minutes pass, after which the dead workers' leases are over.
    Job.objects.filter(holder__isnull=False).update(leased_until=timezone.now())
    slow.times = 0
    workers.start()
    for _ in range(3):
        workers.wake()
    wait_until(lambda: CollectionState.objects.filter(complete_at__isnull=False).count() == len(accounts))
    assert merged_as_held(accounts) == truth
    assert Contribution.objects.count() == Evidence.objects.count() == everything
    assert not Job.objects.filter(holder__isnull=False).exists()
