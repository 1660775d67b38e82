"""The registrar's pages: recording, rounds and terms, ledger, exports, roster, collecting."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
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
from accounts.models import Enrolment, ForgeAccount, Term
from accounts.people.roster import RosterReport, import_roster
from accounts.permissions import Role, covers_university, departments_of, require_for_university, students_in
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
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.registrar.forms import (
    ExportForm,
    RosterForm,
    RoundForm,
    RulebookInForceForm,
    TermForm,
    VouchForm,
)

ENTRIES_SHOWN = 50


READY_SHOWN = 200


@require_safe
@page(role=Role.REGISTRAR)
def ready(request: PageRequest) -> HttpResponse:
    """Claims whose result can be recorded, and those that wait for a date."""
    now = timezone.now()
    claims = _with_final_decision(record.ready_to_record(now=now, by=request.user)[: READY_SHOWN + 1])
    waiting = _with_final_decision(record.waiting_to_record(now=now, by=request.user)[:READY_SHOWN])
    return render(
        request,
        "credits/registrar/ready.html",
        {
            "ready": claims[:READY_SHOWN],
            "more": len(claims) > READY_SHOWN,
            "waiting": [(claim, record.recordable_from(claim)) for claim in waiting],
        },
    )


@require_POST
@page(role=Role.REGISTRAR)
def record_results(request: PageRequest) -> HttpResponse:
    """Record the results that were ticked."""
    wanted = request.POST.getlist("claim")
    now = timezone.now()
    ready = record.ready_to_record(now=now, by=request.user)[:READY_SHOWN]
    claims = [claim for claim in ready if str(claim.public_id) in wanted]
    if not claims:
        raise CreditsError("nothing-chosen", _("Nothing was selected."), _("Select the results to record."))
    results = record.record_results(
        claims, by=request.user, now=now, despite=request.POST.get("despite", "")[:2000]
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
    """The rounds with how far they are, and the form for a new one."""
    form, status = RoundForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda asked: rounds.open_round(
                rulebooks=[asked.pop("version")], **asked, by=request.user, now=timezone.now()
            ),
        )
        if made:
            messages.success(request, _("The round %(round)s was opened.") % {"round": made})
            return redirect("registrar_rounds")
    return _rounds_page(request, form=form, status=status)


@require_POST
@page(role=Role.REGISTRAR)
def put_in_force(request: PageRequest, code: str) -> HttpResponse:
    """Put another rulebook in force in a round, for some students."""
    require_for_university(request.user, Role.REGISTRAR)
    round_ = get_object_or_404(Round, code=code)
    form = _in_force_form(round_, request.POST)
    made, status = submit_form(
        form,
        lambda asked: rounds.put_in_force(
            round_, rounds.RulebookInForce(**asked), by=request.user, now=timezone.now()
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
    """Take a rulebook away from a round."""
    rows = RoundRulebook.objects.select_related("round", "version__rulebook", "programme")
    row = get_object_or_404(rows, pk=pk, round__code=code)
    rounds.take_out_of_force(row, by=request.user, now=timezone.now())
    messages.success(
        request,
        _("%(version)s is no longer in force in %(round)s for these students.")
        % {"version": row.version, "round": row.round},
    )
    return redirect("registrar_rounds")


@require_safe
@page(role=Role.REGISTRAR)
def ledger(request: PageRequest) -> HttpResponse:
    """The newest entries, from ``before`` downwards; with ``verify``, the verdict on the whole chain."""
    require_for_university(request.user, Role.REGISTRAR)
    before = request.GET.get("before", "")
    shown = entries.latest()
    if before.isdecimal() and len(before) < 19:
        shown = shown.filter(number__lt=int(before))
    found = list(shown[: ENTRIES_SHOWN + 1])
    audit_ledger_view(found[:ENTRIES_SHOWN], by=request.user, now=timezone.now())
    number, head = entries.head()
    return render(
        request,
        "credits/registrar/ledger.html",
        {
            "entries": found[:ENTRIES_SHOWN],
            "terms": Term.objects.in_bulk({entry.term for entry in found}, field_name="code"),
            "before": found[ENTRIES_SHOWN - 1].number if len(found) > ENTRIES_SHOWN else None,
            "number": number,
            "head": head,
            "verdict": verify_records(checkpoints.noted_checkpoints()) if "verify" in request.GET else None,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def exports(request: PageRequest) -> HttpResponse:
    """The export batches, and the form that makes one."""
    require_for_university(request.user, Role.REGISTRAR)
    form, status = ExportForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda asked: export_round(asked["round"], asked["format"], by=request.user, now=timezone.now()),
        )
        if made:
            messages.success(request, _("Batch %(batch)s was created.") % {"batch": made.code})
            if unfinished := under_way_warning(made):
                messages.warning(request, unfinished)
            return redirect("registrar_exports")
    batches = ExportBatch.objects.select_related("round", "made_by")[:100]
    return render(
        request, "credits/registrar/exports.html", {"form": form, "batches": batches}, status=status
    )


@require_safe
@page(role=Role.REGISTRAR)
def export_file(request: PageRequest, code: str) -> FileResponse:
    """A batch's file, as it was made."""
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
    """A batch's manifest: file, size, SHA-256, and the ledger's head at that moment."""
    require_for_university(request.user, Role.REGISTRAR)
    batch = get_object_or_404(ExportBatch, code=code)
    audit_download(batch, f"{batch.code}.manifest.json", by=request.user, now=timezone.now())
    answer = JsonResponse(batch.manifest, json_dumps_params={"ensure_ascii": False, "indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="{batch.code}.manifest.json"'
    return answer


@require_safe
@page(role=Role.REGISTRAR)
def student_transcript(request: PageRequest, number: str) -> HttpResponse:
    """A student's transcript; the look is written into the audit log."""
    enrolment = Enrolment.objects.select_related("user").filter(student_number=number).first()
    if enrolment is None:
        raise NotThere("no-such-transcript", _("There is no such transcript."))
    shown = make_transcript(enrolment.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


def _with_final_decision(claims: QuerySet[Claim]) -> list[Claim]:
    """The claims, each with its final decision under ``final``."""
    found = list(claims)
    by_claim = stages.final_decisions(found)
    for claim in found:
        claim.final = by_claim.get(claim.pk)  # type: ignore[attr-defined]
    return found


def _rounds_page(
    request: PageRequest, *, form: RoundForm, typed: dict[int, RulebookInForceForm] | None = None, status: int
) -> HttpResponse:
    """The page of rounds; ``typed`` holds by round the forms for another rulebook that came back with a fault."""
    for_all = covers_university(request.user, Role.REGISTRAR)
    counted = Round.objects.select_related("term").annotate(
        applied=Count("claims", filter=~Q(claims__status__in=[Claim.Status.DRAFT, Claim.Status.WITHDRAWN])),
        recorded=Count("claims", filter=Q(claims__status=Claim.Status.RECORDED)),
        settled=Exists(Claim.objects.filter(round=OuterRef("pk"), submitted_at__isnull=False)),
    )
    # Said here, as counting drops the model's own order.
    counted = counted.order_by("-apply_from", "-pk")
    shown = list(counted.prefetch_related("rulebooks__version__rulebook", "rulebooks__programme__department"))
    forms = {one.pk: _in_force_form(one) for one in shown if for_all and not one.settled} | (typed or {})
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
    """The form for another rulebook in a round; there is one for each, so its fields are called after the round."""
    return RulebookInForceForm(typed, auto_id=f"{round_.code}-%s")


VOUCHED_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def vouch(request: PageRequest) -> HttpResponse:
    """Link a forge account to a student because the registrar vouches for it."""
    form, status = VouchForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda asked: linking.attest(**asked, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(
                request,
                _("%(login)s on %(forge)s is linked to %(person)s.")
                % {"login": made.login, "forge": forge_info(made.forge).label, "person": made.user},
            )
            return redirect("registrar_link")
    vouched = ForgeAccount.objects.filter(proof=ForgeAccount.Proof.ATTESTED).select_related(
        "user", "attested_by"
    )
    scope = departments_of(request.user, Role.REGISTRAR)
    if scope is not None:
        vouched = vouched.filter(user__in=students_in(scope))
    return render(
        request,
        "credits/registrar/vouch.html",
        {"form": form, "vouched": vouched.order_by("-linked_at")[:VOUCHED_SHOWN]},
        status=status,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def roster(request: PageRequest) -> HttpResponse:
    """Try a roster file; then, sent again with ``checked`` (the SHA-256 of what was tried), apply it."""
    require_for_university(request.user, Role.REGISTRAR)
    if request.method != "POST":
        return render(request, "credits/registrar/roster.html", {"form": RosterForm()})
    form = RosterForm(request.POST, request.FILES)
    digest = ""

    def read(asked: dict[str, Any]) -> RosterReport:
        nonlocal digest
        file = asked["file"]
        data = file.read()
        digest = hashlib.sha256(data).hexdigest()
        return import_roster(
            data,
            file.name,
            by=request.user,
            now=timezone.now(),
            dry_run=request.POST.get("checked") != digest,
        )

    report, status = submit_form(form, read)
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
    shown = "credits/registrar/_roster_report.html" if request.htmx else "credits/registrar/roster.html"
    if report and report.refused:
        status = 422
    # htmx swaps the report in whatever it says; only the whole page carries the status of a refusal.
    status = 200 if request.htmx else status
    context = {"form": form, "report": report, "checked": digest, "again": "checked" in request.POST}
    return render(request, shown, context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def all_terms(request: PageRequest) -> HttpResponse:
    """The terms, and the form for a new one."""
    require_for_university(request.user, Role.REGISTRAR)
    form, status = TermForm(request.POST or None), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda asked: terms.add(**asked, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The term %(term)s was added.") % {"term": made})
            _warn_of_unlikely_days(request, made)
            return redirect("registrar_terms")
    held = Term.objects.annotate(held=Count("rounds")).order_by("-starts_on", "-pk")
    return render(request, "credits/registrar/terms.html", {"terms": held, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def term(request: PageRequest, code: str) -> HttpResponse:
    """One term, to be changed."""
    require_for_university(request.user, Role.REGISTRAR)
    held = get_object_or_404(Term, code=code)
    has_rounds = held.rounds.exists()
    form, status = TermForm(request.POST or None, term=held, days_stay=has_rounds), 200
    if request.method == "POST":
        made, status = submit_form(
            form, lambda asked: rounds.change_term(held, **asked, by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The term %(term)s was changed.") % {"term": made})
            _warn_of_unlikely_days(request, made)
            return redirect("registrar_terms")
    return render(
        request,
        "credits/registrar/term.html",
        {"term": held, "form": form, "has_rounds": has_rounds},
        status=status,
    )


def _warn_of_unlikely_days(request: PageRequest, term: Term) -> None:
    """What is kept as typed and may still be a slip of the pen."""
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
    """Counts by forge for registrars and administrators; the single accounts of their students for registrars."""
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
