"""What a student's first page shows, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from credits.claims import rounds
from credits.claims.assessment import estimate as assess
from credits.claims.models import Claim, Round
from credits.claims.review import review
from credits.contributions.collecting.status import AccountStatus, statuses_for_person
from credits.errors import NotThere
from credits.ledger import entries
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import Outcome, RulebookDocument
from credits.web.presenters import claim_timeline, decision_rows
from credits.web.presenters.claim_timeline import TimelineStation
from credits.web.presenters.formatting import day, until

Status = Claim.Status


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next, or what to wait for. ``label`` is empty where there is nothing to press; ``begins`` says that
    pressing it begins an application (a form), otherwise it is a link."""

    title: str
    text: str
    label: str = ""
    address: str = ""
    begins: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """A claim of the student, or None and a round in which they may still apply; ``note`` says when."""

    round: Round
    claim: Claim | None
    address: str
    note: str = ""


@dataclass(slots=True)
class StudentDashboard:
    """All that the first page shows. ``estimate`` is None where none can be made."""

    accounts: list[AccountStatus]
    round: Round | None = None
    claim: Claim | None = None
    version: RulebookVersion | None = None
    rulebook: RulebookDocument | None = None
    estimate: Outcome | None = None
    this_term: Decimal = Decimal(0)
    in_all: Decimal = Decimal(0)
    way: list[TimelineStation] = field(default_factory=list)
    step: NextStep | None = None
    applications: list[ApplicationRow] = field(default_factory=list)

    @property
    def hoped(self) -> Decimal | None:
        """Credit that may still come from the open claim or draft."""
        closed = self.claim is not None and self.claim.status in {Status.RECORDED, Status.REFUSED}
        return None if closed or self.estimate is None else self.estimate.credit

    @property
    def shows_applications(self) -> bool:
        """Whether the list of applications says more than the next step and its way do."""
        told = [
            one
            for one in self.applications
            if one.round != self.round or (one.claim and one.claim.status != Status.DRAFT)
        ]
        return bool(told) or len(self.applications) > 1

    @property
    def counting(self) -> int:
        """Contributions that count by the estimate."""
        return sum(one.status == "counts" for one in self.estimate.contributions) if self.estimate else 0

    @property
    def collected(self) -> int | None:
        """Contributions held from the linked accounts; None while no account was ever collected completely."""
        known = [one.held for one in self.accounts if one.held is not None]
        return sum(known) if known else None


def read_dashboard(student: User, *, now: datetime) -> StudentDashboard:
    """Read the student's standing as of ``now``; nothing is stored."""
    found = StudentDashboard(statuses_for_person(student, now=now))
    found.round = rounds.current_round(student, now=now)
    if found.round is not None:
        found.claim = (
            Claim.objects.filter(user=student, round=found.round)
            .exclude(status=Status.WITHDRAWN)
            .select_related("result", "round__term", "version__rulebook")
            .first()
        )
        _add_rulebook(found, found.round, student, now=now)
    found.way = _timeline(found, now=now)
    found.step = next_step(found, now=now)
    found.applications = list_applications(student, now=now)
    return found


def list_applications(student: User, *, now: datetime) -> list[ApplicationRow]:
    """Rounds in which the student may still apply and has not, then every claim of theirs; each the newest first."""
    claims = list(
        Claim.objects.filter(user=student)
        .select_related("round")
        .order_by("-round__apply_from", "-round__pk", "-pk")
    )
    applied = {one.round_id for one in claims if one.status != Status.WITHDRAWN}
    free = Round.objects.filter(apply_until__gt=now).exclude(pk__in=applied)
    return [
        *(
            ApplicationRow(
                one,
                None,
                reverse("student_claim", args=[one.code]),
                claim_timeline.application_dates(one, now),
            )
            for one in free
        ),
        *(ApplicationRow(one.round, one, reverse("claim", args=[one.public_id])) for one in claims),
    ]


def next_step(found: StudentDashboard, *, now: datetime) -> NextStep:
    """The most urgent thing. A claim that waits for the student comes before everything else."""
    if found.claim is not None and found.claim.status != Status.DRAFT:
        return _claim_step(found.claim)
    if not found.accounts:
        return NextStep(
            _("Link your accounts"),
            _(
                "Tell us which GitHub and Gitee accounts are yours. We then collect your "
                "merged work automatically."
            ),
            _("Link an account"),
            reverse("student_accounts"),
        )
    if found.collected is None:
        return _collecting_step(found.accounts)
    if found.round is None:
        return NextStep(
            _("Nothing to do now"),
            _("No round has been announced yet. We keep collecting your contributions."),
            _("See my contributions"),
            reverse("student_contributions"),
        )
    return _round_step(found, found.round, now=now)


def _add_rulebook(found: StudentDashboard, round_: Round, student: User, *, now: datetime) -> None:
    try:
        enrolment = found.claim.enrolment if found.claim else assess.current_enrolment(student, now=now)
        found.version = (found.claim and found.claim.version) or rounds.version_for(round_, enrolment)
        found.estimate = assess.estimate_outcome(student, round_, now=now)
    except NotThere:
        return
    found.rulebook = rulebook_of(found.version)
    category = found.rulebook.category.code
    found.in_all = entries.recognised(student, category)
    found.this_term = entries.recognised(student, category, term=round_.term.code)


def _timeline(found: StudentDashboard, *, now: datetime) -> list[TimelineStation]:
    linked, collected = bool(found.accounts), found.collected is not None
    first = [
        TimelineStation(_("Link accounts"), "done" if linked else "here"),
        TimelineStation(_("Collect"), "done" if collected else "here" if linked else "todo"),
    ]
    if found.round is None:
        return first
    rest = claim_timeline.claim_stations(found.claim, found.round, now=now)
    if found.claim is None and not (linked and collected):
        rest[0] = TimelineStation(rest[0].name, "todo", rest[0].note)
    return [*first, *rest]


def _collecting_step(accounts: list[AccountStatus]) -> NextStep:
    address = reverse("student_accounts")
    if any(one.error for one in accounts):
        return NextStep(
            _("Collecting has not worked yet"),
            _("See the reason beside your account. We will try again automatically."),
            _("See why"),
            address,
        )
    return NextStep(
        _("Your contributions are being collected"),
        _("This takes a few minutes the first time. You can leave this page."),
        _("See progress"),
        address,
    )


def _round_step(found: StudentDashboard, round_: Round, *, now: datetime) -> NextStep:
    if now < round_.apply_from:
        return NextStep(
            _("Applications open on %(day)s") % {"day": day(round_.apply_from)},
            _("Until then, check your collected contributions and see whether something is missing."),
            _("See my contributions"),
            reverse("student_contributions"),
        )
    if now >= round_.apply_until:
        return NextStep(
            _("Applications in this round are closed"),
            _("You keep your contributions and can apply for them in the next round."),
            _("See my contributions"),
            reverse("student_contributions"),
        )
    if not found.counting:
        return NextStep(
            _("Nothing is eligible under the rulebook yet"),
            _("See the reason beside each contribution, or add one that is missing."),
            _("See why"),
            reverse("student_contributions"),
        )
    begun = found.claim is not None
    return NextStep(
        _("Apply by %(day)s") % {"day": until(round_.apply_until)},
        _("Choose your contributions, check the estimate, and submit."),
        _("Continue my application") if begun else _("Start my application"),
        reverse("student_claim", args=[round_.code]),
        begins=not begun,
    )


def _claim_step(claim: Claim) -> NextStep:
    address = reverse("claim", args=[claim.public_id])
    if claim.status == Status.HEARING and review.is_answered(claim):
        return NextStep(
            _("Your response was sent to the reviewer"),
            _("There is nothing for you to do. The reviewer will read it and decide."),
            _("See my application"),
            address,
        )
    if claim.status == Status.HEARING:
        return NextStep(
            _("Respond by %(day)s") % {"day": until(claim.hearing_until)},
            _("The reviewer proposes less credit than you applied for. Read the reasons and respond."),
            _("Read and respond"),
            address,
        )
    if claim.status == Status.SUBMITTED:
        stage = decision_rows.current_stage_label(claim)
        return NextStep(
            _("Your application is under review: %(stage)s") % {"stage": stage}
            if stage
            else _("An instructor is reviewing your application"),
            _("There is nothing for you to do. The review ends by %(day)s.")
            % {"day": until(claim.round.review_until)},
            _("See my application"),
            address,
        )
    if claim.status == Status.NOTICE:
        return NextStep(
            _("Approved and on public notice"),
            _("The public notice ends on %(day)s; then the registrar records your credit.")
            % {"day": until(claim.notice_until)},
            _("See my application"),
            address,
        )
    if claim.status == Status.RECORDED:
        return NextStep(
            _("Your credit is recorded"),
            _("It is in the ledger and on your transcript."),
            _("See my transcript"),
            reverse("student_transcript"),
        )
    return NextStep(
        _("No credit was recognised in this round"),
        _("Read the reasons. This leaves no fail on your record, and you can apply again in the next round."),
        _("Read the reasons"),
        address,
    )
