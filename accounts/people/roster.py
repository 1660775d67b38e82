"""Bring the university's roster (who studies what) into the database: all of a file, or nothing of it.

A person is matched by e-mail, an enrolment by student number. Whoever is missing from the file is reported and stays:
a roster may be one college's only, and a person's record outlives their studies.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, BinaryIO

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, permissions
from accounts.models import AuditEntry, Department, Enrolment, Programme, StaffRole, User
from accounts.people import roster_file
from accounts.people.roster_row import RefusedRosterCell, RosterEntry, parse_row
from credits.errors import NotAllowed

BATCH_SIZE = 2000


@dataclass(frozen=True, slots=True)
class ChangedEnrolment:
    """An enrolment that differs: ``fields`` maps a field's name to what it was and what the file says."""

    row: int
    student_number: str
    name: str
    fields: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class EnrolmentNotInFile:
    """Somebody enrolled who is not in the file."""

    student_number: str
    name: str


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What an import did, or would do. With anything in ``refused``, nothing was applied."""

    added: tuple[RosterEntry, ...] = ()
    changed: tuple[ChangedEnrolment, ...] = ()
    left: tuple[EnrolmentNotInFile, ...] = ()
    unchanged: int = 0
    refused: tuple[RefusedRosterCell, ...] = ()
    made_departments: tuple[str, ...] = ()
    made_programmes: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    """Warnings: rows that give a member of staff a new name or an enrolment."""
    applied: bool = False

    def to_json(self) -> dict[str, Any]:
        made: dict[str, Any] = asdict(self)
        for row in made["added"]:
            row["enrolled_on"] = row["enrolled_on"] and row["enrolled_on"].isoformat()
        return made


@dataclass(frozen=True, slots=True)
class _StoredRoster:
    """What the database holds of the people and things that a file names. Five queries, whatever the file's size."""

    people: dict[str, User]
    enrolments: dict[str, Enrolment]
    departments: dict[str, Department]
    programmes: dict[tuple[str, str], Programme]
    staff: frozenset[int]

    @classmethod
    def for_entries(cls, entries: list[RosterEntry]) -> _StoredRoster:
        enrolments = Enrolment.objects.select_related("user", "programme__department").filter(
            student_number__in=[entry.student_number for entry in entries]
        )
        programmes = Programme.objects.select_related("department")
        emails = {entry.email for entry in entries}
        staff = StaffRole.objects.filter(user__email__in=emails)
        return cls(
            people={user.email or "": user for user in User.objects.filter(email__in=emails)},
            staff=frozenset(staff.values_list("user", flat=True)),
            enrolments={enrolment.student_number: enrolment for enrolment in enrolments},
            departments={department.name: department for department in Department.objects.all()},
            programmes={(programme.department.name, programme.name): programme for programme in programmes},
        )


def import_roster(
    file: BinaryIO | bytes, name: str, *, by: User | None, now: datetime, dry_run: bool = False
) -> RosterReport:
    """Read ``file`` (``name`` tells CSV from XLSX), compare it with the database, and apply it if no row is refused.

    ``by`` is a registrar for the whole university, or None for whoever runs commands on the server. ``dry_run``
    reports and changes nothing. Raises CreditsError for a file that is no roster at all (see roster_file), and
    NotAllowed.
    """
    if by is not None:
        permissions.require(by, StaffRole.Role.REGISTRAR)
        if permissions.departments_of(by, StaffRole.Role.REGISTRAR) is not None:
            raise NotAllowed(
                "role-for-all-needed",
                _("Only a registrar for the whole university can import a roster."),
                _("Contact the registrar's office."),
            )
    data = file if isinstance(file, bytes) else file.read(roster_file.MAX_BYTES + 1)
    table = roster_file.read(data, name)
    entries, refused = _check_rows(table, timezone.localtime(now).year)
    with transaction.atomic():
        # Two imports at once would each add the same people: the second waits and then finds them.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.people.roster'))")
        held = _StoredRoster.for_entries(entries)
        report = _compare(entries, refused, held, table)
        if dry_run or report.refused:
            return report
        report = replace(report, applied=True)
        lines = _apply(entries, report, held, by=by, now=now)
        audit.record_all(lines)
        audit.record("roster-imported", name[:150], by=by, now=now, **_summary(report, data))
    return report


def _check_rows(
    table: roster_file.RosterTable, this_year: int
) -> tuple[list[RosterEntry], list[RefusedRosterCell]]:
    """The rows that can be taken by themselves and among each other, and what is wrong with the rest."""
    entries: list[RosterEntry] = []
    refused: list[RefusedRosterCell] = []
    numbers: dict[str, RosterEntry] = {}
    people: dict[str, RosterEntry] = {}
    for row in table.rows:
        made = parse_row(row, table, this_year=this_year)
        if isinstance(made, list):
            refused += made
            continue
        if first := numbers.get(made.student_number):
            refused.append(
                RefusedRosterCell(
                    made.row,
                    table.headings["student_number"],
                    "duplicate-number",
                    _("The student number %(number)s is already in row %(row)s.")
                    % {"number": made.student_number, "row": first.row},
                )
            )
        elif (first := people.get(made.email)) and first.name != made.name:
            refused.append(
                RefusedRosterCell(
                    made.row,
                    table.headings["email"],
                    "duplicate-email",
                    _("This e-mail address belongs to another name in row %(row)s.") % {"row": first.row},
                )
            )
        else:
            entries.append(made)
        numbers.setdefault(made.student_number, made)
        people.setdefault(made.email, made)
    return entries, refused


def _compare(
    entries: list[RosterEntry],
    refused: list[RefusedRosterCell],
    held: _StoredRoster,
    table: roster_file.RosterTable,
) -> RosterReport:
    added, changed, staff, unchanged = [], [], [], 0
    for one in entries:
        enrolment = held.enrolments.get(one.student_number)
        person = held.people.get(one.email)
        fields = {}
        if person is not None and person.name != one.name:
            fields["name"] = (person.name, one.name)
        if enrolment is None:
            added.append(one)
        elif person is None or enrolment.user_id != person.pk:
            refused.append(
                RefusedRosterCell(
                    one.row,
                    table.headings["email"],
                    "number-of-someone-else",
                    _("The student number %(number)s belongs to a person with a different e-mail address.")
                    % {"number": one.student_number},
                )
            )
            continue
        else:
            fields |= _differences(enrolment, one)
            unchanged += not fields
        if person is not None and person.pk in held.staff and ("name" in fields or enrolment is None):
            staff.append(
                _("row %(row)s: %(name)s (%(email)s) is a member of staff.")
                % {"row": one.row, "name": person.name, "email": one.email}
            )
        if fields:
            changed.append(ChangedEnrolment(one.row, one.student_number, one.name, fields))
    made_departments = {one.department for one in entries} - held.departments.keys()
    made_programmes = {(one.department, one.programme) for one in entries} - held.programmes.keys()
    return RosterReport(
        added=tuple(added),
        changed=tuple(changed),
        left=_enrolments_not_in_file(
            {row.cells["student_number"] for row in table.rows} | {one.student_number for one in entries}
        ),
        unchanged=unchanged,
        refused=tuple(sorted(refused, key=lambda refusal: refusal.row)),
        made_departments=tuple(sorted(made_departments)),
        made_programmes=tuple(f"{department} / {name}" for department, name in sorted(made_programmes)),
        ignored_columns=table.ignored,
        staff=tuple(staff),
    )


def _differences(enrolment: Enrolment, one: RosterEntry) -> dict[str, tuple[str, str]]:
    programme = enrolment.programme
    both = {
        "department": (programme.department.name, one.department),
        "programme": (programme.name, one.programme),
        "level": (enrolment.level, one.level),
        "year": (str(enrolment.year), str(one.year)),
        "enrolled_on": (enrolment.enrolled_on.isoformat(), _enrolled_on(one, enrolment).isoformat()),
    }
    return {field: (was, is_now) for field, (was, is_now) in both.items() if was != is_now}


def _enrolled_on(one: RosterEntry, enrolment: Enrolment | None = None) -> date:
    """The day that the file gives; otherwise the known one, or where it was only derived, 1 September of the year."""
    if one.enrolled_on:
        return one.enrolled_on
    if enrolment and enrolment.enrolled_on != date(enrolment.year, 9, 1):
        return enrolment.enrolled_on
    return date(one.year, 9, 1)


def _enrolments_not_in_file(numbers: set[str]) -> tuple[EnrolmentNotInFile, ...]:
    enrolled = Enrolment.objects.filter(left_on=None).order_by("student_number")
    rows = enrolled.values_list("student_number", "user__name")
    return tuple(
        EnrolmentNotInFile(number, name) for number, name in rows.iterator() if number not in numbers
    )


def _apply(
    entries: list[RosterEntry], report: RosterReport, held: _StoredRoster, *, by: User | None, now: datetime
) -> Iterator[AuditEntry]:
    """Write what the report says, by a bounded number of statements; the audit lines are for the caller to store."""
    _make_programmes(entries, held)
    _make_people(report.added, held, now=now)
    made = {
        one.student_number: Enrolment(
            user=held.people[one.email],
            student_number=one.student_number,
            programme=held.programmes[one.department, one.programme],
            level=one.level,
            year=one.year,
            enrolled_on=_enrolled_on(one),
        )
        for one in report.added
    }
    Enrolment.objects.bulk_create(made.values(), batch_size=BATCH_SIZE)
    by_number = {one.student_number: one for one in entries}
    renamed, moved = {}, []
    for change in report.changed:
        one = by_number[change.student_number]
        if "name" in change.fields:
            person = held.people[one.email]
            person.name = one.name
            renamed[person.pk] = person
        if enrolment := held.enrolments.get(change.student_number):
            enrolment.enrolled_on = _enrolled_on(one, enrolment)
            enrolment.programme = held.programmes[one.department, one.programme]
            enrolment.level, enrolment.year = one.level, one.year
            moved.append(enrolment)
    User.objects.bulk_update(renamed.values(), ["name"], batch_size=BATCH_SIZE)
    Enrolment.objects.bulk_update(moved, ["programme", "level", "year", "enrolled_on"], batch_size=BATCH_SIZE)
    for enrolment in made.values():
        yield audit.build_entry(
            "enrolment-added",
            enrolment,
            by=by,
            now=now,
            person=enrolment.user,
            student_number=enrolment.student_number,
        )
    for change in report.changed:
        enrolment = held.enrolments.get(change.student_number) or made[change.student_number]
        yield audit.build_entry(
            "enrolment-changed",
            enrolment,
            by=by,
            now=now,
            person=enrolment.user,
            student_number=change.student_number,
            fields=change.fields,
        )


def _make_programmes(entries: list[RosterEntry], held: _StoredRoster) -> None:
    for name in sorted({one.department for one in entries} - held.departments.keys()):
        held.departments[name] = Department(name=name)
    Department.objects.bulk_create(
        [d for d in held.departments.values() if d.pk is None], batch_size=BATCH_SIZE
    )
    for department, name in sorted(
        {(one.department, one.programme) for one in entries} - held.programmes.keys()
    ):
        held.programmes[department, name] = Programme(department=held.departments[department], name=name)
    Programme.objects.bulk_create(
        [p for p in held.programmes.values() if p.pk is None], batch_size=BATCH_SIZE
    )


def _make_people(added: Iterable[RosterEntry], held: _StoredRoster, *, now: datetime) -> None:
    """Those whom nobody's e-mail matches. They sign in by student number, or by e-mail where that name is taken."""
    new: dict[str, RosterEntry] = {}
    for one in added:
        if one.email not in held.people:
            new.setdefault(one.email, one)
    wanted = {one.student_number.lower() for one in new.values()}
    taken = set(
        User.objects.annotate(lowered=Lower("username"))
        .filter(lowered__in=wanted)
        .values_list("lowered", flat=True)
    )
    for email, one in new.items():
        username = one.student_number.lower()
        if username in taken:
            username = email
        taken.add(username)
        held.people[email] = User(
            username=username, email=email, name=one.name, password=make_password(None), date_joined=now
        )
    User.objects.bulk_create([held.people[email] for email in new], batch_size=BATCH_SIZE)


def _summary(report: RosterReport, data: bytes) -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(data).hexdigest(),
        "added": len(report.added),
        "changed": len(report.changed),
        "unchanged": report.unchanged,
        "left": len(report.left),
        "made_departments": list(report.made_departments),
        "made_programmes": list(report.made_programmes),
    }
