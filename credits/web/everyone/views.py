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
from credits.claims.models import Claim
from credits.claims.recording import notice
from credits.claims.review import review
from credits.contributions import attested_work
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.everyone.forms import HearingAnswerForm, MaintainerWordForm
from credits.web.presenters.claim_page import claim_context

FIRST_PAGES = (
    (permissions.is_student, "student_home"),
    (permissions.is_instructor, "instructor_queue"),
    (permissions.is_committee_member, "instructor_queue"),
    (permissions.is_registrar, "registrar_ready"),
    (permissions.is_steward, "steward_rulebooks"),
    (permissions.is_admin, "admin_people"),
)
"""For each role, the page that its work begins with; the first role that a person has decides."""


@require_safe
@page()
def home(request: PageRequest) -> HttpResponse:
    """Redirect to the first page of the reader's role; without a role, to the public notice."""
    return redirect(next((name for holds, name in FIRST_PAGES if holds(request.user)), "public_notice"))


@require_safe
@page()
def public_notice(request: PageRequest) -> HttpResponse:
    """Show the results that are about to be recorded, with masked names."""
    return render(
        request, "credits/everyone/notice.html", {"rows": notice.notice_entries(now=timezone.now())}
    )


@require_safe
@page()
def claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Show a claim to its student and to staff who may read it; everybody else gets 404."""
    found = access.claim_for(request.user, public_id, now=timezone.now())
    if found.status == Claim.Status.DRAFT and found.user_id == request.user.pk:
        return redirect("student_claim", code=found.round.code)
    return _claim_page(request, found, HearingAnswerForm())


@require_POST
@page()
def answer_proposal(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Store the student's answer to a proposed decision."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    form = HearingAnswerForm(request.POST)
    _answer, status = submit_form(
        form,
        lambda typed: review.answer_proposal(
            found, typed["text"], by=request.user, now=now, proposal=request.POST.get("proposal")
        ),
    )
    if status != 200:
        return _claim_page(request, found, form, status=status)
    messages.success(request, _("Your response was sent to the reviewer."))
    return redirect("claim", public_id=public_id)


@require_POST
@page()
def withdraw_claim(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Withdraw the claim."""
    now = timezone.now()
    found = access.claim_for(request.user, public_id, now=now)
    submit.withdraw(found, by=request.user, now=now)
    messages.success(request, _("Application withdrawn. You can apply for its contributions again."))
    return redirect("student_home")


def _claim_page(
    request: PageRequest, claim: Claim, form: HearingAnswerForm, *, status: int = 200
) -> HttpResponse:
    context = claim_context(claim, request.user, now=timezone.now()) | {"form": form}
    return render(request, "credits/claim.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def maintainers_word(request: HttpRequest, token: str) -> HttpResponse:
    """Show the page behind a maintainer's link. It needs no sign-in, and shows only what is public on the forge."""
    now = timezone.now()
    asked = attested_work.open_maintainer_link(token, now=now)
    form, status = MaintainerWordForm(request.POST or None), 200
    if request.method == "POST":
        word, status = submit_form(
            form,
            lambda typed: attested_work.answer_maintainer_link(
                token,
                login=typed["login"],
                confirms=typed["confirms"] == "yes",
                text=typed["text"],
                now=now,
            ),
        )
        if word is not None:
            return render(request, "credits/everyone/word_given.html", {"work": word.work})
    answer = render(
        request,
        "credits/everyone/word.html",
        {"work": asked.work, "word": asked, "form": form},
        status=status,
    )
    # The address is a secret: it must reach no other site and no search index.
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer
