"""Rounds: open one, find one, and which rulebook is in force in it for whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.calendar import date_lists, terms
from accounts.models import Enrolment, Programme, StaffRole, Term, User
from accounts.permissions import require, require_for_university
from credits.claims.locking import lock_rulebooks
from credits.claims.models import Claim, Round, RoundRulebook
from credits.errors import Conflict, CreditsError, NotThere
from credits.rulebooks.models import RulebookVersion

YEARS = date_lists.YEARS
"""Years in which a round may lie, as a term does."""


@dataclass(frozen=True, slots=True)
class RulebookInForce:
    """A rulebook version for everyone, or for a programme, an entry year, or both."""

    version: RulebookVersion
    programme: Programme | None = None
    year: int | None = None


@transaction.atomic
def open_round(
    *,
    code: str,
    term: Term,
    name_zh: str,
    name_en: str,
    apply_from: datetime,
    apply_until: datetime,
    review_until: datetime,
    record_from: datetime,
    record_until: datetime,
    rulebooks: Sequence[RulebookInForce | RulebookVersion],
    by: User,
    now: datetime,
) -> Round:
    """Make a round with the rulebooks in force in it. All times are instants; an ``until`` no longer counts.

    Raises NotAllowed unless ``by`` is a registrar; CreditsError for dates out of order or outside :data:`YEARS`, no
    rulebook, or one that is not published; Conflict where the code is taken.
    """
    require(by, StaffRole.Role.REGISTRAR)
    in_force = [one if isinstance(one, RulebookInForce) else RulebookInForce(one) for one in rulebooks]
    _refuse_dates_out_of_order(apply_from, apply_until, review_until, record_from, record_until)
    _refuse_rulebooks(in_force)
    made, is_new = Round.objects.get_or_create(
        code=code,
        defaults={
            "term": term,
            "name_zh": name_zh,
            "name_en": name_en,
            "apply_from": apply_from,
            "apply_until": apply_until,
            "review_until": review_until,
            "record_from": record_from,
            "record_until": record_until,
        },
    )
    if not is_new:
        raise Conflict(
            "round-exists",
            _("There is already a round with the code “%(code)s”.") % {"code": code},
            _("Choose another code."),
        )
    RoundRulebook.objects.bulk_create(
        RoundRulebook(round=made, version=one.version, programme=one.programme, year=one.year)
        for one in in_force
    )
    audit.record(
        "round-opened",
        made,
        by=by,
        now=now,
        code=code,
        term=term.code,
        rulebooks=[str(one.version) for one in in_force],
    )
    return made


@transaction.atomic
def put_in_force(round_: Round, one: RulebookInForce, *, by: User, now: datetime) -> RoundRulebook:
    """Put another rulebook in force in a round, for those whom ``one`` names, before anybody has applied.

    Raises NotAllowed unless ``by`` is a registrar for the whole university; Conflict where the version is not
    published, where another is in force for the same programme and year, and once a claim was submitted.
    """
    require_for_university(by, StaffRole.Role.REGISTRAR)
    _refuse_rulebooks([one])
    _refuse_once_submitted(round_)
    if RoundRulebook.objects.filter(round=round_, programme=one.programme, year=one.year).exists():
        raise Conflict(
            "rulebook-in-force",
            _("These students already have a rulebook in force."),
            _("Remove it first, or choose other students."),
        )
    made = RoundRulebook.objects.create(
        round=round_, version=one.version, programme=one.programme, year=one.year
    )
    _audit_in_force("rulebook-put-in-force", made, by=by, now=now)
    return made


@transaction.atomic
def take_out_of_force(row: RoundRulebook, *, by: User, now: datetime) -> None:
    """Take a rulebook away from a round, before anybody has applied; for its students the next one that names them
    is then in force. Raises as :func:`put_in_force` does, and Conflict for the last one and one that is gone."""
    require_for_university(by, StaffRole.Role.REGISTRAR)
    _refuse_once_submitted(row.round)
    rows = list(RoundRulebook.objects.filter(round=row.round).values_list("pk", flat=True))
    if row.pk not in rows:
        raise Conflict(
            "rulebook-not-in-force",
            _("This rulebook was already removed."),
            _("Reload the page to see which rulebook is in force."),
        )
    if len(rows) == 1:
        raise Conflict(
            "last-rulebook",
            _("A round needs at least one rulebook, and this is the last one."),
            _("Put another rulebook in force first."),
        )
    _audit_in_force("rulebook-taken-out-of-force", row, by=by, now=now)
    row.delete()


@transaction.atomic
def change_term(
    term: Term,
    *,
    name_zh: str,
    name_en: str,
    starts_on: date,
    ends_on: date,
    days_off: Iterable[date],
    days_worked: Iterable[date],
    by: User,
    now: datetime,
) -> Term:
    """Change a term as :func:`accounts.calendar.terms.change` does; its first and last day
    only while no round is in it, since rulebooks count by them. Raises Conflict otherwise."""
    moved = (starts_on, ends_on) != (term.starts_on, term.ends_on)
    if moved and Round.objects.filter(term=term).exists():
        raise Conflict(
            "term-has-rounds",
            _("This term has rounds, so its start and end dates cannot be changed."),
            _("You can still change its names, holidays and weekend working days."),
        )
    return terms.change(
        term,
        name_zh=name_zh,
        name_en=name_en,
        starts_on=starts_on if moved else None,
        ends_on=ends_on if moved else None,
        days_off=days_off,
        days_worked=days_worked,
        by=by,
        now=now,
    )


def rounds_open_now(*, now: datetime) -> QuerySet[Round]:
    """Rounds in which students may apply now, the newest first."""
    return Round.objects.filter(apply_from__lte=now, apply_until__gt=now).select_related("term")


def newest_round(*, now: datetime | None = None) -> Round | None:
    """The round that began last, with ``now`` one that has begun where there is any; None where there was never
    one."""
    known = Round.objects.select_related("term")
    begun = known.filter(apply_from__lte=now).first() if now is not None else None
    return begun or known.first()


def current_round(user: User, *, now: datetime) -> Round | None:
    """The round that concerns this student at ``now``; None where there was never one.

    First the one in which an answer is asked of them, the soonest due before others; then one in which their claim
    waits for somebody else; then one that takes applications; then the newest that has begun, or will begin.
    """
    waiting = Q(status__in=[Claim.Status.SUBMITTED, Claim.Status.NOTICE])
    refused = Q(status=Claim.Status.REFUSED, result=None)
    claims = Claim.objects.filter(user=user).select_related("round__term")
    theirs = (
        claims.filter(status=Claim.Status.HEARING).order_by("hearing_until").first()
        or claims.filter(waiting | refused).order_by("-round__apply_from", "-round__pk").first()
    )
    if theirs is not None:
        return theirs.round
    return rounds_open_now(now=now).first() or newest_round(now=now)


def find_round(code: str | None, *, now: datetime | None = None) -> Round:
    """The round with this code, the newest (see :func:`newest`) where none is named; NotThere where there is none."""
    found = Round.objects.select_related("term").filter(code=code).first() if code else newest_round(now=now)
    if found is None:
        raise NotThere(
            "no-such-round",
            _("There is no round “%(code)s”.") % {"code": code} if code else _("There is no round yet."),
            _("Registrars open rounds."),
        )
    return found


def version_for(round_: Round, enrolment: Enrolment) -> RulebookVersion:
    """The version in force for this enrolment in the round (invariant 6): the row for programme and year, else for
    the programme, else for the year, else for everyone. NotThere where none applies."""
    rows = list(
        RoundRulebook.objects.filter(
            Q(programme=None) | Q(programme=enrolment.programme_id),
            Q(year=None) | Q(year=enrolment.year),
            round=round_,
        ).select_related("version__rulebook")
    )
    if not rows:
        raise NotThere(
            "no-rulebook-in-force",
            _("No rulebook is in force for your programme and entry year in this round."),
            _("Contact the registrar's office."),
        )
    return max(rows, key=lambda row: (row.programme_id is not None, row.year is not None)).version


def _refuse_dates_out_of_order(
    apply_from: datetime,
    apply_until: datetime,
    review_until: datetime,
    record_from: datetime,
    record_until: datetime,
) -> None:
    dates = (apply_from, apply_until, review_until, record_from, record_until)
    if any(one.year not in YEARS for one in dates):
        raise CreditsError(
            "round-dates",
            _("The dates of a round must be in the years %(first)s to %(last)s.")
            % {"first": YEARS[0], "last": YEARS[-1]},
            _("Correct the dates."),
        )
    in_order = apply_from < apply_until <= review_until and apply_from <= record_from < record_until
    if not in_order:
        raise CreditsError(
            "round-dates",
            _(
                "The dates of a round are out of order: applications come before review, and "
                "recording opens before it closes."
            ),
            _("Correct the dates."),
        )


def _refuse_rulebooks(in_force: Sequence[RulebookInForce]) -> None:
    if not in_force:
        raise CreditsError(
            "round-without-rulebook", _("A round needs a rulebook."), _("Choose a published version.")
        )
    for one in in_force:
        if one.version.status != RulebookVersion.Status.PUBLISHED:
            raise Conflict(
                "rulebook-not-published",
                _("%(version)s is not published.") % {"version": one.version},
                _("Choose a published version."),
            )
    if len({(one.programme and one.programme.pk, one.year) for one in in_force}) < len(in_force):
        raise Conflict(
            "rulebook-twice", _("Two rulebooks are given for the same students."), _("Keep one of them.")
        )


def _refuse_once_submitted(round_: Round) -> None:
    """What is in force stands from the first submission on (a trigger holds it); the lock has those wait who are
    submitting right now, and us for them."""
    lock_rulebooks(round_)
    if Claim.objects.filter(round=round_, submitted_at__isnull=False).exists():
        raise Conflict(
            "round-has-claims",
            _("Students have already applied in this round, so its rulebooks cannot be changed."),
            _("You can put another rulebook in force in the next round."),
        )


def _audit_in_force(action: str, row: RoundRulebook, *, by: User, now: datetime) -> None:
    audit.record(
        action,
        row.round,
        by=by,
        now=now,
        round=row.round.code,
        version=str(row.version),
        programme=str(row.programme) if row.programme else None,
        year=row.year,
    )
