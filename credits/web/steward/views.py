"""The steward's pages: rulebooks and their versions, the editor, simulations."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import permissions
from accounts.models import User
from accounts.permissions import Role
from credits.claims.rounds import newest_round
from credits.claims.simulation import runs, sample_claims
from credits.claims.simulation.change_view import view_change
from credits.claims.simulation.sample_claims import TrialExample
from credits.errors import CreditsError, NotThere
from credits.rulebooks import drafts, editor_report, versions
from credits.rulebooks.models import RulebookDraft, RulebookVersion
from credits.rules import RulebookFaults, differences
from credits.web.core import pagination
from credits.web.core.access import PageRequest, page
from credits.web.presenters.rulebook_editor import (
    MAX_TEXT_LENGTH,
    LocatedFaults,
    check_text,
    example_facts,
    faulty_lines,
    located_faults,
    template_text,
)
from credits.web.presenters.rulebook_version import (
    comparable_versions,
    find_version,
    findings_of,
    no_such_version,
    version_to_compare,
)
from credits.web.presenters.simulation_result import simulation_context
from credits.web.steward.forms import RulebookForm, SimulationForm, parse_moment, parse_uuid, unix_lines

RECENT_SIMULATIONS = 10
"""Simulations on the page of all rulebooks."""

SIMULATIONS_LISTED = 50
"""Simulations on one page of their list."""

Status = RulebookVersion.Status


@require_safe
@page(role=Role.STEWARD)
def rulebooks(request: PageRequest) -> HttpResponse:
    """Show every version of every rulebook, the steward's drafts, and recent simulations."""
    found = RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
    return render(
        request,
        "credits/steward/rulebooks.html",
        {
            "versions": found.annotate(used=Count("rounds")).defer("text", "canonical"),
            "drafts": [(draft, drafts.code_of(draft.text)) for draft in drafts.drafts_of(request.user)],
            "simulations": list(runs.visible_simulations(request.user)[:RECENT_SIMULATIONS]),
        },
    )


@require_safe
@page()
def version(request: PageRequest, code: str, number: int) -> HttpResponse:
    """Show a version in words, and its text with numbered lines. A published version is open to every member."""
    found = find_version(code, number)
    steward = permissions.is_steward(request.user)
    if found.status == Status.PROPOSED and not steward:
        raise no_such_version()
    others = comparable_versions(found, steward)
    beside = version_to_compare(found, others, request.GET.get("with", ""))
    rulebook = versions.rulebook_of(found)
    return render(
        request,
        "credits/steward/version.html",
        {
            "version": found,
            "says": rulebook,
            "others": others,
            "beside": beside,
            "changes": differences(versions.rulebook_of(beside), rulebook) if beside else (),
            "in_force": found.rounds.select_related("round", "programme").order_by(
                "-round__apply_from", "programme__name", "year"
            ),
            "trying": _simulation_form() if steward else None,
            "lines": found.text.splitlines(),
            "read": findings_of(found) if found.status == Status.PROPOSED else None,
            "steward": steward,
            "own": found.proposed_by_id == request.user.pk,
        },
    )


@require_POST
@page(role=Role.STEWARD)
def publish(request: PageRequest, code: str) -> HttpResponse:
    """Publish a version that another steward proposed."""
    made = versions.publish(code, by=request.user, now=timezone.now(), digest=request.POST.get("digest"))
    messages.success(request, _("%(version)s is published and can no longer be changed.") % {"version": made})
    return redirect("steward_version", code=code, number=made.number)


@require_POST
@page(role=Role.STEWARD)
def retire(request: PageRequest, code: str, number: int) -> HttpResponse:
    """Retire a version: new rounds can no longer use it."""
    made = versions.retire(find_version(code, number), by=request.user, now=timezone.now())
    messages.success(request, _("%(version)s is no longer available for new rounds.") % {"version": made})
    return redirect("steward_version", code=code, number=number)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.STEWARD)
def propose(request: PageRequest) -> HttpResponse:
    """Open the editor; propose the text that it sends.

    A text with faults is shown again as typed, with each fault beside its line.
    """
    if request.method != "POST":
        return _open_draft(request)
    form = RulebookForm(request.POST)
    status = 400
    faults: LocatedFaults = []
    lines: list[tuple[int, str, list[str]]] = []
    if form.is_valid():
        text = unix_lines(form.cleaned_data["text"])
        try:
            made = versions.propose(text, by=request.user, now=timezone.now())
        except RulebookFaults as error:
            faults = located_faults(error.faults)
            lines = faulty_lines(text, faults)
            status = error.status
        except CreditsError as error:
            form.add_error(None, str(error))
            status = error.status
        else:
            if public_id := parse_uuid(request.POST.get("draft", "")):
                drafts.discard_draft(request.user, public_id)
            messages.success(
                request, _("%(version)s was proposed. Another steward must publish it.") % {"version": made}
            )
            return redirect("steward_version", code=made.rulebook.code, number=made.number)
    kept, problem = _save_draft(request, form.data.get("text", ""))
    context = _editor_context(request, form.data.get("text", ""), kept, form)
    return render(
        request,
        "credits/steward/propose.html",
        {**context, "faults": faults, "lines": lines, "problem": problem},
        status=status,
    )


@require_POST
@page(role=Role.STEWARD)
def check_draft(request: PageRequest) -> HttpResponse:
    """Save the draft and report on it: for htmx as a part of the page, else on the editor's page."""
    text = _posted_text(request)
    kept, problem = _save_draft(request, text)
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        return redirect(_draft_address(kept))
    example = _chosen_example(request.user, kept)
    context = {"check": check_text(text, example), "kept": kept, "problem": problem, "example": example}
    return render(request, "credits/steward/_check.html", context)


@require_POST
@page(role=Role.STEWARD)
def choose_example(request: PageRequest) -> HttpResponse:
    """Choose the example that the draft is evaluated on."""
    kept, problem = _save_draft(request, _posted_text(request))
    if problem or kept is None:
        messages.error(request, problem or _("Write some text first."))
        return redirect(_draft_address(kept))
    chosen = sample_claims.open_example(request.user, request.POST.get("example", ""), now=timezone.now())
    kept.example = chosen.key
    kept.save(update_fields=["example"])
    return redirect(f"{_draft_address(kept)}#check")


@require_POST
@page(role=Role.STEWARD)
def discard_draft(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Discard a draft of the steward's own."""
    drafts.discard_draft(request.user, public_id)
    messages.success(request, _("Draft discarded."))
    return redirect("steward_rulebooks")


def _open_draft(request: PageRequest) -> HttpResponse:
    """Show the editor with a stored draft, or with the text of the version that ``from`` names, or empty."""
    public_id = parse_uuid(request.GET.get("draft", ""))
    kept = drafts.find_draft(request.user, public_id) if public_id else None
    text = kept.text if kept else template_text(request.GET.get("from", ""))
    context = _editor_context(request, text, kept, RulebookForm(initial={"text": text}))
    if public_id:
        # Only the browser has stored this draft so far: store it here under the same id.
        context["draft_id"] = public_id
    return render(request, "credits/steward/propose.html", context)


def _editor_context(
    request: PageRequest, text: str, kept: RulebookDraft | None, form: RulebookForm
) -> dict[str, Any]:
    example = _chosen_example(request.user, kept)
    text = unix_lines(text)[:MAX_TEXT_LENGTH]
    return {
        "form": form,
        "kept": kept,
        "draft_id": kept.public_id if kept else parse_uuid(request.POST.get("draft", "")) or uuid.uuid4(),
        "page": request.POST.get("page") or uuid.uuid4().hex,
        "example": example,
        "check": check_text(text, example) if text.strip() else None,
        "offered": sample_claims.list_samples(request.user),
        "facts": example_facts(example),
        "trying": _simulation_form(),
    }


def _save_draft(request: PageRequest, text: str) -> tuple[RulebookDraft | None, str]:
    """Save the text of a form of the editor as a draft, with or without faults.

    Return the stored draft (None if there is none), and the reason if the text could not be saved (else empty).
    """
    public_id = parse_uuid(request.POST.get("draft", ""))
    if public_id is None or len(text) > MAX_TEXT_LENGTH:
        return None, _("The text is too long to be saved.") if public_id else ""
    before = drafts.find_draft(request.user, public_id)
    if not text.strip() and before is None:
        return None, ""
    try:
        kept = drafts.save_draft(
            public_id,
            unix_lines(text).replace("\0", ""),
            page=request.POST.get("page", ""),
            base=parse_moment(request.POST.get("base", "")),
            by=request.user,
            now=timezone.now(),
        )
    except CreditsError as error:
        return before, str(error)
    return kept, ""


def _posted_text(request: PageRequest) -> str:
    return unix_lines(request.POST.get("text", ""))


def _simulation_form() -> SimulationForm:
    return SimulationForm(initial={"round": newest_round()}, auto_id="try_%s")


def _chosen_example(user: User, kept: RulebookDraft | None) -> TrialExample:
    """Return the draft's example; the made-up one if none was chosen or the claim can no longer be seen."""
    try:
        return sample_claims.read_example(user, kept.example if kept else "")
    except NotThere:
        return sample_claims.read_example(user, "")


def _draft_address(kept: RulebookDraft | None) -> str:
    return reverse("steward_propose") + (f"?draft={kept.public_id}" if kept else "")


@require_safe
@page(role=Role.STEWARD)
def simulations(request: PageRequest) -> HttpResponse:
    """Show the stored simulations below the key ``before``, newest first."""
    visible = runs.visible_simulations(request.user).order_by("-pk")
    shown = pagination.read_page(
        pagination.rows_below(visible, "pk", request.GET.get("before", "")), SIMULATIONS_LISTED
    )
    context = {
        "simulations": shown.rows,
        "before": shown.last.pk if shown.last else None,
        "kept": runs.KEPT_PER_STEWARD,
    }
    return render(request, "credits/steward/simulations.html", context)


@require_safe
@page(role=Role.STEWARD)
def simulation(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Show a simulation with its progress and findings. For htmx: the part that changes while it runs."""
    found = runs.find_simulation(request.user, public_id)
    context = simulation_context(found)
    if request.htmx:
        return render(request, "credits/steward/_simulation.html", context)
    context["draft"] = _draft_to_return_to(request)
    return render(request, "credits/steward/simulation.html", context)


@require_POST
@page(role=Role.STEWARD)
def simulate(request: PageRequest) -> HttpResponse:
    """Start a simulation of a stored version, or of the draft that is sent as text."""
    form = SimulationForm(request.POST)
    kept = None
    version = (
        editor_report.find_version(request.POST.get("version", "")) if "version" in request.POST else None
    )
    if version is None:
        kept, _problem = _save_draft(request, request.POST.get("text", ""))
        back = _draft_address(kept)
    else:
        back = reverse("steward_version", args=[version.rulebook.code, version.number])
    if not form.is_valid():
        messages.error(request, _("Choose an existing round."))
        return redirect(back)
    rulebook = (
        versions.rulebook_of(version) if version else editor_report.report_on(_posted_text(request)).rulebook
    )
    if rulebook is None:
        messages.error(request, _("The text has errors, so it cannot be tried yet."))
        return redirect(back)
    chosen = form.cleaned_data
    made = runs.request_simulation(
        rulebook,
        round_=chosen["round"],
        programme=chosen["programme"],
        against=chosen["against"],
        version=version,
        by=request.user,
        now=timezone.now(),
    )
    address = reverse("steward_simulation", args=[made.public_id])
    return redirect(f"{address}?draft={kept.public_id}" if kept else address)


@require_POST
@page(role=Role.STEWARD)
def stop_simulation(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Stop a simulation that waits or runs."""
    runs.stop(runs.find_simulation(request.user, public_id), by=request.user, now=timezone.now())
    messages.success(request, _("Simulation stopped. Its results so far are kept."))
    return redirect("steward_simulation", public_id=public_id)


@require_safe
@page(role=Role.STEWARD)
def simulation_change(request: PageRequest, public_id: uuid.UUID, ordinal: int) -> HttpResponse:
    """Show a claim by both rulebooks, with the traces side by side. For htmx: the part for the dialog."""
    found = runs.find_simulation(request.user, public_id)
    viewed = view_change(found, ordinal, by=request.user, now=timezone.now())
    context = {
        "simulation": found,
        "change": viewed.change,
        "claim": viewed.claim,
        "named": viewed.named,
        "before": viewed.before,
        "rows": viewed.pairs,
        "old": viewed.old,
        "new": viewed.new,
    }
    template = "credits/steward/_change.html" if request.htmx else "credits/steward/change.html"
    return render(request, template, context)


def _draft_to_return_to(request: PageRequest) -> RulebookDraft | None:
    """Return the reader's own draft that the address names, for the link back to the editor."""
    public_id = parse_uuid(request.GET.get("draft", ""))
    return drafts.find_draft(request.user, public_id) if public_id else None
