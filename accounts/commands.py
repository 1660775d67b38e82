"""What every command of ours does alike: call one verb, print its report, tell by the exit code if all was done."""

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
    """``lines`` for people, ``data`` (JSON-able) for machines: one document, or JSON Lines where it is an iterator.
    ``done``: whether all that was asked was done."""

    lines: Iterable[str]
    data: Any
    done: bool = True


class VerbCommand(BaseCommand):
    """A subclass says what it takes in ``arguments`` and returns a :class:`Report` from ``act``.

    Exit code 0 if all was done, 1 with the reasons if not. A CreditsError ends as its sentence on stderr (with
    ``--json`` as ``{"error": {code, message, hint}}`` on stdout), never as a traceback.
    """

    requires_migrations_checks = False

    def arguments(self, parser: ArgumentParser) -> None:
        """Add the command's own arguments."""

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        """Call the verb. ``now`` is read here, at the edge, and nowhere below."""
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
                    for one in report.data:
                        self.stdout.write(json.dumps(one, ensure_ascii=False))
                elif as_json:
                    self.stdout.write(json.dumps(report.data, ensure_ascii=False, indent=2))
                else:
                    for line in report.lines:
                        self.stdout.write(line)
            except BrokenPipeError:
                # The reader (head, a pager) has seen enough; Python would complain once more at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                sys.exit(1)
            except CreditsError as error:
                if as_json:
                    told = {"code": error.code, "message": error.message, "hint": error.hint}
                    self.stdout.write(json.dumps({"error": told}, ensure_ascii=False, indent=2))
                else:
                    self.stderr.write(str(error))
                sys.exit(1)
        if not report.done:
            sys.exit(1)


def terminal_language(environment: os._Environ[str] | dict[str, str]) -> str:
    """The language of a terminal, by the usual variables in their usual order: Chinese where one says so."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return "zh-hans" if value.lower().startswith("zh") else "en"
    return "en"


def find_user(username: str) -> User:
    """The person that ``--as`` or ``--attested-by`` names; raises NotThere ``unknown-person``."""
    person = User.objects.filter(username__iexact=username, is_active=True).first()
    if person is None:
        raise NotThere(
            "unknown-person",
            translation.gettext("There is no user %(username)s.") % {"username": username},
            translation.gettext("Enter the username, not the name."),
        )
    return person
