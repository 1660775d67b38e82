"""manage.py export: write an export batch of a round and its manifest."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from credits.claims.rounds import find_round
from credits.formats.tabular import RENDERERS
from credits.records.export import export_round, under_way_warning


class Command(VerbCommand):
    help = "Write a round's ledger entries as a file with its manifest."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--round", metavar="CODE", help="default: the newest round that has opened")
        parser.add_argument("--format", required=True, metavar="FORMAT", help=", ".join(sorted(RENDERERS)))
        parser.add_argument(
            "--output", required=True, type=Path, metavar="DIR", help="the folder to write into"
        )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        output: Path = options["output"]
        batch = export_round(
            find_round(options["round"], now=now), options["format"], by=None, now=now, folder=output
        )
        file = batch.manifest["files"][0]
        lines = [
            _("Batch %(code)s of round %(round)s: entries %(entries)s, credit %(credit)s.")
            % {
                "code": batch.code,
                "round": batch.manifest["round"],
                "entries": batch.entries,
                "credit": batch.manifest["credit"],
            },
            f"{output / file['name']}  sha256 {file['sha256']}",
            str(output / f"{batch.code}.manifest.json"),
        ]
        if unfinished := under_way_warning(batch):
            lines.append(unfinished)
        return CommandReport(lines, {**batch.manifest, "folder": str(output)})
