"""The base of our management commands: call one function, print its report, set the exit code."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from accounts.models import User
from credits.errors import CreditsError, NotThere


@dataclass(frozen=True, slots=True)
class CommandReport:
    """What a command prints: ``lines`` for people, ``data`` for machines.

    ``data`` is printed as one JSON document, or as JSON Lines if it is an iterator. ``done`` says whether everything
    that was asked for was done.
    """

    lines: Iterable[str]
    data: Any
    done: bool = True


class VerbCommand(BaseCommand):
    """Run one function and print its report. A subclass defines ``arguments`` and returns a report from ``act``.

    The exit code is 0 if everything was done; otherwise it is 1 and the reasons are printed. A CreditsError is printed
    on stderr (with ``--json`` as ``{"error": {code, message, hint}}`` on stdout), never as a traceback.
    """

    requires_migrations_checks = False

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        """Call the function and return its report. ``handle`` reads the clock once and passes it as ``now``."""
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document for machines")
        self.arguments(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        as_json = options.pop("json")
        with translation.override(terminal_language(os.environ)):
            try:
                report = self.act(now=timezone.now(), **options)
                if as_json and isinstance(report.data, Iterator):
                    for item in report.data:
                        self.stdout.write(json.dumps(item, ensure_ascii=False))
                elif as_json:
                    self.stdout.write(json.dumps(report.data, ensure_ascii=False, indent=2))
                else:
                    for line in report.lines:
                        self.stdout.write(line)
            except BrokenPipeError:
                # The reader (head, a pager) closed the pipe. Without this, Python reports it again when it exits.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(1)
            except CreditsError as error:
                if as_json:
                    details = {"code": error.code, "message": error.message, "hint": error.hint}
                    self.stdout.write(json.dumps({"error": details}, ensure_ascii=False, indent=2))
                else:
                    self.stderr.write(str(error))
                sys.exit(1)
        if not report.done:
            sys.exit(1)


def terminal_language(environment: os._Environ[str] | dict[str, str]) -> str:
    """Return the language of the terminal from LC_ALL, LC_MESSAGES and LANG: Chinese (``zh-hans``) or English."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh-hans" if value.lower().startswith("zh") else "en"
    return "en"


def find_user(username: str) -> User:
    """Return the active user that ``--as`` or ``--attested-by`` names. Raise NotThere ``unknown-person``."""
    person = User.objects.filter(username__iexact=username, is_active=True).first()
    if person is None:
        raise NotThere(
            "unknown-person",
            translation.gettext("There is no user %(username)s.") % {"username": username},
            translation.gettext("Enter the username, not the name."),
        )
    return person
