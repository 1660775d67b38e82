"""manage.py verify_ledger: check the hash chain and its results; print the first broken row and exit with 1 if any."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from credits.records.checkpoints import noted_checkpoints, parse_checkpoint
from credits.records.verification import verify_records


class Command(VerbCommand):
    help = (
        "Recompute the ledger's hash chain, and look for the recorded result behind each entry. The manifests of "
        "exports in DATA_DIR/exports, and any --checkpoint, are held against it, "
        "so that a cut tail or a ledger rewritten as a whole is found too."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoint",
            action="append",
            default=[],
            metavar="NUMBER:HASH",
            help="number and hash of an entry, from a record kept elsewhere (a manifest gives the last entry)",
        )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        kept = [*noted_checkpoints(), *map(parse_checkpoint, options["checkpoint"])]
        verdict = verify_records(kept)
        lines = [
            _("%(count)s entries, head %(head)s, %(checkpoints)s checkpoints.")
            % {"count": verdict.entries, "head": verdict.head[:16], "checkpoints": len(kept)},
            _("The ledger is intact.")
            if verdict.holds
            else _("Entry %(number)s is not valid: %(reason)s")
            % {"number": verdict.broken, "reason": verdict.reason},
        ]
        data = {
            "holds": verdict.holds,
            "entries": verdict.entries,
            "head": verdict.head,
            "checkpoints": len(kept),
            "broken": verdict.broken,
            "reason": verdict.reason,
        }
        return CommandReport(lines, data, done=verdict.holds)
