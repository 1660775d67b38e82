"""Posting and reversing credit, and verifying the chain of entries."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import AuditEntry, User
from credits.errors import Conflict
from credits.ledger import entries
from credits.ledger.chain import BEGINNING
from credits.ledger.models import CreditEntry
from credits.ledger.verify import Checkpoint, verify
from tests import profiles
from tests.factories import NOW, registrar, student


def post_entry(person: User, by: User, credit: str = "0.50", reference: str = "result:1") -> CreditEntry:
    return entries.post(
        person=person,
        student_number="0012",
        category="open-source",
        term="2025-spring",
        credit=Decimal(credit),
        reference=reference,
        details={"name": "学生", "course": "开源实践"},
        by=by,
        now=NOW,
    )


@pytest.mark.django_db
def test_the_first_entry_begins_the_chain() -> None:
    """Numbers start at 1, and the first row has the fixed previous hash."""
    entry = post_entry(student(), registrar())
    assert (entry.number, entry.previous_hash) == (1, BEGINNING)
    assert entries.head() == (1, entry.hash)


@pytest.mark.django_db
def test_a_reference_is_posted_once() -> None:
    """Posting the same reference again is refused, and only the first entry counts."""
    person, by = student(), registrar()
    post_entry(person, by)
    with pytest.raises(Conflict) as refusal:
        post_entry(person, by)
    assert refusal.value.code == "already-posted"
    assert entries.recognised(person, "open-source") == Decimal("0.50")


@pytest.mark.django_db
def test_a_reversal_takes_back_exactly_what_was_posted_and_only_once() -> None:
    """A reversal is a new entry that makes the sum zero; the old entry stays, and a second reversal is refused."""
    person, by = student(), registrar()
    entry = post_entry(person, by, "1.50")
    reversal = entries.reverse(entry, reason="recorded twice", by=by, now=NOW)
    assert reversal.credit == Decimal("-1.50")
    assert entries.recognised(person, "open-source") == 0
    assert [posted_entry.number for posted_entry in entries.of_person(person)] == [1, 2]
    for reversed_again in (entry, reversal):
        with pytest.raises(Conflict):
            entries.reverse(reversed_again, reason="once more", by=by, now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("credit", ["0", "-1", "0.505"])
def test_only_positive_credit_with_two_decimals_is_posted(credit: str) -> None:
    """Zero, negative amounts and amounts with more decimals raise an error and are not posted."""
    with pytest.raises(ValueError, match="positive amount"):
        post_entry(student(), registrar(), credit)
    assert entries.head() == (0, BEGINNING)


@pytest.mark.django_db
def test_recognised_credit_is_told_apart_by_category_and_term() -> None:
    """Recognised credit is counted by category, in one term or in all terms."""
    person, by = student(), registrar()
    post_entry(person, by, "1", "result:1")
    post_entry(person, by, "0.5", "result:2")
    assert entries.recognised(person, "open-source") == Decimal("1.5")
    assert entries.recognised(person, "open-source", term="2024-autumn") == 0
    assert entries.recognised(person, "innovation") == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE credits_creditentry SET credit = 9",
        "UPDATE credits_creditentry SET hash = repeat('f', 64)",
        "DELETE FROM credits_creditentry",
        "TRUNCATE credits_creditentry CASCADE",
    ],
)
def test_invariant_7_ledger_rows_are_never_changed_not_even_by_sql(sql: str) -> None:
    """The database refuses UPDATE, DELETE and TRUNCATE of ledger rows."""
    post_entry(student(), registrar())
    refused = pytest.raises(DatabaseError, match="never changed or removed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
    assert verify().holds


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "previous"), [(2, "0" * 64), (3, None), (1, None)])
def test_invariant_7_a_row_that_does_not_continue_the_chain_is_refused(
    number: int, previous: str | None
) -> None:
    """A row with a gap, a repeated number or another previous hash cannot be inserted, even by SQL."""
    person, by = student(), registrar()
    first = post_entry(person, by)
    row = CreditEntry(
        number=number,
        kind="posted",
        person=person,
        student_number="1",
        category="c",
        term="t",
        credit=Decimal(1),
        reference="forged",
        posted_by=by,
        posted_at=NOW,
        previous_hash=previous or first.hash,
        hash="f" * 64,
    )
    with pytest.raises(DatabaseError, match="continues the chain"), transaction.atomic():
        row.save(force_insert=True)


def tamper(sql: str, *values: object) -> None:
    """Change rows with the database's triggers off, as only its owner can."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


TAMPERINGS = {
    "credit": "UPDATE credits_creditentry SET credit = 4 WHERE number = %s",
    "student number": "UPDATE credits_creditentry SET student_number = '12' WHERE number = %s",
    "details": """UPDATE credits_creditentry SET details = '{"name": "别人"}' WHERE number = %s""",
    "time": "UPDATE credits_creditentry SET posted_at = posted_at + interval '1 microsecond' WHERE number = %s",
    "hash": "UPDATE credits_creditentry SET hash = repeat('0', 64) WHERE number = %s",
    "removal": "DELETE FROM credits_creditentry WHERE number = %s",
}


@pytest.mark.django_db
@pytest.mark.parametrize("sql", TAMPERINGS.values(), ids=TAMPERINGS.keys())
@given(data=st.data())
@profiles.slow(4)
def test_invariant_7_verify_finds_the_first_broken_row(sql: str, data: st.DataObject) -> None:
    """Verification names the row that was changed or removed within the chain."""
    with transaction.atomic():
        person, by = student(), registrar()
        for number in range(1, 7):
            post_entry(person, by, reference=f"result:{number}")
        victim = data.draw(st.integers(1, 5))
        assert verify().holds
        tamper(sql, victim)
        assert verify().broken == victim
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_invariant_7_reordering_is_found() -> None:
    """Two rows that swap places break the chain at the first of them."""
    person, by = student(), registrar()
    for number in range(1, 5):
        post_entry(person, by, reference=f"result:{number}")
    tamper("UPDATE credits_creditentry SET number = -number WHERE number IN (2, 3)")
    tamper("UPDATE credits_creditentry SET number = CASE number WHEN -2 THEN 3 ELSE 2 END WHERE number < 0")
    assert verify().broken == 2


@pytest.mark.django_db
def test_invariant_7_a_cut_tail_is_found_by_a_checkpoint_kept_elsewhere() -> None:
    """A chain without its last row is valid in itself; a checkpoint from outside reveals the loss."""
    person, by = student(), registrar()
    for number in range(1, 4):
        post_entry(person, by, reference=f"result:{number}")
    checkpoint = Checkpoint(*entries.head(), source="the manifest")
    assert verify([checkpoint]).holds
    tamper("DELETE FROM credits_creditentry WHERE number = 3")
    assert verify().holds
    verdict = verify([checkpoint])
    assert (verdict.broken, "the manifest" in verdict.reason) == (3, True)
    assert verify([Checkpoint(1, "f" * 64)]).broken == 1


@pytest.mark.django_db
def test_invariant_11_posting_and_reversing_stand_in_the_audit_log() -> None:
    """Each ledger entry has an audit entry that names the actor and the person."""
    person, by = student(), registrar()
    entries.reverse(post_entry(person, by), reason="error", by=by, now=NOW)
    logged = AuditEntry.objects.filter(person=person, actor=by).order_by("pk")
    assert [line.action for line in logged] == ["ledger-posted", "ledger-reversed"]


@pytest.mark.django_db(transaction=True)
def test_invariant_7_many_writers_at_once_make_one_chain() -> None:
    """Eight registrars who post at the same moment make one chain without gap or fork."""
    person, by = student(), registrar()
    begin = threading.Barrier(8)

    def write(number: int) -> None:
        try:
            begin.wait(timeout=20)
            post_entry(person, by, reference=f"result:{number}")
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=60)
    verdict = verify()
    assert (verdict.holds, verdict.entries) == (True, 8)
