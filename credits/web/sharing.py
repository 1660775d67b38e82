"""A contribution's own page: where it stands, whose it is, and how its shares are agreed on."""

from __future__ import annotations

from decimal import Decimal

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from credits.contributions import same_work, shares
from credits.contributions.collecting import branch_authors
from credits.contributions.models import Recheck, ShareProposal
from credits.errors import CreditsError
from credits.web.access import PageRequest, page


@require_safe
@page(student=True)
def contribution(request: PageRequest, pk: int) -> HttpResponse:
    """One contribution, for whoever has a part in it."""
    return _shown(request, pk)


@require_POST
@page(student=True)
def propose(request: PageRequest, pk: int) -> HttpResponse:
    """Propose shares; percentages, in fields named by the place of each part."""
    found = shares.for_person(pk, request.user)
    parts = shares.sharing(found).parts
    try:
        wanted = {
            part.authorship.forge_user_id: _share(request.POST.get(f"share-{part.authorship.pk}", ""))
            for part in parts
        }
        made = shares.propose(found, wanted, by=request.user, now=timezone.now())
    except CreditsError as error:
        return _shown(request, pk, error=error)
    messages.success(
        request,
        _("The shares are changed.")
        if made.status == ShareProposal.Status.AGREED
        else _("Your co-authors are asked. Nothing changes before they accept."),
    )
    return redirect("student_contribution", pk=pk)


@require_POST
@page(student=True)
def answer(request: PageRequest, pk: int, proposal: int) -> HttpResponse:
    """Accept or decline a proposal as a co-author."""
    found = shares.for_person(pk, request.user)
    asked = get_object_or_404(found.share_proposals, pk=proposal)
    accept = request.POST.get("accept") == "yes"
    shares.answer(asked, accept=accept, by=request.user, now=timezone.now())
    messages.success(request, _("You have accepted.") if accept else _("You have declined."))
    return redirect("student_contribution", pk=pk)


@require_POST
@page(student=True)
def withdraw(request: PageRequest, pk: int, proposal: int) -> HttpResponse:
    """Take an own proposal back."""
    found = shares.for_person(pk, request.user)
    shares.withdraw(
        get_object_or_404(found.share_proposals, pk=proposal), by=request.user, now=timezone.now()
    )
    messages.success(request, _("Your proposal is withdrawn."))
    return redirect("student_contribution", pk=pk)


def _shown(request: PageRequest, pk: int, *, error: CreditsError | None = None) -> HttpResponse:
    found = shares.for_person(pk, request.user)
    sharing = shares.sharing(found)
    return render(
        request,
        "credits/student/contribution.html",
        {
            "work": found,
            "sharing": sharing,
            "twins": same_work.own_places([found.pk], request.user).get(found.pk, []),
            "branch": branch_authors.of([found.pk]).get(found.pk),
            "seen": Recheck.objects.filter(contribution=found).first(),
            "may_propose": sharing.may_propose(request.user),
            "may_answer": sharing.may_answer(request.user),
            "may_withdraw": sharing.proposal is not None
            and sharing.proposal.proposed_by_id == request.user.pk,
            "error": error,
        },
        status=error.status if error else 200,
    )


def _share(typed: str) -> Decimal:
    """A percentage as a share. Raises CreditsError for what is none."""
    try:
        return Decimal(typed.strip().removesuffix("%").strip() or "0") / 100
    except ArithmeticError:
        raise CreditsError(
            "share-unreadable",
            _("“%(value)s” is no share.") % {"value": typed[:40]},
            _("Write a percentage from 0 to 100, with two decimals at most."),
        ) from None
