"""The Celery application. Its tasks are in credits/tasks.py."""

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yuanfen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["credits"])


@worker_process_init.connect
def send_first_wake_message(**_: object) -> None:
    """Wake the workers when a process of a worker starts.

    The new process may replace one that died during a job. That job is due now, and should not wait for the next beat.
    Do not use the database here: Celery then closes the sockets of all open connections, because it takes them for the
    parent's.
    """
    from credits.jobs.wake import send_wake_message

    send_wake_message()
