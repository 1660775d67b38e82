"""学分认定证明: what a person's transcript contains, and who may see it."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from credits.errors import NotThere
from credits.ledger import entries
from credits.records.transcript import make_transcript
from tests.credit_factories import recorded_claim
from tests.factories import NOW, admin, department, enrolment, instructor, registrar, student


@pytest.mark.django_db
def test_a_transcript_adds_up_to_what_the_ledger_has() -> None:
    """Lines, total and head of a transcript are those of the ledger."""
    result = recorded_claim()
    shown = make_transcript(result.claim.user, by=result.claim.user, now=NOW)
    assert [line.credit for line in shown.lines] == [result.credit]
    assert shown.total == result.credit
    assert (shown.head_number, shown.head_hash) == entries.head()
    assert shown.student_numbers == (result.claim.enrolment.student_number,)


@pytest.mark.django_db
def test_a_transcript_of_nothing_says_so() -> None:
    """A student without credit has an empty transcript, not an error."""
    person = student()
    shown = make_transcript(person, by=person, now=NOW)
    assert (shown.lines, shown.total) == ((), 0)


@pytest.mark.django_db
def test_invariant_12_a_transcript_is_shown_to_its_student_and_the_registrar_only() -> None:
    """For an instructor, an administrator and another student the transcript does not exist."""
    person = student()
    for other in (instructor(), admin(), student()):
        with pytest.raises(NotThere):
            make_transcript(person, by=other, now=NOW)


@pytest.mark.django_db
def test_invariant_11_a_registrars_look_stands_in_the_audit_log() -> None:
    """A registrar's view is in the audit log, the student's own is not."""
    person, by = student(), registrar()
    make_transcript(person, by=person, now=NOW)
    make_transcript(person, by=by, now=NOW)
    assert AuditEntry.objects.get(action="transcript-seen").actor == by


@pytest.mark.django_db
def test_invariant_12_a_registrar_of_one_college_sees_its_own_students_only() -> None:
    """A registrar of any of the student's colleges sees it; for one of another college it does not exist."""
    person = student()
    second = enrolment(person)
    for college in (person.enrolments.first().programme.department, second.programme.department):  # type: ignore[union-attr]
        assert make_transcript(person, by=registrar(college), now=NOW).lines == ()
    with pytest.raises(NotThere):
        make_transcript(person, by=registrar(department()), now=NOW)
