"""The registrar's pages about students: the roster, and vouching for a forge account."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from accounts.identity import linking
from accounts.identity.forges import row
from accounts.models import ForgeAccount
from accounts.people.roster import RosterReport, import_roster
from accounts.permissions import Role, departments_of, require_for_all, students_in
from credits.web.access import PageRequest, page
from credits.web.forms import RosterForm, VouchForm
from credits.web.trying import carry_out

VOUCHED_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def vouch(request: PageRequest) -> HttpResponse:
    """Link a forge account to a student because the registrar vouches for it."""
    form, status = VouchForm(request.POST or None), 200
    if request.method == "POST":
        made, status = carry_out(
            form, lambda asked: linking.attest(**asked, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(
                request,
                _("%(login)s on %(forge)s is linked to %(person)s.")
                % {"login": made.login, "forge": row(made.forge).label, "person": made.user},
            )
            return redirect("registrar_link")
    vouched = ForgeAccount.objects.filter(proof=ForgeAccount.Proof.ATTESTED).select_related(
        "user", "attested_by"
    )
    scope = departments_of(request.user, Role.REGISTRAR)
    if scope is not None:
        vouched = vouched.filter(user__in=students_in(scope))
    return render(
        request,
        "credits/registrar/vouch.html",
        {"form": form, "vouched": vouched.order_by("-linked_at")[:VOUCHED_SHOWN]},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def roster(request: PageRequest) -> HttpResponse:
    """Try a roster file; then, sent again with ``checked`` (the SHA-256 of what was tried), apply it."""
    require_for_all(request.user, Role.REGISTRAR)
    if request.method != "POST":
        return render(request, "credits/registrar/roster.html", {"form": RosterForm()})
    form = RosterForm(request.POST, request.FILES)
    digest = ""

    def read(asked: dict[str, Any]) -> RosterReport:
        nonlocal digest
        file = asked["file"]
        data = file.read()
        digest = hashlib.sha256(data).hexdigest()
        return import_roster(
            data,
            file.name,
            by=request.user,
            now=timezone.now(),
            dry_run=request.POST.get("checked") != digest,
        )

    report, status = carry_out(form, read)
    if report and report.applied:
        count = len(report.added) + len(report.changed)
        messages.success(
            request,
            ngettext("%(count)s enrolment is entered.", "%(count)s enrolments are entered.", count)
            % {"count": count},
        )
        return (
            HttpResponseClientRedirect(reverse("registrar_roster"))
            if request.htmx
            else redirect("registrar_roster")
        )
    shown = "credits/registrar/_roster_report.html" if request.htmx else "credits/registrar/roster.html"
    if report and report.refused:
        status = 422
    # htmx swaps the report in whatever it says; only the whole page carries the status of a refusal.
    status = 200 if request.htmx else status
    context = {"form": form, "report": report, "checked": digest, "again": "checked" in request.POST}
    return render(request, shown, context, status=status)
