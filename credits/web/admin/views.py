"""The administrator's pages: people and their roles."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import StaffRole, User
from accounts.people import roles
from accounts.permissions import Role
from credits.web.admin.forms import StaffRoleForm
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form

PEOPLE_SHOWN = 20
"""People that a search by name shows."""


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.ADMIN)
def people(request: PageRequest) -> HttpResponse:
    """Show staff with their roles, the people found by a search, and the form that gives a role."""
    form = StaffRoleForm(request.POST or None, initial={"username": request.GET.get("username", "")})
    status = 200
    if request.method == "POST":
        given, status = submit_form(
            form,
            lambda typed: roles.give(
                typed["username"], typed["role"], typed["department"], by=request.user, now=timezone.now()
            ),
        )
        if given is not None:
            messages.success(
                request,
                _("%(person)s was given the role: %(role)s.")
                % {"person": given.user, "role": given.get_role_display()},
            )
            return redirect("admin_people")
    staff_roles = StaffRole.objects.select_related("user", "department").order_by(
        "user__name", "user_id", "role"
    )
    return render(
        request,
        "credits/admin/people.html",
        {
            "held": staff_roles,
            "form": form,
            "asked": request.GET.get("q", ""),
            "found": _search_people(request.GET.get("q", "")),
        },
        status=status,
    )


@require_POST
@page(role=Role.ADMIN)
def take_role(request: PageRequest, pk: int) -> HttpResponse:
    """Take a role away."""
    role = get_object_or_404(StaffRole.objects.select_related("user"), pk=pk)
    roles.take(role, by=request.user, now=timezone.now())
    messages.success(
        request,
        _("%(person)s no longer has the role: %(role)s.")
        % {"person": role.user, "role": role.get_role_display()},
    )
    return redirect("admin_people")


def _search_people(typed: str) -> list[User] | None:
    """Return the people whose name, username or e-mail contains the text; None if it is empty."""
    text = typed.replace("\x00", "").strip()[:100]
    if not text:
        return None
    matches = Q(name__icontains=text) | Q(username__icontains=text) | Q(email__icontains=text.lower())
    return list(User.objects.filter(matches, is_active=True).order_by("name", "pk")[:PEOPLE_SHOWN])
