"""The audit log: one call, in the caller's transaction, so that no deed is without its line (invariant 11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import AuditEntry, User


def record(
    action: str,
    subject: object,
    *,
    by: User | None,
    now: datetime,
    person: User | None = None,
    **details: Any,
) -> AuditEntry:
    """Write that ``by`` (None: the system itself) did ``action`` to ``subject`` at ``now``.

    ``action`` is a stable word such as ``claim-submitted``; ``subject`` a model instance (kept as ``label:pk``) or
    text; ``person`` whose record it concerns; ``details`` JSON-able facts, never a token or a password. Raises
    RuntimeError outside a transaction, since the line must stand or fall with the deed.
    """
    made = build_entry(action, subject, by=by, now=now, person=person, **details)
    record_all([made])
    return made


def record_all(lines: Iterable[AuditEntry]) -> None:
    """Write many lines at once, as :func:`line` makes them; the same rule on transactions."""
    if not connection.in_atomic_block:
        raise RuntimeError("The audit log is written inside the transaction of what it records.")
    AuditEntry.objects.bulk_create(lines, batch_size=2000)


def build_entry(
    action: str,
    subject: object,
    *,
    by: User | None,
    now: datetime,
    person: User | None = None,
    **details: Any,
) -> AuditEntry:
    """One line, not yet written: for :func:`record_all`. Arguments as in :func:`record`."""
    meta = getattr(subject, "_meta", None)
    reference = f"{meta.label_lower}:{getattr(subject, 'pk', '')}" if meta else str(subject)
    return AuditEntry(at=now, actor=by, action=action, person=person, subject=reference, details=details)
