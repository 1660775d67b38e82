"""The Celery application. Tasks live in credits/tasks.py."""

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yuanfen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["credits"])


@worker_process_init.connect
def send_first_wake_message(**_: object) -> None:
    """A new process may stand in for one that died in the middle: what that left is due now, not at the next beat.

    Nothing here may speak to the database: Celery next closes the sockets of the connections that it finds, which it
    takes for the parent's.
    """
    from credits.jobs.wake import send_wake_message

    send_wake_message()
