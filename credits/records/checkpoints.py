"""Checkpoints: heads of the ledger that exports noted, to compare the ledger with."""

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
    """Yield the ledger's head from each export batch in the database and from each manifest in ``EXPORTS_DIR``.

    A person who changes one of them may forget the other or have no access to it. Raises CreditsError if a manifest
    cannot be read.
    """
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
    """Return the checkpoint in a text ``NUMBER:HASH``. Raises CreditsError if it has another form."""
    if not re.fullmatch(r"\d{1,18}:[0-9a-f]{64}", text):
        raise CreditsError(
            "checkpoint-unreadable",
            _("%(text)s is not a checkpoint.") % {"text": text},
            _("Write the entry's number, a colon, and its hash of 64 hexadecimal digits."),
        )
    number, _colon, hash_ = text.partition(":")
    return Checkpoint(int(number), hash_, source=text[: len(number) + 13] + "…")
