"""Sign-in by one click, for made-up people only. Installed by demo.settings, only in the demo's own web server."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.models import User
from demo import people


@require_POST
def sign_in(request: HttpRequest, username: str) -> HttpResponse:
    """Sign in as a person whom the sign-in page offers."""
    person = User.objects.filter(username=username, is_active=True).first()
    if username not in people.SIGN_IN_USERNAMES or person is None:
        raise Http404
    login(request, person, backend=settings.AUTHENTICATION_BACKENDS[-1])
    return redirect("home")
