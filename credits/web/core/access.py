"""Decide who may open a page, and describe the request that a page receives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts import permissions
from accounts.models import User
from credits.errors import NotAllowed

ViewFunction = Callable[..., HttpResponseBase]


class PageRequest(HttpRequest):
    """A request as a page receives it: the user is signed in, and htmx's headers are read."""

    user: User
    htmx: HtmxDetails


def page(
    *, role: str | tuple[str, ...] = "", student: bool = False
) -> Callable[[ViewFunction], ViewFunction]:
    """Return a decorator that admits signed-in people only: with ``role``, holders of that staff role (or of one of
    several); with ``student``, students.

    A person who is not signed in is sent to sign-in and returns afterwards. A person without the role gets NotAllowed
    (403). The browser does not cache the page: the Back button shows nothing to the next person at a shared computer.
    """

    roles = ((role,) if role else ()) if isinstance(role, str) else role

    def decorate(view: ViewFunction) -> ViewFunction:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_sign_in(request)
            if roles and not any(permissions.has_role(request.user, name) for name in roles):
                permissions.require(request.user, roles[0])
            if student and not permissions.is_student(request.user):
                raise NotAllowed(
                    "students-only",
                    _("This page is for students."),
                    _("If you study here, ask the registrar's office to add you to the roster."),
                )
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def redirect_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect to sign-in, and from there back to the page that was open. A form that was sent is not sent again."""
    back = request.get_full_path()
    if request.method not in {"GET", "HEAD"} or request.headers.get("HX-Request"):
        back = sender_path(request) or reverse("home")
        messages.warning(
            request,
            _("Your session expired, so nothing was changed. Sign in to return to where you were."),
        )
    address = f"{reverse('account_login')}?{urlencode({'next': back})}"
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(address)
    return redirect(address)


def sender_path(request: HttpRequest) -> str:
    """Return the path of our page that sent the request, or an empty text if the request came from elsewhere."""
    sender = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not url_has_allowed_host_and_scheme(sender, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(sender)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
