"""``python -m demo.first_day``: serve the pages of a university that has people and nothing else yet."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import FrameType

import django


def main() -> int:
    """Serve until stopped. The database is the one in DATA_DIR, which should be new."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "demo.settings"
    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone

    from accounts.models import User
    from demo import university
    from demo.processes import DemoProcesses, serve_pages

    signal.signal(signal.SIGTERM, _stop)
    call_command("migrate", verbosity=0)
    if not User.objects.exists():
        with transaction.atomic():
            university.create_people(now=timezone.now())
    try:
        with DemoProcesses(settings.DATA_DIR / "log") as processes:
            print(serve_pages(processes), flush=True)
            while True:
                processes.check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        return 0


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
