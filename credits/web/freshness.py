"""How fresh everything is, over all accounts: for those who are asked when something is missing."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import permissions
from accounts.identity.forges import names
from accounts.permissions import Role
from credits.contributions.collecting import forge_status
from credits.errors import NotAllowed
from credits.web.access import PageRequest, page


@require_safe
@page()
def collecting(request: PageRequest) -> HttpResponse:
    """Counts by forge for registrars and administrators; the single accounts of their students for registrars."""
    roles = permissions.roles_of(request.user)
    if not roles & {Role.REGISTRAR, Role.ADMIN}:
        raise NotAllowed(
            "role-needed",
            _("This needs the role of registrar or administrator."),
            _("Ask an administrator if it should be yours."),
        )
    now = timezone.now()
    return render(
        request,
        "credits/registrar/collecting.html",
        {
            "forges_now": [forge_status.of_forge(name, now=now) for name in names()],
            "trouble": forge_status.in_trouble(
                now=now, departments=permissions.departments_of(request.user, Role.REGISTRAR)
            )
            if Role.REGISTRAR in roles
            else None,
            "most": forge_status.SHOWN,
        },
    )
