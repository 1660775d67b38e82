"""Give and take the roles of staff.

Only administrators may do this, and never for themselves: otherwise an administrator could decide about credit.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.models import Department, StaffRole, User
from credits.errors import Conflict, CreditsError, NotAllowed


def give(
    user: User, role: str, department: Department | None = None, *, by: User, now: datetime
) -> StaffRole:
    """Give ``user`` the role in ``department`` (None: the whole university). Nothing changes if they have it already.

    Raise NotAllowed if ``by`` is not an administrator or is ``user``. Raise CreditsError ``unknown-role``.
    """
    _require_may_change(user, role, by)
    with transaction.atomic():
        staff_role, is_new = StaffRole.objects.get_or_create(user=user, role=role, department=department)
        if is_new:
            _record_in_audit_log("role-given", staff_role, by=by, now=now)
    return staff_role


def take(staff_role: StaffRole, *, by: User, now: datetime) -> None:
    """Remove a role. Raise the errors of :func:`give`, and Conflict ``last-administrator``."""
    _require_may_change(staff_role.user, staff_role.role, by)
    with transaction.atomic():
        # All administrators are locked, so that two of them cannot take each other's role at the same time.
        administrators = list(
            StaffRole.objects.select_for_update().filter(role=StaffRole.Role.ADMIN).order_by("pk")
        )
        if [administrator.pk for administrator in administrators] == [staff_role.pk]:
            raise Conflict("last-administrator", _("At least one administrator must remain."))
        _record_in_audit_log("role-taken", staff_role, by=by, now=now)
        staff_role.delete()


def _require_may_change(user: User, role: str, by: User) -> None:
    permissions.require(by, StaffRole.Role.ADMIN)
    if role not in StaffRole.Role.values:
        raise CreditsError("unknown-role", _("There is no role called %(role)s.") % {"role": role})
    if user.pk == by.pk:
        raise NotAllowed("own-role", _("You cannot change your own roles."), _("Ask another administrator."))


def _record_in_audit_log(action: str, staff_role: StaffRole, *, by: User, now: datetime) -> None:
    department = staff_role.department.name if staff_role.department else ""
    audit.record(
        action,
        staff_role,
        by=by,
        person=staff_role.user,
        now=now,
        role=str(staff_role.role),
        department=department,
    )
