"""Messages to workers. A message says no more than "look": the work to do is in the queue (invariant 10)."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)

EXPIRES_SECONDS = 60
"""A message older than this is dropped unread. By then the beat has sent another."""


def wake_workers() -> None:
    """Ask workers to look as soon as the current transaction is committed. Never fail.

    A lost message costs the time until the next beat and nothing else.
    """
    transaction.on_commit(send_wake_message, robust=True)


def send_wake_message() -> None:
    """Ask workers to look now, without using the database."""
    try:
        current_app.send_task("credits.tasks.wake", expires=EXPIRES_SECONDS, ignore_result=True, retry=False)
    except (KombuError, OSError):
        logger.warning("The broker cannot be reached; workers look at the next beat.", exc_info=True)
