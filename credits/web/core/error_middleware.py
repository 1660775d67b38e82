"""Turn a CreditsError into an answer: its message and hint, on the page that the reader came from if possible."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django_htmx.http import reswap, retarget

from credits.errors import CreditsError, NotThere
from credits.web.core.access import sender_path


class CreditsErrorMiddleware:
    """Middleware that answers a CreditsError raised by a view.

    For htmx: a fragment, placed where the page shows messages. For a form sent from one of our pages: a message on that
    page. Otherwise, and whenever the status is 403 or 404: an error page with the error's status.
    An address that contains a NUL is answered with 404 here, because PostgreSQL accepts no NUL in a text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path_info:
            return problem_page(request, NotThere("no-such-address", _("There is nothing at this address.")))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, CreditsError):
            return None
        if request.headers.get("HX-Request"):
            fragment = render(request, "_problem.html", {"error": error}, status=error.status)
            return reswap(retarget(fragment, "#messages"), "innerHTML")
        back = sender_path(request)
        if request.method == "POST" and back and error.status not in {403, 404}:
            messages.error(request, str(error))
            return redirect(back)
        return problem_page(request, error)


def problem_page(request: HttpRequest, error: CreditsError) -> HttpResponse:
    """Return the error page, with the error's status."""
    return render(
        request,
        "problem.html",
        {"error": error, "heading": problem_heading(error.status)},
        status=error.status,
    )


def problem_heading(status: int) -> str:
    """Return the heading of an error page."""
    return {
        403: _("You do not have access"),
        404: _("Page not found"),
        409: _("Not possible at this time"),
        429: _("Too many attempts"),
    }.get(status, _("That did not work"))
