"""Give and take the roles of staff. An administrator does, never for themselves: that would be a say over credit."""

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
    """Let ``user`` act in ``role`` for ``department`` (None: all). Giving it twice changes nothing.

    Raises NotAllowed for whoever is no administrator, and for a role for oneself.
    """
    _require_may_change(user, role, by)
    with transaction.atomic():
        held, made = StaffRole.objects.get_or_create(user=user, role=role, department=department)
        if made:
            _record_in_audit_log("role-given", held, by=by, now=now)
    return held


def take(held: StaffRole, *, by: User, now: datetime) -> None:
    """End a role. Raises NotAllowed as :func:`give` does, and Conflict ``last-administrator``."""
    _require_may_change(held.user, held.role, by)
    with transaction.atomic():
        # All of them are locked, so that two administrators cannot take each other's role at once.
        administrators = list(
            StaffRole.objects.select_for_update().filter(role=StaffRole.Role.ADMIN).order_by("pk")
        )
        if [row.pk for row in administrators] == [held.pk]:
            raise Conflict("last-administrator", _("At least one administrator must remain."))
        _record_in_audit_log("role-taken", held, by=by, now=now)
        held.delete()


def _require_may_change(user: User, role: str, by: User) -> None:
    permissions.require(by, StaffRole.Role.ADMIN)
    if role not in StaffRole.Role.values:
        raise CreditsError("unknown-role", _("There is no role called %(role)s.") % {"role": role})
    if user.pk == by.pk:
        raise NotAllowed("own-role", _("You cannot change your own roles."), _("Ask another administrator."))


def _record_in_audit_log(action: str, held: StaffRole, *, by: User, now: datetime) -> None:
    department = held.department.name if held.department else ""
    audit.record(action, held, by=by, person=held.user, now=now, role=str(held.role), department=department)
