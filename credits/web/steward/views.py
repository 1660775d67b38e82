"""The steward's pages: rulebooks and their versions, the editor, simulations."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit, permissions
from accounts.models import User
from accounts.permissions import Role
from credits.claims.models import Claim
from credits.claims.rounds import newest_round
from credits.claims.simulation import runs, sample_claims
from credits.claims.simulation.anonymised_traces import anonymise
from credits.claims.simulation.sample_claims import TrialExample, may_see_student
from credits.claims.simulation.trial import evaluate_both
from credits.errors import CreditsError, NotThere
from credits.rulebooks import drafts, editor_report, versions
from credits.rulebooks.models import RulebookDraft, RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import RulebookFaults, differences
from credits.web.core.access import PageRequest, page
from credits.web.presenters.draft_autosave import MAX_TEXT_LENGTH, parse_uuid, save_draft
from credits.web.presenters.rulebook_editor import (
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
from credits.web.presenters.simulation_result import contribution_pairs, simulation_state
from credits.web.steward.forms import RulebookForm, SimulationForm

Status = RulebookVersion.Status


RECENT_SIMULATIONS = 10
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
            "drafts": [(one, drafts.code_of(one.text)) for one in drafts.drafts_of(request.user)],
            "simulations": list(runs.visible_simulations(request.user)[:RECENT_SIMULATIONS]),
        },
    )


@require_safe
@page()
def version(request: PageRequest, code: str, number: int) -> HttpResponse:
    """One version: what it says in words, and its text with numbered lines. Once published, open to all members."""
    found = find_version(code, number)
    steward = permissions.is_steward(request.user)
    if found.status == Status.PROPOSED and not steward:
        raise no_such_version()
    others = comparable_versions(found, steward)
    beside = version_to_compare(found, others, request.GET.get("with", ""))
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
            "trying": SimulationForm(initial={"round": newest_round()}, auto_id="try_%s")
            if steward
            else None,
            "lines": found.text.splitlines(),
            "read": findings_of(found) if found.status == Status.PROPOSED else None,
            "steward": steward,
            "own": found.proposed_by_id == request.user.pk,
        },
    )


@require_POST
@page(role=Role.STEWARD)
def publish(request: PageRequest, code: str) -> HttpResponse:
    """Publish what another steward proposed."""
    made = versions.publish(code, by=request.user, now=timezone.now(), digest=request.POST.get("digest"))
    messages.success(request, _("%(version)s is published and can no longer be changed.") % {"version": made})
    return redirect("steward_version", code=code, number=made.number)


@require_POST
@page(role=Role.STEWARD)
def retire(request: PageRequest, code: str, number: int) -> HttpResponse:
    """Take a version out of use for new rounds."""
    made = versions.retire(find_version(code, number), by=request.user, now=timezone.now())
    messages.success(request, _("%(version)s is no longer available for new rounds.") % {"version": made})
    return redirect("steward_version", code=code, number=number)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.STEWARD)
def propose(request: PageRequest) -> HttpResponse:
    """Write a version, and propose it. A text with faults comes back as it was typed, each fault beside its line."""
    if request.method != "POST":
        return _open_draft(request)
    form = RulebookForm(request.POST)
    status = 400
    faults: LocatedFaults = []
    lines: list[tuple[int, str, list[str]]] = []
    if form.is_valid():
        text = form.cleaned_data["text"].replace("\r\n", "\n")
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
    kept, problem = save_draft(request, form.data.get("text", ""))
    context = _editor_page(request, form.data.get("text", ""), kept, form)
    return render(
        request,
        "credits/steward/propose.html",
        {**context, "faults": faults, "lines": lines, "problem": problem},
        status=status,
    )


@require_POST
@page(role=Role.STEWARD)
def check(request: PageRequest) -> HttpResponse:
    """Keep the draft and say what there is to say of it: for htmx as a part of the page, else on the page."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    kept, problem = save_draft(request, text)
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
    """Choose what the draft is tried on."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    kept, problem = save_draft(request, text)
    if problem or kept is None:
        messages.error(request, problem or _("Write some text first."))
        return redirect(_draft_address(kept))
    chosen = sample_claims.open_example(request.user, request.POST.get("example", ""), now=timezone.now())
    kept.example = chosen.key
    kept.save(update_fields=["example"])
    return redirect(f"{_draft_address(kept)}#check")


@require_POST
@page(role=Role.STEWARD)
def discard(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Throw a draft away."""
    drafts.discard_draft(request.user, public_id)
    messages.success(request, _("Draft discarded."))
    return redirect("steward_rulebooks")


def _open_draft(request: PageRequest) -> HttpResponse:
    """The editor with a kept draft, the text of the version that ``from`` names, or nothing yet."""
    public_id = parse_uuid(request.GET.get("draft", ""))
    kept = drafts.find_draft(request.user, public_id) if public_id else None
    text = kept.text if kept else template_text(request.GET.get("from", ""))
    context = _editor_page(request, text, kept, RulebookForm(initial={"text": text}))
    if public_id:
        # Kept by the browser alone so far: it is kept here under the same id.
        context["draft_id"] = public_id
    return render(request, "credits/steward/propose.html", context)


def _editor_page(
    request: PageRequest, text: str, kept: RulebookDraft | None, form: RulebookForm
) -> dict[str, Any]:
    example = _chosen_example(request.user, kept)
    text = text.replace("\r\n", "\n")[:MAX_TEXT_LENGTH]
    return {
        "form": form,
        "kept": kept,
        "draft_id": kept.public_id if kept else parse_uuid(request.POST.get("draft", "")) or uuid.uuid4(),
        "page": request.POST.get("page") or uuid.uuid4().hex,
        "example": example,
        "check": check_text(text, example) if text.strip() else None,
        "offered": sample_claims.list_samples(request.user),
        "facts": example_facts(example),
        "trying": SimulationForm(initial={"round": newest_round()}, auto_id="try_%s"),
    }


def _chosen_example(user: User, kept: RulebookDraft | None) -> TrialExample:
    try:
        return sample_claims.read_example(user, kept.example if kept else "")
    except NotThere:
        return sample_claims.read_example(user, "")


def _draft_address(kept: RulebookDraft | None) -> str:
    return reverse("steward_propose") + (f"?draft={kept.public_id}" if kept else "")


SIMULATIONS_LISTED = 50
"""Simulations on one page of the list."""


@require_safe
@page(role=Role.STEWARD)
def simulations(request: PageRequest) -> HttpResponse:
    """Every simulation that is kept, the newest first; from the one named by ``before`` downwards."""
    found = runs.visible_simulations(request.user)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    shown = list(found.order_by("-pk")[: SIMULATIONS_LISTED + 1])
    context = {
        "simulations": shown[:SIMULATIONS_LISTED],
        "before": shown[SIMULATIONS_LISTED - 1].pk if len(shown) > SIMULATIONS_LISTED else None,
        "kept": runs.KEPT_PER_STEWARD,
    }
    return render(request, "credits/steward/simulations.html", context)


@require_safe
@page(role=Role.STEWARD)
def simulation(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """One simulation: how far it is, and what was found. For htmx the part that changes while it runs."""
    found = runs.find_simulation(request.user, public_id)
    if request.htmx:
        return render(request, "credits/steward/_simulation.html", simulation_state(found, request.user))
    context = simulation_state(found, request.user) | {"draft": _draft_to_return_to(request)}
    return render(request, "credits/steward/simulation.html", context)


@require_POST
@page(role=Role.STEWARD)
def simulate(request: PageRequest) -> HttpResponse:
    """Have a draft (its text) or a kept version tried."""
    form = SimulationForm(request.POST)
    kept = None
    version = (
        editor_report.find_version(request.POST.get("version", "")) if "version" in request.POST else None
    )
    if version is None:
        kept, _problem = save_draft(request, request.POST.get("text", ""))
        back = reverse("steward_propose") + (f"?draft={kept.public_id}" if kept else "")
    else:
        back = reverse("steward_version", args=[version.rulebook.code, version.number])
    if not form.is_valid():
        messages.error(request, _("Choose an existing round."))
        return redirect(back)
    if version is None:
        read = editor_report.report_on(request.POST.get("text", "").replace("\r\n", "\n"))
        if read.rulebook is None:
            messages.error(request, _("The text has errors, so it cannot be tried yet."))
            return redirect(back)
        rulebook = read.rulebook
    else:
        rulebook = rulebook_of(version)
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
    """Stop one that waits or runs."""
    runs.stop(runs.find_simulation(request.user, public_id), by=request.user, now=timezone.now())
    messages.success(request, _("Simulation stopped. Its results so far are kept."))
    return redirect("steward_simulation", public_id=public_id)


@require_safe
@page(role=Role.STEWARD)
@transaction.atomic
def simulation_change(request: PageRequest, public_id: uuid.UUID, ordinal: int) -> HttpResponse:
    """One claim by both rulebooks, traces side by side; such a look goes into the audit log (invariant 11). Whose it is
    and which work, only for who may see that by another role."""
    found = runs.find_simulation(request.user, public_id)
    one = found.changes.filter(ordinal=min(ordinal, 2**31 - 1)).select_related("assessment").first()
    if one is None:
        raise NotThere("no-such-change", _("There is no such change in this simulation."))
    claim = Claim.objects.select_related("user", "version", "enrolment__programme__department").get(
        pk=one.assessment.claim_id
    )
    before = found.against or claim.version
    if before is None:
        raise NotThere("no-such-change", _("There is no such change in this simulation."))
    facts, old, new = evaluate_both(one.assessment, rulebook_of(before), runs.tried_rulebook(found))
    named = may_see_student(request.user, claim)
    if not named:
        old, new = anonymise(facts, old), anonymise(facts, new)
    audit.record(
        "simulation-trace-seen",
        found,
        by=request.user,
        now=timezone.now(),
        person=claim.user,
        ordinal=one.ordinal,
        named=named,
    )
    context = {
        "simulation": found,
        "change": one,
        "claim": claim,
        "named": named,
        "before": before,
        "rows": contribution_pairs(old, new),
        "old": old,
        "new": new,
    }
    template = "credits/steward/_change.html" if request.htmx else "credits/steward/change.html"
    return render(request, template, context)


def _draft_to_return_to(request: PageRequest) -> RulebookDraft | None:
    """The reader's own draft that the address names, to go back to."""
    public_id = parse_uuid(request.GET.get("draft", ""))
    return drafts.find_draft(request.user, public_id) if public_id else None
