"""The audit log is written in the transaction of the action, and its entries are permanent."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import audit
from accounts.identity import linking
from accounts.models import AuditEntry, ForgeAccount, StaffRole
from accounts.people import roles
from credits.forges.protocol import AccountOnForge
from tests import factories
from tests.factories import NOW


@pytest.mark.django_db(transaction=True)
def test_invariant_11_a_line_stands_or_falls_with_its_deed() -> None:
    """Outside a transaction nothing is written, and a rollback also removes the entry."""
    person = factories.person()
    with pytest.raises(RuntimeError):
        audit.record("tried", person, by=None, now=NOW)
    with transaction.atomic():
        audit.record("tried", person, by=None, now=NOW)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts_auditentry SET action = 'nothing'",
        "DELETE FROM accounts_auditentry",
        "TRUNCATE accounts_auditentry",
    ],
)
def test_invariant_11_no_line_is_changed_or_removed(sql: str) -> None:
    """The database itself refuses to change or delete an entry."""
    audit.record("looked", factories.person(), by=None, now=NOW)
    connection.check_constraints()
    refusal = pytest.raises(IntegrityError, match="rows of accounts_auditentry stay")
    with refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_invariant_11_linking_and_unlinking_are_in_the_log() -> None:
    """Both entries have the actor, the person concerned and the account's immutable id."""
    student = factories.student()
    account = linking.link(
        student, "github", AccountOnForge("42", "octo"), proof=ForgeAccount.Proof.OAUTH, now=NOW
    )
    linking.unlink(account, by=student, now=NOW)
    linked, unlinked = AuditEntry.objects.order_by("pk")
    assert (linked.action, unlinked.action) == ("account-linked", "account-unlinked")
    for entry in (linked, unlinked):
        assert (entry.actor, entry.person, entry.at) == (student, student, NOW)
        assert entry.subject == f"accounts.forgeaccount:{account.pk}"
        assert entry.details["forge_user_id"] == "42"


@pytest.mark.django_db
def test_invariant_11_giving_and_taking_a_role_are_in_the_log() -> None:
    """Both entries have the role and its college."""
    admin, colleague, college = factories.admin(), factories.person(), factories.department("信息学院")
    staff_role = roles.give(colleague, StaffRole.Role.INSTRUCTOR, college, by=admin, now=NOW)
    roles.take(staff_role, by=admin, now=NOW)
    given, taken = AuditEntry.objects.order_by("pk")
    assert (given.action, taken.action) == ("role-given", "role-taken")
    assert given.details == taken.details == {"role": "instructor", "department": "信息学院"}
    assert (given.actor, given.person) == (admin, colleague)
