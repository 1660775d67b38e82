"""``manage.py demo``: the whole process on the made-up university, then its pages."""

from __future__ import annotations

import json
import os
import signal
import time
from argparse import ArgumentParser
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, connections
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.commands import terminal_language
from accounts.models import AuditEntry, ForgeAccount, User
from config.settings_choice import DEMO_MARKER
from credits.contributions.collecting.collect import schedule_new_accounts
from credits.contributions.models import CollectionState
from credits.errors import CreditsError
from credits.jobs.wake import wake_workers
from demo import people, report, story, university
from demo.addresses import HOST, forge_port, web_port
from demo.processes import DemoProcesses, require_free, serve_pages

DEMO_READY_ACTION = "demo-ready"
"""The audit log entry which says that the story was played to its end."""


class Command(BaseCommand):
    help = (
        "The whole main job on a made-up university, through a local forge and a real worker; then the pages."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop after printing the result")
        parser.add_argument("--json", action="store_true", help="print the result for machines")

    def handle(self, *_args: Any, **options: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _stop)
        with translation.override(terminal_language(os.environ)):
            try:
                with DemoProcesses(settings.DATA_DIR / "log") as processes:
                    self._run(processes, serve=not options["no_serve"], as_json=options["json"])
            except CreditsError as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                self.stdout.write("")

    def _run(self, processes: DemoProcesses, *, serve: bool, as_json: bool) -> None:
        require_free(forge_port())
        if serve:
            require_free(web_port())
        processes.start("forge", ["-m", "demo.forge", "--port", str(forge_port())])
        self._prepare()
        # From now on every other command recognises this data as the demo's (config/settings_choice.py).
        (Path(settings.DATA_DIR) / DEMO_MARKER).write_text(f"{web_port()}\n", encoding="ascii")
        processes.wait_for(f"http://{HOST}:{forge_port()}/github/api/v3/rate_limit")
        processes.start(
            "worker", ["-m", "celery", "-A", "config", "worker", "--concurrency=2", "--loglevel=INFO"]
        )
        if not AuditEntry.objects.filter(action=DEMO_READY_ACTION).exists():
            self._play(processes)
        totals = report.count_totals()
        if as_json:
            self.stdout.write(json.dumps(totals, ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join(["", *report.report_lines(totals), ""]))
        if not totals["ledger"]["holds"]:
            raise CommandError(_("The ledger is not intact."))
        if serve:
            self._serve(processes)

    def _prepare(self) -> None:
        """Create the tables. Restart an interrupted demo from the beginning; refuse a database with other people's
        data."""
        call_command("migrate", verbosity=0)
        if AuditEntry.objects.filter(action=DEMO_READY_ACTION).exists() or not User.objects.exists():
            return
        if settings.DATABASE_URL or User.objects.exclude(email__endswith="@demo.example").exists():
            raise CreditsError(
                "not-the-demos-database",
                _("This database contains people who do not belong to the demo."),
                _("Run the demo with DATABASE_URL unset, or with another DATA_DIR."),
            )
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connections.close_all()
        call_command("migrate", verbosity=0)

    def _play(self, processes: DemoProcesses) -> None:
        now = timezone.now()
        self.stderr.write(_("Creating the university …"))
        university.create_university(now=now)
        self._collect(processes)
        self.stderr.write(_("Applications, decisions, public notices, recording …"))
        story.play_story(now=now)
        AuditEntry.objects.create(at=now, action=DEMO_READY_ACTION, subject="demo")

    def _collect(self, processes: DemoProcesses, seconds: float = 180) -> None:
        """Let the worker collect, and wait until every account is complete."""
        schedule_new_accounts(now=timezone.now())
        wake_workers()
        deadline, last_shown = time.monotonic() + seconds, -1
        account_count = ForgeAccount.objects.filter(unlinked_at=None).count()
        while last_shown < account_count:
            processes.check()
            complete = CollectionState.objects.filter(complete_at__isnull=False).count()
            if complete != last_shown:
                self.stderr.write(
                    _("Collected %(done)s of %(wanted)s accounts")
                    % {"done": complete, "wanted": account_count}
                )
                last_shown = complete
            if time.monotonic() > deadline:
                raise CreditsError(
                    "demo-collects-too-long",
                    _("After %(seconds)s seconds the worker has still not collected everything.")
                    % {"seconds": seconds},
                    _("Its log is in %(log)s.") % {"log": processes.logs / "worker.log"},
                )
            time.sleep(0.1)

    def _serve(self, processes: DemoProcesses) -> None:
        processes.start("beat", ["-m", "celery", "-A", "config", "beat", "--pidfile="])
        address = serve_pages(processes)
        self.stdout.write(
            _("Open %(address)s and choose a person; Ctrl-C stops everything.") % {"address": address}
        )
        self.stdout.write(
            _("Or sign in as %(names)s; the password is always %(password)s.")
            % {"names": ", ".join(people.SIGN_IN_USERNAMES), "password": people.PASSWORD}
        )
        while True:
            processes.check()
            time.sleep(0.5)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
