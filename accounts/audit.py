"""The audit log. Entries are written in the caller's transaction, so that every action has its entry (invariant 11)."""

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
    """Record in the audit log that ``by`` (None: the system itself) did ``action`` to ``subject`` at ``now``.

    ``action`` is a stable word such as ``claim-submitted``. ``subject`` is a model instance (stored as ``label:pk``)
    or a text. ``person`` is the user whose record the action concerns. ``details`` are facts that JSON can store,
    never a token or a password. Raise RuntimeError outside a transaction: the entry and the action it records must
    be committed or rolled back together.
    """
    entry = build_entry(action, subject, by=by, now=now, person=person, **details)
    record_all([entry])
    return entry


def record_all(entries: Iterable[AuditEntry]) -> None:
    """Store many entries of :func:`build_entry` at once. Raise RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("The audit log is written inside the transaction of what it records.")
    AuditEntry.objects.bulk_create(entries, batch_size=2000)


def build_entry(
    action: str,
    subject: object,
    *,
    by: User | None,
    now: datetime,
    person: User | None = None,
    **details: Any,
) -> AuditEntry:
    """Return an entry that is not stored yet, for :func:`record_all`. The arguments are those of :func:`record`."""
    meta = getattr(subject, "_meta", None)
    reference = f"{meta.label_lower}:{getattr(subject, 'pk', '')}" if meta else str(subject)
    return AuditEntry(at=now, actor=by, action=action, person=person, subject=reference, details=details)
