"""The steps of a claim from application to record, with dates, as a timeline shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from credits.claims.models import Claim, Round
from credits.claims.review import review
from credits.claims.stages import stages_of
from credits.web.presenters.formatting import day, in_language, until

Status = Claim.Status


@dataclass(frozen=True, slots=True)
class TimelineStation:
    """A step. ``state`` is done, here, todo or ended (nothing follows); ``note`` is a date or a few words."""

    name: str
    state: str
    note: str = ""


def claim_stations(
    claim: Claim | None, round_: Round, *, now: datetime, own: bool = True
) -> list[TimelineStation]:
    """Return the steps from application to record. ``claim`` is None before the student applies; ``own`` says that the
    reader is that student."""
    status = claim.status if claim else Status.DRAFT
    if claim is None or status == Status.DRAFT:
        note = application_dates(round_, now)
        return [
            TimelineStation(_("Apply"), "here", note),
            TimelineStation(_("Review"), "todo", _("until %(day)s") % {"day": until(round_.review_until)}),
            TimelineStation(_("Public notice"), "todo"),
            TimelineStation(pgettext("station", "Recorded"), "todo", _from_day(round_.record_from, now)),
        ]
    submitted = TimelineStation(_("Applied"), "done", day(claim.submitted_at) if claim.submitted_at else "")
    if status == Status.WITHDRAWN:
        return [submitted, TimelineStation(_("Withdrawn"), "ended")]
    stations = [submitted, *_review_stations(claim, round_, own)]
    if status == Status.REFUSED:
        return [*stations, TimelineStation(_("No credit recognised"), "ended")]
    stations.append(_notice_station(claim))
    if status == Status.RECORDED:
        return [
            *stations,
            TimelineStation(pgettext("station", "Recorded"), "done", day(claim.result.recorded_at)),
        ]
    return [
        *stations,
        TimelineStation(pgettext("station", "Recorded"), "todo", _from_day(_record_from(claim, round_), now)),
    ]


def _from_day(at: datetime, now: datetime) -> str:
    """Return "from" and the day of a future start; an empty text if it has started."""
    return _("from %(day)s") % {"day": day(at)} if at > now else ""


def application_dates(round_: Round, now: datetime) -> str:
    """Say when applications in a round open, or until when they are open."""
    if now < round_.apply_from:
        return _from_day(round_.apply_from, now)
    if now < round_.apply_until:
        return _("until %(day)s") % {"day": until(round_.apply_until)}
    return _("closed")


def _review_stations(claim: Claim, round_: Round, own: bool) -> Iterator[TimelineStation]:
    """Yield a step for each stage of review, and the student's answer after the stage that proposed less."""
    stages = stages_of(claim)
    for number, stage in enumerate(stages, start=1):
        name = in_language(stage.title) if len(stages) > 1 else _("Review")
        notes = [_("stage %(number)s of %(all)s") % {"number": number, "all": len(stages)}]
        state = "done" if number <= claim.stage else "todo"
        if number == claim.stage and claim.status == Status.SUBMITTED:
            state = "here"
            notes.append(_("until %(day)s") % {"day": until(round_.review_until)})
        yield TimelineStation(name, state, " · ".join(notes if len(stages) > 1 else notes[1:]))
        if number == claim.stage and claim.status == Status.HEARING:
            answer = _("Your response") if own else _("The student's response")
            note = _("until %(day)s") % {"day": until(claim.hearing_until)}
            yield TimelineStation(
                answer, "here", _("received: the reviewer decides") if review.is_answered(claim) else note
            )


def _notice_station(claim: Claim) -> TimelineStation:
    note = _("until %(day)s") % {"day": until(claim.notice_until)} if claim.notice_until else ""
    state = {Status.NOTICE: "here", Status.RECORDED: "done"}.get(Status(claim.status), "todo")
    return TimelineStation(_("Public notice"), state, note)


def _record_from(claim: Claim, round_: Round) -> datetime:
    return max(round_.record_from, claim.notice_until) if claim.notice_until else round_.record_from
