"""The public notice (公示), for signed-in members of the university."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from credits.claims.recording import notice
from credits.web.access import PageRequest, page


@require_safe
@page()
def public_notice(request: PageRequest) -> HttpResponse:
    """What is about to be recorded, names masked."""
    return render(request, "credits/everyone/notice.html", {"rows": notice.on_notice(now=timezone.now())})
