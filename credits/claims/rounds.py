"""Rounds: open one, find one, and which rulebook is in force in it for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import Enrolment, Programme, StaffRole, Term, User
from accounts.permissions import require
from credits.claims.models import Claim, Round, RoundRulebook
from credits.errors import Conflict, CreditsError, NotThere
from credits.rulebooks.models import RulebookVersion

YEARS = range(2000, 2101)
"""Years in which a round may lie. A slip of the pen such as 0025 is none, and no page could show its local time."""


@dataclass(frozen=True, slots=True)
class InForce:
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
    rulebooks: Sequence[InForce | RulebookVersion],
    by: User,
    now: datetime,
) -> Round:
    """Make a round with the rulebooks in force in it. All times are instants; an ``until`` no longer counts.

    Raises NotAllowed unless ``by`` is a registrar; CreditsError for dates out of order or outside :data:`YEARS`, no
    rulebook, or one that is not published; Conflict where the code is taken.
    """
    require(by, StaffRole.Role.REGISTRAR)
    in_force = [one if isinstance(one, InForce) else InForce(one) for one in rulebooks]
    _refuse_dates_out_of_order(apply_from, apply_until, review_until, record_from, record_until)
    _refuse_rulebooks(in_force)
    if Round.objects.filter(code=code).exists():
        raise Conflict(
            "round-exists",
            _("There is already a round “%(code)s”.") % {"code": code},
            _("Choose another code."),
        )
    made = Round.objects.create(
        code=code,
        term=term,
        name_zh=name_zh,
        name_en=name_en,
        apply_from=apply_from,
        apply_until=apply_until,
        review_until=review_until,
        record_from=record_from,
        record_until=record_until,
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


def open_rounds(*, now: datetime) -> QuerySet[Round]:
    """Rounds in which students may apply now, the newest first."""
    return Round.objects.filter(apply_from__lte=now, apply_until__gt=now).select_related("term")


def newest(*, now: datetime | None = None) -> Round | None:
    """The round that began last, with ``now`` one that has begun where there is any; None where there was never
    one."""
    known = Round.objects.select_related("term")
    begun = known.filter(apply_from__lte=now).first() if now is not None else None
    return begun or known.first()


def current_for(user: User, *, now: datetime) -> Round | None:
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
    return open_rounds(now=now).first() or newest(now=now)


def named(code: str | None, *, now: datetime | None = None) -> Round:
    """The round with this code, the newest (see :func:`newest`) where none is named; NotThere where there is none."""
    found = Round.objects.select_related("term").filter(code=code).first() if code else newest(now=now)
    if found is None:
        raise NotThere(
            "no-such-round",
            _("There is no round “%(code)s”.") % {"code": code} if code else _("There is no round yet."),
            _("A registrar opens rounds."),
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
            _("Ask the registrar's office."),
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
            _("The dates of a round lie in the years %(first)s to %(last)s.")
            % {"first": YEARS[0], "last": YEARS[-1]},
            _("Correct the dates."),
        )
    in_order = apply_from < apply_until <= review_until and apply_from <= record_from < record_until
    if not in_order:
        raise CreditsError(
            "round-dates",
            _("The dates of a round follow each other: apply, review; and record, from and until."),
            _("Correct the dates."),
        )


def _refuse_rulebooks(in_force: Sequence[InForce]) -> None:
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
            "rulebook-twice", _("Two rulebooks are named for the same students."), _("Keep one of them.")
        )
