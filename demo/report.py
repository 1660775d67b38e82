"""The demo's report, counted from the database."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from accounts.identity.forges import LABELS
from accounts.models import Enrolment, ForgeAccount
from credits.claims.models import Claim, Decision, Result
from credits.contributions.models import Contribution
from credits.records.checkpoints import noted_checkpoints
from credits.records.export import batch_file
from credits.records.models import ExportBatch
from credits.records.verification import verify_records


def count_totals() -> dict[str, Any]:
    """Return the totals as values for JSON. Credit is a decimal number as text."""
    verdict = verify_records(noted_checkpoints())
    batch = ExportBatch.objects.first()
    return {
        "students": Enrolment.objects.values("user").distinct().count(),
        "accounts_linked": _count_by(ForgeAccount.objects.filter(unlinked_at=None), "forge"),
        "contributions": _count_by(Contribution.objects.all(), "repository__forge"),
        "claims": _count_by(Claim.objects.all(), "status"),
        "decisions": _count_by(Decision.objects.all(), "verdict"),
        "results": Result.objects.count(),
        "credits_posted": format(Result.objects.aggregate(total=Sum("credit"))["total"] or 0, "f"),
        "export": str(batch_file(batch)) if batch else None,
        "export_entries": batch.entries if batch else 0,
        "ledger": {"holds": verdict.holds, "entries": verdict.entries, "head": verdict.head},
    }


def report_lines(totals: dict[str, Any]) -> list[str]:
    """Return the totals as lines of text for people."""
    ledger = totals["ledger"]
    export = totals["export"] or "–"
    if totals["export"] and export.startswith(str(settings.BASE_DIR)):
        export = export[len(str(settings.BASE_DIR)) + 1 :]
    return [
        _("Students:             %s") % totals["students"],
        _("Accounts linked:      %s") % _format_counts(totals["accounts_linked"], LABELS),
        _("Contributions:        %s") % _format_counts(totals["contributions"], LABELS),
        _("Applications:         %s") % _format_counts(totals["claims"], _status_names()),
        _("Decisions:            %s") % _format_counts(totals["decisions"], dict(Decision.Verdict.choices)),
        _("Credits posted:       %(credit)s in %(results)s results")
        % {"credit": f"{Decimal(totals['credits_posted']).normalize():f}", "results": totals["results"]},
        _("Export:               %(path)s (%(entries)s entries)")
        % {"path": export, "entries": totals["export_entries"]},
        _("Ledger:               %(entries)s entries, %(verdict)s")
        % {
            "entries": ledger["entries"],
            "verdict": _("intact") if ledger["holds"] else _("NOT INTACT"),
        },
    ]


def _count_by(rows: Any, field: str) -> dict[str, int]:
    return dict(rows.order_by(field).values_list(field).annotate(count=Count("pk")))


def _status_names() -> dict[str, object]:
    """Return the names of the claims' states. None of them addresses the student."""
    return {**dict(Claim.Status.choices), Claim.Status.HEARING: _("waiting for the student's response")}


def _format_counts(counts: dict[str, int], names: Mapping[str, object]) -> str:
    parts = ", ".join(f"{names.get(key, key)} {count}" for key, count in counts.items())
    return f"{sum(counts.values())} ({parts})" if parts else "0"
