"""Messages to workers. One says no more than "look": what there is to do stands in the queue (invariant 10)."""

from __future__ import annotations

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)

EXPIRES_SECONDS = 60
"""A message older than this is dropped unread: by then the beat has sent another."""


def wake_workers() -> None:
    """Ask workers to look, as soon as the present transaction is committed. Never fails: a message that is lost costs
    the time until the next beat and nothing else.
    """
    transaction.on_commit(send_wake_message, robust=True)


def send_wake_message() -> None:
    """The same at once, without a word to the database."""
    try:
        current_app.send_task("credits.tasks.wake", expires=EXPIRES_SECONDS, ignore_result=True, retry=False)
    except (KombuError, OSError):
        logger.warning("The broker cannot be reached; workers look at the next beat.", exc_info=True)
