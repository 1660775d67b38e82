"""manage.py import_roster: import the roster of students from a file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from accounts.people import roster, roster_file
from credits.errors import NotThere

MAX_SHOWN_LINES = 20


class Command(VerbCommand):
    help = "Import the roster of students from CSV or XLSX: the whole file or nothing."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="show the changes without applying them")

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                data = file.read(roster_file.MAX_BYTES + 1)
        except OSError as error:
            raise NotThere(
                "no-such-file",
                _("Cannot read %(file)s: %(reason)s.") % {"file": path, "reason": error.strerror},
            ) from error
        report = roster.import_roster(data, path.name, by=None, now=now, dry_run=options["dry_run"])
        return CommandReport(
            _report_lines(report, dry_run=options["dry_run"]), report.to_json(), done=not report.refused
        )


def _report_lines(report: roster.RosterReport, *, dry_run: bool) -> Iterator[str]:
    yield _(
        "%(added)s added, %(changed)s changed, %(unchanged)s unchanged, %(left)s enrolled but "
        "not in the file, %(refused)s errors."
    ) % {
        "added": len(report.added),
        "changed": len(report.changed),
        "unchanged": report.unchanged,
        "left": len(report.left),
        "refused": len(report.refused),
    }
    yield from _first_lines(
        _("Errors:"),
        [
            _("row %(row)s, %(column)s: %(reason)s")
            % {"row": refusal.row, "column": refusal.column, "reason": refusal.reason}
            for refusal in report.refused
        ],
    )
    yield from _first_lines(_("Check these rows again:"), report.staff)
    yield from _first_lines(_("Added:"), [f"{entry.student_number} {entry.name}" for entry in report.added])
    yield from _first_lines(
        _("Changed:"),
        [
            f"{change.student_number} {change.name}: "
            + "; ".join(f"{field}: {before} → {after}" for field, (before, after) in change.fields.items())
            for change in report.changed
        ],
    )
    yield from _first_lines(
        _("Enrolled but not in the file (unchanged):"),
        [f"{enrolment.student_number} {enrolment.name}" for enrolment in report.left],
    )
    yield from _first_lines(_("New departments:"), report.made_departments)
    yield from _first_lines(_("New programmes:"), report.made_programmes)
    yield from _first_lines(_("Columns that are not used:"), report.ignored_columns)
    if report.refused:
        yield _("Nothing was imported. Correct the rows above and import the file again.")
    elif dry_run:
        yield _("Dry run: nothing was imported.")


def _first_lines(heading: str, lines: list[str] | tuple[str, ...]) -> Iterator[str]:
    """Yield a heading and its first lines. All of them are in the JSON output."""
    if not lines:
        return
    yield heading
    yield from (f"  {line}" for line in lines[:MAX_SHOWN_LINES])
    if len(lines) > MAX_SHOWN_LINES:
        yield "  " + _("… and %(count)s more") % {"count": len(lines) - MAX_SHOWN_LINES}
