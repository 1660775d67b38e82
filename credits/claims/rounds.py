"""Rounds: open and find them, and manage which rulebook is in force in a round for which students."""

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
"""Years that the dates of a round may be in, as for a term."""


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
    """Create a round with the rulebooks in force in it. All times are instants; each ``until`` is exclusive.

    Raises NotAllowed unless ``by`` is a registrar; CreditsError if dates are out of order or outside :data:`YEARS`, or
    if there is no rulebook; Conflict if a rulebook is not published, two are for the same students, or the code is
    taken.
    """
    require(by, StaffRole.Role.REGISTRAR)
    in_force = [
        rulebook if isinstance(rulebook, RulebookInForce) else RulebookInForce(rulebook)
        for rulebook in rulebooks
    ]
    _refuse_dates_out_of_order(apply_from, apply_until, review_until, record_from, record_until)
    _refuse_rulebooks(in_force)
    round_, is_new = Round.objects.get_or_create(
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
        RoundRulebook(
            round=round_, version=rulebook.version, programme=rulebook.programme, year=rulebook.year
        )
        for rulebook in in_force
    )
    audit.record(
        "round-opened",
        round_,
        by=by,
        now=now,
        code=code,
        term=term.code,
        rulebooks=[str(rulebook.version) for rulebook in in_force],
    )
    return round_


@transaction.atomic
def put_in_force(round_: Round, rulebook: RulebookInForce, *, by: User, now: datetime) -> RoundRulebook:
    """Put another rulebook in force in a round, for the students that ``rulebook`` names.

    Raises NotAllowed unless ``by`` is a registrar for the whole university; Conflict if the version is not published,
    if another is in force for the same programme and year, or if a claim was submitted in the round.
    """
    require_for_university(by, StaffRole.Role.REGISTRAR)
    _refuse_rulebooks([rulebook])
    _refuse_once_submitted(round_)
    if RoundRulebook.objects.filter(round=round_, programme=rulebook.programme, year=rulebook.year).exists():
        raise Conflict(
            "rulebook-in-force",
            _("These students already have a rulebook in force."),
            _("Remove it first, or choose other students."),
        )
    row = RoundRulebook.objects.create(
        round=round_, version=rulebook.version, programme=rulebook.programme, year=rulebook.year
    )
    _audit_in_force("rulebook-put-in-force", row, by=by, now=now)
    return row


@transaction.atomic
def take_out_of_force(row: RoundRulebook, *, by: User, now: datetime) -> None:
    """Remove a rulebook from a round. For its students, the next most specific rulebook is then in force.

    Raises as :func:`put_in_force`, and Conflict if it is the round's last rulebook or was already removed.
    """
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
    """Change a term as :func:`accounts.calendar.terms.change` does.

    Raises Conflict if the first or last day would change and a round is in the term: rulebooks use these days.
    """
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
    """Return the rounds in which students may apply at ``now``, newest first."""
    return Round.objects.filter(apply_from__lte=now, apply_until__gt=now).select_related("term")


def newest_round(*, now: datetime | None = None) -> Round | None:
    """Return the round with the latest ``apply_from``, or None if there is no round.

    With ``now``, prefer rounds that have begun by then.
    """
    rounds = Round.objects.select_related("term")
    begun = rounds.filter(apply_from__lte=now).first() if now is not None else None
    return begun or rounds.first()


def current_round(user: User, *, now: datetime) -> Round | None:
    """Return the round to show to this student at ``now``, or None if there is no round.

    In this order: a round in which the student must answer a proposal (the earliest deadline first), a round in which
    their claim waits for another person, a round that takes applications, the newest round that has begun, the newest
    round.
    """
    waiting = Q(status__in=[Claim.Status.SUBMITTED, Claim.Status.NOTICE])
    refused = Q(status=Claim.Status.REFUSED, result=None)
    claims = Claim.objects.filter(user=user).select_related("round__term")
    open_claim = (
        claims.filter(status=Claim.Status.HEARING).order_by("hearing_until").first()
        or claims.filter(waiting | refused).order_by("-round__apply_from", "-round__pk").first()
    )
    if open_claim is not None:
        return open_claim.round
    return rounds_open_now(now=now).first() or newest_round(now=now)


def find_round(code: str | None, *, now: datetime | None = None) -> Round:
    """Return the round with this code, or :func:`newest_round` without a code. Raises NotThere if there is none."""
    found = Round.objects.select_related("term").filter(code=code).first() if code else newest_round(now=now)
    if found is None:
        raise NotThere(
            "no-such-round",
            _("There is no round “%(code)s”.") % {"code": code} if code else _("There is no round yet."),
            _("Registrars open rounds."),
        )
    return found


def version_for(round_: Round, enrolment: Enrolment) -> RulebookVersion:
    """Return the version in force for this enrolment in the round (invariant 6).

    The row for programme and year applies first, then programme, then year, then everyone. Raises NotThere if no row
    applies.
    """
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
    if any(instant.year not in YEARS for instant in dates):
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
    for rulebook in in_force:
        if rulebook.version.status != RulebookVersion.Status.PUBLISHED:
            raise Conflict(
                "rulebook-not-published",
                _("%(version)s is not published.") % {"version": rulebook.version},
                _("Choose a published version."),
            )
    students = {(rulebook.programme and rulebook.programme.pk, rulebook.year) for rulebook in in_force}
    if len(students) < len(in_force):
        raise Conflict(
            "rulebook-twice", _("Two rulebooks are given for the same students."), _("Keep one of them.")
        )


def _refuse_once_submitted(round_: Round) -> None:
    """Raise Conflict if a claim was submitted in the round: from then on its rulebooks do not change (a trigger).

    The lock makes this change and submissions at the same moment wait for each other.
    """
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
