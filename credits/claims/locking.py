"""Every step of a claim begins here: its row locked, its state known, its dates looked at."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from credits.claims.models import CLAIM_RELATIONS, Claim, Round
from credits.errors import Conflict


def lock_claim(claim: Claim, *states: str) -> Claim:
    """The claim as it stands now, its row locked until the transaction ends.

    Raises Conflict ``claim-moved-on`` where it is in none of ``states``: somebody else was first, or it was never
    so far.
    """
    now_so = Claim.objects.select_for_update(of=("self",)).select_related(*CLAIM_RELATIONS).get(pk=claim.pk)
    if now_so.status not in states:
        raise Conflict(
            "claim-moved-on",
            _("This is not possible now: the application is “%(state)s”.")
            % {"state": now_so.get_status_display()},
            _("Reload the page to see its current status."),
        )
    return now_so


def lock_person(user: User) -> None:
    """One claim of a person at a time: what they may claim depends on their others."""
    # Not FOR UPDATE: that would wait for every row that merely refers to the person.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def lock_rulebooks(round_: Round, *, to_read: bool = False) -> None:
    """Until the transaction ends, what is in force in the round stays: ``to_read`` beside other readers, otherwise
    alone, to change it."""
    lock = "pg_advisory_xact_lock_shared" if to_read else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtext('claims.rulebooks'), %s)", [round_.pk])
