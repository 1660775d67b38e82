"""Messages that wake workers."""

from __future__ import annotations

import pytest
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from credits.jobs import wake


@pytest.fixture
def sent(monkeypatch):
    messages: list[str] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **_options: messages.append(name))
    return messages


@pytest.mark.django_db(transaction=True)
def test_a_message_leaves_after_the_commit(sent):
    """Workers are woken after the work is committed, and not at all if it was rolled back."""
    with transaction.atomic():
        wake.wake_workers()
        assert sent == []
    assert sent == ["credits.tasks.wake"]
    with transaction.atomic():
        wake.wake_workers()
        transaction.set_rollback(True)
    assert sent == ["credits.tasks.wake"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("no broker"), ConnectionRefusedError()])
def test_invariant_10_a_broker_that_is_gone_breaks_nothing(monkeypatch, caplog, error):
    """Asking for work while the broker is down raises no error: the next beat finds the work."""

    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(current_app, "send_task", fail)
    wake.wake_workers()
    assert "next beat" in caplog.text
