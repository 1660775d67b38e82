"""Submit a claim, which freezes its facts and rulebook version, and withdraw it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from credits.claims.application.draft import require_applications_open
from credits.claims.assessment import stored
from credits.claims.assessment.double_claims import claimed_elsewhere, lock_same_work, without_duplicates
from credits.claims.assessment.estimate import current_facts, evaluate_version
from credits.claims.assessment.facts import ref_of
from credits.claims.locking import lock_claim, lock_person, lock_rulebooks
from credits.claims.models import Claim, Decision
from credits.claims.rounds import version_for
from credits.contributions import queries
from credits.contributions.collecting import branch_authors
from credits.contributions.models import Authorship, Evidence
from credits.errors import Conflict, NotAllowed
from credits.rulebooks.versions import rulebook_of
from credits.rules import facts

Status = Claim.Status


@transaction.atomic
def submit(claim: Claim, *, by: User, now: datetime) -> Claim:
    """Submit a draft for review. After this its contributions, facts and version never change.

    Raises NotAllowed unless the draft is ``by``'s own. Raises Conflict outside the application period; if nothing in it
    counts; if a contribution is no longer the person's or is claimed elsewhere; or while the person has another open
    claim in the same category, because its credit limits what this claim can add.
    """
    lock_person(by)
    claim = lock_claim(claim, Status.DRAFT)
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student who made this application can submit it."))
    require_applications_open(claim.round, now)
    lock_rulebooks(claim.round, to_read=True)
    version = version_for(claim.round, claim.enrolment)
    _refuse_while_another_is_open(claim, rulebook_of(version).category.code)
    lock_same_work(_require_own_shares(claim))
    # Read the shares again under the lock: co-authors may have changed them until now.
    shares = _require_own_shares(claim)
    _refuse_work_claimed_twice(claim, shares)
    frozen = current_facts(claim.enrolment, claim.round, version, shares, now=now)
    outcome = evaluate_version(version, frozen)
    if not any(contribution.status == "counts" for contribution in outcome.contributions):
        raise Conflict(
            "nothing-counts",
            _("Nothing in this application is eligible under the rulebook yet."),
            _("See the reasons beside each contribution."),
        )
    claim.version = version
    claim.facts = facts.to_json(frozen)
    claim.facts_digest = facts.digest(frozen)
    claim.submitted_at = now
    claim.status = Status.SUBMITTED
    claim.stage_by = rulebook_of(version).review.stages[0].by
    claim.save()
    stored.store_assessment(claim, version, frozen, outcome, now=now)
    branch_authors.request_branches([share.contribution_id for share in shares], now=now)
    audit.record(
        "claim-submitted",
        claim,
        by=by,
        now=now,
        person=by,
        version=str(version),
        facts_digest=claim.facts_digest,
        credit=str(outcome.credit),
        evidence=_evidence_digests(shares),
    )
    return claim


@transaction.atomic
def withdraw(claim: Claim, *, by: User, now: datetime) -> Claim:
    """Withdraw a claim that is not finally decided; its contributions can then be claimed again."""
    claim = lock_claim(claim, Status.DRAFT, Status.SUBMITTED, Status.HEARING)
    if claim.user_id != by.pk:
        raise NotAllowed("not-your-claim", _("Only the student who made this application can withdraw it."))
    claim.decisions.filter(standing=Decision.Standing.PROPOSED).update(standing=Decision.Standing.REPLACED)
    claim.status = Status.WITHDRAWN
    claim.save(update_fields=["status"])
    claim.items.update(live=False)
    audit.record("claim-withdrawn", claim, by=by, now=now, person=by)
    return claim


def _require_own_shares(claim: Claim) -> list[Authorship]:
    """Return the shares in the claim. Raises Conflict if one is of an account no longer linked to the person."""
    chosen = set(claim.items.values_list("authorship", flat=True))
    shares = [share for share in queries.authorships_of(claim.user) if share.pk in chosen]
    if len(shares) < len(chosen):
        raise Conflict(
            "not-your-contribution",
            _("This application contains contributions from an account that is no longer linked to you."),
            _("Link the account again, or remove these contributions."),
        )
    return shares


def _refuse_work_claimed_twice(claim: Claim, shares: list[Authorship]) -> None:
    twice = claimed_elsewhere(shares, other_than=claim)
    if twice or len(without_duplicates(shares)) < len(shares):
        first = next((share for share in shares if share.pk in twice), None)
        raise Conflict(
            "already-claimed",
            _("%(contribution)s is already in another application; it gets credit only once.")
            % {"contribution": first.contribution}
            if first
            else _("The same work is in this application twice, from two sources; it gets credit only once."),
            _("Remove it from this application."),
        )


def _refuse_while_another_is_open(claim: Claim, category: str) -> None:
    other_claims = (
        Claim.objects.filter(user=claim.user, submitted_at__isnull=False, result=None)
        .exclude(pk=claim.pk)
        .exclude(status=Status.WITHDRAWN)
        .select_related("round", "version")
    )
    for other in other_claims:
        if other.version is not None and rulebook_of(other.version).category.code == category:
            raise Conflict(
                "earlier-claim-open",
                _(
                    "Your application in “%(round)s” is not recorded yet; its result affects "
                    "how much credit this one can give."
                )
                % {"round": other.round},
                _("Wait until it is recorded, or withdraw it."),
            )


def _evidence_digests(shares: list[Authorship]) -> dict[str, str]:
    """Return by ref the digest of the forge's latest answer for each contribution."""
    latest: dict[int, str] = dict(
        Evidence.objects.filter(contribution__in=[share.contribution_id for share in shares])
        .order_by("fetched_at", "pk")
        .values_list("contribution", "digest")
    )
    return {ref_of(share): latest.get(share.contribution_id, "") for share in shares}
