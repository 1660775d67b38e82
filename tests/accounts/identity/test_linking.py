"""The functions of linking: who gets an account, and which error says why not."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.identity import forges, linking
from accounts.models import AuditEntry, ForgeAccount, User
from credits.errors import CreditsError, NotAllowed, NotThere
from credits.forges.errors import ForgeUnavailable, MissingOnForge
from credits.forges.protocol import AccountOnForge
from tests import factories
from tests.factories import NOW

OCTO = AccountOnForge("42", "octo", "U_kgDOKg")
OAUTH = ForgeAccount.Proof.OAUTH


def link(user: User, account: AccountOnForge = OCTO) -> ForgeAccount:
    return linking.link(user, "github", account, proof=OAUTH, now=NOW)


@pytest.fixture
def forge_with(monkeypatch: pytest.MonkeyPatch):
    """Replace the adapters by one that knows the given accounts by login, or raises the given error."""

    def replace(*accounts: AccountOnForge, error: Exception | None = None) -> None:
        class KnownAccounts:
            def find_account(self, login: str) -> AccountOnForge:
                if error:
                    raise error
                for account in accounts:
                    if account.login == login:
                        return account
                raise MissingOnForge("missing", "There is no such thing.")

        monkeypatch.setattr(forges, "forge", lambda name: forges.forge_info(name) and KnownAccounts())

    return replace


@pytest.mark.django_db
class TestLink:
    def test_the_immutable_id_is_kept_and_the_login_is_a_label(self) -> None:
        """Id, node id, login, proof and time are stored as the forge gave them."""
        user = factories.student()
        account = link(user)
        assert linking.accounts_of(user) == [account]
        assert (account.forge_user_id, account.node_id, account.login) == ("42", "U_kgDOKg", "octo")
        assert (account.proof, account.linked_at, account.attested_by) == ("oauth", NOW, None)

    def test_linking_again_changes_only_the_label(self) -> None:
        """If the same person links the same id with a new login, there is one link with the new login, and one
        entry."""
        user = factories.student()
        first, second = link(user), link(user, AccountOnForge("42", "octo-renamed", "U_kgDOKg"))
        assert first.pk == second.pk
        assert ForgeAccount.objects.get().login == "octo-renamed"
        assert AuditEntry.objects.count() == 1

    def test_a_second_student_is_refused_and_not_told_whose_it_is(self) -> None:
        """The error names the account and what to do, but not the person who has it."""
        holder = factories.student(name="张三", username="zhangsan")
        link(holder)
        with pytest.raises(CreditsError) as refusal:
            link(factories.student(), AccountOnForge("42", "octo-renamed"))
        assert (refusal.value.code, refusal.value.status) == ("account-of-someone-else", 409)
        assert "octo-renamed" in refusal.value.message
        assert refusal.value.hint
        assert not any(secret in str(refusal.value) for secret in ("张三", "zhangsan", holder.email or "-"))
        assert ForgeAccount.objects.count() == 1

    def test_invariant_1_what_was_once_somebody_elses_is_refused(self) -> None:
        """After the first person has unlinked it, a second person still needs the registrar."""
        first = factories.student()
        linking.unlink(link(first), by=first, now=NOW)
        with pytest.raises(CreditsError) as refusal:
            link(factories.student())
        assert refusal.value.code == "account-once-of-someone-else"
        assert link(first).unlinked_at is None

    @pytest.mark.parametrize("kind", ["bot", "organisation", "ghost"])
    def test_only_people_are_linked(self, kind: str) -> None:
        """The account of a bot or an organisation cannot be linked."""
        with pytest.raises(CreditsError) as refusal:
            link(factories.student(), AccountOnForge("42", "octo", kind=kind))
        assert refusal.value.code == "not-a-person"

    def test_an_unknown_forge_is_named(self) -> None:
        """The hint lists the known forges."""
        with pytest.raises(CreditsError) as refusal:
            linking.link(factories.student(), "sourceforge", OCTO, proof=OAUTH, now=NOW)
        assert refusal.value.code == "unknown-forge"
        assert "github, gitee" in refusal.value.hint


@pytest.mark.django_db
class TestUnlink:
    def test_the_link_ends_and_stays_in_the_history(self) -> None:
        """Unlinking twice keeps the first time and writes one audit entry."""
        user = factories.student()
        account = link(user)
        linking.unlink(account, by=user, now=NOW + timedelta(days=1))
        linking.unlink(account, by=user, now=NOW + timedelta(days=2))
        assert linking.accounts_of(user) == []
        assert ForgeAccount.objects.get().unlinked_at == NOW + timedelta(days=1)
        assert AuditEntry.objects.filter(action="account-unlinked").count() == 1

    def test_a_registrar_may_and_others_may_not(self) -> None:
        """For anybody else the link seems not to exist."""
        account = link(factories.student())
        for other in (factories.student(), factories.instructor(), factories.steward(), factories.admin()):
            with pytest.raises(NotThere):
                linking.unlink(account, by=other, now=NOW)
        assert linking.unlink(account, by=factories.registrar(), now=NOW).unlinked_at == NOW


@pytest.mark.django_db
class TestAttest:
    def attest(self, number: str = "007", login: str = "octo", **fields: object) -> ForgeAccount:
        fields = {"by": None, "reason": "Seen at the counter.", "now": NOW} | fields
        fields["by"] = fields["by"] or factories.registrar()
        return linking.attest(number, "github", login, **fields)  # type: ignore[arg-type]

    def test_the_login_is_resolved_to_the_immutable_id(self, forge_with) -> None:
        """The account that has the login on the forge is stored, with registrar and reason."""
        forge_with(OCTO)
        registrar, student = factories.registrar(), factories.student(student_number="007")
        account = self.attest(by=registrar)
        assert (account.user, account.forge_user_id, account.proof) == (student, "42", "attested")
        assert (account.attested_by, account.reason) == (registrar, "Seen at the counter.")
        entry = AuditEntry.objects.get()
        assert (entry.actor, entry.person, entry.details["reason"]) == (
            registrar,
            student,
            "Seen at the counter.",
        )

    def test_invariant_1_a_recorded_decision_passes_an_account_on(self, forge_with) -> None:
        """A registrar can attest an account that another person has unlinked, but not one that is still linked."""
        forge_with(OCTO)
        first = factories.student()
        first_link = link(first)
        student = factories.student(student_number="007")
        with pytest.raises(CreditsError) as refusal:
            self.attest()
        assert refusal.value.code == "account-of-someone-else"
        linking.unlink(first_link, by=first, now=NOW)
        assert self.attest().user == student

    def test_only_a_registrar_vouches(self, forge_with) -> None:
        """An instructor, a steward, an administrator and the student may not attest a link."""
        forge_with(OCTO)
        student = factories.student(student_number="007")
        for other in (student, factories.instructor(), factories.steward(), factories.admin()):
            with pytest.raises(NotAllowed):
                self.attest(by=other)

    def test_a_colleges_registrar_vouches_for_its_own_students(self, forge_with) -> None:
        """A college's registrar may not attest for a student of another college."""
        forge_with(OCTO)
        mine = factories.department()
        factories.student(student_number="007", programme=factories.programme(college=mine))
        with pytest.raises(NotAllowed):
            self.attest(by=factories.registrar(factories.department()))
        assert self.attest(by=factories.registrar(mine))

    def test_nobody_vouches_for_themselves(self, forge_with) -> None:
        """A registrar who is also a student has to ask another registrar."""
        forge_with(OCTO)
        registrar = factories.registrar()
        factories.enrolment(registrar, student_number="007")
        with pytest.raises(NotAllowed) as refusal:
            self.attest(by=registrar)
        assert refusal.value.code == "own-account"

    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"number": "7"}, "unknown-student"),
            ({"login": "octocat"}, "unknown-login"),
            ({"reason": "  "}, "reason-needed"),
        ],
    )
    def test_what_is_wrong_is_said(self, forge_with, fields: dict[str, str], code: str) -> None:
        """An unknown number (also one without its zeros), an unknown login and a missing reason each have their own
        code."""
        forge_with(OCTO)
        factories.student(student_number="007")
        with pytest.raises(CreditsError) as refusal:
            self.attest(**fields)
        assert refusal.value.code == code
        assert refusal.value.hint
        assert not ForgeAccount.objects.exists()

    def test_a_forge_that_is_down_is_not_an_unknown_login(self, forge_with) -> None:
        """The forge's own error is raised."""
        forge_with(error=ForgeUnavailable("unavailable", "GitHub does not answer."))
        factories.student(student_number="007")
        with pytest.raises(ForgeUnavailable):
            self.attest()


@pytest.mark.django_db(transaction=True)
def test_invariant_1_of_two_who_link_at_once_one_gets_the_account() -> None:
    """If six students link one account at the same moment, there is one link, five errors and one audit entry."""
    students = [factories.student() for _ in range(6)]
    start, results = threading.Barrier(len(students)), []

    def race(student: User) -> None:
        try:
            start.wait(timeout=20)
            link(student)
            results.append("linked")
        except CreditsError as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(student,)) for student in students]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(results) == ["account-of-someone-else"] * 5 + ["linked"]
    assert ForgeAccount.objects.filter(unlinked_at=None).count() == 1
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_person_pressing_twice_links_once() -> None:
    """Four requests of one student at the same moment end in the same link."""
    student = factories.student()
    start, results = threading.Barrier(4), []

    def race() -> None:
        try:
            start.wait(timeout=20)
            results.append(link(student).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(results) == 4
    assert len(set(results)) == 1
    assert AuditEntry.objects.count() == 1
