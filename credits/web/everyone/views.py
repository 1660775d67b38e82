"""Pages for more than one role: the first page, a claim, the public notice, a maintainer's page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import permissions
from credits.claims import access
from credits.claims.application import submit
from credits.claims.assessment import stored
from credits.claims.models import Claim, Decision
from credits.claims.recording import notice
from credits.claims.review import review
from credits.contributions import attested_work
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.everyone.forms import HearingAnswerForm, MaintainerWordForm
from credits.web.presenters import claim_lines, claim_timeline, decision_rows

FIRST_PAGES = (
    (permissions.is_student, "student_home"),
    (permissions.is_instructor, "instructor_queue"),
    (permissions.is_committee_member, "instructor_queue"),
    (permissions.is_registrar, "registrar_ready"),
    (permissions.is_steward, "steward_rulebooks"),
    (permissions.is_admin, "admin_people"),
)


@require_safe
@page()
def home(request: PageRequest) -> HttpResponse:
    """To where the reader's work is; whoever has none here sees the public notice."""
    return redirect(next((name for holds, name in FIRST_PAGES if holds(request.user)), "public_notice"))


@require_safe
@page()
def public_notice(request: PageRequest) -> HttpResponse:
    """What is about to be recorded, names masked."""
    return render(
        request, "credits/everyone/notice.html", {"rows": notice.notice_entries(now=timezone.now())}
    )


Status = Claim.Status


@require_safe
@page()
def claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """A claim by its address; for everybody who may not see it, as if it did not exist."""
    found = access.claim_for(request.user, public_id, now=timezone.now())
    if found.status == Status.DRAFT and found.user_id == request.user.pk:
        return redirect("student_claim", code=found.round.code)
    return _claim_page(request, found, HearingAnswerForm())


@require_POST
@page()
def claim_answer(request: PageRequest, public_id: UUID) -> HttpResponse:
    """The student's answer to a proposed decision."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    form = HearingAnswerForm(request.POST)
    made, status = submit_form(
        form,
        lambda asked: review.answer_proposal(
            found, asked["text"], by=request.user, now=now, proposal=request.POST.get("proposal")
        ),
    )
    if made is None and status != 200:
        return _claim_page(request, found, form, status=status)
    messages.success(request, _("Your response was sent to the reviewer."))
    return redirect("claim", public_id=public_id)


@require_POST
@page()
def claim_withdraw(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Give the claim up."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    submit.withdraw(found, by=request.user, now=now)
    messages.success(request, _("Application withdrawn. You can apply for its contributions again."))
    return redirect("student_home")


def _claim_page(
    request: PageRequest, found: Claim, form: HearingAnswerForm, *, status: int = 200
) -> HttpResponse:
    decisions = list(
        found.decisions.select_related(
            "assessment__version", "decided_by", "confirmed_by", "answer"
        ).order_by("-decided_at", "-pk")
    )
    current = next((one for one in decisions if one.standing != Decision.Standing.REPLACED), None)
    first = stored.submitted_assessment(found) if found.submitted_at else None
    stands = current.assessment if current else first
    estimate = stored.estimate_of(stands) if stands else None
    own = found.user_id == request.user.pk
    return render(
        request,
        "credits/claim.html",
        {
            "claim": found,
            "own": own,
            "place": _navigation_entry(request, own),
            "way": claim_timeline.claim_stations(found, found.round, now=timezone.now(), own=own),
            "decisions": decision_rows.claim_decisions(found, decisions),
            "stage": decision_rows.current_stage_label(found) if found.status == Status.SUBMITTED else "",
            "current": current,
            "outcome": estimate.outcome if estimate else None,
            "applied_for": stored.outcome_of(first) if first else None,
            "lines": claim_lines.lines_of_claim(found, estimate, current.lines if current else None)
            if first
            else [],
            "twins": claim_lines.same_work_by_ref(found) if own else {},
            "branches": claim_lines.branch_authors_by_ref(found),
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


def _navigation_entry(request: PageRequest, own: bool) -> str:
    """The entry of the navigation under which this reader finds the claim."""
    if own:
        return "student_claim_now"
    return "registrar_ready" if permissions.is_registrar(request.user) else "instructor_queue"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def maintainers_word(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a maintainer's link: open to whoever has it, and showing only what is public on the forge."""
    now = timezone.now()
    asked = attested_work.open_maintainer_link(token, now=now)
    form, status = MaintainerWordForm(request.POST or None), 200
    if request.method == "POST":
        said, status = submit_form(
            form,
            lambda typed: attested_work.answer_maintainer_link(
                token,
                login=typed["login"],
                confirms=typed["confirms"] == "yes",
                text=typed["text"],
                now=now,
            ),
        )
        if said is not None:
            return render(request, "credits/everyone/word_given.html", {"work": said.work})
    answer = render(
        request,
        "credits/everyone/word.html",
        {"work": asked.work, "word": asked, "form": form},
        status=status,
    )
    # The address is the key: it goes to no other site, and into no index.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer
