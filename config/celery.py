"""The Celery application. Tasks live in credits/tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yuanfen")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["credits"])
