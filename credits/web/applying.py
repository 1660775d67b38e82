"""The student's application in a round: choose, see the estimate and why, submit."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from credits.claims import rounds
from credits.claims.application import draft, submit
from credits.claims.application.draft import Candidate
from credits.claims.assessment import estimate as assess
from credits.claims.assessment.facts import ref_of
from credits.claims.models import Claim, Round
from credits.contributions import same_work
from credits.errors import Conflict, NotThere
from credits.rulebooks.versions import rulebook_of
from credits.web import way
from credits.web.access import PageRequest, page
from credits.web.why import whys

Status = Claim.Status


@require_safe
@page(student=True)
def claim_now(request: PageRequest) -> HttpResponse:
    """To the student's application in the round that concerns them now."""
    round_ = rounds.current_for(request.user, now=timezone.now())
    if round_ is None:
        return render(request, "credits/student/no_round.html")
    return redirect("student_claim", code=round_.code)


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def claim(request: PageRequest, code: str) -> HttpResponse:
    """The draft with its choices. Sending it (without choices) begins one, or fills it up again with ``refresh``."""
    now = timezone.now()
    round_ = rounds.named(code)
    if request.method == "POST":
        draft.draft(request.user, round_, now=now, refresh="refresh" in request.POST)
        return redirect("student_claim", code=code)
    found = _draft_of(request, round_)
    if found is not None and found.status != Status.DRAFT:
        return redirect("claim", public_id=found.public_id)
    context: dict[str, object] = {
        "round": round_,
        "claim": found,
        "way": way.of_claim(found, round_, now=now),
        "open": round_.apply_from <= now < round_.apply_until,
        "early": now < round_.apply_from,
    }
    if found is not None:
        context |= _choice(found, now=now)
    return render(request, "credits/student/apply.html", context)


@require_POST
@page(student=True)
def pick(request: PageRequest, code: str) -> HttpResponse:
    """Make the draft hold exactly what is ticked."""
    now = timezone.now()
    found = _open_draft(request, rounds.named(code))
    draft.apply_window(found.round, now)
    ticked = set(request.POST.getlist("item"))
    with transaction.atomic():
        offered = draft.candidates(found, now=now)
        for one in offered:
            wanted = str(one.authorship.pk) in ticked
            if wanted and one.item is None and one.elsewhere is None:
                draft.add_item(found, one.authorship, by=request.user, now=now)
            elif one.item is not None and not wanted:
                draft.remove_item(one.item, by=request.user, now=now)
        # Of an account that is no longer linked: the page cannot show it, so nobody could take it out.
        for item in found.items.exclude(authorship__in=[one.authorship for one in offered]):
            draft.remove_item(item, by=request.user, now=now)
    if "submit" in request.POST:
        submit.submit(found, by=request.user, now=now)
        messages.success(request, _("Your application is handed in. An instructor reviews it next."))
        return redirect("claim", public_id=found.public_id)
    if request.htmx:
        context = {"claim": found, "round": found.round, "live": True, **_choice(found, now=now)}
        return render(request, "credits/student/_estimate.html", context)
    return redirect("student_claim", code=code)


def _choice(found: Claim, *, now: datetime) -> dict[str, object]:
    """Every own contribution with what it gives within the present choice, or would give; and the estimate."""
    choice = draft.choice(found, now=now)
    candidates = _ordered(choice.candidates)
    chosen = [one.authorship for one in candidates if one.item is not None]
    estimate = assess.estimated(found.user, found.round, now=now, authorships=chosen)
    outcome = estimate.outcome
    by_ref = {one.ref: one for one in outcome.contributions}
    refs = [ref_of(one.authorship) for one in candidates]
    rulebook = rulebook_of(rounds.version_for(found.round, found.enrolment))
    return {
        "rows": [(one, by_ref.get(ref_of(one.authorship)) or one.outcome) for one in candidates],
        "whys": whys(choice.estimate, [ref for ref in refs if ref not in by_ref])
        | whys(estimate, [ref for ref in refs if ref in by_ref]),
        "refs": dict(zip((one.authorship.pk for one in candidates), refs, strict=True)),
        "twins": same_work.own_places([one.authorship.contribution_id for one in candidates], found.user),
        "chosen": len(chosen),
        "counting": sum(one.status == "counts" for one in outcome.contributions),
        "outcome": outcome,
        "rulebook": rulebook,
        "version": rounds.version_for(found.round, found.enrolment),
    }


def _ordered(candidates: list[Candidate]) -> list[Candidate]:
    """What is chosen or can count first, what cannot last; within each, newest first as they come."""
    return sorted(candidates, key=lambda one: one.item is None and one.outcome.status != "counts")


def _draft_of(request: PageRequest, round_: Round) -> Claim | None:
    return (
        Claim.objects.filter(user=request.user, round=round_)
        .exclude(status=Status.WITHDRAWN)
        .select_related("round__term", "user", "enrolment__programme__department")
        .first()
    )


def _open_draft(request: PageRequest, round_: Round) -> Claim:
    found = _draft_of(request, round_)
    if found is None:
        raise NotThere("no-draft", _("You have not begun an application in this round."))
    if found.status != Status.DRAFT:
        raise Conflict(
            "claim-moved-on",
            _("Your application is handed in already, so nothing was changed."),
            _("Load the page again to see how it stands."),
        )
    return found
