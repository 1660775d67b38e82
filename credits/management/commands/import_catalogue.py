"""manage.py import_catalogue: import the repositories that the university recognises."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from credits.contributions.catalogue import CatalogueReport, import_catalogue
from credits.errors import CreditsError


class Command(VerbCommand):
    help = "Import the catalogue of repositories from CSV with the columns forge, repository, tier."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        file: Path = options["file"]
        try:
            with file.open("rb") as opened:
                report = import_catalogue(opened, by=None, now=now)
        except OSError as error:
            raise CreditsError(
                "file-not-read",
                _("Cannot read the file %(name)s: %(reason)s.")
                % {"name": file, "reason": error.strerror or type(error).__name__},
            ) from error
        return CommandReport(lines=_report_lines(report), data=asdict(report), done=not report.refused)


def _report_lines(report: CatalogueReport) -> list[str]:
    if report.refused:
        return [
            _("Nothing was imported:"),
            *(
                _("row %(row)d, %(column)s: %(reason)s")
                % {"row": cell.row, "column": cell.column, "reason": cell.reason}
                for cell in report.refused
            ),
        ]
    return [
        _("%(added)d added, %(changed)d changed, %(unchanged)d unchanged, %(left)d not in the file (kept).")
        % {
            "added": len(report.added),
            "changed": len(report.changed),
            "unchanged": report.unchanged,
            "left": len(report.left),
        }
    ]
