"""Gather contributions into a claim: prefilled, then added and removed by the student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.calendar.university_calendar import written
from accounts.models import User
from credits.claims.assessment.double_claims import taken
from credits.claims.assessment.estimate import (
    Estimate,
    assessed,
    claimable,
    enrolment_of,
    evaluated,
    facts_now,
)
from credits.claims.assessment.facts import ref_of
from credits.claims.gates import not_before
from credits.claims.locking import lock_person, locked
from credits.claims.models import WHOLE, Claim, ClaimItem, Round
from credits.claims.rounds import version_for
from credits.contributions import queries, same_work
from credits.contributions.models import Authorship
from credits.errors import Conflict, NotAllowed
from credits.rules.evaluation.evaluate import ContributionOutcome

Status = Claim.Status


@dataclass(frozen=True, slots=True)
class Candidate:
    """An own contribution as it might stand in a claim. ``item`` is set where it does, ``elsewhere`` where the work
    stands in another live claim and cannot. ``outcome`` says why it counts or not, all candidates taken together."""

    authorship: Authorship
    item: ClaimItem | None
    elsewhere: ClaimItem | None
    outcome: ContributionOutcome


@dataclass(frozen=True, slots=True)
class Choice:
    """All candidates of a draft, and what they would give all together."""

    candidates: list[Candidate]
    estimate: Estimate


@transaction.atomic
def draft(user: User, round_: Round, *, now: datetime, refresh: bool = False) -> Claim:
    """The person's claim in this round. Where there is none, a draft with every own contribution that counts by the
    rulebook and stands in no other live claim; an existing draft is filled up again only with ``refresh``.

    Raises Conflict outside the round's days to apply (unless a claim is there already), NotThere for a person
    without an enrolment or a round without a rulebook for it.
    """
    lock_person(user)
    found = _of(user, round_)
    if found is not None and not (refresh and found.status == Status.DRAFT):
        return found
    apply_window(round_, now)
    _let_lapse(user, now=now)
    enrolment = enrolment_of(user, now=now)
    claim = found or Claim.objects.create(
        round=round_, user=user, enrolment=enrolment, status=Status.DRAFT, created_at=now
    )
    _fill(claim, now=now)
    return claim


def add_item(claim: Claim, authorship: Authorship, *, by: User, now: datetime) -> ClaimItem:
    """Put an own contribution into a draft, whether or not it counts by the rulebook: adding twice changes nothing.

    Raises NotAllowed for somebody else's claim or contribution, Conflict where the claim is no draft or the work
    stands in another live claim.
    """
    with transaction.atomic():
        claim = locked(claim, Status.DRAFT)
        _own(claim, by)
        if not queries.of_person(by).filter(pk=authorship.pk).exists():
            raise NotAllowed(
                "not-your-contribution",
                _("This contribution was not made by an account that is linked to you."),
                _("Link the account first."),
            )
        standing = claim.items.filter(authorship=authorship).first()
        if standing is not None:
            return standing
        _refuse_taken(claim, authorship)
        try:
            with transaction.atomic():
                return ClaimItem.objects.create(claim=claim, authorship=authorship)
        except IntegrityError:
            raise _already_claimed(_("another claim")) from None


@transaction.atomic
def remove_item(item: ClaimItem, *, by: User, now: datetime) -> None:
    """Take a contribution out of a draft; it may be claimed elsewhere from then on."""
    claim = locked(item.claim, Status.DRAFT)
    _own(claim, by)
    claim.items.filter(pk=item.pk).delete()


def candidates(claim: Claim, *, now: datetime) -> list[Candidate]:
    """The claimant's own contributions, newest first, with why each counts or not as of ``now``."""
    return choice(claim, now=now).candidates


def choice(claim: Claim, *, now: datetime) -> Choice:
    """The same, with the facts that it follows from."""
    own = list(queries.of_person(claim.user))
    elsewhere = taken(own, besides=claim)
    items = {item.authorship_id: item for item in claim.items.all()}
    enrolment = claim.enrolment
    version = version_for(claim.round, enrolment)
    estimate = assessed(
        version,
        facts_now(enrolment, claim.round, version, own, now=now, already_credited=frozenset(elsewhere)),
    )
    by_ref = {one.ref: one for one in estimate.outcome.contributions}
    found = [Candidate(one, items.get(one.pk), elsewhere.get(one.pk), by_ref[ref_of(one)]) for one in own]
    return Choice(found, estimate)


def apply_window(round_: Round, now: datetime) -> None:
    """Raise Conflict, with the date, unless students may apply in the round now."""
    not_before(
        round_.apply_from, now, "round-not-open", _("Applications in this round are taken from %(date)s.")
    )
    if now >= round_.apply_until:
        raise Conflict(
            "round-closed",
            _("Applications in this round were taken until %(date)s.")
            % {"date": written(round_.apply_until)},
            _("What you have stays yours: claim it in the next round."),
        )


def _of(user: User, round_: Round) -> Claim | None:
    return (
        Claim.objects.filter(user=user, round=round_)
        .exclude(status=Status.WITHDRAWN)
        .select_related(*WHOLE)
        .first()
    )


def _own(claim: Claim, by: User) -> None:
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student whose claim it is can do this."))


def _let_lapse(user: User, *, now: datetime) -> None:
    """A draft that was never submitted in time must not hold its contributions back from the next round."""
    for old in Claim.objects.select_for_update().filter(
        user=user, status=Status.DRAFT, round__apply_until__lte=now
    ):
        old.items.update(live=False)
        old.status = Status.WITHDRAWN
        old.save(update_fields=["status"])
        audit.record("draft-lapsed", old, by=None, now=now, person=user)


def _fill(claim: Claim, *, now: datetime) -> None:
    shares = claimable(claim.user, claim.round)
    version = version_for(claim.round, claim.enrolment)
    outcome = evaluated(version, facts_now(claim.enrolment, claim.round, version, shares, now=now))
    counts = {one.ref for one in outcome.contributions if one.status == "counts"}
    present = set(claim.items.values_list("authorship", flat=True))
    chosen: Sequence[Authorship] = [one for one in shares if one.pk not in present and ref_of(one) in counts]
    # Somebody may have claimed one of them this instant: the constraint decides, and the rest is kept.
    ClaimItem.objects.bulk_create(
        [ClaimItem(claim=claim, authorship=one) for one in chosen], ignore_conflicts=True
    )


def _refuse_taken(claim: Claim, authorship: Authorship) -> None:
    stands = taken([authorship], besides=claim).get(authorship.pk)
    if stands is not None and stands.claim.user_id == claim.user_id:
        raise _already_claimed(stands.claim.round)
    if stands is not None:
        raise _already_claimed(_("another claim"))
    twins = same_work.siblings([authorship.contribution_id]).get(authorship.contribution_id, ())
    if claim.items.filter(authorship__contribution__in=[one.contribution for one in twins]).exists():
        raise Conflict(
            "same-work-twice",
            _("The same work is already in this claim, from another place: it earns once."),
            _("Keep one of the two."),
        )


def _already_claimed(where: object) -> Conflict:
    return Conflict(
        "already-claimed",
        _("This contribution already stands in a claim (%(where)s), and earns once.") % {"where": where},
        _("Withdraw that claim first, if it should stand here."),
    )
