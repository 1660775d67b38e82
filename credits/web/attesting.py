"""Work that landed under another name: offered by the student, vouched for by a maintainer, decided by a reviewer."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.identity.forges import forge, names
from accounts.permissions import Role
from credits.contributions import attested_work
from credits.contributions.models import AttestedWork
from credits.web.access import PageRequest, page
from credits.web.forms import AttestForm, WordForm, WorkDecisionForm
from credits.web.trying import carry_out


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def offer(request: PageRequest) -> HttpResponse:
    """The student's own works with how they stand, and the form for another one."""
    form, status = AttestForm(request.POST or None, initial={"address": request.GET.get("address", "")}), 200
    if request.method == "POST":
        made, status = carry_out(
            form,
            lambda asked: attested_work.offer(
                request.user,
                asked["address"],
                asked["commit"],
                now=timezone.now(),
                forges={name: forge(name) for name in names()},
            ),
        )
        if isinstance(made, AttestedWork):
            messages.success(request, _("“%(title)s” is with the reviewers now.") % {"title": made.title})
            return redirect("student_attested", public_id=made.public_id)
        if made is not None:
            messages.success(
                request, _("“%(title)s” is added to your contributions.") % {"title": made.title}
            )
            return redirect("student_contributions")
    works = request.user.attested_work.select_related("account")
    return render(request, "credits/student/attest.html", {"form": form, "works": works}, status=status)


@require_safe
@page(student=True)
def offered(request: PageRequest, public_id: UUID) -> HttpResponse:
    """One own work."""
    return _own(request, attested_work.work_for(request.user, public_id, now=timezone.now()), token="")


@require_POST
@page(student=True)
@never_cache
def ask_maintainer(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Make a one-time link for a maintainer; it is shown this once."""
    now = timezone.now()
    work = attested_work.work_for(request.user, public_id, now=now)
    return _own(request, work, token=attested_work.make_link(work, by=request.user, now=now))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def word(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind a maintainer's link: open to whoever has it, and showing only what is public on the forge."""
    now = timezone.now()
    asked = attested_work.asked(token, now=now)
    form, status = WordForm(request.POST or None), 200
    if request.method == "POST":
        said, status = carry_out(
            form,
            lambda typed: attested_work.give_word(
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


@require_safe
@page(role=Role.INSTRUCTOR)
def works(request: PageRequest) -> HttpResponse:
    """What waits for this reviewer."""
    return render(
        request, "credits/instructor/attested.html", {"works": attested_work.waiting_for(request.user)[:100]}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.INSTRUCTOR)
def work(request: PageRequest, public_id: UUID) -> HttpResponse:
    """One work to be decided on."""
    now = timezone.now()
    found = attested_work.work_for(request.user, public_id, now=now)
    form, status = WorkDecisionForm(request.POST or None), 200
    if request.method == "POST":
        made, status = carry_out(
            form,
            lambda typed: attested_work.decide(
                found, accept=typed["accept"] == "yes", reason=typed["reason"], by=request.user, now=now
            ),
        )
        if made is not None:
            messages.success(request, _("Decided. The student sees it."))
            return redirect("instructor_attested")
    return render(
        request,
        "credits/instructor/attested_work.html",
        {"work": found, "form": form, "words": found.words.filter(used_at__isnull=False)},
        status=status,
    )


def _own(request: PageRequest, found: AttestedWork, *, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("maintainers_word", args=[token])) if token else ""
    return render(
        request,
        "credits/student/attested_work.html",
        {
            "work": found,
            "link": link,
            "valid_days": attested_work.VALID.days,
            "words": found.words.filter(used_at__isnull=False),
        },
    )
