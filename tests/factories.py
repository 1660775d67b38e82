"""Make valid people and things for tests, one call each. Omitted arguments get generated values that are never
repeated."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count
from typing import Any

from accounts.models import Department, Enrolment, ForgeAccount, Programme, StaffRole, Term, User

NOW = datetime(2025, 3, 10, 2, 0, tzinfo=UTC)
"""A Monday morning in Shanghai, in the term of :func:`term`: the time for tests that need no special one."""

_numbers = count(1)


def person(*, password: str | None = None, **fields: Any) -> User:
    """Store a person without a role. With ``password`` they can sign in with it (slow: omit it if not needed)."""
    number = next(_numbers)
    fields.setdefault("username", f"person{number}")
    fields.setdefault("email", f"{fields['username']}@university.example")
    fields.setdefault("name", f"人{number}")
    return User.objects.create_user(password=password, **fields)


def department(name: str = "") -> Department:
    return Department.objects.get_or_create(name=name or f"学院{next(_numbers)}")[0]


def programme(name: str = "", *, college: Department | None = None) -> Programme:
    return Programme.objects.get_or_create(
        name=name or f"专业{next(_numbers)}", department=college or department()
    )[0]


def enrolment(
    user: User | None = None,
    *,
    student_number: str = "",
    programme: Programme | None = None,
    level: str = "本科",
    year: int = 2023,
    enrolled_on: date | None = None,
    left_on: date | None = None,
) -> Enrolment:
    """Store a person's enrolment. Its generated number begins with zeros, as real ones may."""
    return Enrolment.objects.create(
        user=user or person(),
        student_number=student_number or f"00{year}{next(_numbers):04}",
        programme=programme or _programme(),
        level=level,
        year=year,
        enrolled_on=enrolled_on or date(year, 9, 1),
        left_on=left_on,
    )


_programme = programme


def student(
    *,
    student_number: str = "",
    programme: Programme | None = None,
    level: str = "本科",
    year: int = 2023,
    enrolled_on: date | None = None,
    **fields: Any,
) -> User:
    """Store a person with one enrolment (``.enrolments.get()``). ``fields`` are the person's own."""
    user = person(**fields)
    enrolment(
        user,
        student_number=student_number,
        programme=programme,
        level=level,
        year=year,
        enrolled_on=enrolled_on,
    )
    return user


def staff(role: str, department: Department | None = None, **fields: Any) -> User:
    """Store a person with one staff role, in one department or (None) in the whole university."""
    user = person(**fields)
    StaffRole.objects.create(user=user, role=role, department=department)
    return user


def instructor(department: Department | None = None, **fields: Any) -> User:
    return staff(StaffRole.Role.INSTRUCTOR, department, **fields)


def committee(department: Department | None = None, **fields: Any) -> User:
    return staff(StaffRole.Role.COMMITTEE, department, **fields)


def registrar(department: Department | None = None, **fields: Any) -> User:
    return staff(StaffRole.Role.REGISTRAR, department, **fields)


def steward(**fields: Any) -> User:
    return staff(StaffRole.Role.STEWARD, **fields)


def admin(**fields: Any) -> User:
    return staff(StaffRole.Role.ADMIN, **fields)


def term(code: str = "", **fields: Any) -> Term:
    """Store a term of spring 2025, which contains :data:`NOW`."""
    fields.setdefault("name_zh", "2024—2025学年第二学期")
    fields.setdefault("name_en", "Spring term 2025")
    fields.setdefault("starts_on", date(2025, 2, 17))
    fields.setdefault("ends_on", date(2025, 7, 6))
    return Term.objects.create(code=code or f"term-{next(_numbers)}", **fields)


def forge_account(user: User | None = None, *, forge: str = "github", **fields: Any) -> ForgeAccount:
    """Store a link proved by OAuth. ``forge_user_id`` and ``login`` are generated if omitted."""
    number = next(_numbers)
    fields.setdefault("forge_user_id", str(70_000_000 + number))
    fields.setdefault("login", f"login{number}")
    fields.setdefault("proof", ForgeAccount.Proof.OAUTH)
    fields.setdefault("linked_at", NOW)
    return ForgeAccount.objects.create(user=user or student(), forge=forge, **fields)
