"""Forge accounts on pages: their collection, and the accounts that a registrar vouched for."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from accounts.models import ForgeAccount, User
from accounts.permissions import Role, departments_of, students_in
from credits.contributions.collecting.status import statuses_for_person


def collection_context(student: User, *, now: datetime) -> dict[str, object]:
    """Return the context of the fragment that shows how far each account of the student is collected."""
    states = statuses_for_person(student, now=now)
    return {
        "states": states,
        "linked": {state.account.forge for state in states},
        "under_way": any(state.running or state.waiting for state in states),
    }


def vouched_accounts(registrar: User) -> QuerySet[ForgeAccount]:
    """Return the accounts that were linked on a registrar's word, newest first, within this registrar's departments."""
    vouched = ForgeAccount.objects.filter(proof=ForgeAccount.Proof.ATTESTED).select_related(
        "user", "attested_by"
    )
    scope = departments_of(registrar, Role.REGISTRAR)
    if scope is not None:
        vouched = vouched.filter(user__in=students_in(scope))
    return vouched.order_by("-linked_at")
