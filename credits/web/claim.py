"""One claim, for whoever may see it: how it stands, what was decided and why, and the student's answer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import permissions
from credits.claims import access
from credits.claims.application import submit
from credits.claims.assessment import stored
from credits.claims.models import Claim, Decision
from credits.claims.review import review
from credits.web import decided, lines, way
from credits.web.access import PageRequest, page
from credits.web.forms import AnswerForm
from credits.web.trying import carry_out

Status = Claim.Status


@require_safe
@page()
def claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """A claim by its address; for everybody who may not see it, as if it did not exist."""
    found = access.claim_for(request.user, public_id, now=timezone.now())
    if found.status == Status.DRAFT and found.user_id == request.user.pk:
        return redirect("student_claim", code=found.round.code)
    return _shown(request, found, AnswerForm())


@require_POST
@page()
def answer(request: PageRequest, public_id: UUID) -> HttpResponse:
    """The student's answer to a proposed decision."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    form = AnswerForm(request.POST)
    made, status = carry_out(
        form,
        lambda asked: review.answer(
            found, asked["text"], by=request.user, now=now, proposal=request.POST.get("proposal")
        ),
    )
    if made is None and status != 200:
        return _shown(request, found, form, status=status)
    messages.success(request, _("Your answer is with the reviewer now."))
    return redirect("claim", public_id=public_id)


@require_POST
@page()
def withdraw(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Give the claim up."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    submit.withdraw(found, by=request.user, now=now)
    messages.success(request, _("Your application is withdrawn. What stood in it can be claimed again."))
    return redirect("student_home")


def _shown(request: PageRequest, found: Claim, form: AnswerForm, *, status: int = 200) -> HttpResponse:
    decisions = list(
        found.decisions.select_related(
            "assessment__version", "decided_by", "confirmed_by", "answer"
        ).order_by("-decided_at", "-pk")
    )
    current = next((one for one in decisions if one.standing != Decision.Standing.REPLACED), None)
    first = stored.submitted(found) if found.submitted_at else None
    stands = current.assessment if current else first
    estimate = stored.estimate_of(stands) if stands else None
    own = found.user_id == request.user.pk
    return render(
        request,
        "credits/claim.html",
        {
            "claim": found,
            "own": own,
            "place": _place(request, own),
            "way": way.of_claim(found, found.round, now=timezone.now(), own=own),
            "decisions": decided.of_claim(found, decisions),
            "stage": decided.stage_now(found) if found.status == Status.SUBMITTED else "",
            "current": current,
            "outcome": estimate.outcome if estimate else None,
            "applied_for": stored.outcome_of(first) if first else None,
            "lines": lines.of_claim(found, estimate, current.lines if current else None) if first else [],
            "twins": lines.own_places(found) if own else {},
            "branches": lines.branches(found),
            "flags": list(found.flags.select_related("answered_by")),
            "may_answer": own
            and found.status == Status.HEARING
            and current
            and not hasattr(current, "answer"),
            "may_withdraw": own and found.status in {Status.SUBMITTED, Status.HEARING},
            "form": form,
        },
        status=status,
    )


def _place(request: PageRequest, own: bool) -> str:
    """The entry of the navigation under which this reader finds the claim."""
    if own:
        return "student_claim_now"
    return "registrar_ready" if permissions.is_registrar(request.user) else "instructor_queue"
