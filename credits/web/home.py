"""The first page: each reader's own."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from accounts import permissions
from credits.web.access import PageRequest, page

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
