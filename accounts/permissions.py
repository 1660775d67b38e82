"""Who may see or decide what. All permission checks are here: questions return a bool, ``require...`` raise."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, Enrolment, StaffRole, User
from credits.errors import NotAllowed

Role = StaffRole.Role


def roles_of(user: User) -> frozenset[str]:
    """Return the staff roles of a person, empty for a student. The query runs once for each user object."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    cached: frozenset[str] | None = vars(user).get("_roles")
    if cached is None:
        cached = frozenset(user.staff_roles.values_list("role", flat=True))
        vars(user)["_roles"] = cached
    return cached


def has_role(user: User, role: str) -> bool:
    return role in roles_of(user)


def departments_of(user: User, role: str) -> frozenset[int] | None:
    """Return the primary keys of the departments in which a person has ``role``, or None for the whole university."""
    departments = frozenset(user.staff_roles.filter(role=role).values_list("department", flat=True))
    return None if None in departments else frozenset(pk for pk in departments if pk is not None)


def students_in(departments: Collection[int]) -> QuerySet[User]:
    """Return everybody who studies or studied in one of these departments."""
    return User.objects.filter(
        pk__in=Enrolment.objects.filter(programme__department__in=departments).values("user")
    )


def covers(user: User, role: str, department: Department) -> bool:
    """Return whether the person has ``role`` for this department."""
    if not has_role(user, role):
        return False
    scope = departments_of(user, role)
    return scope is None or department.pk in scope


def is_student(user: User) -> bool:
    return user.is_authenticated and user.enrolments.exists()


def is_instructor(user: User) -> bool:
    return has_role(user, Role.INSTRUCTOR)


def is_committee_member(user: User) -> bool:
    return has_role(user, Role.COMMITTEE)


def is_registrar(user: User) -> bool:
    return has_role(user, Role.REGISTRAR)


def is_steward(user: User) -> bool:
    return has_role(user, Role.STEWARD)


def is_admin(user: User) -> bool:
    return has_role(user, Role.ADMIN)


def require(user: User, role: str, department: Department | None = None) -> None:
    """Raise NotAllowed unless the person has ``role`` (for ``department``, if it is given)."""
    allowed = covers(user, role, department) if department else has_role(user, role)
    if not allowed:
        raise NotAllowed(
            "role-needed",
            _("This requires the role %(role)s.") % {"role": Role(role).label},
            _("Ask an administrator if you should have it."),
        )


def covers_university(user: User, role: str) -> bool:
    """Return whether the person has ``role`` for the whole university, not only for some departments."""
    return has_role(user, role) and departments_of(user, role) is None


def require_for_university(user: User, role: str) -> None:
    """Raise NotAllowed unless the person has ``role`` for the whole university."""
    require(user, role)
    if not covers_university(user, role):
        raise NotAllowed(
            "role-for-all-needed",
            _("This requires the role %(role)s for the whole university.") % {"role": Role(role).label},
            _("Ask an administrator if you should have it."),
        )
