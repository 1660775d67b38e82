"""Row locks and advisory locks. Every step of a claim begins with :func:`lock_claim`."""

from __future__ import annotations

from django.db import connection
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from credits.claims.models import CLAIM_RELATIONS, Claim, Round
from credits.errors import Conflict


def lock_claim(claim: Claim, *states: str) -> Claim:
    """Lock the claim's row until the transaction ends, and return the claim as it is now.

    Raises Conflict ``claim-moved-on`` if it is in none of ``states``: another person acted first, or the claim has not
    reached that state.
    """
    current = Claim.objects.select_for_update(of=("self",)).select_related(*CLAIM_RELATIONS).get(pk=claim.pk)
    if current.status not in states:
        raise Conflict(
            "claim-moved-on",
            _("This is not possible now: the application is “%(state)s”.")
            % {"state": current.get_status_display()},
            _("Reload the page to see its current status."),
        )
    return current


def lock_person(user: User) -> None:
    """Lock the person until the transaction ends, because what they may claim depends on their other claims."""
    # Not FOR UPDATE: that would also wait for every row that only refers to the person.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def lock_rulebooks(round_: Round, *, to_read: bool = False) -> None:
    """Lock the rulebooks in force in the round until the transaction ends.

    ``to_read`` takes a shared lock: other readers may hold it too. Otherwise the lock is exclusive, for a change.
    """
    lock = "pg_advisory_xact_lock_shared" if to_read else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtext('claims.rulebooks'), %s)", [round_.pk])
