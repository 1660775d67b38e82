"""The student's page of forge accounts: connect, see how collecting goes, collect now, add a link."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.identity import linking
from accounts.identity.forges import forge, names
from credits.contributions.collecting import add_by_url, collect
from credits.contributions.collecting.status import collection_status
from credits.errors import CreditsError
from credits.web.access import PageRequest, page
from credits.web.forms import LinkForm
from credits.web.trying import carry_out


@require_safe
@page(student=True)
def accounts(request: PageRequest) -> HttpResponse:
    """The forges, with the student's accounts on them."""
    return _shown(request, LinkForm())


@require_safe
@page(student=True)
def collection(request: PageRequest) -> HttpResponse:
    """How collecting goes: the fragment that the page asks for again while it runs."""
    return render(request, "credits/student/_collection.html", _state(request))


@require_POST
@page(student=True)
def collect_now(request: PageRequest) -> HttpResponse:
    """Ask for the student's accounts to be collected now."""
    linked = linking.accounts_of(request.user)
    if not linked:
        raise CreditsError("no-account", _("You have not linked an account yet."), _("Link one first."))
    collect.ask_now(linked, now=timezone.now())
    if request.htmx:
        return render(request, "credits/student/_collection.html", _state(request))
    messages.success(request, _("Collecting is asked for. It begins within a minute."))
    return redirect("student_accounts")


@require_POST
@page(student=True)
def add_link(request: PageRequest) -> HttpResponse:
    """Fetch the pull request at an address that the student pasted."""
    form = LinkForm(request.POST)
    made, status = carry_out(
        form,
        lambda asked: add_by_url.add_link(
            request.user,
            asked["address"],
            now=timezone.now(),
            forges={name: forge(name) for name in names()},
        ),
    )
    if made is None:
        return _shown(request, form, status=status)
    messages.success(request, _("“%(title)s” is among your contributions now.") % {"title": made.title})
    return redirect("student_contributions")


def _shown(request: PageRequest, form: LinkForm, *, status: int = 200) -> HttpResponse:
    return render(request, "credits/student/accounts.html", _state(request) | {"form": form}, status=status)


def _state(request: PageRequest) -> dict[str, object]:
    states = collection_status(request.user, now=timezone.now())
    return {
        "states": states,
        "linked": {one.account.forge for one in states},
        "under_way": any(one.running or one.waiting for one in states),
    }
