"""Gather contributions into a claim: prefilled, then added and removed by the student."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.calendar.university_calendar import format_instant
from accounts.models import User
from credits.claims.assessment.double_claims import claimed_elsewhere
from credits.claims.assessment.estimate import (
    Estimate,
    claimable_shares,
    current_enrolment,
    current_facts,
    estimate_from_facts,
    evaluate_version,
)
from credits.claims.assessment.facts import ref_of
from credits.claims.gates import refuse_before
from credits.claims.locking import lock_claim, lock_person
from credits.claims.models import CLAIM_RELATIONS, Claim, ClaimItem, Round
from credits.claims.rounds import version_for
from credits.contributions import queries, same_work
from credits.contributions.models import Authorship
from credits.errors import Conflict, NotAllowed
from credits.rules import ContributionOutcome

Status = Claim.Status


@dataclass(frozen=True, slots=True)
class DraftCandidate:
    """An own contribution as it might stand in a claim. ``item`` is set where it does, ``elsewhere`` where the work
    stands in another live claim and cannot. ``outcome`` says why it counts or not, all candidates taken together."""

    authorship: Authorship
    item: ClaimItem | None
    elsewhere: ClaimItem | None
    outcome: ContributionOutcome


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """All candidates of a draft, and what they would give all together."""

    candidates: list[DraftCandidate]
    estimate: Estimate


@transaction.atomic
def open_draft(user: User, round_: Round, *, now: datetime, refresh: bool = False) -> Claim:
    """The person's claim in this round. Where there is none, a draft with every own contribution that counts by the
    rulebook and stands in no other live claim; an existing draft is filled up again only with ``refresh``.

    Raises Conflict outside the round's days to apply (unless a claim is there already), NotThere for a person
    without an enrolment or a round without a rulebook for it.
    """
    lock_person(user)
    found = _claim_in_round(user, round_)
    if found is not None and not (refresh and found.status == Status.DRAFT):
        return found
    require_applications_open(round_, now)
    _withdraw_lapsed_drafts(user, now=now)
    enrolment = current_enrolment(user, now=now)
    claim = found or Claim.objects.create(
        round=round_, user=user, enrolment=enrolment, status=Status.DRAFT, created_at=now
    )
    _add_counting_items(claim, now=now)
    return claim


def add_item(claim: Claim, authorship: Authorship, *, by: User, now: datetime) -> ClaimItem:
    """Put an own contribution into a draft, whether or not it counts by the rulebook: adding twice changes nothing.

    Raises NotAllowed for somebody else's claim or contribution, Conflict where the claim is no draft or the work
    stands in another live claim.
    """
    with transaction.atomic():
        claim = lock_claim(claim, Status.DRAFT)
        _require_own(claim, by)
        if not queries.authorships_of(by).filter(pk=authorship.pk).exists():
            raise NotAllowed(
                "not-your-contribution",
                _("This contribution was not made by one of your linked accounts."),
                _("Link the account first."),
            )
        standing = claim.items.filter(authorship=authorship).first()
        if standing is not None:
            return standing
        _refuse_claimed_work(claim, authorship)
        try:
            with transaction.atomic():
                return ClaimItem.objects.create(claim=claim, authorship=authorship)
        except IntegrityError:
            raise _already_claimed_error(_("another application")) from None


@transaction.atomic
def remove_item(item: ClaimItem, *, by: User, now: datetime) -> None:
    """Take a contribution out of a draft; it may be claimed elsewhere from then on."""
    claim = lock_claim(item.claim, Status.DRAFT)
    _require_own(claim, by)
    claim.items.filter(pk=item.pk).delete()


def draft_candidates(claim: Claim, *, now: datetime) -> list[DraftCandidate]:
    """The claimant's own contributions, newest first, with why each counts or not as of ``now``."""
    return read_choice(claim, now=now).candidates


def read_choice(claim: Claim, *, now: datetime) -> DraftChoice:
    """The same, with the facts that it follows from."""
    own = list(queries.authorships_of(claim.user))
    elsewhere = claimed_elsewhere(own, besides=claim)
    items = {item.authorship_id: item for item in claim.items.all()}
    enrolment = claim.enrolment
    version = version_for(claim.round, enrolment)
    estimate = estimate_from_facts(
        version,
        current_facts(enrolment, claim.round, version, own, now=now, already_credited=frozenset(elsewhere)),
    )
    by_ref = {one.ref: one for one in estimate.outcome.contributions}
    found = [
        DraftCandidate(one, items.get(one.pk), elsewhere.get(one.pk), by_ref[ref_of(one)]) for one in own
    ]
    return DraftChoice(found, estimate)


def require_applications_open(round_: Round, now: datetime) -> None:
    """Raise Conflict, with the date, unless students may apply in the round now."""
    refuse_before(round_.apply_from, now, "round-not-open", _("Applications in this round open on %(date)s."))
    if now >= round_.apply_until:
        raise Conflict(
            "round-closed",
            _("Applications in this round closed on %(date)s.")
            % {"date": format_instant(round_.apply_until)},
            _("You keep your contributions and can apply for them in the next round."),
        )


def _claim_in_round(user: User, round_: Round) -> Claim | None:
    return (
        Claim.objects.filter(user=user, round=round_)
        .exclude(status=Status.WITHDRAWN)
        .select_related(*CLAIM_RELATIONS)
        .first()
    )


def _require_own(claim: Claim, by: User) -> None:
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student who made this application can do this."))


def _withdraw_lapsed_drafts(user: User, *, now: datetime) -> None:
    """A draft that was never submitted in time must not hold its contributions back from the next round."""
    for old in Claim.objects.select_for_update().filter(
        user=user, status=Status.DRAFT, round__apply_until__lte=now
    ):
        old.items.update(live=False)
        old.status = Status.WITHDRAWN
        old.save(update_fields=["status"])
        audit.record("draft-lapsed", old, by=None, now=now, person=user)


def _add_counting_items(claim: Claim, *, now: datetime) -> None:
    shares = claimable_shares(claim.user, claim.round)
    version = version_for(claim.round, claim.enrolment)
    outcome = evaluate_version(version, current_facts(claim.enrolment, claim.round, version, shares, now=now))
    counts = {one.ref for one in outcome.contributions if one.status == "counts"}
    present = set(claim.items.values_list("authorship", flat=True))
    chosen: Sequence[Authorship] = [one for one in shares if one.pk not in present and ref_of(one) in counts]
    # Somebody may have claimed one of them this instant: the constraint decides, and the rest is kept.
    ClaimItem.objects.bulk_create(
        [ClaimItem(claim=claim, authorship=one) for one in chosen], ignore_conflicts=True
    )


def _refuse_claimed_work(claim: Claim, authorship: Authorship) -> None:
    stands = claimed_elsewhere([authorship], besides=claim).get(authorship.pk)
    if stands is not None and stands.claim.user_id == claim.user_id:
        raise _already_claimed_error(stands.claim.round)
    if stands is not None:
        raise _already_claimed_error(_("another application"))
    twins = same_work.siblings([authorship.contribution_id]).get(authorship.contribution_id, ())
    if claim.items.filter(authorship__contribution__in=[one.contribution for one in twins]).exists():
        raise Conflict(
            "same-work-twice",
            _("The same work is already in this application from another source; it gets credit only once."),
            _("Keep one of the two."),
        )


def _already_claimed_error(where: object) -> Conflict:
    return Conflict(
        "already-claimed",
        _("This contribution is already in an application (%(where)s); it gets credit only once.")
        % {"where": where},
        _("To use it here, withdraw that application first."),
    )
