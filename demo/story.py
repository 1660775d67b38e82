"""The whole process on the made-up university: claims, decisions, hearings, notices, recording, export. The waiting
times are the real ones: the story calls the same verbs with later times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.models import Claim, Round
from credits.claims.recording.record import record_results
from credits.claims.review.review import answer_proposal, confirm_proposal, decide
from credits.records.export import export_round
from credits.records.models import ExportBatch
from demo import people
from demo.university import LAST, THIS_ROUND, staff, student

REASON = (
    "该项贡献仅调整排版，不属于认定办法所指的实质性工作。"
    "This one only rearranges the layout, which the rulebook does not count as substantial work."
)


def play_story(*, now: datetime) -> ExportBatch:
    """Finish the round that is over, bring the open round to a point where people can continue, and export."""
    finished_round, current_round = Round.objects.get(code=LAST), Round.objects.get(code=THIS_ROUND)
    _play_to_the_end(finished_round)
    batch = export_round(
        finished_round, "csv", by=staff("registrar"), now=finished_round.record_until - timedelta(days=1)
    )
    _bring_up_to_now(current_round, now=now)
    return batch


def _play_to_the_end(finished_round: Round) -> None:
    applied = finished_round.apply_from + timedelta(days=1, hours=9)
    claims = [
        _submit_claim(number, finished_round, now=applied)
        for number in _numbers_with_part("recorded", "reduced")
    ]
    reviewed = applied + timedelta(days=2)
    for claim, demo_student in zip(claims, _students_with_part("recorded", "reduced"), strict=True):
        if demo_student.part == "reduced":
            _refuse_one_line(claim, now=reviewed)
            answer_proposal(
                claim,
                "该页的代码示例也是我补的，不过我接受这个意见。",
                by=claim.user,
                now=reviewed + timedelta(days=1),
            )
            confirm_proposal(claim, by=_reviewer(claim), now=reviewed + timedelta(days=2))
        else:
            decide(claim, {}, by=_reviewer(claim), now=reviewed)
    for claim in claims:
        claim.refresh_from_db()
    gates = [claim.notice_until for claim in claims if claim.notice_until]
    record_results(
        claims, by=staff("registrar"), now=max(*gates, finished_round.record_from) + timedelta(hours=10)
    )


def _bring_up_to_now(current_round: Round, *, now: datetime) -> None:
    long_ago, yesterday = current_round.apply_from + timedelta(days=1, hours=9), now - timedelta(days=1)
    for demo_student in _students_with_part("ready"):
        claim = _submit_claim(demo_student.student_number, current_round, now=long_ago)
        decide(claim, {}, by=_reviewer(claim), now=long_ago + timedelta(days=2))
    for demo_student in _students_with_part("notice"):
        claim = _submit_claim(demo_student.student_number, current_round, now=yesterday - timedelta(days=1))
        decide(claim, {}, by=_reviewer(claim), now=yesterday)
    for demo_student in _students_with_part("hearing"):
        claim = _submit_claim(demo_student.student_number, current_round, now=yesterday - timedelta(days=1))
        _refuse_one_line(claim, now=yesterday)
    for days, demo_student in enumerate(_students_with_part("waiting"), start=2):
        _submit_claim(demo_student.student_number, current_round, now=now - timedelta(days=days))


def _submit_claim(student_number: str, round_: Round, *, now: datetime) -> Claim:
    person = student(student_number)
    claim = open_draft(person, round_, now=now)
    submit(claim, by=person, now=now)
    claim.refresh_from_db()
    return claim


def _refuse_one_line(claim: Claim, *, now: datetime) -> None:
    """Propose to refuse the contribution that gave the most points, so that the credit changes visibly."""
    outcome: dict[str, Any] = claim.assessments.order_by("made_at").first().outcome  # type: ignore[union-attr]
    counted = [line for line in outcome["contributions"] if line["status"] == "counts"]
    ref = max(counted, key=lambda line: (Decimal(line["points"]), line["ref"]))["ref"]
    decide(
        claim,
        {ref: {"accepted": False, "reason": REASON}},
        by=_reviewer(claim),
        now=now,
        reason=REASON,
    )


def _reviewer(claim: Claim) -> Any:
    department = claim.enrolment.programme.department.name
    return staff("instructor" if department == "软件学院" else "instructor2")


def _students_with_part(*parts: str) -> list[people.DemoStudent]:
    return [demo_student for demo_student in people.STUDENTS if demo_student.part in parts]


def _numbers_with_part(*parts: str) -> Iterator[str]:
    return (demo_student.student_number for demo_student in _students_with_part(*parts))
