"""Post credit, reverse it, and ask how much a person has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from credits.errors import Conflict
from credits.ledger.chain import BEGINNING, hash_of
from credits.ledger.models import CreditEntry

# One writer at a time across all processes, because an entry needs the hash of the last one. Any constant works.
WRITERS_LOCK = 0x5955414E46454E


@transaction.atomic
def post(
    *,
    person: User,
    student_number: str,
    category: str,
    term: str,
    credit: Decimal,
    reference: str,
    details: Mapping[str, Any],
    by: User,
    now: datetime,
) -> CreditEntry:
    """Post ``credit`` (positive, at most two decimals) to a person for what ``reference`` names.

    ``details`` is JSON without floats: titles, grade, digests, and whatever else a reader of the record must see.
    Raise Conflict if this reference is already posted, and ValueError if ``credit`` is not such an amount.
    """
    _lock()
    if CreditEntry.objects.filter(kind=CreditEntry.Kind.POSTED, reference=reference).exists():
        raise Conflict("already-posted", _("This result is already in the ledger."))
    entry = CreditEntry(
        kind=CreditEntry.Kind.POSTED,
        person=person,
        student_number=student_number,
        category=category,
        term=term,
        credit=_two_decimals(credit),
        reference=reference,
        details=dict(details),
    )
    return _append(entry, by=by, now=now)


@transaction.atomic
def reverse(entry: CreditEntry, *, reason: str, by: User, now: datetime) -> CreditEntry:
    """Reverse a posted entry with a new one of the negative amount; the old one stays as it is. Raise Conflict if it is
    a reversal itself or was already reversed."""
    _lock()
    if entry.kind != CreditEntry.Kind.POSTED or CreditEntry.objects.filter(reverses=entry).exists():
        raise Conflict("not-to-be-reversed", _("This entry is a reversal, or has already been reversed."))
    back = CreditEntry(
        kind=CreditEntry.Kind.REVERSED,
        person=entry.person,
        student_number=entry.student_number,
        category=entry.category,
        term=entry.term,
        credit=-entry.credit,
        reference=entry.reference,
        reverses=entry,
        details={"reason": reason},
    )
    return _append(back, by=by, now=now)


def of_person(person: User) -> QuerySet[CreditEntry]:
    """Return all entries of a person, of every enrolment, oldest first."""
    return CreditEntry.objects.filter(person=person).order_by("number")


def of_references(references: Iterable[str]) -> QuerySet[CreditEntry]:
    """Return the entries that record any of these references, postings and reversals, oldest first."""
    return (
        CreditEntry.objects.filter(reference__in=list(references))
        .order_by("number")
        .select_related("reverses")
    )


def posted() -> QuerySet[CreditEntry]:
    """Return all posted entries, oldest first, including those that were reversed later."""
    return CreditEntry.objects.filter(kind=CreditEntry.Kind.POSTED).order_by("number")


def reversals() -> QuerySet[CreditEntry]:
    """Return all reversals, oldest first, each with the entry that it reverses."""
    reversed_ = CreditEntry.objects.filter(kind=CreditEntry.Kind.REVERSED)
    return reversed_.order_by("number").select_related("reverses")


def latest() -> QuerySet[CreditEntry]:
    """Return all entries, newest first, with the people that a page shows."""
    return CreditEntry.objects.order_by("-number").select_related("person", "posted_by")


def recognised(person: User, category: str, *, term: str | None = None) -> Decimal:
    """Return the credit that a person has in a category, minus reversals; in one term, or in all."""
    entries = CreditEntry.objects.filter(person=person, category=category)
    if term is not None:
        entries = entries.filter(term=term)
    total: Decimal | None = entries.aggregate(total=Sum("credit"))["total"]
    return total if total is not None else Decimal(0)


def head() -> tuple[int, str]:
    """Return number and hash of the last entry: the checkpoint that a record kept elsewhere should name. Before the
    first entry: 0 and :data:`~credits.ledger.chain.BEGINNING`."""
    last = CreditEntry.objects.order_by("-number").values_list("number", "hash").first()
    return last if last else (0, BEGINNING)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])


def _append(entry: CreditEntry, *, by: User, now: datetime) -> CreditEntry:
    number, previous_hash = head()
    entry.number = number + 1
    entry.previous_hash = previous_hash
    entry.posted_by = by
    entry.posted_at = now
    entry.hash = hash_of(entry)
    entry.save(force_insert=True)
    audit.record(
        f"ledger-{entry.kind}",
        entry,
        by=by,
        now=now,
        person=entry.person,
        number=entry.number,
        credit=str(entry.credit),
        reference=entry.reference,
    )
    return entry


def _two_decimals(credit: Decimal) -> Decimal:
    exact = credit.quantize(Decimal("0.01"))
    if exact != credit or exact <= 0:
        raise ValueError(f"credit is posted as a positive amount with at most two decimals, not {credit}")
    return exact
