"""The tables of rounds, claims, assessments, decisions, results and simulations."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import Enrolment, Programme, Term
from credits.contributions.models import Authorship, Recheck
from credits.rulebooks.models import RulebookVersion

CLAIM_RELATIONS = ("round__term", "user", "enrolment__programme__department", "version__rulebook")
"""The rows that almost every use of a claim needs, for ``select_related``."""


class Round(models.Model):
    """认定批次: one cycle of application, review, notice and recording within a term.

    All times are instants. An ``until`` is exclusive: it is the first instant outside the period.
    """

    code = models.SlugField(_("code"), max_length=60, unique=True)
    term = models.ForeignKey(Term, models.PROTECT, related_name="rounds")
    name_zh = models.CharField(_("Chinese name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=120)
    apply_from = models.DateTimeField(_("applications open"))
    apply_until = models.DateTimeField(_("applications close"))
    review_until = models.DateTimeField(_("review closes"))
    record_from = models.DateTimeField(_("recording opens"))
    record_until = models.DateTimeField(_("recording closes"))

    class Meta:
        ordering = ["-apply_from", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(apply_until__gt=F("apply_from"))
                & Q(review_until__gte=F("apply_until"))
                & Q(record_until__gt=F("record_from"))
                & Q(record_from__gte=F("apply_from")),
                name="round_dates_follow_each_other",
            )
        ]

    def __str__(self) -> str:
        return self.name_zh if (get_language() or "").startswith("zh") else self.name_en


class RoundRulebook(models.Model):
    """The rulebook version in force in a round, for everyone or for a programme or an entry cohort (invariant 6).

    The most specific row applies, in this order: programme and year, programme, year, everyone.
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="rulebooks")
    version = models.ForeignKey(RulebookVersion, models.PROTECT, related_name="rounds")
    programme = models.ForeignKey(Programme, models.PROTECT, null=True, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["round", "programme", "year"], name="one_rulebook_in_force", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.round.code}: {self.version}"


class Claim(models.Model):
    """学分认定申请: a student's application in a round.

    ``facts`` and ``version`` are frozen and digested at submission. After that they never change; a trigger enforces
    it. The dates are gates: nothing is refused or reduced before ``hearing_until``, and nothing is recorded before
    ``notice_until``.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        SUBMITTED = "submitted", _("waiting for review")
        HEARING = "hearing", _("your response is needed")
        NOTICE = "notice", _("on public notice")
        RECORDED = "recorded", _("recorded")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    round = models.ForeignKey(Round, models.PROTECT, related_name="claims")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="claims")
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="claims")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    version = models.ForeignKey(RulebookVersion, models.PROTECT, null=True, related_name="claims")
    facts = models.JSONField(null=True)
    facts_digest = models.CharField(max_length=64, blank=True)
    stage = models.PositiveSmallIntegerField(default=1)
    """The current stage of review, from 1; after the review, the last stage."""
    stage_by = models.CharField(max_length=30, default="instructors")
    """Who reviews at that stage, in the rulebook's words; review queues filter by it."""
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    hearing_until = models.DateTimeField(null=True)
    notice_from = models.DateTimeField(null=True)
    notice_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["round", "user"], condition=~Q(status="withdrawn"), name="one_claim_a_round"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "withdrawn"])
                | Q(version__isnull=False, facts__isnull=False, submitted_at__isnull=False),
                name="submitted_claim_is_frozen",
            ),
        ]
        indexes = [models.Index(fields=["round", "status"], name="claims_waiting")]

    def __str__(self) -> str:
        return f"{self.enrolment.student_number} in {self.round.code}"


class ClaimItem(models.Model):
    """A share of a contribution in a claim.

    A share is in at most one live claim (invariant 3). The item stops being live when the claim is withdrawn or the
    item is finally refused; the share can then be claimed again.
    """

    claim = models.ForeignKey(Claim, models.CASCADE, related_name="items")
    authorship = models.ForeignKey(Authorship, models.PROTECT, related_name="claim_items")
    live = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["claim", "authorship"], name="item_stands_once_in_claim"),
            models.UniqueConstraint(fields=["authorship"], condition=Q(live=True), name="one_live_claim"),
        ]

    def __str__(self) -> str:
        return str(self.authorship)


class Assessment(models.Model):
    """预核算: the outcome of a rulebook version for frozen facts, with its trace. It never changes and binds nobody."""

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="assessments")
    version = models.ForeignKey(RulebookVersion, models.PROTECT, related_name="assessments")
    facts = models.JSONField()
    facts_digest = models.CharField(max_length=64)
    outcome = models.JSONField()
    outcome_digest = models.CharField(max_length=64)
    points = models.DecimalField(max_digits=10, decimal_places=4)
    credit = models.DecimalField(max_digits=6, decimal_places=2)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["made_at", "pk"]

    def __str__(self) -> str:
        return f"{self.claim}: {self.credit}"


class Decision(models.Model):
    """审核意见: a reviewer's decision in one stage of review, with reasons and the assessment that their lines give.

    A decision that refuses or reduces is ``proposed`` first. It becomes final only after the student had days to
    answer. Nobody decides on their own claim (invariant 8; a trigger enforces it).
    """

    class Verdict(models.TextChoices):
        APPROVE = "approve", _("approved")
        REDUCE = "reduce", _("partly approved")
        REFUSE = "refuse", _("refused")

    class Standing(models.TextChoices):
        PROPOSED = "proposed", _("proposed, awaiting response")
        FINAL = "final", _("final")
        REPLACED = "replaced", _("replaced by a later decision")

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="decisions")
    stage = models.PositiveSmallIntegerField(default=1)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    standing = models.CharField(max_length=10, choices=Standing.choices)
    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="decisions")
    lines = models.JSONField(default=dict)
    """``{ref of the contribution: {accepted: bool, awarded: {criterion: decimal text}, reason: text}}``"""
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="decisions")
    decided_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    """Who made the proposal final after the student had days to answer; None for a decision that was final at once."""
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["decided_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["claim", "stage"], condition=Q(standing="final"), name="one_final_decision_a_stage"
            ),
            models.UniqueConstraint(
                fields=["claim", "stage"], condition=Q(standing="proposed"), name="one_open_proposal_a_stage"
            ),
            models.CheckConstraint(
                condition=Q(verdict="approve") | ~Q(reason=""), name="refusal_names_its_reason"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None, confirmed_at=None)
                | Q(confirmed_by__isnull=False, confirmed_at__isnull=False, standing="final"),
                name="what_is_confirmed_is_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claim}: {self.verdict}"


class HearingAnswer(models.Model):
    """The student's answer to a proposed decision."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="answer")
    text = models.TextField()
    answered_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.text[:40]


class ClaimFlag(models.Model):
    """A finding of a recheck after the facts were frozen.

    It decides nothing by itself. A reviewer must answer it before the result can be recorded.
    """

    claim = models.ForeignKey(Claim, models.PROTECT, related_name="flags")
    ref = models.CharField(max_length=300)
    finding = models.CharField(max_length=20, choices=Recheck.Finding.choices)
    fact = models.CharField(max_length=500, blank=True)
    found_at = models.DateTimeField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["found_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["claim", "ref", "finding"], name="flag_raised_once"),
            models.CheckConstraint(
                condition=Q(answered_by=None, answered_at=None)
                | (Q(answered_by__isnull=False, answered_at__isnull=False) & ~Q(answer="")),
                name="flag_is_answered_in_words",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claim}: {self.finding}"


class Result(models.Model):
    """认定结果: the outcome after the last stage, recorded by a registrar.

    ``credit`` zero means that nothing was recognised: there is no ledger entry, and no fail is recorded anywhere.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    claim = models.OneToOneField(Claim, models.PROTECT, related_name="result")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="result")
    credit = models.DecimalField(max_digits=6, decimal_places=2)
    points = models.DecimalField(max_digits=10, decimal_places=4)
    points_carried = models.DecimalField(max_digits=10, decimal_places=4)
    grade = models.CharField(max_length=20, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.claim}: {self.credit}"


class Simulation(models.Model):
    """A rulebook tried on the claims of a round: who gains and who loses. It decides nothing and changes no claim.

    ``canonical`` is the tried rulebook (a draft as it was then, or a stored ``version``). It is compared with
    ``against``, or with each claim's own version if ``against`` is None. A worker processes the claims in the order of
    their public ids, which reveal nothing about a person. ``cursor`` is the id of the last processed claim, and
    ``tally`` the sums up to it; both are written with the changes in one transaction.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting to run")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(max_length=60)
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    canonical = models.TextField()
    digest = models.CharField(max_length=64)
    version = models.ForeignKey(RulebookVersion, models.PROTECT, null=True, related_name="simulations")
    against = models.ForeignKey(RulebookVersion, models.PROTECT, null=True, related_name="+")
    round = models.ForeignKey(Round, models.PROTECT, related_name="simulations")
    programme = models.ForeignKey(Programme, models.PROTECT, null=True, related_name="+")
    departments = models.JSONField(null=True)
    """Keys of the departments that it is limited to, which are the steward's; null means all."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    total = models.PositiveIntegerField(default=0)
    cursor = models.UUIDField(null=True)
    tally = models.JSONField(default=dict)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.code} on {self.round.code}"

    @property
    def title(self) -> str:
        """Return the tried rulebook's title in the reader's language."""
        return self.title_zh if (get_language() or "").startswith("zh") else self.title_en


class SimulationChange(models.Model):
    """A claim for which the tried rulebook gives different points or credit.

    Pages show ``ordinal`` in place of the person's name. ``assessment`` has the facts that both rulebooks were given.
    """

    simulation = models.ForeignKey(Simulation, models.CASCADE, related_name="changes")
    ordinal = models.PositiveIntegerField()
    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="+")
    credit_before = models.DecimalField(max_digits=9, decimal_places=2)
    credit_after = models.DecimalField(max_digits=9, decimal_places=2)
    points_before = models.DecimalField(max_digits=14, decimal_places=4)
    points_after = models.DecimalField(max_digits=14, decimal_places=4)

    class Meta:
        ordering = ["simulation", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["simulation", "ordinal"], name="change_numbered_once"),
        ]

    def __str__(self) -> str:
        return f"{self.simulation} {self.ordinal}: {self.credit_before} → {self.credit_after}"

    @property
    def credit_change(self) -> Decimal:
        """Return credit after minus credit before."""
        return self.credit_after - self.credit_before

    @property
    def points_change(self) -> Decimal:
        """Return points after minus points before."""
        return self.points_after - self.points_before
