"""What an entry's hash covers, written down so that anyone can recompute it without this program.

The hash is the SHA-256 of the entry's fields as canonical JSON (RFC 8785): numbers as text, times in UTC to the
microsecond with ``Z``, people and reversed entries by number. ``previous_hash`` is one of the fields, so each hash
covers every entry before it.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from decimal import Decimal

import rfc8785

from credits.ledger.models import CreditEntry

BEGINNING = "0" * 64
"""The previous hash of the first entry."""


def content(entry: CreditEntry) -> dict[str, object]:
    """Return the fields that the hash covers, as values that JSON can represent."""
    return {
        "number": str(entry.number),
        "kind": entry.kind,
        "person": str(entry.person_id),
        "student_number": entry.student_number,
        "category": entry.category,
        "term": entry.term,
        "credit": format(entry.credit.quantize(Decimal("0.01")), "f"),
        "reference": entry.reference,
        "reverses": "" if entry.reverses_id is None else str(entry.reverses_id),
        "details": entry.details,
        "posted_by": str(entry.posted_by_id),
        "posted_at": entry.posted_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "previous_hash": entry.previous_hash,
    }


def hash_of(entry: CreditEntry) -> str:
    """Return the SHA-256 of the entry's content as 64 hexadecimal digits."""
    return hashlib.sha256(rfc8785.dumps(content(entry))).hexdigest()  # type: ignore[arg-type]
