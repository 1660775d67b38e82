"""Trying a rulebook on a past round: asking for it, watching it, and what it would change for whom."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.models import Programme, User
from accounts.permissions import Role
from credits.claims.models import Claim, Round, Simulation, SimulationChange
from credits.claims.simulation import runs
from credits.claims.simulation.anonymised_traces import masked
from credits.claims.simulation.sample_claims import may_name
from credits.claims.simulation.trial import Tally, side_by_side
from credits.errors import NotThere
from credits.rulebooks import drafts, editor_report
from credits.rulebooks.models import RulebookDraft, RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules.evaluation.outcome import Outcome
from credits.web import charts
from credits.web.access import PageRequest, page
from credits.web.forms import VersionField
from credits.web.keeping import kept_now, uuid_of

LISTED = 50
"""Simulations on one page of the list."""
_KEPT = (RulebookVersion.Status.PUBLISHED, RulebookVersion.Status.RETIRED)


class SimulationForm(forms.Form):
    """On which claims a rulebook is tried, and what it is held against."""

    round = forms.ModelChoiceField(
        Round.objects.all(), label=gettext_lazy("Round"), to_field_name="code", empty_label=None
    )
    programme = forms.ModelChoiceField(
        Programme.objects.order_by("name"),
        label=gettext_lazy("Programme"),
        required=False,
        empty_label=gettext_lazy("everyone"),
    )
    against = VersionField(
        RulebookVersion.objects.filter(status__in=_KEPT)
        .select_related("rulebook")
        .defer("text", "canonical"),
        label=gettext_lazy("Compared with"),
        required=False,
        empty_label=gettext_lazy("what each claim was assessed by"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # The form may stand inside that of the editor, which is sent with all sorts of buttons.
            field.widget.is_required = False
            field.widget.attrs.pop("required", None)
        self.use_required_attribute = False


@require_safe
@page(role=Role.STEWARD)
def all_simulations(request: PageRequest) -> HttpResponse:
    """Every simulation that is kept, the newest first; from the one named by ``before`` downwards."""
    found = runs.seen_by(request.user)
    before = request.GET.get("before", "")
    if before.isdecimal() and len(before) < 19:
        found = found.filter(pk__lt=int(before))
    shown = list(found.order_by("-pk")[: LISTED + 1])
    context = {
        "simulations": shown[:LISTED],
        "before": shown[LISTED - 1].pk if len(shown) > LISTED else None,
        "kept": runs.KEPT,
    }
    return render(request, "credits/steward/simulations.html", context)


@require_safe
@page(role=Role.STEWARD)
def simulation(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """One simulation: how far it is, and what was found. For htmx the part that changes while it runs."""
    found = runs.find(request.user, public_id)
    if request.htmx:
        return render(request, "credits/steward/_simulation.html", _told(found, request.user))
    context = _told(found, request.user) | {"draft": _draft_of(request)}
    return render(request, "credits/steward/simulation.html", context)


def _draft_of(request: PageRequest) -> RulebookDraft | None:
    """The reader's own draft that the address names, to go back to."""
    public_id = uuid_of(request.GET.get("draft", ""))
    return drafts.find(request.user, public_id) if public_id else None


@require_POST
@page(role=Role.STEWARD)
def simulate(request: PageRequest) -> HttpResponse:
    """Have a draft (its text) or a kept version tried."""
    form = SimulationForm(request.POST)
    kept = None
    version = editor_report.named(request.POST.get("version", "")) if "version" in request.POST else None
    if version is None:
        kept, _problem = kept_now(request, request.POST.get("text", ""))
        back = reverse("steward_propose") + (f"?draft={kept.public_id}" if kept else "")
    else:
        back = reverse("steward_version", args=[version.rulebook.code, version.number])
    if not form.is_valid():
        messages.error(request, _("Choose a round that there is."))
        return redirect(back)
    if version is None:
        read = editor_report.read(request.POST.get("text", "").replace("\r\n", "\n"))
        if read.rulebook is None:
            messages.error(request, _("The text has faults, so it cannot be tried yet."))
            return redirect(back)
        rulebook = read.rulebook
    else:
        rulebook = rulebook_of(version)
    chosen = form.cleaned_data
    made = runs.ask(
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
def stop(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Stop one that waits or runs."""
    runs.stop(runs.find(request.user, public_id), by=request.user, now=timezone.now())
    messages.success(request, _("The simulation is stopped; what it found until then stays."))
    return redirect("steward_simulation", public_id=public_id)


@require_safe
@page(role=Role.STEWARD)
@transaction.atomic
def change(request: PageRequest, public_id: uuid.UUID, ordinal: int) -> HttpResponse:
    """One claim by both rulebooks, traces side by side; such a look goes into the audit log (invariant 11). Whose it is
    and which work, only for who may see that by another role."""
    found = runs.find(request.user, public_id)
    one = found.changes.filter(ordinal=min(ordinal, 2**31 - 1)).select_related("assessment").first()
    if one is None:
        raise NotThere("no-such-change", _("There is no such change in this simulation."))
    claim = Claim.objects.select_related("user", "version", "enrolment__programme__department").get(
        pk=one.assessment.claim_id
    )
    before = found.against or claim.version
    if before is None:
        raise NotThere("no-such-change", _("There is no such change in this simulation."))
    facts, old, new = side_by_side(one.assessment, rulebook_of(before), runs.rulebook_tried(found))
    named = may_name(request.user, claim)
    if not named:
        old, new = masked(facts, old), masked(facts, new)
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
        "rows": _rows(old, new),
        "old": old,
        "new": new,
    }
    template = "credits/steward/_change.html" if request.htmx else "credits/steward/change.html"
    return render(request, template, context)


@dataclass(frozen=True, slots=True)
class Largest:
    """A change as it is listed: what the person is called by, and where they study."""

    change: SimulationChange
    programme: str


def _told(found: Simulation, user: User) -> dict[str, Any]:
    tally = Tally.from_json(found.tally)
    names = dict(
        Programme.objects.filter(pk__in=[int(key) for key in tally.programmes]).values_list("pk", "name")
    )
    programmes = [
        {**one, "name": names.get(int(key), ""), "cost": Decimal(one["after"]) - Decimal(one["before"])}
        for key, one in tally.programmes.items()
    ]
    reached = tally.claims + tally.failed
    return {
        "simulation": found,
        "tally": tally,
        "open": found.status in (Simulation.Status.WAITING, Simulation.Status.RUNNING),
        "reached": reached,
        "percent": 100 * reached // found.total if found.total else 0,
        "chart": charts.spread(tally.spread_before, tally.spread_after),
        "programmes": sorted(programmes, key=lambda one: (-abs(one["cost"]), one["name"])),
        "largest": [
            Largest(one, one.assessment.claim.enrolment.programme.name) for one in runs.largest(found)
        ],
    }


def _rows(old: Outcome, new: Outcome) -> list[tuple[Any, Any]]:
    """Contributions before and after; both rulebooks were given the same ones, in the same order."""
    return list(zip(old.contributions, new.contributions, strict=True))
