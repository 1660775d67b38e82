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
from credits.errors import CreditsError
from credits.web.admin.forms import StaffRoleForm
from credits.web.core.access import PageRequest, page

PEOPLE_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.ADMIN)
def people(request: PageRequest) -> HttpResponse:
    """Staff with their roles, somebody looked up by name, and the form that gives a role."""
    status = 200
    form = StaffRoleForm(request.POST or None, initial={"username": request.GET.get("username", "")})
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                held = roles.give(
                    form.cleaned_data["username"],
                    form.cleaned_data["role"],
                    form.cleaned_data["department"],
                    by=request.user,
                    now=timezone.now(),
                )
            except CreditsError as error:
                form.add_error(None, str(error))
                status = error.status
            else:
                messages.success(
                    request,
                    _("%(person)s was given the role: %(role)s.")
                    % {"person": held.user, "role": held.get_role_display()},
                )
                return redirect("admin_people")
    held_roles = StaffRole.objects.select_related("user", "department").order_by(
        "user__name", "user_id", "role"
    )
    return render(
        request,
        "credits/admin/people.html",
        {
            "held": held_roles,
            "form": form,
            "asked": request.GET.get("q", ""),
            "found": _search_people(request),
        },
        status=status,
    )


@require_POST
@page(role=Role.ADMIN)
def take_role(request: PageRequest, pk: int) -> HttpResponse:
    """End a role."""
    held = get_object_or_404(StaffRole.objects.select_related("user"), pk=pk)
    roles.take(held, by=request.user, now=timezone.now())
    messages.success(
        request,
        _("%(person)s no longer has the role: %(role)s.")
        % {"person": held.user, "role": held.get_role_display()},
    )
    return redirect("admin_people")


def _search_people(request: PageRequest) -> list[User] | None:
    asked = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    if not asked:
        return None
    wanted = Q(name__icontains=asked) | Q(username__icontains=asked) | Q(email__icontains=asked.lower())
    return list(User.objects.filter(wanted, is_active=True).order_by("name", "pk")[:PEOPLE_SHOWN])
