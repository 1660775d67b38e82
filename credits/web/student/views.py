"""The student's pages: overview, accounts, contributions and shares, application, transcript."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
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
from credits.claims.models import Claim, Round
from credits.contributions import attested_work, queries, shares
from credits.contributions.collecting import add_by_url, collect
from credits.contributions.models import AttestedWork, ShareProposal
from credits.errors import Conflict, CreditsError, NotThere
from credits.forges.protocol import Forge
from credits.records.transcript import make_transcript
from credits.web.core import pagination
from credits.web.core.access import PageRequest, page
from credits.web.core.form_submission import submit_form
from credits.web.presenters import claim_timeline, dashboard
from credits.web.presenters.accounts import collection_context
from credits.web.presenters.claim_draft import draft_context
from credits.web.presenters.contribution import contribution_context, contribution_list_context
from credits.web.student.forms import AttestedWorkForm, PullRequestForm, read_share

CONTRIBUTIONS_SHOWN = 50
"""Contributions on one page of the list."""

Status = Claim.Status


@require_safe
@page(student=True)
def home(request: PageRequest) -> HttpResponse:
    """Show the student's first page, with one next step."""
    return render(
        request,
        "credits/student/home.html",
        {"standing": dashboard.read_dashboard(request.user, now=timezone.now())},
    )


@require_safe
@page(student=True)
def contributions(request: PageRequest) -> HttpResponse:
    """Show the student's contributions, newest merge first, with whether each counts and why."""
    own = pagination.rows_before(
        queries.authorships_of(request.user), "contribution__merged_at", request.GET.get("after", "")
    )
    shown = pagination.read_page(own, CONTRIBUTIONS_SHOWN)
    last = shown.last
    context = contribution_list_context(request.user, shown.rows, now=timezone.now()) | {
        "after": pagination.time_mark(last.contribution.merged_at, last.pk) if last else "",
        "begun": "after" in request.GET,
    }
    return render(request, "credits/student/contributions.html", context)


@require_safe
@page(student=True)
def transcript(request: PageRequest) -> HttpResponse:
    """Show the student's recognised credit, ready to print."""
    shown = make_transcript(request.user, by=request.user, now=timezone.now())
    return render(request, "credits/transcript.html", {"transcript": shown})


@require_safe
@page(student=True)
def accounts(request: PageRequest) -> HttpResponse:
    """Show the forges, with the student's accounts on them."""
    return _accounts_page(request, PullRequestForm())


@require_safe
@page(student=True)
def collection(request: PageRequest) -> HttpResponse:
    """Show how far collecting is: the fragment that the page requests again while it runs."""
    return _collection_fragment(request)


@require_POST
@page(student=True)
def collect_now(request: PageRequest) -> HttpResponse:
    """Request that the student's accounts are collected now."""
    linked = linking.accounts_of(request.user)
    if not linked:
        raise CreditsError("no-account", _("You have not linked an account yet."), _("Link one first."))
    collect.request_collection(linked, now=timezone.now())
    if request.htmx:
        return _collection_fragment(request)
    messages.success(request, _("Collecting was requested. It starts within a minute."))
    return redirect("student_accounts")


@require_POST
@page(student=True)
def add_pull_request(request: PageRequest) -> HttpResponse:
    """Fetch the pull request at the address that the student pasted."""
    form = PullRequestForm(request.POST)
    made, status = submit_form(
        form,
        lambda typed: add_by_url.add_pull_request(
            request.user, typed["address"], now=timezone.now(), forges=_all_forges()
        ),
    )
    if made is None:
        return _accounts_page(request, form, status=status)
    messages.success(request, _("“%(title)s” is now among your contributions.") % {"title": made.title})
    return redirect("student_contributions")


def _accounts_page(request: PageRequest, form: PullRequestForm, *, status: int = 200) -> HttpResponse:
    context = collection_context(request.user, now=timezone.now()) | {"form": form}
    return render(request, "credits/student/accounts.html", context, status=status)


def _collection_fragment(request: PageRequest) -> HttpResponse:
    context = collection_context(request.user, now=timezone.now())
    return render(request, "credits/student/_collection.html", context)


def _all_forges() -> dict[str, Forge]:
    return {name: forge(name) for name in forge_names()}


@require_safe
@page(student=True)
def contribution(request: PageRequest, pk: int) -> HttpResponse:
    """Show a contribution to a student who has a part in it."""
    return _contribution_page(request, pk)


@require_POST
@page(student=True)
def propose_shares(request: PageRequest, pk: int) -> HttpResponse:
    """Propose shares: percentages, in fields that are named by the key of each author's part."""
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
    """Accept or decline a co-author's proposal."""
    found = shares.contribution_for_participant(pk, request.user)
    proposed = get_object_or_404(found.share_proposals, pk=proposal)
    accept = request.POST.get("accept") == "yes"
    shares.answer(proposed, accept=accept, by=request.user, now=timezone.now())
    messages.success(request, _("You have accepted.") if accept else _("You have declined."))
    return redirect("student_contribution", pk=pk)


@require_POST
@page(student=True)
def withdraw_shares(request: PageRequest, pk: int, proposal: int) -> HttpResponse:
    """Withdraw the student's own proposal."""
    found = shares.contribution_for_participant(pk, request.user)
    proposed = get_object_or_404(found.share_proposals, pk=proposal)
    shares.withdraw(proposed, by=request.user, now=timezone.now())
    messages.success(request, _("Your proposal was withdrawn."))
    return redirect("student_contribution", pk=pk)


def _contribution_page(request: PageRequest, pk: int, *, error: CreditsError | None = None) -> HttpResponse:
    found = shares.contribution_for_participant(pk, request.user)
    return render(
        request,
        "credits/student/contribution.html",
        contribution_context(found, request.user) | {"error": error},
        status=error.status if error else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def attested_works(request: PageRequest) -> HttpResponse:
    """List the student's works that were merged another way, with the form that submits one."""
    form = AttestedWorkForm(request.POST or None, initial={"address": request.GET.get("address", "")})
    status = 200
    if request.method == "POST":
        made, status = submit_form(
            form,
            lambda typed: attested_work.submit_work(
                request.user,
                typed["address"],
                typed["commit"],
                now=timezone.now(),
                forges=_all_forges(),
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
def own_attested_work(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Show one of these works to its student."""
    work = attested_work.open_work(request.user, public_id, now=timezone.now())
    return _attested_work_page(request, work, token="")


@require_POST
@page(student=True)
@never_cache
def ask_maintainer(request: PageRequest, public_id: UUID) -> HttpResponse:
    """Make a one-time link for a maintainer, and show it. It cannot be shown again."""
    now = timezone.now()
    work = attested_work.open_work(request.user, public_id, now=now)
    token = attested_work.make_maintainer_link(work, by=request.user, now=now)
    return _attested_work_page(request, work, token=token)


def _attested_work_page(request: PageRequest, work: AttestedWork, *, token: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("maintainers_word", args=[token])) if token else ""
    return render(
        request,
        "credits/student/attested_work.html",
        {
            "work": work,
            "link": link,
            "valid_days": attested_work.LINK_VALID_FOR.days,
            "words": work.words.filter(used_at__isnull=False),
        },
    )


@require_safe
@page(student=True)
def current_application(request: PageRequest) -> HttpResponse:
    """Redirect to the student's application in the current round."""
    round_ = rounds.current_round(request.user, now=timezone.now())
    if round_ is None:
        return render(request, "credits/student/no_round.html")
    return redirect("student_claim", code=round_.code)


@require_http_methods(["GET", "HEAD", "POST"])
@page(student=True)
def application(request: PageRequest, code: str) -> HttpResponse:
    """Show the draft with its choices. A POST starts a draft; with ``refresh`` it adds everything eligible again."""
    now = timezone.now()
    round_ = rounds.find_round(code)
    if request.method == "POST":
        draft.open_draft(request.user, round_, now=now, refresh="refresh" in request.POST)
        return redirect("student_claim", code=code)
    found = draft.claim_in_round(request.user, round_)
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
        context |= draft_context(found, now=now)
    return render(request, "credits/student/apply.html", context)


@require_POST
@page(student=True)
def choose_contributions(request: PageRequest, code: str) -> HttpResponse:
    """Make the draft contain exactly the ticked contributions; with ``submit``, submit it."""
    now = timezone.now()
    found = _own_draft(request, rounds.find_round(code))
    draft.choose_items(found, set(request.POST.getlist("item")), by=request.user, now=now)
    if "submit" in request.POST:
        submit.submit(found, by=request.user, now=now)
        messages.success(request, _("Application submitted. An instructor will review it."))
        return redirect("claim", public_id=found.public_id)
    if request.htmx:
        context = {"claim": found, "round": found.round, "live": True, **draft_context(found, now=now)}
        return render(request, "credits/student/_estimate.html", context)
    return redirect("student_claim", code=code)


def _own_draft(request: PageRequest, round_: Round) -> Claim:
    found = draft.claim_in_round(request.user, round_)
    if found is None:
        raise NotThere("no-draft", _("You have not started an application in this round."))
    if found.status != Status.DRAFT:
        raise Conflict(
            "claim-moved-on",
            _("Your application was already submitted, so nothing was changed."),
            _("Reload the page to see its current status."),
        )
    return found
