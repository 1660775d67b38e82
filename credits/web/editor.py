"""The editor of rulebooks: what is typed is kept, checked and tried on an example while it is typed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.permissions import Role
from credits.claims.rounds import newest
from credits.claims.simulation import sample_claims
from credits.claims.simulation.anonymised_traces import HIDDEN, called, masked
from credits.claims.simulation.sample_claims import Example
from credits.claims.simulation.trial import fitting
from credits.errors import CreditsError, NotThere
from credits.rulebooks import drafts, editor_report, versions
from credits.rulebooks.models import RulebookDraft
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.evaluation.outcome import Outcome
from credits.rules.fact_catalogue import CONDITION_FACTS
from credits.rules.facts import bind
from credits.rules.faults import Fault, RulebookFaults
from credits.web.access import PageRequest, page
from credits.web.forms import RulebookForm
from credits.web.keeping import LONGEST, kept_now, uuid_of
from credits.web.simulations import SimulationForm

AROUND = 2
"""Lines shown before and after one with a fault."""
Told = list[tuple[int, int, str]]
"""Line, column, sentence."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is said of a text: faults, doubts, what it would change, and what it gives for the example."""

    read: editor_report.Read
    faults: Told
    doubts: Told
    outcome: Outcome | None
    names: dict[str, Any]
    problem: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.STEWARD)
def propose(request: PageRequest) -> HttpResponse:
    """Write a version, and propose it. A text with faults comes back as it was typed, each fault beside its line."""
    if request.method != "POST":
        return _opened(request)
    form = RulebookForm(request.POST)
    status = 400
    faults: Told = []
    lines: list[tuple[int, str, list[str]]] = []
    if form.is_valid():
        text = form.cleaned_data["text"].replace("\r\n", "\n")
        try:
            made = versions.propose(text, by=request.user, now=timezone.now())
        except RulebookFaults as error:
            faults = _told(error.faults)
            lines = _beside(text, faults)
            status = error.status
        except CreditsError as error:
            form.add_error(None, str(error))
            status = error.status
        else:
            if public_id := uuid_of(request.POST.get("draft", "")):
                drafts.discard(request.user, public_id)
            messages.success(
                request, _("%(version)s is proposed. Another steward publishes it.") % {"version": made}
            )
            return redirect("steward_version", code=made.rulebook.code, number=made.number)
    kept, problem = kept_now(request, form.data.get("text", ""))
    context = _context(request, form.data.get("text", ""), kept, form)
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
    kept, problem = kept_now(request, text)
    if not request.htmx:
        if problem:
            messages.error(request, problem)
        return redirect(_address(kept))
    example = _example(request.user, kept)
    context = {"check": _check(text, example), "kept": kept, "problem": problem, "example": example}
    return render(request, "credits/steward/_check.html", context)


@require_POST
@page(role=Role.STEWARD)
def choose(request: PageRequest) -> HttpResponse:
    """Choose what the draft is tried on."""
    text = request.POST.get("text", "").replace("\r\n", "\n")
    kept, problem = kept_now(request, text)
    if problem or kept is None:
        messages.error(request, problem or _("Write something first."))
        return redirect(_address(kept))
    chosen = sample_claims.choose(request.user, request.POST.get("example", ""), now=timezone.now())
    kept.example = chosen.key
    kept.save(update_fields=["example"])
    return redirect(f"{_address(kept)}#check")


@require_POST
@page(role=Role.STEWARD)
def discard(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Throw a draft away."""
    drafts.discard(request.user, public_id)
    messages.success(request, _("The draft is thrown away."))
    return redirect("steward_rulebooks")


def _opened(request: PageRequest) -> HttpResponse:
    """The editor with a kept draft, the text of the version that ``from`` names, or nothing yet."""
    public_id = uuid_of(request.GET.get("draft", ""))
    kept = drafts.find(request.user, public_id) if public_id else None
    text = kept.text if kept else _begun(request.GET.get("from", ""))
    context = _context(request, text, kept, RulebookForm(initial={"text": text}))
    if public_id:
        # Kept by the browser alone so far: it is kept here under the same id.
        context["draft_id"] = public_id
    return render(request, "credits/steward/propose.html", context)


def _context(
    request: PageRequest, text: str, kept: RulebookDraft | None, form: RulebookForm
) -> dict[str, Any]:
    example = _example(request.user, kept)
    text = text.replace("\r\n", "\n")[:LONGEST]
    return {
        "form": form,
        "kept": kept,
        "draft_id": kept.public_id if kept else uuid_of(request.POST.get("draft", "")) or uuid.uuid4(),
        "page": request.POST.get("page") or uuid.uuid4().hex,
        "example": example,
        "check": _check(text, example) if text.strip() else None,
        "offered": sample_claims.offered(request.user),
        "facts": _facts(example),
        "trying": SimulationForm(initial={"round": newest()}, auto_id="try_%s"),
    }


def _check(text: str, example: Example) -> Check:
    if len(text) > LONGEST:
        text = text[:LONGEST]
    read = editor_report.read(text)
    outcome, problem = None, ""
    if read.rulebook is not None:
        try:
            outcome = evaluate(read.rulebook, fitting(example.facts, read.rulebook)[0])
        except CreditsError as error:
            problem = str(error)
        if outcome is not None and not example.open:
            outcome = masked(example.facts, outcome)
    return Check(read, _told(read.faults), _told(read.doubts), outcome, _names(example), problem)


def _names(example: Example) -> dict[str, Any]:
    """What the example's contributions are called, by the ref that the outcome shows."""
    if not example.open:
        return {told["en"]: told for told in called(example.facts).values()}
    found = {}
    for one in example.facts.contributions:
        title = one.contribution.get("title") or one.ref
        found[one.ref] = {"zh": title, "en": title}
    return found


def _facts(example: Example) -> list[tuple[Any, str, Any]]:
    """Each fact that a condition may name: itself, what kind it is, and its value in the example's first contribution
    (None: unknown)."""
    kinds = {
        "text": _("text"),
        "whole": _("whole number"),
        "yes-no": _("yes or no"),
        "time": _("time"),
        "texts": _("list of texts"),
    }
    first = min(example.facts.contributions, key=lambda one: one.ref, default=None)
    values = bind(example.facts, first) if first else {}
    return [
        (
            fact,
            kinds[fact.kind],
            _("(kept back)")
            if not example.open and name in HIDDEN and name in values
            else _shown(values.get(name)),
        )
        for name, fact in CONDITION_FACTS.items()
    ]


def _shown(value: object) -> str:
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"timestamp('{value:%Y-%m-%dT%H:%M:%SZ}')"
    if isinstance(value, list):
        return f"[{', '.join(repr(one) for one in value)}]"
    return str(value) if isinstance(value, int) else f"'{value}'"


def _example(user: User, kept: RulebookDraft | None) -> Example:
    try:
        return sample_claims.example(user, kept.example if kept else "")
    except NotThere:
        return sample_claims.example(user, "")


def _told(faults: tuple[Fault, ...]) -> Told:
    return [(one.line, one.column, one.text(get_language() or "")) for one in faults]


def _begun(name: str) -> str:
    """The text of the version that is named as code/number."""
    code, _slash, number = name.partition("/")
    if not (code and number.isdecimal() and len(number) < 10):
        return ""
    version = editor_report.named(name)
    if version is None:
        raise NotThere("no-such-version", _("There is no such version."))
    return version.text


def _beside(text: str, faults: Told) -> list[tuple[int, str, list[str]]]:
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


def _address(kept: RulebookDraft | None) -> str:
    return reverse("steward_propose") + (f"?draft={kept.public_id}" if kept else "")
