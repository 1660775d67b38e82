"""Write views of the ledger to the audit log: it shows the recognised credit of many people (invariant 11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from credits.ledger.entries import CreditEntry


@transaction.atomic
def audit_ledger_view(shown: Sequence[CreditEntry], *, by: User, now: datetime) -> None:
    """Write to the audit log which entries a person was shown: the first and the last number. Empty: write nothing."""
    if shown:
        numbers = [entry.number for entry in shown]
        audit.record("ledger-seen", "ledger", by=by, now=now, first=min(numbers), last=max(numbers))
