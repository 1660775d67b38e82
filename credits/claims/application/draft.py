"""Drafts: start a claim that is filled in advance, then add and remove contributions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    """A contribution of the student that could be in the draft.

    ``item`` is set if it is in the draft. ``elsewhere`` is set if the work is in another live claim, so that it cannot
    be in this draft. ``outcome`` says why it counts or not, when all candidates are evaluated together.
    """

    authorship: Authorship
    item: ClaimItem | None
    elsewhere: ClaimItem | None
    outcome: ContributionOutcome


@dataclass(frozen=True, slots=True)
class DraftChoice:
    """All candidates of a draft, and the estimate for all of them together."""

    candidates: list[DraftCandidate]
    estimate: Estimate


@transaction.atomic
def open_draft(user: User, round_: Round, *, now: datetime, refresh: bool = False) -> Claim:
    """Return the person's claim in this round, or create a draft.

    A new draft gets every contribution of the person that counts by the rulebook and is in no other live claim. An
    existing draft is filled again only with ``refresh``.

    Raises Conflict outside the round's application period (unless the claim exists), NotThere if the person has no
    enrolment or the round has no rulebook for it.
    """
    lock_person(user)
    found = claim_in_round(user, round_)
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
    """Add the student's own contribution to their draft and return the item. Adding it twice changes nothing.

    The contribution need not count by the rulebook. Raises NotAllowed if the claim or the contribution is another
    person's; Conflict if the claim is not a draft or the work is in another live claim.
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
        present = claim.items.filter(authorship=authorship).first()
        if present is not None:
            return present
        _refuse_claimed_work(claim, authorship)
        try:
            with transaction.atomic():
                return ClaimItem.objects.create(claim=claim, authorship=authorship)
        except IntegrityError:
            raise _already_claimed_error(_("another application")) from None


@transaction.atomic
def remove_item(item: ClaimItem, *, by: User, now: datetime) -> None:
    """Remove a contribution from a draft; it can then be claimed elsewhere."""
    claim = lock_claim(item.claim, Status.DRAFT)
    _require_own(claim, by)
    claim.items.filter(pk=item.pk).delete()


@transaction.atomic
def choose_items(claim: Claim, chosen: Collection[str], *, by: User, now: datetime) -> None:
    """Make a draft contain exactly the contributions in ``chosen`` (keys of authorships, as text).

    Ignore keys that are not the claimant's, and work that is in another live claim. Raise as :func:`add_item` does,
    and Conflict outside the days to apply.
    """
    require_applications_open(claim.round, now)
    candidates = draft_candidates(claim, now=now)
    for candidate in candidates:
        wanted = str(candidate.authorship.pk) in chosen
        if wanted and candidate.item is None and candidate.elsewhere is None:
            add_item(claim, candidate.authorship, by=by, now=now)
        elif candidate.item is not None and not wanted:
            remove_item(candidate.item, by=by, now=now)
    # Items of an account that is no longer linked: the page cannot show them, so nobody could remove them there.
    shown = [candidate.authorship for candidate in candidates]
    for item in claim.items.exclude(authorship__in=shown):
        remove_item(item, by=by, now=now)


def draft_candidates(claim: Claim, *, now: datetime) -> list[DraftCandidate]:
    """Return the student's own contributions, newest first, with why each counts or not at ``now``."""
    return read_choice(claim, now=now).candidates


def read_choice(claim: Claim, *, now: datetime) -> DraftChoice:
    """Return the same candidates together with the estimate for all of them."""
    shares = list(queries.authorships_of(claim.user))
    elsewhere = claimed_elsewhere(shares, other_than=claim)
    items = {item.authorship_id: item for item in claim.items.all()}
    enrolment = claim.enrolment
    version = version_for(claim.round, enrolment)
    estimate = estimate_from_facts(
        version,
        current_facts(
            enrolment, claim.round, version, shares, now=now, already_credited=frozenset(elsewhere)
        ),
    )
    outcomes = {outcome.ref: outcome for outcome in estimate.outcome.contributions}
    candidates = [
        DraftCandidate(share, items.get(share.pk), elsewhere.get(share.pk), outcomes[ref_of(share)])
        for share in shares
    ]
    return DraftChoice(candidates, estimate)


def require_applications_open(round_: Round, now: datetime) -> None:
    """Raise Conflict, with the date, unless students may apply in the round at ``now``."""
    refuse_before(round_.apply_from, now, "round-not-open", _("Applications in this round open on %(date)s."))
    if now >= round_.apply_until:
        raise Conflict(
            "round-closed",
            _("Applications in this round closed on %(date)s.")
            % {"date": format_instant(round_.apply_until)},
            _("You keep your contributions and can apply for them in the next round."),
        )


def claim_in_round(user: User, round_: Round) -> Claim | None:
    """Return the person's claim in this round, or None if they have none that is not withdrawn."""
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
    """Withdraw drafts that were not submitted in time, so that their contributions are free for the next round."""
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
    counts = {contribution.ref for contribution in outcome.contributions if contribution.status == "counts"}
    present = set(claim.items.values_list("authorship", flat=True))
    chosen: Sequence[Authorship] = [
        share for share in shares if share.pk not in present and ref_of(share) in counts
    ]
    # Another request may claim one of them at the same moment: the constraint rejects it, the others are kept.
    ClaimItem.objects.bulk_create(
        [ClaimItem(claim=claim, authorship=share) for share in chosen], ignore_conflicts=True
    )


def _refuse_claimed_work(claim: Claim, authorship: Authorship) -> None:
    item = claimed_elsewhere([authorship], other_than=claim).get(authorship.pk)
    if item is not None and item.claim.user_id == claim.user_id:
        raise _already_claimed_error(item.claim.round)
    if item is not None:
        raise _already_claimed_error(_("another application"))
    siblings = same_work.siblings([authorship.contribution_id]).get(authorship.contribution_id, ())
    if claim.items.filter(
        authorship__contribution__in=[sibling.contribution for sibling in siblings]
    ).exists():
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
