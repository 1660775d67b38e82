"""The student's pages: where they stand, their contributions, their transcript."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from credits.claims import rounds
from credits.claims.assessment import estimate as assess
from credits.claims.assessment.estimate import Estimate
from credits.claims.assessment.facts import ref_of
from credits.contributions import queries, same_work, shares
from credits.contributions.collecting.status import collection_status
from credits.contributions.models import Authorship
from credits.errors import NotThere
from credits.records.transcript import transcript
from credits.web import standing
from credits.web.access import PageRequest, page
from credits.web.why import whys

SHOWN = 50


@require_safe
@page(student=True)
def student_home(request: PageRequest) -> HttpResponse:
    """Where the student stands, and one next step."""
    return render(
        request, "credits/student/home.html", {"standing": standing.of(request.user, now=timezone.now())}
    )


@require_safe
@page(student=True)
def contributions(request: PageRequest) -> HttpResponse:
    """What is held of the student, newest first, with whether each counts and why."""
    shown = list(_after(queries.of_person(request.user), request.GET.get("after", ""))[: SHOWN + 1])
    estimate = _estimate(request)
    outcome = estimate.outcome if estimate else None
    by_ref = {one.ref: one for one in outcome.contributions} if outcome else {}
    page_of = shown[:SHOWN]
    last = page_of[-1] if len(shown) > SHOWN else None
    return render(
        request,
        "credits/student/contributions.html",
        {
            "rows": [(one, by_ref.get(ref_of(one)), ref_of(one)) for one in page_of],
            "after": f"{last.contribution.merged_at.isoformat()}|{last.pk}" if last else "",
            "begun": "after" in request.GET,
            "outcome": outcome,
            "whys": whys(estimate, [ref_of(one) for one in page_of]) if estimate else {},
            "twins": same_work.own_places([one.contribution_id for one in page_of], request.user),
            "asked": shares.waiting_for(request.user),
            "accounts": collection_status(request.user, now=timezone.now()),
        },
    )


@require_safe
@page(student=True)
def student_transcript(request: PageRequest) -> HttpResponse:
    """The student's recognised credit, ready to print."""
    shown = transcript(request.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


def _estimate(request: PageRequest) -> Estimate | None:
    now = timezone.now()
    round_ = rounds.current_for(request.user, now=now)
    if round_ is None:
        return None
    try:
        return assess.estimated(request.user, round_, now=now)
    except NotThere:
        return None


def _after(own: QuerySet[Authorship], mark: str) -> QuerySet[Authorship]:
    """What follows the row that ``mark`` names (merge time and key of the last row shown); all where it is none."""
    own = own.order_by("-contribution__merged_at", "-pk")
    merged_at, _bar, pk = mark.partition("|")
    try:
        at = datetime.fromisoformat(merged_at)
        key = int(pk)
    except ValueError:
        return own
    if at.tzinfo is None or key >= 2**63:
        return own
    earlier = Q(contribution__merged_at__lt=at) | Q(contribution__merged_at=at, pk__lt=key)
    return own.filter(earlier)
