"""The steward's pages: rulebooks, their versions, proposing one and publishing another's."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import permissions
from accounts.permissions import Role
from credits.errors import CreditsError, NotThere
from credits.rulebooks import versions
from credits.rulebooks.models import RulebookVersion
from credits.rules.faults import RulebookFaults
from credits.web.access import PageRequest, page
from credits.web.forms import RulebookForm

Status = RulebookVersion.Status
AROUND = 2
"""Lines shown before and after one with a fault."""


@require_safe
@page(role=Role.STEWARD)
def rulebooks(request: PageRequest) -> HttpResponse:
    """Every version of every rulebook."""
    found = RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
    return render(
        request,
        "credits/steward/rulebooks.html",
        {"versions": found.annotate(used=Count("rounds")).defer("text", "canonical")},
    )


@require_safe
@page()
def version(request: PageRequest, code: str, number: int) -> HttpResponse:
    """One version: what it says in words, and its text with numbered lines. Once published, open to all members."""
    found = _version(code, number)
    steward = permissions.is_steward(request.user)
    if found.status == Status.PROPOSED and not steward:
        raise _no_such_version()
    return render(
        request,
        "credits/steward/version.html",
        {
            "version": found,
            "says": versions.rulebook_of(found),
            "lines": found.text.splitlines(),
            "steward": steward,
            "own": found.proposed_by_id == request.user.pk,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.STEWARD)
def propose(request: PageRequest) -> HttpResponse:
    """Write a version. A text with faults comes back as it was typed, each fault beside its line."""
    if request.method != "POST":
        return render(
            request, "credits/steward/propose.html", {"form": RulebookForm(initial=_begun(request))}
        )
    form = RulebookForm(request.POST)
    lines: list[tuple[int, str, list[str]]] = []
    status = 400
    faults: list[tuple[int, int, str]] = []
    if form.is_valid():
        text = form.cleaned_data["text"].replace("\r\n", "\n")
        try:
            made = versions.propose(text, by=request.user, now=timezone.now())
        except RulebookFaults as error:
            faults = [(one.line, one.column, one.text(get_language() or "")) for one in error.faults]
            lines = _beside(text, faults)
            status = error.status
        except CreditsError as error:
            form.add_error(None, str(error))
            status = error.status
        else:
            messages.success(
                request, _("%(version)s is proposed. Another steward publishes it.") % {"version": made}
            )
            return redirect("steward_version", code=made.rulebook.code, number=made.number)
    context = {"form": form, "faults": faults, "lines": lines}
    return render(request, "credits/steward/propose.html", context, status=status)


@require_POST
@page(role=Role.STEWARD)
def publish(request: PageRequest, code: str) -> HttpResponse:
    """Publish what another steward proposed."""
    made = versions.publish(code, by=request.user, now=timezone.now())
    messages.success(
        request, _("%(version)s is published and never changes from now on.") % {"version": made}
    )
    return redirect("steward_version", code=code, number=made.number)


@require_POST
@page(role=Role.STEWARD)
def retire(request: PageRequest, code: str, number: int) -> HttpResponse:
    """Take a version out of use for new rounds."""
    made = versions.retire(_version(code, number), by=request.user, now=timezone.now())
    messages.success(request, _("%(version)s is no longer offered for new rounds.") % {"version": made})
    return redirect("steward_version", code=code, number=number)


def _version(code: str, number: int) -> RulebookVersion:
    if number > 2**31 - 1:
        raise _no_such_version()
    found = (
        RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
        .filter(rulebook__code=code, number=number)
        .first()
    )
    if found is None:
        raise _no_such_version()
    return found


def _no_such_version() -> NotThere:
    return NotThere("no-such-version", _("There is no such version."))


def _begun(request: PageRequest) -> dict[str, str]:
    """The text to begin with: that of the version that ``from`` names, as code/number."""
    code, _slash, number = request.GET.get("from", "").partition("/")
    if not (code and number.isdecimal() and len(number) < 10):
        return {}
    return {"text": _version(code, int(number)).text}


def _beside(text: str, faults: list[tuple[int, int, str]]) -> list[tuple[int, str, list[str]]]:
    """The lines around each fault: number, text, and what is wrong in it. A fault past the last line stands with the
    last."""
    lines = text.split("\n")
    said: dict[int, list[str]] = {}
    for line, _column, sentence in faults:
        said.setdefault(min(max(line, 1), len(lines)), []).append(sentence)
    near = {number for fault in said for number in range(fault - AROUND, fault + AROUND + 1)}
    return [
        (number, line, said.get(number, [])) for number, line in enumerate(lines, start=1) if number in near
    ]
