"""Import the university's roster (who studies what) into the database: the whole file or nothing.

People are matched by e-mail, enrolments by student number. Students who are missing from the file are reported and
stay: a roster may be from one college only, and a person's record stays after their studies.
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
    """An enrolment that differs from the file. ``fields`` maps a field's name to (stored value, file's value)."""

    row: int
    student_number: str
    name: str
    fields: dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class EnrolmentNotInFile:
    """A student who is enrolled and not in the file."""

    student_number: str
    name: str


@dataclass(frozen=True, slots=True)
class RosterReport:
    """What an import did or would do. If ``refused`` is not empty, nothing was applied."""

    added: tuple[RosterEntry, ...] = ()
    changed: tuple[ChangedEnrolment, ...] = ()
    left: tuple[EnrolmentNotInFile, ...] = ()
    unchanged: int = 0
    refused: tuple[RefusedRosterCell, ...] = ()
    made_departments: tuple[str, ...] = ()
    made_programmes: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    """Warnings about rows that give a member of staff a new name or an enrolment."""
    applied: bool = False

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = asdict(self)
        for row in data["added"]:
            row["enrolled_on"] = row["enrolled_on"] and row["enrolled_on"].isoformat()
        return data


@dataclass(frozen=True, slots=True)
class _StoredRoster:
    """The stored people, enrolments, departments and programmes that a file names.

    They are read with five queries, however large the file is.
    """

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
    """Read ``file``, compare it with the database, and apply it if no row is refused.

    ``name`` is the file's name, which tells CSV from XLSX. ``by`` is a registrar for the whole university, or None for
    a person who runs commands on the server. ``dry_run`` reports and changes nothing. Raise NotAllowed, and
    CreditsError if the file is not a roster (see roster_file).
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
        # Two imports at the same time would each add the same people. So the second waits, and then finds them.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts.people.roster'))")
        stored = _StoredRoster.for_entries(entries)
        report = _compare(entries, refused, stored, table)
        if dry_run or report.refused:
            return report
        report = replace(report, applied=True)
        audit_entries = _apply(entries, report, stored, by=by, now=now)
        audit.record_all(audit_entries)
        audit.record("roster-imported", name[:150], by=by, now=now, **_summary(report, data))
    return report


def _check_rows(
    table: roster_file.RosterTable, this_year: int
) -> tuple[list[RosterEntry], list[RefusedRosterCell]]:
    """Return the rows that are valid alone and do not contradict other rows, and why the others are refused."""
    entries: list[RosterEntry] = []
    refused: list[RefusedRosterCell] = []
    numbers: dict[str, RosterEntry] = {}
    people: dict[str, RosterEntry] = {}
    for row in table.rows:
        entry = parse_row(row, table, this_year=this_year)
        if isinstance(entry, list):
            refused += entry
            continue
        if first := numbers.get(entry.student_number):
            refused.append(
                RefusedRosterCell(
                    entry.row,
                    table.headings["student_number"],
                    "duplicate-number",
                    _("The student number %(number)s is already in row %(row)s.")
                    % {"number": entry.student_number, "row": first.row},
                )
            )
        elif (first := people.get(entry.email)) and first.name != entry.name:
            refused.append(
                RefusedRosterCell(
                    entry.row,
                    table.headings["email"],
                    "duplicate-email",
                    _("This e-mail address belongs to another name in row %(row)s.") % {"row": first.row},
                )
            )
        else:
            entries.append(entry)
        numbers.setdefault(entry.student_number, entry)
        people.setdefault(entry.email, entry)
    return entries, refused


def _compare(
    entries: list[RosterEntry],
    refused: list[RefusedRosterCell],
    stored: _StoredRoster,
    table: roster_file.RosterTable,
) -> RosterReport:
    added, changed, staff, unchanged = [], [], [], 0
    for entry in entries:
        enrolment = stored.enrolments.get(entry.student_number)
        person = stored.people.get(entry.email)
        fields = {}
        if person is not None and person.name != entry.name:
            fields["name"] = (person.name, entry.name)
        if enrolment is None:
            added.append(entry)
        elif person is None or enrolment.user_id != person.pk:
            refused.append(
                RefusedRosterCell(
                    entry.row,
                    table.headings["email"],
                    "number-of-someone-else",
                    _("The student number %(number)s belongs to a person with a different e-mail address.")
                    % {"number": entry.student_number},
                )
            )
            continue
        else:
            fields |= _differences(enrolment, entry)
            unchanged += not fields
        if person is not None and person.pk in stored.staff and ("name" in fields or enrolment is None):
            staff.append(
                _("row %(row)s: %(name)s (%(email)s) is a member of staff.")
                % {"row": entry.row, "name": person.name, "email": entry.email}
            )
        if fields:
            changed.append(ChangedEnrolment(entry.row, entry.student_number, entry.name, fields))
    made_departments = {entry.department for entry in entries} - stored.departments.keys()
    made_programmes = {(entry.department, entry.programme) for entry in entries} - stored.programmes.keys()
    return RosterReport(
        added=tuple(added),
        changed=tuple(changed),
        left=_enrolments_not_in_file(
            {row.cells["student_number"] for row in table.rows} | {entry.student_number for entry in entries}
        ),
        unchanged=unchanged,
        refused=tuple(sorted(refused, key=lambda refusal: refusal.row)),
        made_departments=tuple(sorted(made_departments)),
        made_programmes=tuple(f"{department} / {name}" for department, name in sorted(made_programmes)),
        ignored_columns=table.ignored,
        staff=tuple(staff),
    )


def _differences(enrolment: Enrolment, entry: RosterEntry) -> dict[str, tuple[str, str]]:
    programme = enrolment.programme
    both = {
        "department": (programme.department.name, entry.department),
        "programme": (programme.name, entry.programme),
        "level": (enrolment.level, entry.level),
        "year": (str(enrolment.year), str(entry.year)),
        "enrolled_on": (enrolment.enrolled_on.isoformat(), _enrolled_on(entry, enrolment).isoformat()),
    }
    return {field: (before, after) for field, (before, after) in both.items() if before != after}


def _enrolled_on(entry: RosterEntry, enrolment: Enrolment | None = None) -> date:
    """Return the file's day. If it gives none, return the stored day, or, if that was only derived from the year
    (1 September), derive it again from the file's year."""
    if entry.enrolled_on:
        return entry.enrolled_on
    if enrolment and enrolment.enrolled_on != date(enrolment.year, 9, 1):
        return enrolment.enrolled_on
    return date(entry.year, 9, 1)


def _enrolments_not_in_file(numbers: set[str]) -> tuple[EnrolmentNotInFile, ...]:
    enrolled = Enrolment.objects.filter(left_on=None).order_by("student_number")
    rows = enrolled.values_list("student_number", "user__name")
    return tuple(
        EnrolmentNotInFile(number, name) for number, name in rows.iterator() if number not in numbers
    )


def _apply(
    entries: list[RosterEntry], report: RosterReport, stored: _StoredRoster, *, by: User | None, now: datetime
) -> Iterator[AuditEntry]:
    """Store what the report lists, with a bounded number of statements. Yield audit entries for the caller to store."""
    _make_programmes(entries, stored)
    _make_people(report.added, stored, now=now)
    added = {
        entry.student_number: Enrolment(
            user=stored.people[entry.email],
            student_number=entry.student_number,
            programme=stored.programmes[entry.department, entry.programme],
            level=entry.level,
            year=entry.year,
            enrolled_on=_enrolled_on(entry),
        )
        for entry in report.added
    }
    Enrolment.objects.bulk_create(added.values(), batch_size=BATCH_SIZE)
    by_number = {entry.student_number: entry for entry in entries}
    renamed, moved = {}, []
    for change in report.changed:
        entry = by_number[change.student_number]
        if "name" in change.fields:
            person = stored.people[entry.email]
            person.name = entry.name
            renamed[person.pk] = person
        if enrolment := stored.enrolments.get(change.student_number):
            enrolment.enrolled_on = _enrolled_on(entry, enrolment)
            enrolment.programme = stored.programmes[entry.department, entry.programme]
            enrolment.level, enrolment.year = entry.level, entry.year
            moved.append(enrolment)
    User.objects.bulk_update(renamed.values(), ["name"], batch_size=BATCH_SIZE)
    Enrolment.objects.bulk_update(moved, ["programme", "level", "year", "enrolled_on"], batch_size=BATCH_SIZE)
    for enrolment in added.values():
        yield audit.build_entry(
            "enrolment-added",
            enrolment,
            by=by,
            now=now,
            person=enrolment.user,
            student_number=enrolment.student_number,
        )
    for change in report.changed:
        enrolment = stored.enrolments.get(change.student_number) or added[change.student_number]
        yield audit.build_entry(
            "enrolment-changed",
            enrolment,
            by=by,
            now=now,
            person=enrolment.user,
            student_number=change.student_number,
            fields=change.fields,
        )


def _make_programmes(entries: list[RosterEntry], stored: _StoredRoster) -> None:
    for name in sorted({entry.department for entry in entries} - stored.departments.keys()):
        stored.departments[name] = Department(name=name)
    Department.objects.bulk_create(
        [d for d in stored.departments.values() if d.pk is None], batch_size=BATCH_SIZE
    )
    for department, name in sorted(
        {(entry.department, entry.programme) for entry in entries} - stored.programmes.keys()
    ):
        stored.programmes[department, name] = Programme(department=stored.departments[department], name=name)
    Programme.objects.bulk_create(
        [p for p in stored.programmes.values() if p.pk is None], batch_size=BATCH_SIZE
    )


def _make_people(added: Iterable[RosterEntry], stored: _StoredRoster, *, now: datetime) -> None:
    """Store the people whose e-mail is new. Their username is the student number, or the e-mail if that is taken."""
    new: dict[str, RosterEntry] = {}
    for entry in added:
        if entry.email not in stored.people:
            new.setdefault(entry.email, entry)
    wanted = {entry.student_number.lower() for entry in new.values()}
    taken = set(
        User.objects.annotate(lowered=Lower("username"))
        .filter(lowered__in=wanted)
        .values_list("lowered", flat=True)
    )
    for email, entry in new.items():
        username = entry.student_number.lower()
        if username in taken:
            username = email
        taken.add(username)
        stored.people[email] = User(
            username=username, email=email, name=entry.name, password=make_password(None), date_joined=now
        )
    User.objects.bulk_create([stored.people[email] for email in new], batch_size=BATCH_SIZE)


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
