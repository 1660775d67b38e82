"""The student's pages: overview, accounts, contributions and shares, application, transcript."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.identity import linking
from accounts.identity.forges import forge, forge_names
from credits.claims import rounds
from credits.claims.application import draft, submit
from credits.claims.assessment import estimate as assess
from credits.claims.assessment.estimate import Estimate
from credits.claims.assessment.facts import ref_of
from credits.claims.models import Claim, Round
from credits.contributions import attested_work, queries, same_work, shares
from credits.contributions.collecting import add_by_url, branch_authors, collect
from credits.contributions.collecting.status import statuses_for_person
from credits.contributions.models import AttestedWork, Authorship, Recheck, ShareProposal
from credits.errors import Conflict, CreditsError, NotThere
from credits.records.transcript import make_transcript
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.presenters import claim_timeline, dashboard
from credits.web.presenters.accounts import collection_state
from credits.web.presenters.claim_draft import draft_page
from credits.web.presenters.contribution import read_share
from credits.web.presenters.explanations import explanations
from credits.web.student.forms import AttestedWorkForm, PullRequestForm

CONTRIBUTIONS_SHOWN = 50


@require_safe
@page(student=True)
def home(request: PageRequest) -> HttpResponse:
    """Where the student stands, and one next step."""
    return render(
        request,
        "credits/student/home.html",
        {"standing": dashboard.read_dashboard(request.user, now=timezone.now())},
    )


@require_safe
@page(student=True)
def contributions(request: PageRequest) -> HttpResponse:
    """What is held of the student, newest first, with whether each counts and why."""
    shown = list(
        _shown_after(queries.authorships_of(request.user), request.GET.get("after", ""))[
            : CONTRIBUTIONS_SHOWN + 1
        ]
    )
    estimate = _current_estimate(request)
    outcome = estimate.outcome if estimate else None
    by_ref = {one.ref: one for one in outcome.contributions} if outcome else {}
    page_of = shown[:CONTRIBUTIONS_SHOWN]
    last = page_of[-1] if len(shown) > CONTRIBUTIONS_SHOWN else None
    return render(
        request,
        "credits/student/contributions.html",
        {
            "rows": [(one, by_ref.get(ref_of(one)), ref_of(one)) for one in page_of],
            "after": f"{last.contribution.merged_at.isoformat()}|{last.pk}" if last else "",
            "begun": "after" in request.GET,
            "outcome": outcome,
            "whys": explanations(estimate, [ref_of(one) for one in page_of]) if estimate else {},
            "twins": same_work.own_sibling_contributions(
                [one.contribution_id for one in page_of], request.user
            ),
            "asked": shares.proposals_awaiting(request.user),
            "accounts": statuses_for_person(request.user, now=timezone.now()),
        },
    )


@require_safe
@page(student=True)
def transcript_page(request: PageRequest) -> HttpResponse:
    """The student's recognised credit, ready to print."""
    shown = make_transcript(request.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


@require_safe
@page(student=True)
def accounts(request: PageRequest) -> HttpResponse:
    """The forges, with the student's accounts on them."""
    return _accounts_page(request, PullRequestForm())


@require_safe
@page(student=True)
def collection(request: PageRequest) -> HttpResponse:
    """How collecting goes: the fragment that the page asks for again while it runs."""
    return render(request, "credits/student/_collection.html", collection_state(request))


@require_POST
@page(student=True)
def collect_now(request: PageRequest) -> HttpResponse:
    """Ask for the student's accounts to be collected now."""
    linked = linking.accounts_of(request.user)
    if not linked:
        raise CreditsError("no-account", _("You have not linked an account yet."), _("Link one first."))
    collect.request_collection(linked, now=timezone.now())
    if request.htmx:
        return render(request, "credits/student/_collection.html", collection_state(request))
    messages.success(request, _("Collecting was requested. It starts within a minute."))
    return redirect("student_accounts")


@require_POST
@page(student=True)
def add_link(request: PageRequest) -> HttpResponse:
    """Fetch the pull request at an address that the student pasted."""
    form = PullRequestForm(request.POST)
    made, status = submit_form(
        form,
        lambda asked: add_by_url.add_pull_request(
            request.user,
            asked["address"],
            now=timezone.now(),
            forges={name: forge(name) for name in forge_names()},
        ),
    )
    if made is None:
        return _accounts_page(request, form, status=status)
    messages.success(request, _("“%(title)s” is now among your contributions.") % {"title": made.title})
    return redirect("student_contributions")


def _accounts_page(request: PageRequest, form: PullRequestForm, *, status: int = 200) -> HttpResponse:
    return render(
        request, "credits/student/accounts.html", collection_state(request) | {"form": form}, status=status
    )


@require_safe
@page(student=True)
def contribution(request: PageRequest, pk: int) -> HttpResponse:
    """One contribution, for whoever has a part in it."""
    return _contribution_page(request, pk)


@require_POST
@page(student=True)
def propose_shares(request: PageRequest, pk: int) -> HttpResponse:
    """Propose shares; percentages, in fields named by the place of each part."""
    found = shares.contribution_for_participant(pk, request.user)
    parts = shares.load_shares(found).parts
    try:
        wanted = {
            part.authorship.forge_user_id: read_share(request.POST.get(f"share-{part.authorship.pk}", ""))
            for part in parts
        }
        made = shares.propose(found, wanted, by=request.user, now=timezone.now())
    except CreditsError as error:
        return _contribution_page(request, pk, error=error)
    messages.success(
        request,
        _("The shares were changed.")
        if made.status == ShareProposal.Status.AGREED
        else _("Your co-authors were asked. Nothing changes until they accept."),
    )
    return redirect("student_contribution", pk=pk)


@require_POST
@page(student=True)
def answer_shares(request: PageRequest, pk: int, proposal: int) -> HttpResponse:
    """Accept or decline a proposal as a co-author."""
    found = shares.contribution_for_participant(pk, request.user)
    asked = get_object_or_404(found.share_proposals, pk=proposal)
    accept = request.POST.get("accept") == "yes"
    shares.answer(asked, accept=accept, by=request.user, now=timezone.now())
    messages.success(request, _("You have accepted.") if accept else _("You have declined."))
    return redirect("student_contribution", pk=pk)


@require_POST
@page(student=True)
def withdraw_shares(request: PageRequest, pk: int, proposal: int) -> HttpResponse:
    """Take an own proposal back."""
    found = shares.contribution_for_participant(pk, request.user)
    shares.withdraw(
        get_object_or_404(found.share_proposals, pk=proposal), by=request.user, now=timezone.now()
    )
    messages.success(request, _("Your proposal was withdrawn."))
    return redirect("student_contribution", pk=pk)


def _contribution_page(request: PageRequest, pk: int, *, error: CreditsError | None = None) -> HttpResponse:
    found = shares.contribution_for_participant(pk, request.user)
    sharing = shares.load_shares(found)
    return render(
        request,
        "credits/student/contribution.html",
        {
            "work": found,
            "sharing": sharing,
            "twins": same_work.own_sibling_contributions([found.pk], request.user).get(found.pk, []),
            "branch": branch_authors.branch_looks([found.pk]).get(found.pk),
            "seen": Recheck.objects.filter(contribution=found).first(),
            "may_propose": sharing.may_propose(request.user),
            "may_answer": sharing.may_answer(request.user),
            "may_withdraw": sharing.proposal is not None
            and sharing.proposal.proposed_by_id == request.user.pk,
            "error": error,
        },
        status=error.status if error else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def attest(request: PageRequest) -> HttpResponse:
    """The student's own works with how they stand, and the form for another one."""
    form, status = (
        AttestedWorkForm(request.POST or None, initial={"address": request.GET.get("address", "")}),
        200,
    )
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda asked: attested_work.submit_work(
                request.user,
                asked["address"],
                asked["commit"],
                now=timezone.now(),
                forges={name: forge(name) for name in forge_names()},
            ),
        )
        if isinstance(made, AttestedWork):
            messages.success(request, _("“%(title)s” was sent to the reviewers.") % {"title": made.title})
            return redirect("student_attested", public_id=made.public_id)
        if made is not None:
            messages.success(
                request, _("“%(title)s” was added to your contributions.") % {"title": made.title}
            )
            return redirect("student_contributions")
    works = request.user.attested_work.select_related("account")
    return render(request, "credits/student/attest.html", {"form": form, "works": works}, status=status)


@require_safe
@page(student=True)
def attested_work_page(request: PageRequest, public_id: UUID) -> HttpResponse:
    """One own work."""
    return _own_attested_work(
        request, attested_work.open_work(request.user, public_id, now=timezone.now()), token=""
    )


@require_POST
@page(student=True)
@never_cache
def ask_maintainer(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Make a one-time link for a maintainer; it is shown this once."""
    now = timezone.now()
    work = attested_work.open_work(request.user, public_id, now=now)
    return _own_attested_work(
        request, work, token=attested_work.make_maintainer_link(work, by=request.user, now=now)
    )


def _own_attested_work(request: PageRequest, found: AttestedWork, *, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("maintainers_word", args=[token])) if token else ""
    return render(
        request,
        "credits/student/attested_work.html",
        {
            "work": found,
            "link": link,
            "valid_days": attested_work.LINK_VALID_FOR.days,
            "words": found.words.filter(used_at__isnull=False),
        },
    )


Status = Claim.Status


@require_safe
@page(student=True)
def apply_now(request: PageRequest) -> HttpResponse:
    """To the student's application in the round that concerns them now."""
    round_ = rounds.current_round(request.user, now=timezone.now())
    if round_ is None:
        return render(request, "credits/student/no_round.html")
    return redirect("student_claim", code=round_.code)


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def apply(request: PageRequest, code: str) -> HttpResponse:
    """The draft with its choices. Sending it (without choices) begins one, or fills it up again with ``refresh``."""
    now = timezone.now()
    round_ = rounds.find_round(code)
    if request.method == "POST":
        draft.open_draft(request.user, round_, now=now, refresh="refresh" in request.POST)
        return redirect("student_claim", code=code)
    found = _own_claim(request, round_)
    if found is not None and found.status != Status.DRAFT:
        return redirect("claim", public_id=found.public_id)
    context: dict[str, object] = {
        "round": round_,
        "claim": found,
        "way": claim_timeline.claim_stations(found, round_, now=now),
        "open": round_.apply_from <= now < round_.apply_until,
        "early": now < round_.apply_from,
    }
    if found is not None:
        context |= draft_page(found, now=now)
    return render(request, "credits/student/apply.html", context)


@require_POST
@page(student=True)
def pick(request: PageRequest, code: str) -> HttpResponse:
    """Make the draft hold exactly what is ticked."""
    now = timezone.now()
    found = _open_draft(request, rounds.find_round(code))
    draft.require_applications_open(found.round, now)
    ticked = set(request.POST.getlist("item"))
    with transaction.atomic():
        offered = draft.draft_candidates(found, now=now)
        for one in offered:
            wanted = str(one.authorship.pk) in ticked
            if wanted and one.item is None and one.elsewhere is None:
                draft.add_item(found, one.authorship, by=request.user, now=now)
            elif one.item is not None and not wanted:
                draft.remove_item(one.item, by=request.user, now=now)
        # Of an account that is no longer linked: the page cannot show it, so nobody could take it out.
        for item in found.items.exclude(authorship__in=[one.authorship for one in offered]):
            draft.remove_item(item, by=request.user, now=now)
    if "submit" in request.POST:
        submit.submit(found, by=request.user, now=now)
        messages.success(request, _("Application submitted. An instructor will review it."))
        return redirect("claim", public_id=found.public_id)
    if request.htmx:
        context = {"claim": found, "round": found.round, "live": True, **draft_page(found, now=now)}
        return render(request, "credits/student/_estimate.html", context)
    return redirect("student_claim", code=code)


def _own_claim(request: PageRequest, round_: Round) -> Claim | None:
    return (
        Claim.objects.filter(user=request.user, round=round_)
        .exclude(status=Status.WITHDRAWN)
        .select_related("round__term", "user", "enrolment__programme__department")
        .first()
    )


def _open_draft(request: PageRequest, round_: Round) -> Claim:
    found = _own_claim(request, round_)
    if found is None:
        raise NotThere("no-draft", _("You have not started an application in this round."))
    if found.status != Status.DRAFT:
        raise Conflict(
            "claim-moved-on",
            _("Your application was already submitted, so nothing was changed."),
            _("Reload the page to see its current status."),
        )
    return found


def _current_estimate(request: PageRequest) -> Estimate | None:
    now = timezone.now()
    round_ = rounds.current_round(request.user, now=now)
    if round_ is None:
        return None
    try:
        return assess.estimate_claim(request.user, round_, now=now)
    except NotThere:
        return None


def _shown_after(own: QuerySet[Authorship], mark: str) -> QuerySet[Authorship]:
    """What follows the row that ``mark`` names (merge time and key of the last row shown); all where it is none."""
    own = own.order_by("-contribution__merged_at", "-pk")
    merged_at, _bar, pk = mark.partition("|")
    try:
        at = datetime.fromisoformat(merged_at)
        key = int(pk)
    except ValueError:
        return own
    if at.tzinfo is None or key >= 2**63:
        return own
    earlier = Q(contribution__merged_at__lt=at) | Q(contribution__merged_at=at, pk__lt=key)
    return own.filter(earlier)
