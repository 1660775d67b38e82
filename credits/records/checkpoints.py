"""Heads of the ledger as noted outside the database, to hold it against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from credits.errors import CreditsError
from credits.ledger.verify import Checkpoint
from credits.records.models import ExportBatch


def noted_checkpoints() -> Iterator[Checkpoint]:
    """The ledger's head as each export batch in the database names it, and each manifest in the house's own folder:
    whoever alters the one may forget, or not reach, the other."""
    for code, manifest in ExportBatch.objects.order_by("pk").values_list("code", "manifest"):
        ledger = manifest["ledger"]
        yield Checkpoint(int(ledger["entries"]), str(ledger["head"]), source=code)
    for path in sorted(Path(settings.EXPORTS_DIR).glob("*.manifest.json")):
        try:
            ledger = json.loads(path.read_text(encoding="utf-8"))["ledger"]
            yield Checkpoint(int(ledger["entries"]), str(ledger["head"]), source=path.name)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CreditsError(
                "manifest-unreadable",
                _("Cannot read the manifest %(file)s.") % {"file": path.name},
                _("Restore the original file, or move it out of the folder."),
            ) from error


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from ``NUMBER:HASH``."""
    if not re.fullmatch(r"\d{1,18}:[0-9a-f]{64}", text):
        raise CreditsError(
            "checkpoint-unreadable",
            _("%(text)s is not a checkpoint.") % {"text": text},
            _("Write the entry's number, a colon, and its hash of 64 hexadecimal digits."),
        )
    number, _colon, hash_ = text.partition(":")
    return Checkpoint(int(number), hash_, source=text[: len(number) + 13] + "…")
