"""manage.py assess: show the estimate by the rulebook in force, without deciding anything."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from accounts.models import Enrolment
from credits.claims.assessment.estimate import Estimate, estimate_round
from credits.claims.assessment.facts import ref_of
from credits.claims.rounds import find_round
from credits.contributions import queries
from credits.rules import Outcome
from credits.rules.decimals import to_text


class Command(VerbCommand):
    help = "Show what the rulebook in force would give, by student; decides and stores nothing."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--round", metavar="CODE", help="default: the newest round that has opened")
        parser.add_argument(
            "--student",
            metavar="NUMBER",
            action="append",
            help="only this student, with the trace; can be repeated",
        )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        round_ = find_round(options["round"], now=now)
        students: list[str] | None = options["student"]
        estimates = list(estimate_round(round_, students, now=now))
        lines = [
            _("Round %(round)s, as of %(now)s")
            % {"round": round_.code, "now": now.isoformat(timespec="seconds")}
        ]
        for enrolment, estimate in estimates:
            lines.append(_summary_line(enrolment, estimate.outcome))
            if students:
                lines += _trace_lines(enrolment, estimate)
        data = {
            "round": round_.code,
            "students": [
                {
                    "student_number": enrolment.student_number,
                    "outcome": estimate.outcome.to_json(),
                    "explanation": estimate.explanation().to_json(),
                }
                for enrolment, estimate in estimates
            ],
        }
        return CommandReport(lines, data)


def _summary_line(enrolment: Enrolment, outcome: Outcome) -> str:
    counting = sum(1 for contribution in outcome.contributions if contribution.status == "counts")
    return ngettext(
        "%(student)s: %(counting)s of %(count)s contribution eligible; points %(points)s, credit %(credit)s",
        "%(student)s: %(counting)s of %(count)s contributions eligible; points %(points)s, credit %(credit)s",
        len(outcome.contributions),
    ) % {
        "student": enrolment,
        "counting": counting,
        "count": len(outcome.contributions),
        "points": to_text(outcome.points),
        "credit": to_text(outcome.credit),
    }


def _trace_lines(enrolment: Enrolment, estimate: Estimate) -> list[str]:
    names = {
        ref_of(authorship): f"{authorship.contribution}  {authorship.contribution.title}"
        for authorship in queries.authorships_of(enrolment.user)
    }
    language = "zh" if (get_language() or "").startswith("zh") else "en"
    lines: list[str] = []
    explanation = estimate.explanation()
    for contribution in estimate.outcome.contributions:
        ref = contribution.ref
        lines.append(f"  {names.get(ref, ref)}")
        lines += [f"    {line.text[language]}" for line in contribution.lines]
        lines += [f"    → {remedy.text[language]}" for remedy in explanation.remedies.get(ref, ())]
    return lines + [f"  {line.text[language]}" for line in estimate.outcome.lines]
