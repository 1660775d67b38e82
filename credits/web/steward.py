"""The steward's pages: rulebooks, their versions with what each changes, publishing another's and retiring."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import permissions
from accounts.permissions import Role
from credits.claims.rounds import newest
from credits.claims.simulation import runs
from credits.errors import NotThere
from credits.rulebooks import drafts, editor_report, versions
from credits.rulebooks.models import RulebookVersion
from credits.rules.document.diff import differences
from credits.web.access import PageRequest, page
from credits.web.simulations import SimulationForm

Status = RulebookVersion.Status
RECENT = 10
"""Simulations that are listed."""


@require_safe
@page(role=Role.STEWARD)
def rulebooks(request: PageRequest) -> HttpResponse:
    """Every version of every rulebook."""
    found = RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
    return render(
        request,
        "credits/steward/rulebooks.html",
        {
            "versions": found.annotate(used=Count("rounds")).defer("text", "canonical"),
            "drafts": [(one, drafts.code_of(one.text)) for one in drafts.of(request.user)],
            "simulations": list(runs.seen_by(request.user)[:RECENT]),
        },
    )


@require_safe
@page()
def version(request: PageRequest, code: str, number: int) -> HttpResponse:
    """One version: what it says in words, and its text with numbered lines. Once published, open to all members."""
    found = _version(code, number)
    steward = permissions.is_steward(request.user)
    if found.status == Status.PROPOSED and not steward:
        raise _no_such_version()
    others = _others(found, steward)
    beside = _beside(found, others, request.GET.get("with", ""))
    says = versions.rulebook_of(found)
    return render(
        request,
        "credits/steward/version.html",
        {
            "version": found,
            "says": says,
            "others": others,
            "beside": beside,
            "changes": differences(versions.rulebook_of(beside), says) if beside else (),
            "in_force": found.rounds.select_related("round", "programme").order_by(
                "-round__apply_from", "programme__name", "year"
            ),
            "trying": SimulationForm(initial={"round": newest()}, auto_id="try_%s") if steward else None,
            "lines": found.text.splitlines(),
            "read": _looked_over(found) if found.status == Status.PROPOSED else None,
            "steward": steward,
            "own": found.proposed_by_id == request.user.pk,
        },
    )


@require_POST
@page(role=Role.STEWARD)
def publish(request: PageRequest, code: str) -> HttpResponse:
    """Publish what another steward proposed."""
    made = versions.publish(code, by=request.user, now=timezone.now(), digest=request.POST.get("digest"))
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


@dataclass(frozen=True, slots=True)
class LookedOver:
    """What a text that is to be published has in it, each with its line: ``faults`` (what it extends may have changed
    since), and ``doubts``, which are valid and probably not meant."""

    faults: list[tuple[int, str]]
    doubts: list[tuple[int, str]]


def _looked_over(found: RulebookVersion) -> LookedOver:
    read = editor_report.read(found.text)
    language = get_language() or ""
    faults, doubts = ([(one.line, one.text(language)) for one in some] for some in (read.faults, read.doubts))
    return LookedOver(faults, doubts)


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


def _others(found: RulebookVersion, steward: bool) -> list[RulebookVersion]:
    """The versions that it may be held against, the newest first; proposals are for stewards."""
    others = found.rulebook.versions.exclude(pk=found.pk).select_related("rulebook").order_by("-number")
    return list(others if steward else others.exclude(status=Status.PROPOSED))


def _beside(found: RulebookVersion, others: list[RulebookVersion], named: str) -> RulebookVersion | None:
    """The version named, else the newest one before it that was published; None for the first."""
    chosen = next((one for one in others if named and str(one.number) == named), None)
    earlier = (one for one in others if one.number < found.number and one.status != Status.PROPOSED)
    return chosen or next(earlier, None)


def _no_such_version() -> NotThere:
    return NotThere("no-such-version", _("There is no such version."))
