"""Recheck contributions on their forge before recording, and flag what changed since submission.

The program never decides (invariant 8). If a contribution was reverted or disappeared after submission, no credit is
removed automatically: a flag is raised, and the result waits until a reviewer has explained in words what it means.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User
from credits.claims.assessment import stored
from credits.claims.assessment.facts import ref_of
from credits.claims.models import CLAIM_RELATIONS, Claim, ClaimFlag, ClaimItem, Decision
from credits.claims.review.review_lines import clean_reason, counting_refs
from credits.claims.stages import in_reviewers_stage, require_reviewer
from credits.contributions.collecting import recheck
from credits.contributions.models import Authorship, Recheck
from credits.errors import Conflict, CreditsError

MAX_RECHECK_AGE = timedelta(days=14)
"""The maximum age of a contribution's last recheck when its credit is recorded."""
RECHECK_INTERVAL = timedelta(days=3)
"""The age after which workers recheck a contribution on notice, well before it could delay the recording."""
_OPEN_STATES = (Claim.Status.SUBMITTED, Claim.Status.HEARING, Claim.Status.NOTICE)
_FLAGGED_FINDINGS = (Recheck.Finding.REVERTED, Recheck.Finding.GONE)


def request_due_rechecks(*, now: datetime) -> int:
    """Request a recheck of contributions on notice older than :data:`RECHECK_INTERVAL`. Return how many."""
    keys = ClaimItem.objects.filter(
        live=True, claim__status=Claim.Status.NOTICE, claim__result=None
    ).values_list("authorship__contribution", flat=True)
    return recheck.request_rechecks(recheck.unseen_since(keys.distinct(), now - RECHECK_INTERVAL), now=now)


@transaction.atomic
def flag_findings(*, now: datetime) -> int:
    """Raise a flag on each open claim for what rechecks found since its facts were frozen.

    Return how many flags are new. Doing it twice changes nothing.
    """
    raised = 0
    for item, ref in _unflagged_findings(ClaimItem.objects.filter(claim__status__in=_OPEN_STATES)):
        checked = item.authorship.contribution.recheck
        flag, is_new = ClaimFlag.objects.get_or_create(
            claim=item.claim,
            ref=ref,
            finding=checked.finding,
            defaults={"fact": checked.fact, "found_at": now},
        )
        if is_new:
            raised += 1
            audit.record(
                "claim-flagged",
                item.claim,
                by=None,
                now=now,
                person=item.claim.user,
                flag=flag.pk,
                contribution=ref,
                finding=checked.finding,
                fact=checked.fact,
            )
    return raised


def flagged_claims(user: User) -> QuerySet[Claim]:
    """Return the claims with a flag that this reviewer should answer: at a stage they review, never their own."""
    found = Claim.objects.filter(
        in_reviewers_stage(user),
        Exists(ClaimFlag.objects.filter(claim=OuterRef("pk"), answered_at=None)),
        Q(status__in=_OPEN_STATES) | Q(status=Claim.Status.REFUSED, result=None),
    )
    return found.select_related(*CLAIM_RELATIONS).order_by("submitted_at", "pk")


@transaction.atomic
def answer_flag(flag: ClaimFlag, text: str, *, by: User, now: datetime) -> ClaimFlag:
    """Store a reviewer's answer to a flag. The result can then be recorded; the decision does not change.

    Raises NotAllowed as deciding does, CreditsError ``reason-needed`` if the text is empty, Conflict if the flag is
    already answered.
    """
    flag = ClaimFlag.objects.select_for_update(of=("self",)).select_related("claim__user").get(pk=flag.pk)
    require_reviewer(flag.claim, by)
    answer = clean_reason(text)
    if not answer:
        raise CreditsError(
            "reason-needed",
            _("Please write a response."),
            _("Say what this finding means for the credit."),
        )
    if flag.answered_at is not None:
        raise Conflict("flag-answered", _("This already has a response."))
    flag.answered_by, flag.answered_at, flag.answer = by, now, answer
    flag.save(update_fields=["answered_by", "answered_at", "answer"])
    audit.record("flag-answered", flag.claim, by=by, now=now, person=flag.claim.user, flag=flag.pk)
    return flag


def require_rechecked(
    claim: Claim, decision: Decision, *, by: User, now: datetime, despite: str = ""
) -> None:
    """Raise Conflict if findings or old rechecks prevent recording.

    ``flag-open``: a finding waits for a reviewer's answer. ``recheck-due``: a contribution that counts was not seen on
    its forge within :data:`MAX_RECHECK_AGE`, and ``despite`` gives no reason to record it anyway (a forge may be gone
    for ever).
    """
    found_since = claim.status in _OPEN_STATES and _unflagged_findings(claim.items.all())
    if found_since or claim.flags.filter(answered_at=None).exists():
        raise Conflict(
            "flag-open",
            _(
                "Something was found on the platform after this application was submitted, and "
                "no reviewer has responded to it."
            ),
            _("Ask the reviewer to check the application again."),
        )
    counts = counting_refs(stored.outcome_of(decision.assessment))
    shares: list[Authorship] = [
        item.authorship
        for item in claim.items.select_related("authorship__contribution__repository")
        if ref_of(item.authorship) in counts
    ]
    unseen = recheck.unseen_since([share.contribution_id for share in shares], now - MAX_RECHECK_AGE)
    if unseen and not despite.strip():
        raise Conflict(
            "recheck-due",
            _("%(contribution)s has not been checked on its platform for %(days)s days or more.")
            % {"contribution": unseen[0], "days": MAX_RECHECK_AGE.days},
            _(
                "It will be checked again automatically. Record the result after that, or "
                "explain why it can be recorded now."
            ),
        )
    if unseen:
        audit.record(
            "recorded-unseen",
            claim,
            by=by,
            now=now,
            person=claim.user,
            reason=clean_reason(despite),
            contributions=[contribution.url for contribution in unseen],
        )


def _unflagged_findings(items: QuerySet[ClaimItem]) -> list[tuple[ClaimItem, str]]:
    """Return the items, each with its ref, for which a recheck found something that has no flag yet."""
    found = list(
        items.filter(live=True, authorship__contribution__recheck__finding__in=_FLAGGED_FINDINGS)
        .select_related(
            "claim__user", "authorship__contribution__repository", "authorship__contribution__recheck"
        )
        .order_by("pk")
    )
    flags = ClaimFlag.objects.filter(claim__in={item.claim_id for item in found})
    flagged = set(flags.values_list("claim", "ref", "finding"))
    return [
        (item, ref)
        for item in found
        if (item.claim_id, ref := ref_of(item.authorship), item.authorship.contribution.recheck.finding)
        not in flagged
    ]
