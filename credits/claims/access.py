"""Find a claim by its public id for a person who may see it. All pages reach a claim through here."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.models import AuditEntry, StaffRole, User
from credits.claims.models import CLAIM_RELATIONS, Claim
from credits.claims.stages import is_reviewer, stages_of
from credits.errors import NotThere

Role = StaffRole.Role
VIEW_LOG_INTERVAL = timedelta(hours=1)
_STUDENT_ONLY_STATES = (Claim.Status.DRAFT, Claim.Status.WITHDRAWN)


@transaction.atomic
def claim_for(user: User, public_id: uuid.UUID | str, *, now: datetime) -> Claim:
    """Return the claim if ``user`` may see it.

    Its student always may. After submission, instructors and registrars may within their scope, and a committee may
    as soon as the claim has reached a stage that it reviews. A view by anyone but the student is written to the audit
    log (invariant 11), at most once an hour.

    Raises NotThere for everyone else, with the same words as for a claim that does not exist: they must not learn
    that it exists (invariant 12).
    """
    claim = _find(public_id)
    if claim is None or not _may_see(user, claim):
        raise NotThere(
            "no-such-claim", _("There is no such application."), _("Look for it in your own list.")
        )
    if claim.user_id != user.pk and not _view_already_logged(user, claim, now):
        audit.record("claim-seen", claim, by=user, now=now, person=claim.user)
    return claim


def _view_already_logged(user: User, claim: Claim, now: datetime) -> bool:
    """Return whether the audit log has a view of this claim by this person within :data:`VIEW_LOG_INTERVAL`.

    An open page requests its claim many times; that is a single view.
    """
    view = audit.build_entry("claim-seen", claim, by=user, now=now)
    logged = AuditEntry.objects.filter(actor=user, action=view.action, subject=view.subject)
    return logged.filter(at__gt=now - VIEW_LOG_INTERVAL, at__lte=now).exists()


def _find(public_id: uuid.UUID | str) -> Claim | None:
    try:
        key = public_id if isinstance(public_id, uuid.UUID) else uuid.UUID(public_id)
    except ValueError:
        return None
    return Claim.objects.filter(public_id=key).select_related(*CLAIM_RELATIONS).first()


def _may_see(user: User, claim: Claim) -> bool:
    if claim.user_id == user.pk:
        return True
    if claim.status in _STUDENT_ONLY_STATES:
        return False
    department = claim.enrolment.programme.department
    if any(permissions.covers(user, role, department) for role in (Role.INSTRUCTOR, Role.REGISTRAR)):
        return True
    if not permissions.has_role(user, Role.COMMITTEE):
        return False
    return any(is_reviewer(user, stage.by, department) for stage in stages_of(claim)[: claim.stage])
