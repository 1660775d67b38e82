"""学分认定证明: a person's transcript, computed from the ledger."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from accounts.permissions import Role, covers, departments_of, has_role
from credits.errors import NotThere
from credits.formats.base import Transcript
from credits.ledger import entries
from credits.records.export_lines import record_lines


@transaction.atomic
def make_transcript(person: User, *, by: User, now: datetime) -> Transcript:
    """Return the recognised credit of ``person`` from the ledger.

    Only the person, and a registrar for one of their departments, may see it; a registrar's view is written to the
    audit log. Raises NotThere for everyone else, so that they do not learn whether a transcript exists.
    """
    if by != person:
        if not _is_registrar_of(by, person):
            raise NotThere("no-such-transcript", _("There is no such transcript."))
        audit.record("transcript-seen", person, by=by, now=now, person=person)
    enrolments = list(person.enrolments.select_related("programme__department"))
    number, head = entries.head()
    return Transcript(
        name=str(person),
        student_numbers=tuple(enrolment.student_number for enrolment in enrolments),
        department=str(enrolments[0].programme.department) if enrolments else "",
        programme=str(enrolments[0].programme) if enrolments else "",
        lines=tuple(record_lines(entries.of_person(person).select_related("reverses"))),
        made_at=now,
        head_number=number,
        head_hash=head,
    )


def _is_registrar_of(by: User, person: User) -> bool:
    if not has_role(by, Role.REGISTRAR):
        return False
    enrolments = person.enrolments.select_related("programme__department")
    return departments_of(by, Role.REGISTRAR) is None or any(
        covers(by, Role.REGISTRAR, enrolment.programme.department) for enrolment in enrolments
    )
