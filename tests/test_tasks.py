"""Tasks and workers: a message only wakes them, and killing workers loses and duplicates nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.identity import forges
from credits import tasks
from credits.contributions.collecting import collect
from credits.contributions.models import CollectionState, Contribution, Evidence
from credits.jobs.models import Job
from demo.forge import LocalForge
from tests.contributions.busiest_people import link_busiest, merged_by_file, merged_in_database
from tests.contributions.scripted_forge import ALICE, ScriptedForge, change, page
from tests.factories import forge_account
from tests.workers import Workers, end_every_session, wait_until


@pytest.fixture
def sent(monkeypatch) -> list[tuple[Any, ...]]:
    """Collect the messages that tasks would send."""
    messages: list[tuple[Any, ...]] = []
    monkeypatch.setattr(tasks.collect, "apply_async", lambda args, **_options: messages.append(args))
    return messages


@pytest.mark.django_db
def test_wake_sends_a_worker_to_each_forge_that_is_due(sent):
    """New accounts are scheduled without a message, and a forge with nothing due gets no message."""
    forge_account(forge="github")
    tasks.wake()
    assert sent == [("github",)]
    Job.objects.update(due_at=timezone.now() + timedelta(hours=1))
    tasks.wake()
    assert sent == [("github",)]


@pytest.mark.django_db
def test_invariant_10_a_doubled_message_does_nothing_twice(monkeypatch, sent):
    """The first message collects what is due; the same message again, or a late one, finds nothing to do."""
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
    """A forge with much work lets the next message run after a while, and sends a message for itself."""
    forge_account(forge_user_id=ALICE.id, login=ALICE.login)
    monkeypatch.setattr(tasks, "BUDGET", timedelta(0))
    monkeypatch.setattr(forges, "forge", lambda _name: ScriptedForge(lambda _asks: [page(ALICE)]))
    collect.schedule_new_accounts(now=timezone.now())
    tasks.collect("github")
    assert sent == [("github",)]


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge() as forge:
        yield forge


@pytest.fixture
def workers(tmp_path, local) -> Iterator[Workers]:
    started = Workers(tmp_path, local)
    yield started
    started.close()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_looks_by_itself_and_loses_nothing_of_it(workers, local):
    """Without any message, each new process collects what is due, and logs no warning or error."""
    accounts = link_busiest(local, "github", 1)
    workers.start()
    wait_until(
        lambda: CollectionState.objects.filter(complete_at__isnull=False).count() == len(accounts),
        output=workers.output,
    )
    assert [line for line in workers.output().splitlines() if " WARNING " in line or " ERROR " in line] == []


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.django_db(transaction=True)
def test_invariant_10_workers_killed_outright_lose_and_double_nothing(workers, local):
    """Workers that are killed during collection, with broker and database sessions lost, store everything exactly once.

    The broker's folder disappears and comes back empty, a child is killed, every database session is ended, then parent
    and children are killed together, and the message comes three times. (``make soak`` does this for hours.)
    """
    accounts = link_busiest(local, "github", 3) + link_busiest(local, "gitee", 3)
    truth = merged_by_file(accounts)
    everything = sum(map(len, truth.values()))
    slow = local.faults.add("slow", times=None, seconds=0.05)
    workers.start()
    workers.wake()
    wait_until(Contribution.objects.exists, output=workers.output)
    workers.messages.rename(workers.messages.with_name("away"))
    time.sleep(0.3)
    workers.messages.mkdir(exist_ok=True)
    assert workers.kill_child()
    assert workers.alive()
    end_every_session()
    workers.wake()
    wait_until(lambda: Contribution.objects.count() >= everything // 3, output=workers.output)
    workers.kill()
    assert CollectionState.objects.filter(complete_at=None).exists()
    assert Contribution.objects.count() < everything
    for message in workers.messages.iterdir():
        message.unlink()
    # This takes the place of five minutes of waiting, after which the leases of the dead workers end.
    Job.objects.filter(holder__isnull=False).update(leased_until=timezone.now())
    slow.times = 0
    workers.start()
    for _ in range(3):
        workers.wake()
    wait_until(
        lambda: CollectionState.objects.filter(complete_at__isnull=False).count() == len(accounts),
        output=workers.output,
    )
    assert merged_in_database(accounts) == truth
    assert Contribution.objects.count() == Evidence.objects.count() == everything
    assert not Job.objects.filter(holder__isnull=False).exists()
