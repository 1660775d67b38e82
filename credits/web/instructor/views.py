"""The reviewers' pages: the queue, one claim line by line, and work merged another way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Role
from credits.claims import access
from credits.claims.assessment import stored
from credits.claims.models import Claim
from credits.claims.review import flags, review
from credits.contributions import attested_work
from credits.errors import CreditsError, NotAllowed
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.core.pagination import read_page
from credits.web.instructor.forms import AttestedWorkDecisionForm
from credits.web.presenters import claim_lines
from credits.web.presenters.review_form import (
    decision_message,
    review_context,
    typed_lines,
    typed_stage,
    typed_text,
)
from credits.web.presenters.review_queue import approval_ticket, queue_rows

QUEUE_SHOWN = 50
"""Claims on the queue's page: the oldest, which is also what the buttons on it can reach."""

ATTESTED_WORK_SHOWN = 100

REVIEWERS = (Role.INSTRUCTOR, Role.COMMITTEE)


@require_safe
@page(role=REVIEWERS)
def queue(request: PageRequest) -> HttpResponse:
    """Show the claims that wait for a decision, oldest first."""
    now = timezone.now()
    waiting = read_page(review.review_queue(request.user, now=now), QUEUE_SHOWN)
    rows = queue_rows(waiting.rows, now=now)
    return render(
        request,
        "credits/instructor/queue.html",
        {
            "rows": rows,
            "plain": [row for row in rows if row["plain"]],
            "waiting": len(rows),
            "older": waiting.more,
            "flagged": list(flags.flagged_claims(request.user)[:QUEUE_SHOWN]),
        },
    )


@require_POST
@page(role=REVIEWERS)
def approve_many(request: PageRequest) -> HttpResponse:
    """Approve the ticked claims, in which every line counts."""
    tickets = set(request.POST.getlist("claim"))
    now = timezone.now()
    chosen = [
        claim
        for claim in review.review_queue(request.user, now=now)[:QUEUE_SHOWN]
        if approval_ticket(claim) in tickets
    ]
    if not chosen:
        raise CreditsError(
            "nothing-chosen", _("Nothing was selected."), _("Select the applications to approve.")
        )
    count = len(list(review.approve_undisputed(chosen, by=request.user, now=now)))
    messages.success(
        request,
        ngettext("%(count)s application approved.", "%(count)s applications approved.", count)
        % {"count": count},
    )
    return redirect("instructor_queue")


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=REVIEWERS)
def claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Show a claim with its facts, its outcome and the fields to decide on each line; store the decision."""
    now = timezone.now()
    found = _claim_of_another(request, public_id, now=now)
    error, typed, status = None, None, 200
    if request.method == "POST":
        typed = request.POST
        try:
            made = review.decide(
                found,
                typed_lines(found, typed),
                by=request.user,
                now=now,
                reason=typed_text(typed.get("reason", "")),
                stage=typed_stage(typed),
                seen=typed.get("seen"),
            )
        except CreditsError as refusal:
            error, status = refusal, refusal.status
        else:
            messages.success(request, decision_message(made))
            return redirect("instructor_queue")
    return render(
        request,
        "credits/instructor/claim.html",
        review_context(found, typed, request.user, now=now) | {"error": error},
        status=status,
    )


@require_POST
@page(role=REVIEWERS)
def preview(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Show the outcome of the decision that is being typed. Store nothing."""
    found = _claim_of_another(request, public_id, now=timezone.now())
    estimate = review.preview_estimate(found, typed_lines(found, request.POST))
    return render(
        request,
        "credits/instructor/_result.html",
        {
            "outcome": estimate.outcome,
            "applied_for": stored.submitted_outcome(found),
            "lines": claim_lines.lines_of_claim(found, estimate),
            "live": True,
        },
    )


@require_POST
@page(role=REVIEWERS)
def confirm_proposal(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Make a proposed decision final, after the student's answer or the days for it."""
    now = timezone.now()
    found = _claim_of_another(request, public_id, now=now)
    made = review.confirm_proposal(
        found, by=request.user, now=now, stage=typed_stage(request.POST), seen=request.POST.get("seen")
    )
    messages.success(request, decision_message(made))
    return redirect("instructor_queue")


@require_POST
@page(role=REVIEWERS)
def agree_with_previous_stage(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Decide as the previous stage did."""
    now = timezone.now()
    found = _claim_of_another(request, public_id, now=now)
    made = review.agree_with_previous_stage(
        found, by=request.user, now=now, stage=typed_stage(request.POST), seen=request.POST.get("seen")
    )
    messages.success(request, decision_message(made))
    return redirect("instructor_queue")


@require_POST
@page(role=REVIEWERS)
def answer_flag(request: PageRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Store what a finding made after submission means for the claim."""
    now = timezone.now()
    found = _claim_of_another(request, public_id, now=now)
    flag = get_object_or_404(found.flags, pk=pk)
    flags.answer_flag(flag, typed_text(request.POST.get("text", "")), by=request.user, now=now)
    messages.success(request, _("Note saved with the decision."))
    return redirect("instructor_claim", public_id=public_id)


def _claim_of_another(request: PageRequest, public_id: UUID, *, now: datetime) -> Claim:
    """Return the claim. Raise NotAllowed for the claimant: the reviewer's page shows hints that are not for them."""
    found = access.claim_for(request.user, public_id, now=now)
    if found.user_id == request.user.pk:
        raise NotAllowed(
            "own-claim", _("You cannot decide on your own application."), _("A colleague will decide.")
        )
    return found


@require_safe
@page(role=Role.INSTRUCTOR)
def attested_works(request: PageRequest) -> HttpResponse:
    """List the works merged another way that wait for this reviewer."""
    return render(
        request,
        "credits/instructor/attested.html",
        {"works": attested_work.works_awaiting(request.user)[:ATTESTED_WORK_SHOWN]},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.INSTRUCTOR)
def decide_attested_work(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Show a work that was merged another way; accept or refuse it as a contribution."""
    now = timezone.now()
    found = attested_work.open_work(request.user, public_id, now=now)
    form, status = AttestedWorkDecisionForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda typed: attested_work.decide_work(
                found, accept=typed["accept"] == "yes", reason=typed["reason"], by=request.user, now=now
            ),
        )
        if made is not None:
            messages.success(request, _("Decision saved. The student can see it."))
            return redirect("instructor_attested")
    return render(
        request,
        "credits/instructor/attested_work.html",
        {"work": found, "form": form, "words": found.words.filter(used_at__isnull=False)},
        status=status,
    )
