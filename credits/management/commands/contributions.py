"""manage.py contributions: print the stored contributions, one on each line."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils.translation import ngettext

from accounts.commands import CommandReport, VerbCommand
from credits.contributions import queries
from credits.contributions.collecting.status import count_never_complete


class Command(VerbCommand):
    help = "Print the stored contributions of students, one per line; with --json as JSON Lines."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--student", nargs="+", action="extend", metavar="NUMBER", help="only these students"
        )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        accounts = queries.linked_accounts(options["student"])
        if unknown := count_never_complete(accounts):
            # Zero and unknown must not look the same (invariant 9), so the warning is printed with --json too.
            self.stderr.write(
                ngettext(
                    "%(unknown)d of %(linked)d linked accounts was never collected completely, "
                    "so its contributions are not fully known.",
                    "%(unknown)d of %(linked)d linked accounts were never collected "
                    "completely, so their contributions are not fully known.",
                    unknown,
                )
                % {"unknown": unknown, "linked": len(accounts)}
            )
        lines = queries.contribution_lines(options["student"])
        # Both share one iterator, which can be read only once. That is enough: only one of the two is printed.
        return CommandReport(lines=(_format_line(line) for line in lines), data=lines)


def _format_line(line: dict[str, Any]) -> str:
    def known(number: int | None) -> str:
        return "?" if number is None else str(number)

    return (
        "{student_number}  {merged_at}  {forge}:{repository}#{number}  ".format(**line)
        + f"+{known(line['additions'])} -{known(line['deletions'])}  "
        + "{role}, {status}  {title}".format(**line)
    )
