"""The registrar's pages: what is ready to record, the rounds, the ledger, the exports."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import FileResponse, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Enrolment, Term
from accounts.permissions import Role, covers_all, require_for_all
from credits.claims import rounds, stages
from credits.claims.models import Claim, Round, RoundRulebook
from credits.claims.recording import record
from credits.errors import CreditsError, NotThere
from credits.ledger import entries
from credits.records import checkpoints
from credits.records.export import export, fetched, path_of, under_way
from credits.records.models import ExportBatch
from credits.records.transcript import transcript
from credits.records.verification import verify_records
from credits.records.view_audit import ledger_seen
from credits.web.access import PageRequest, page
from credits.web.forms import ExportForm, InForceForm, RoundForm
from credits.web.trying import carry_out

ENTRIES_SHOWN = 50
SHOWN = 200


@require_safe
@page(role=Role.REGISTRAR)
def ready(request: PageRequest) -> HttpResponse:
    """Claims whose result can be recorded, and those that wait for a date."""
    now = timezone.now()
    claims = _with_decision(record.ready(now=now, by=request.user)[: SHOWN + 1])
    waiting = _with_decision(record.not_yet(now=now, by=request.user)[:SHOWN])
    return render(
        request,
        "credits/registrar/ready.html",
        {
            "ready": claims[:SHOWN],
            "more": len(claims) > SHOWN,
            "waiting": [(claim, record.waits_until(claim)) for claim in waiting],
        },
    )


@require_POST
@page(role=Role.REGISTRAR)
def record_results(request: PageRequest) -> HttpResponse:
    """Record the results that were ticked."""
    wanted = request.POST.getlist("claim")
    now = timezone.now()
    ready = record.ready(now=now, by=request.user)[:SHOWN]
    claims = [claim for claim in ready if str(claim.public_id) in wanted]
    if not claims:
        raise CreditsError("nothing-chosen", _("Nothing was chosen."), _("Tick the claims to record."))
    results = record.record_many(
        claims, by=request.user, now=now, despite=request.POST.get("despite", "")[:2000]
    )
    count = len(list(results))
    messages.success(
        request,
        ngettext("%(count)s result is recorded.", "%(count)s results are recorded.", count)
        % {"count": count},
    )
    return redirect("registrar_ready")


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def all_rounds(request: PageRequest) -> HttpResponse:
    """The rounds with how far they are, and the form for a new one."""
    form, status = RoundForm(request.POST or None), 200
    if request.method == "POST":
        made, status = carry_out(
            form,
            lambda asked: rounds.open_round(
                rulebooks=[asked.pop("version")], **asked, by=request.user, now=timezone.now()
            ),
        )
        if made:
            messages.success(request, _("The round %(round)s is opened.") % {"round": made})
            return redirect("registrar_rounds")
    return _rounds(request, form=form, status=status)


@require_POST
@page(role=Role.REGISTRAR)
def put_in_force(request: PageRequest, code: str) -> HttpResponse:
    """Put another rulebook in force in a round, for some students."""
    require_for_all(request.user, Role.REGISTRAR)
    round_ = get_object_or_404(Round, code=code)
    form = _in_force_form(round_, request.POST)
    made, status = carry_out(
        form,
        lambda asked: rounds.put_in_force(
            round_, rounds.InForce(**asked), by=request.user, now=timezone.now()
        ),
    )
    if made:
        messages.success(
            request,
            _("%(version)s is in force in %(round)s.") % {"version": made.version, "round": round_},
        )
        return redirect("registrar_rounds")
    return _rounds(request, form=RoundForm(), typed={round_.pk: form}, status=status)


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
    require_for_all(request.user, Role.REGISTRAR)
    before = request.GET.get("before", "")
    shown = entries.latest()
    if before.isdecimal() and len(before) < 19:
        shown = shown.filter(number__lt=int(before))
    found = list(shown[: ENTRIES_SHOWN + 1])
    ledger_seen(found[:ENTRIES_SHOWN], by=request.user, now=timezone.now())
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
            "verdict": verify_records(checkpoints.noted()) if "verify" in request.GET else None,
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(role=Role.REGISTRAR)
def exports(request: PageRequest) -> HttpResponse:
    """The export batches, and the form that makes one."""
    require_for_all(request.user, Role.REGISTRAR)
    form, status = ExportForm(request.POST or None), 200
    if request.method == "POST":
        made, status = carry_out(
            form, lambda asked: export(asked["round"], asked["format"], by=request.user, now=timezone.now())
        )
        if made:
            messages.success(request, _("The batch %(batch)s is made.") % {"batch": made.code})
            if unfinished := under_way(made):
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
    require_for_all(request.user, Role.REGISTRAR)
    batch = get_object_or_404(ExportBatch, code=code)
    path = path_of(batch)
    if not path.is_file():
        raise NotThere(
            "export-file-gone",
            _("The file of this batch is no longer on the server."),
            _("Make the export again; the ledger has not changed for it."),
        )
    fetched(batch, path.name, by=request.user, now=timezone.now())
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name)


@require_safe
@page(role=Role.REGISTRAR)
def export_manifest(request: PageRequest, code: str) -> HttpResponse:
    """A batch's manifest: file, size, SHA-256, and the ledger's head at that moment."""
    require_for_all(request.user, Role.REGISTRAR)
    batch = get_object_or_404(ExportBatch, code=code)
    fetched(batch, f"{batch.code}.manifest.json", by=request.user, now=timezone.now())
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
    shown = transcript(enrolment.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


def _with_decision(claims: QuerySet[Claim]) -> list[Claim]:
    """The claims, each with its final decision under ``final``."""
    found = list(claims)
    by_claim = stages.last_decisions(found)
    for claim in found:
        claim.final = by_claim.get(claim.pk)  # type: ignore[attr-defined]
    return found


def _rounds(
    request: PageRequest, *, form: RoundForm, typed: dict[int, InForceForm] | None = None, status: int
) -> HttpResponse:
    """The page of rounds; ``typed`` holds by round the forms for another rulebook that came back with a fault."""
    for_all = covers_all(request.user, Role.REGISTRAR)
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


def _in_force_form(round_: Round, typed: QueryDict | None = None) -> InForceForm:
    """The form for another rulebook in a round; there is one for each, so its fields are called after the round."""
    return InForceForm(typed, auto_id=f"{round_.code}-%s")
