"""What the database itself refuses about people and their forge accounts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Enrolment, ForgeAccount, Term, User
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def refused(sql: str, *values: object) -> str:
    """Run SQL that the database must refuse, and return its message."""
    connection.check_constraints()  # what is still to be checked would stand in the way of TRUNCATE
    with pytest.raises(IntegrityError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, values)
    return str(error.value)


def test_invariant_1_an_account_has_one_person_at_a_time() -> None:
    """A second current link to the same immutable id is refused, even with another login."""
    factories.forge_account(forge_user_id="42", login="old-name")
    with pytest.raises(IntegrityError, match="forge_account_has_one_person"), transaction.atomic():
        factories.forge_account(forge_user_id="42", login="new-name")
    factories.forge_account(forge="gitee", forge_user_id="42")


def test_invariant_1_a_link_never_changes_hands_nor_vanishes() -> None:
    """Even SQL cannot delete a link, or change its person, identity or proof."""
    account, other = factories.forge_account(), factories.student()
    assert "rows of accounts_forgeaccount stay" in refused(
        "DELETE FROM accounts_forgeaccount WHERE id = %s", account.pk
    )
    assert "rows of accounts_forgeaccount stay" in refused("TRUNCATE accounts_forgeaccount CASCADE")
    for column, value in {
        "user_id": other.pk,
        "forge": "gitee",
        "forge_user_id": "1",
        "proof": "attested",
        "linked_at": datetime(2020, 1, 1, tzinfo=UTC),
        "reason": "another",
    }.items():
        message = refused(f"UPDATE accounts_forgeaccount SET {column} = %s WHERE id = %s", value, account.pk)
        assert "never changes hands" in message


def test_invariant_1_the_label_may_change_and_a_link_ends_once() -> None:
    """A new login and an unknown node id may be stored; the end of a link cannot be changed."""
    account = factories.forge_account()
    account.login, account.node_id = "renamed", "U_kgDOA"
    account.unlinked_at = NOW + timedelta(days=1)
    account.save()
    for value in (None, NOW + timedelta(days=2)):
        assert "stays unlinked" in refused(
            "UPDATE accounts_forgeaccount SET unlinked_at = %s WHERE id = %s", value, account.pk
        )
    assert "node id" in refused(
        "UPDATE accounts_forgeaccount SET node_id = 'U_other' WHERE id = %s", account.pk
    )


def test_invariant_1_what_was_somebody_elses_needs_a_registrar() -> None:
    """After the first person's link has ended, another person gets the account only if a registrar attests it."""
    factories.forge_account(forge_user_id="42", unlinked_at=NOW)
    with pytest.raises(IntegrityError, match="once another person's"), transaction.atomic():
        factories.forge_account(forge_user_id="42")
    attested = factories.forge_account(
        forge_user_id="42",
        proof=ForgeAccount.Proof.ATTESTED,
        attested_by=factories.registrar(),
        reason="Seen with both of them at the counter.",
    )
    assert attested.pk


def test_invariant_1_one_may_link_ones_own_account_again() -> None:
    """Linking again after unlinking makes a second row, and the first one stays."""
    user = factories.student()
    factories.forge_account(user, forge_user_id="42", unlinked_at=NOW)
    factories.forge_account(user, forge_user_id="42")
    assert ForgeAccount.objects.filter(user=user, forge_user_id="42").count() == 2


@pytest.mark.parametrize(
    "fields", [{"proof": "attested"}, {"proof": "attested", "reason": "x"}, {"forge_user_id": ""}]
)
def test_a_link_says_what_it_rests_on(fields: dict[str, str]) -> None:
    """An attested link without a registrar or a reason, and a link without the immutable id, are refused."""
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.forge_account(**fields)


def test_an_email_is_one_persons_in_any_case() -> None:
    """Saving stores it in lower case; the database refuses anything else; many people may have none."""
    person = factories.person(email=" Zhang.San@University.Example ")
    assert person.email == "zhang.san@university.example"
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.person(email="ZHANG.SAN@university.example")
    with pytest.raises(IntegrityError, match="email_in_lower_case"), transaction.atomic():
        User.objects.filter(pk=person.pk).update(email="Zhang.San@university.example")
    assert factories.person(email="").email is None
    assert factories.person(email=None).email is None


def test_whose_an_account_was_is_found_by_an_index() -> None:
    """The trigger on each new link finds earlier links with an index, without reading the whole table."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT 1 FROM accounts_forgeaccount "
            "WHERE forge = 'github' AND forge_user_id = '42' AND user_id <> 7"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "forge_account_of_anybody" in plan


def test_a_username_is_one_persons_in_any_case() -> None:
    """Sign-in ignores upper and lower case, so the database refuses usernames that differ only in case."""
    factories.person(username="li.si")
    with pytest.raises(IntegrityError, match="username_once_in_any_case"), transaction.atomic():
        factories.person(username="Li.Si", email=None)


def test_a_student_number_keeps_its_zeros_and_is_one_enrolments() -> None:
    """The number is stored with its leading zeros, and a second enrolment cannot have it."""
    factories.enrolment(student_number="0020230001")
    assert Enrolment.objects.get().student_number == "0020230001"
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.enrolment(student_number="0020230001")


def test_a_person_may_have_had_several_enrolments() -> None:
    """Bachelor and master are two enrolments of one person; the newest comes first."""
    user = factories.student(year=2019)
    factories.enrolment(user, year=2023, level="硕士")
    assert [enrolment.level for enrolment in user.enrolments.all()] == ["硕士", "本科"]


def test_the_edges_of_a_term_are_local_midnights() -> None:
    """A term in Shanghai begins at 16:00 UTC on the day before its first day."""
    term: Term = factories.term(starts_on=date(2025, 2, 17), ends_on=date(2025, 7, 6))
    assert term.starts_at == datetime(2025, 2, 16, 16, tzinfo=UTC)
    assert term.ends_at == datetime(2025, 7, 6, 16, tzinfo=UTC)
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.term(starts_on=date(2025, 7, 6), ends_on=date(2025, 2, 17))
