"""A student's first page: credit, progress, applications, and the most urgent next step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from credits.claims import rounds
from credits.claims.assessment.estimate import current_enrolment, estimate_outcome
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
    """What to do next, or what to wait for. ``label`` is the text of the button, empty if there is none; with
    ``begins`` the button is a form that starts an application, otherwise it is a link."""

    title: str
    text: str
    label: str = ""
    address: str = ""
    begins: bool = False


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """A round with the student's claim, or with None if they may still apply; ``note`` then says until when."""

    round: Round
    claim: Claim | None
    address: str
    note: str = ""


@dataclass(slots=True)
class StudentDashboard:
    """Everything that the first page shows. ``estimate`` is None if no rulebook applies to the student.

    ``this_term`` and ``in_all`` are recognised credits in the rulebook's category.
    """

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
        """Return the credit that the open claim or draft may still give."""
        closed = self.claim is not None and self.claim.status in {Status.RECORDED, Status.REFUSED}
        return None if closed or self.estimate is None else self.estimate.credit

    @property
    def shows_applications(self) -> bool:
        """Return whether the list of applications adds anything to the next step and the timeline."""
        return len(self.applications) > 1 or any(
            row.round != self.round or (row.claim is not None and row.claim.status != Status.DRAFT)
            for row in self.applications
        )

    @property
    def counting(self) -> int:
        """Return the number of contributions that count by the estimate."""
        if self.estimate is None:
            return 0
        return sum(contribution.status == "counts" for contribution in self.estimate.contributions)

    @property
    def collected(self) -> int | None:
        """Return the number of stored contributions, or None if no account was ever collected completely."""
        known = [
            account.contribution_count for account in self.accounts if account.contribution_count is not None
        ]
        return sum(known) if known else None


def read_dashboard(student: User, *, now: datetime) -> StudentDashboard:
    """Read everything that the student's first page shows at ``now``. Store nothing."""
    dashboard = StudentDashboard(statuses_for_person(student, now=now))
    dashboard.round = rounds.current_round(student, now=now)
    if dashboard.round is not None:
        dashboard.claim = (
            Claim.objects.filter(user=student, round=dashboard.round)
            .exclude(status=Status.WITHDRAWN)
            .select_related("result", "round__term", "version__rulebook")
            .first()
        )
        _add_rulebook(dashboard, dashboard.round, student, now=now)
    dashboard.way = _timeline(dashboard, now=now)
    dashboard.step = next_step(dashboard, now=now)
    dashboard.applications = list_applications(student, now=now)
    return dashboard


def list_applications(student: User, *, now: datetime) -> list[ApplicationRow]:
    """List the rounds in which the student can still apply and has not, then all their claims; each newest first."""
    claims = list(
        Claim.objects.filter(user=student)
        .select_related("round")
        .order_by("-round__apply_from", "-round__pk", "-pk")
    )
    applied = {claim.round_id for claim in claims if claim.status != Status.WITHDRAWN}
    free = Round.objects.filter(apply_until__gt=now).exclude(pk__in=applied)
    return [
        *(
            ApplicationRow(
                round_,
                None,
                reverse("student_claim", args=[round_.code]),
                claim_timeline.application_dates(round_, now),
            )
            for round_ in free
        ),
        *(ApplicationRow(claim.round, claim, reverse("claim", args=[claim.public_id])) for claim in claims),
    ]


def next_step(dashboard: StudentDashboard, *, now: datetime) -> NextStep:
    """Return the most urgent step. A claim that is already submitted comes before everything else."""
    if dashboard.claim is not None and dashboard.claim.status != Status.DRAFT:
        return _claim_step(dashboard.claim)
    if not dashboard.accounts:
        return NextStep(
            _("Link your accounts"),
            _(
                "Tell us which GitHub and Gitee accounts are yours. We then collect your "
                "merged work automatically."
            ),
            _("Link an account"),
            reverse("student_accounts"),
        )
    if dashboard.collected is None:
        return _collecting_step(dashboard.accounts)
    if dashboard.round is None:
        return NextStep(
            _("Nothing to do now"),
            _("No round has been announced yet. We keep collecting your contributions."),
            _("See my contributions"),
            reverse("student_contributions"),
        )
    return _round_step(dashboard, dashboard.round, now=now)


def _add_rulebook(dashboard: StudentDashboard, round_: Round, student: User, *, now: datetime) -> None:
    try:
        enrolment = dashboard.claim.enrolment if dashboard.claim else current_enrolment(student, now=now)
        dashboard.version = (dashboard.claim and dashboard.claim.version) or rounds.version_for(
            round_, enrolment
        )
        dashboard.estimate = estimate_outcome(student, round_, now=now)
    except NotThere:
        return
    dashboard.rulebook = rulebook_of(dashboard.version)
    category = dashboard.rulebook.category.code
    dashboard.in_all = entries.recognised(student, category)
    dashboard.this_term = entries.recognised(student, category, term=round_.term.code)


def _timeline(dashboard: StudentDashboard, *, now: datetime) -> list[TimelineStation]:
    linked, collected = bool(dashboard.accounts), dashboard.collected is not None
    first = [
        TimelineStation(_("Link accounts"), "done" if linked else "here"),
        TimelineStation(_("Collect"), "done" if collected else "here" if linked else "todo"),
    ]
    if dashboard.round is None:
        return first
    rest = claim_timeline.claim_stations(dashboard.claim, dashboard.round, now=now)
    if dashboard.claim is None and not (linked and collected):
        rest[0] = TimelineStation(rest[0].name, "todo", rest[0].note)
    return [*first, *rest]


def _collecting_step(accounts: list[AccountStatus]) -> NextStep:
    address = reverse("student_accounts")
    if any(account.error for account in accounts):
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


def _round_step(dashboard: StudentDashboard, round_: Round, *, now: datetime) -> NextStep:
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
    if not dashboard.counting:
        return NextStep(
            _("Nothing is eligible under the rulebook yet"),
            _("See the reason beside each contribution, or add one that is missing."),
            _("See why"),
            reverse("student_contributions"),
        )
    begun = dashboard.claim is not None
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
