"""The registrar's pages: recording, rounds and terms, ledger, exports, roster, collecting."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.db.models import Count
from django.http import FileResponse, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from accounts import permissions
from accounts.calendar import date_lists, terms
from accounts.identity import linking
from accounts.identity.forges import forge_info, forge_names
from accounts.models import Enrolment, Term
from accounts.people.roster import import_roster
from accounts.permissions import Role, covers_university, require_for_university
from credits.claims import rounds, stages
from credits.claims.models import Claim, Round, RoundRulebook
from credits.claims.recording import record
from credits.contributions.collecting import forge_status
from credits.errors import CreditsError, NotAllowed, NotThere
from credits.ledger import entries
from credits.records import checkpoints
from credits.records.export import audit_download, batch_file, export_round, under_way_warning
from credits.records.models import ExportBatch
from credits.records.transcript import make_transcript
from credits.records.verification import verify_records
from credits.records.view_audit import audit_ledger_view
from credits.web.core import pagination
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.presenters.accounts import vouched_accounts
from credits.web.presenters.round_list import rounds_with_progress
from credits.web.registrar.forms import (
    ExportForm,
    RosterForm,
    RoundForm,
    RulebookInForceForm,
    TermForm,
    VouchForm,
)

ENTRIES_SHOWN = 50
"""Ledger entries on one page."""

READY_SHOWN = 200
"""Claims on the recording page: these are also what its button can reach."""

BATCHES_SHOWN = 100
VOUCHED_SHOWN = 20

MAX_REASON_LENGTH = 2000
"""Characters of a reason to record although a contribution was not re-checked; the rest is cut off."""


@require_safe
@page(role=Role.REGISTRAR)
def ready(request: PageRequest) -> HttpResponse:
    """Show the claims whose result can be recorded, and those that wait for a date."""
    now = timezone.now()
    recordable = pagination.read_page(record.ready_to_record(now=now, by=request.user), READY_SHOWN)
    waiting = list(record.waiting_to_record(now=now, by=request.user)[:READY_SHOWN])
    _add_final_decisions(recordable.rows)
    _add_final_decisions(waiting)
    return render(
        request,
        "credits/registrar/ready.html",
        {
            "ready": recordable.rows,
            "more": recordable.more,
            "waiting": [(claim, record.recordable_from(claim)) for claim in waiting],
        },
    )


@require_POST
@page(role=Role.REGISTRAR)
def record_results(request: PageRequest) -> HttpResponse:
    """Record the results of the ticked claims."""
    ticked = set(request.POST.getlist("claim"))
    now = timezone.now()
    recordable = record.ready_to_record(now=now, by=request.user)[:READY_SHOWN]
    claims = [claim for claim in recordable if str(claim.public_id) in ticked]
    if not claims:
        raise CreditsError("nothing-chosen", _("Nothing was selected."), _("Select the results to record."))
    results = record.record_results(
        claims, by=request.user, now=now, despite=request.POST.get("despite", "")[:MAX_REASON_LENGTH]
    )
    count = len(list(results))
    messages.success(
        request,
        ngettext("%(count)s result recorded.", "%(count)s results recorded.", count) % {"count": count},
    )
    return redirect("registrar_ready")


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def all_rounds(request: PageRequest) -> HttpResponse:
    """Show the rounds with their progress, and open a new one."""
    form, status = RoundForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda typed: rounds.open_round(
                rulebooks=[typed.pop("version")], **typed, by=request.user, now=timezone.now()
            ),
        )
        if made:
            messages.success(request, _("The round %(round)s was opened.") % {"round": made})
            return redirect("registrar_rounds")
    return _rounds_page(request, form=form, status=status)


@require_POST
@page(role=Role.REGISTRAR)
def put_in_force(request: PageRequest, code: str) -> HttpResponse:
    """Put another rulebook in force in a round, for some of its students."""
    require_for_university(request.user, Role.REGISTRAR)
    round_ = get_object_or_404(Round, code=code)
    form = _in_force_form(round_, request.POST)
    made, status = submit_form(
        form,
        lambda typed: rounds.put_in_force(
            round_, rounds.RulebookInForce(**typed), by=request.user, now=timezone.now()
        ),
    )
    if made:
        messages.success(
            request,
            _("%(version)s is now in force in %(round)s.") % {"version": made.version, "round": round_},
        )
        return redirect("registrar_rounds")
    return _rounds_page(request, form=RoundForm(), typed={round_.pk: form}, status=status)


@require_POST
@page(role=Role.REGISTRAR)
def take_out_of_force(request: PageRequest, code: str, pk: int) -> HttpResponse:
    """Take a rulebook out of force in a round."""
    in_force = get_object_or_404(
        RoundRulebook.objects.select_related("round", "version__rulebook", "programme"),
        pk=pk,
        round__code=code,
    )
    rounds.take_out_of_force(in_force, by=request.user, now=timezone.now())
    messages.success(
        request,
        _("%(version)s is no longer in force in %(round)s for these students.")
        % {"version": in_force.version, "round": in_force.round},
    )
    return redirect("registrar_rounds")


@require_safe
@page(role=Role.REGISTRAR)
def ledger(request: PageRequest) -> HttpResponse:
    """Show the ledger's entries below the number ``before``, newest first; with ``verify``, check the whole chain."""
    require_for_university(request.user, Role.REGISTRAR)
    below = pagination.rows_below(entries.latest(), "number", request.GET.get("before", ""))
    shown = pagination.read_page(below, ENTRIES_SHOWN)
    audit_ledger_view(shown.rows, by=request.user, now=timezone.now())
    number, head = entries.head()
    return render(
        request,
        "credits/registrar/ledger.html",
        {
            "entries": shown.rows,
            "terms": Term.objects.in_bulk({entry.term for entry in shown.rows}, field_name="code"),
            "before": shown.last.number if shown.last else None,
            "number": number,
            "head": head,
            "verdict": verify_records(checkpoints.noted_checkpoints()) if "verify" in request.GET else None,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def exports(request: PageRequest) -> HttpResponse:
    """Show the export batches, and make one."""
    require_for_university(request.user, Role.REGISTRAR)
    form, status = ExportForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda typed: export_round(typed["round"], typed["format"], by=request.user, now=timezone.now()),
        )
        if made:
            messages.success(request, _("Batch %(batch)s was created.") % {"batch": made.code})
            if unfinished := under_way_warning(made):
                messages.warning(request, unfinished)
            return redirect("registrar_exports")
    batches = ExportBatch.objects.select_related("round", "made_by")[:BATCHES_SHOWN]
    return render(
        request, "credits/registrar/exports.html", {"form": form, "batches": batches}, status=status
    )


@require_safe
@page(role=Role.REGISTRAR)
def export_file(request: PageRequest, code: str) -> FileResponse:
    """Send a batch's file, as it was made."""
    require_for_university(request.user, Role.REGISTRAR)
    batch = get_object_or_404(ExportBatch, code=code)
    path = batch_file(batch)
    if not path.is_file():
        raise NotThere(
            "export-file-gone",
            _("The file of this batch is no longer on the server."),
            _("Create the export again; the ledger has not changed."),
        )
    audit_download(batch, path.name, by=request.user, now=timezone.now())
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@require_safe
@page(role=Role.REGISTRAR)
def export_manifest(request: PageRequest, code: str) -> HttpResponse:
    """Send a batch's manifest: file, size, SHA-256, and the head of the ledger when the batch was made."""
    require_for_university(request.user, Role.REGISTRAR)
    batch = get_object_or_404(ExportBatch, code=code)
    audit_download(batch, f"{batch.code}.manifest.json", by=request.user, now=timezone.now())
    answer = JsonResponse(batch.manifest, json_dumps_params={"ensure_ascii": False, "indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="{batch.code}.manifest.json"'
    return answer


@require_safe
@page(role=Role.REGISTRAR)
def student_transcript(request: PageRequest, number: str) -> HttpResponse:
    """Show a student's transcript. The audit log records who looked at it."""
    enrolment = Enrolment.objects.select_related("user").filter(student_number=number).first()
    if enrolment is None:
        raise NotThere("no-such-transcript", _("There is no such transcript."))
    shown = make_transcript(enrolment.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


def _add_final_decisions(claims: list[Claim]) -> None:
    """Set ``final`` of each claim to its final decision."""
    by_claim = stages.final_decisions(claims)
    for claim in claims:
        claim.final = by_claim.get(claim.pk)  # type: ignore[attr-defined]


def _rounds_page(
    request: PageRequest, *, form: RoundForm, typed: dict[int, RulebookInForceForm] | None = None, status: int
) -> HttpResponse:
    """Return the page of rounds. ``typed`` contains, by round, refused forms for another rulebook."""
    for_all = covers_university(request.user, Role.REGISTRAR)
    shown = list(rounds_with_progress())
    forms = {
        round_.pk: _in_force_form(round_)
        for round_ in shown
        if for_all and not round_.settled  # type: ignore[attr-defined]
    } | (typed or {})
    return render(
        request,
        "credits/registrar/rounds.html",
        {
            "rounds": shown,
            "form": form,
            "forms": forms,
            "typed": typed or {},
            "for_all": for_all,
            "now": timezone.now(),
        },
        status=status,
    )


def _in_force_form(round_: Round, typed: QueryDict | None = None) -> RulebookInForceForm:
    """Return the form for another rulebook in a round. Each round has one, so field ids begin with the round's code."""
    return RulebookInForceForm(typed, auto_id=f"{round_.code}-%s")


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def vouch(request: PageRequest) -> HttpResponse:
    """Link a forge account to a student on the registrar's word."""
    form, status = VouchForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda typed: linking.attest(**typed, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(
                request,
                _("%(login)s on %(forge)s is linked to %(person)s.")
                % {"login": made.login, "forge": forge_info(made.forge).label, "person": made.user},
            )
            return redirect("registrar_link")
    return render(
        request,
        "credits/registrar/vouch.html",
        {"form": form, "vouched": vouched_accounts(request.user)[:VOUCHED_SHOWN]},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def roster(request: PageRequest) -> HttpResponse:
    """Report what a roster file would change; sent again with ``checked`` (its SHA-256), apply it.

    A file that is not the checked one is only reported.
    """
    require_for_university(request.user, Role.REGISTRAR)
    if request.method != "POST":
        return render(request, "credits/registrar/roster.html", {"form": RosterForm()})
    form = RosterForm(request.POST, request.FILES)
    report, status = submit_form(
        form,
        lambda typed: import_roster(
            typed["data"],
            typed["file"].name,
            by=request.user,
            now=timezone.now(),
            dry_run=request.POST.get("checked") != typed["digest"],
        ),
    )
    if report and report.applied:
        count = len(report.added) + len(report.changed)
        messages.success(
            request,
            ngettext("%(count)s enrolment imported.", "%(count)s enrolments imported.", count)
            % {"count": count},
        )
        return (
            HttpResponseClientRedirect(reverse("registrar_roster"))
            if request.htmx
            else redirect("registrar_roster")
        )
    template = "credits/registrar/_roster_report.html" if request.htmx else "credits/registrar/roster.html"
    if report and report.refused:
        status = 422
    # htmx inserts the report in any case; only the whole page has the status of a refusal.
    status = 200 if request.htmx else status
    context = {
        "form": form,
        "report": report,
        "checked": form.cleaned_data.get("digest", ""),
        "again": "checked" in request.POST,
    }
    return render(request, template, context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def all_terms(request: PageRequest) -> HttpResponse:
    """Show the terms, and add one."""
    require_for_university(request.user, Role.REGISTRAR)
    form, status = TermForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda typed: terms.add(**typed, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The term %(term)s was added.") % {"term": made})
            _warn_of_unlikely_days(request, made)
            return redirect("registrar_terms")
    listed = Term.objects.annotate(held=Count("rounds")).order_by("-starts_on", "-pk")
    return render(request, "credits/registrar/terms.html", {"terms": listed, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def term(request: PageRequest, code: str) -> HttpResponse:
    """Show a term, and change it."""
    require_for_university(request.user, Role.REGISTRAR)
    present = get_object_or_404(Term, code=code)
    has_rounds = present.rounds.exists()
    form, status = TermForm(request.POST or None, term=present, days_stay=has_rounds), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda typed: rounds.change_term(present, **typed, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The term %(term)s was changed.") % {"term": made})
            _warn_of_unlikely_days(request, made)
            return redirect("registrar_terms")
    return render(
        request,
        "credits/registrar/term.html",
        {"term": present, "form": form, "has_rounds": has_rounds},
        status=status,
    )


def _warn_of_unlikely_days(request: PageRequest, term: Term) -> None:
    """Warn of days that are stored as typed but may be typing errors."""
    if outside := terms.days_outside(term):
        messages.warning(
            request,
            _("These dates are outside the term and were saved anyway: %(days)s.")
            % {"days": _days_in_words(outside)},
        )
    if weekdays := terms.redundant_worked_days(term):
        messages.warning(
            request,
            _("These dates are not on a weekend, so they are working days anyway: %(days)s.")
            % {"days": _days_in_words(weekdays)},
        )


def _days_in_words(days: list[date]) -> str:
    return date_lists.format_days(days).replace("\n", ", ")


@require_safe
@page()
def collecting(request: PageRequest) -> HttpResponse:
    """Show counts by forge to registrars and administrators, and to registrars the accounts of their own students."""
    roles = permissions.roles_of(request.user)
    if not roles & {Role.REGISTRAR, Role.ADMIN}:
        raise NotAllowed(
            "role-needed",
            _("This requires the role of registrar or administrator."),
            _("Ask an administrator if you should have it."),
        )
    now = timezone.now()
    return render(
        request,
        "credits/registrar/collecting.html",
        {
            "forges_now": [forge_status.load_forge_status(name, now=now) for name in forge_names()],
            "trouble": forge_status.accounts_in_trouble(
                now=now, departments=permissions.departments_of(request.user, Role.REGISTRAR)
            )
            if Role.REGISTRAR in roles
            else None,
            "most": forge_status.MAX_SHOWN,
        },
    )
