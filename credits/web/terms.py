"""The registrar's pages of terms: which there are, a new one, and the holidays of one as they are announced."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.calendar import date_lists, terms
from accounts.models import Term
from accounts.permissions import Role, require_for_all
from credits.claims import rounds
from credits.web.access import PageRequest, page
from credits.web.forms import TermForm
from credits.web.trying import carry_out


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def all_terms(request: PageRequest) -> HttpResponse:
    """The terms, and the form for a new one."""
    require_for_all(request.user, Role.REGISTRAR)
    form, status = TermForm(request.POST or None), 200
    if request.method == "POST":
        made, status = carry_out(form, lambda asked: terms.add(**asked, by=request.user, now=timezone.now()))
        if made:
            messages.success(request, _("The term %(term)s is entered.") % {"term": made})
            _tell_what_is_odd(request, made)
            return redirect("registrar_terms")
    held = Term.objects.annotate(held=Count("rounds")).order_by("-starts_on", "-pk")
    return render(request, "credits/registrar/terms.html", {"terms": held, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def term(request: PageRequest, code: str) -> HttpResponse:
    """One term, to be changed."""
    require_for_all(request.user, Role.REGISTRAR)
    held = get_object_or_404(Term, code=code)
    has_rounds = held.rounds.exists()
    form, status = TermForm(request.POST or None, term=held, days_stay=has_rounds), 200
    if request.method == "POST":
        made, status = carry_out(
            form, lambda asked: rounds.change_term(held, **asked, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The term %(term)s is changed.") % {"term": made})
            _tell_what_is_odd(request, made)
            return redirect("registrar_terms")
    return render(
        request,
        "credits/registrar/term.html",
        {"term": held, "form": form, "has_rounds": has_rounds},
        status=status,
    )


def _tell_what_is_odd(request: PageRequest, term: Term) -> None:
    """What is kept as typed and may still be a slip of the pen."""
    if outside := terms.days_outside(term):
        messages.warning(
            request,
            _("These days lie outside the term and are kept: %(days)s.") % {"days": _listed(outside)},
        )
    if weekdays := terms.worked_anyway(term):
        messages.warning(
            request,
            _("These days are no weekend days, so they were working days anyway: %(days)s.")
            % {"days": _listed(weekdays)},
        )


def _listed(days: list[date]) -> str:
    return date_lists.written(days).replace("\n", ", ")
