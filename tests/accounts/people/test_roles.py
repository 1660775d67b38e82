"""Roles of staff: who gives them, and what they cover."""

from __future__ import annotations

import pytest

from accounts import permissions
from accounts.models import StaffRole
from accounts.people import roles
from credits.errors import CreditsError, NotAllowed
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
Role = StaffRole.Role


def test_an_administrator_gives_and_takes_a_role() -> None:
    """Giving a role twice makes one role, and taking it removes it."""
    admin, colleague = factories.admin(), factories.person()
    staff_role = roles.give(colleague, Role.INSTRUCTOR, by=admin, now=NOW)
    assert roles.give(colleague, Role.INSTRUCTOR, by=admin, now=NOW) == staff_role
    assert colleague.staff_roles.count() == 1
    roles.take(staff_role, by=admin, now=NOW)
    assert not colleague.staff_roles.exists()


def test_nobody_else_gives_a_role() -> None:
    """A registrar, a steward, an instructor and a student cannot give a role."""
    for other in (factories.registrar(), factories.steward(), factories.instructor(), factories.student()):
        with pytest.raises(NotAllowed):
            roles.give(factories.person(), Role.INSTRUCTOR, by=other, now=NOW)


def test_invariant_8_an_administrator_gains_no_say_over_credit() -> None:
    """An administrator has no other role and cannot give one to themselves."""
    admin = factories.admin()
    assert permissions.roles_of(admin) == {Role.ADMIN}
    for role in Role.values:
        with pytest.raises(NotAllowed) as refusal:
            roles.give(admin, role, by=admin, now=NOW)
        assert refusal.value.code == "own-role"


def test_the_last_administrator_stays() -> None:
    """At least one administrator remains: nobody takes their own role, and of two who take each other's, one fails."""
    first, second = factories.admin(), factories.admin()
    assert permissions.is_admin(second), "read before the first one acts, as in a request at the same moment"
    roles.take(second.staff_roles.get(), by=first, now=NOW)
    with pytest.raises(NotAllowed):
        roles.take(first.staff_roles.get(), by=first, now=NOW)
    with pytest.raises(CreditsError) as refusal:
        roles.take(first.staff_roles.get(), by=second, now=NOW)
    assert refusal.value.code == "last-administrator"


def test_a_role_for_a_college_ends_at_its_door() -> None:
    """An instructor of one college covers only that college; without a college the role covers all."""
    mine, other = factories.department(), factories.department()
    for user, reached in (
        (factories.instructor(mine), [True, False]),
        (factories.instructor(), [True, True]),
    ):
        assert [permissions.covers(user, Role.INSTRUCTOR, college) for college in (mine, other)] == reached
        assert not permissions.covers(user, Role.REGISTRAR, mine)


def test_who_may_not_sign_in_has_no_role() -> None:
    """An inactive person keeps the rows in the database, but has no role."""
    assert permissions.roles_of(factories.registrar(is_active=False)) == frozenset()
