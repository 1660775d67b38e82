"""成绩报送批次: write a round's ledger entries to a file, with a manifest that anyone can check it by."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit
from accounts.models import User
from accounts.permissions import Role, require_for_university
from credits.claims.models import Claim, Result, Round
from credits.claims.recording.record import ledger_reference
from credits.errors import CreditsError
from credits.formats.base import ExportRenderer, RecordLine
from credits.formats.tabular import RENDERERS
from credits.ledger import entries
from credits.records.export_lines import record_lines
from credits.records.models import ExportBatch

_UNDER_WAY = (Claim.Status.SUBMITTED, Claim.Status.HEARING, Claim.Status.NOTICE)


def export_round(
    round_: Round, format_: str, *, by: User | None, now: datetime, folder: Path | None = None
) -> ExportBatch:
    """Write every ledger entry of a round to a file in ``folder`` (default: ``EXPORTS_DIR``), and store the batch.

    ``by`` is None for the command line, otherwise a registrar for the whole university. Two files appear, both complete
    or neither: ``<batch><suffix>`` and ``<batch>.manifest.json``. The manifest has the file's name, size in bytes and
    SHA-256, the number of entries, the sum of credit, how many claims of the round were not finished (their credit is
    not in the file), and the ledger's head at that moment. Raises CreditsError if the format is unknown or the files
    cannot be written; then nothing is stored.
    """
    if by is not None:
        require_for_university(by, Role.REGISTRAR)
    renderer = RENDERERS.get(format_)
    if renderer is None:
        raise CreditsError(
            "unknown-format",
            _("There is no export format %(format)s.") % {"format": format_},
            _("Choose one of: %(formats)s.") % {"formats": ", ".join(sorted(RENDERERS))},
        )
    folder = folder or settings.EXPORTS_DIR
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with transaction.atomic():
            return _write_batch(round_, renderer, by=by, now=now, folder=folder)
    except OSError as error:
        raise CreditsError(
            "export-not-written",
            _("The export could not be written to %(folder)s: %(reason)s.")
            % {"folder": folder, "reason": error.strerror or error},
            _("Choose a folder that is writable and has enough space, and export again."),
        ) from error


def under_way_warning(batch: ExportBatch) -> str:
    """Return a sentence that says how many claims are not in the batch; empty if all of the round were finished."""
    count = batch.manifest["claims_under_way"]
    if not count:
        return ""
    return ngettext(
        "%(count)s application of the round is not finished: its credit is not in the batch.",
        "%(count)s applications of the round are not finished: their credit is not in the batch.",
        count,
    ) % {"count": count}


def batch_file(batch: ExportBatch) -> Path:
    """Return the path of the batch's file in ``EXPORTS_DIR``."""
    return Path(settings.EXPORTS_DIR) / batch.manifest["files"][0]["name"]


@transaction.atomic
def audit_download(batch: ExportBatch, name: str, *, by: User, now: datetime) -> None:
    """Write to the audit log that a file of the batch was downloaded: it has the recognised credit of many people."""
    audit.record("export-fetched", batch, by=by, now=now, file=name)


def _write_batch(
    round_: Round, renderer: ExportRenderer, *, by: User | None, now: datetime, folder: Path
) -> ExportBatch:
    # One export at a time: files are named after the round and the second.
    Round.objects.select_for_update(no_key=True).get(pk=round_.pk)
    code = _free_code(round_, now)
    references = list(map(ledger_reference, _recorded_result_ids(round_)))
    number, head = entries.head()
    total = _CreditTotal()
    name, unfinished = f"{code}{renderer.suffix}", folder / f".{code}.unfinished"
    manifest_file, manifest_unfinished = (
        folder / f"{code}.manifest.json",
        folder / f".{code}.manifest.unfinished",
    )
    try:
        with unfinished.open("wb") as file:
            count = renderer.render(total.passing(record_lines(entries.of_references(references))), file)
            file.flush()
            os.fsync(file.fileno())
        manifest: dict[str, Any] = {
            "batch": code,
            "round": round_.code,
            "term": round_.term.code,
            "made_at": now.isoformat(timespec="seconds"),
            "made_by": by.username if by else None,
            "format": renderer.identifier,
            "files": [{"name": name, "bytes": unfinished.stat().st_size, "sha256": _sha256(unfinished)}],
            "entries": count,
            "credit": format(total.credit, "f"),
            "claims_under_way": Claim.objects.filter(round=round_, status__in=_UNDER_WAY).count(),
            "ledger": {"entries": number, "head": head},
        }
        batch = ExportBatch.objects.create(
            code=code,
            round=round_,
            format=renderer.identifier,
            entries=count,
            credit=total.credit,
            manifest=manifest,
            made_by=by,
            made_at=now,
        )
        audit.record("exported", batch, by=by, now=now, sha256=manifest["files"][0]["sha256"], entries=count)
        manifest_unfinished.write_text(
            json.dumps(manifest, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        unfinished.rename(folder / name)
        manifest_unfinished.rename(manifest_file)
    finally:
        unfinished.unlink(missing_ok=True)
        manifest_unfinished.unlink(missing_ok=True)
    return batch


def _recorded_result_ids(round_: Round) -> Iterator[uuid.UUID]:
    return Result.objects.filter(claim__round=round_).values_list("public_id", flat=True).iterator()


def _free_code(round_: Round, now: datetime) -> str:
    """Return a code that no batch has: the round and the local second, with a number if that second has a batch."""
    stem = f"{round_.code}-{timezone.localtime(now):%Y%m%d-%H%M%S}"
    used = set(ExportBatch.objects.filter(code__startswith=stem).values_list("code", flat=True))
    return next(
        code for code in (stem, *(f"{stem}-{n}" for n in range(2, len(used) + 3))) if code not in used
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _CreditTotal:
    """The sum of credit of the lines that pass through it."""

    def __init__(self) -> None:
        self.credit = Decimal("0.00")

    def passing(self, passed: Iterator[RecordLine]) -> Iterator[RecordLine]:
        for line in passed:
            self.credit += line.credit
            yield line
