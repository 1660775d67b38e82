"""Make the report of ``manage.py rulebook simulate``: who gains, who loses, and why."""

from __future__ import annotations

import heapq
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts import audit
from accounts.commands import CommandReport
from accounts.models import Programme
from credits.claims.models import Round
from credits.claims.simulation.trial import (
    LARGEST_SHOWN,
    RulebookTrial,
    SimulationTally,
    TriedClaim,
    evaluate_both,
    submitted_claims,
    try_claims,
)
from credits.errors import NotThere
from credits.rulebooks import editor_report
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import Outcome, RulebookDocument, rulebook_digest
from credits.rules.decimals import signed_text, to_text


def simulation_report(
    rulebook: RulebookDocument, *, round_: Round, against: str | None, programme: str | None, now: datetime
) -> CommandReport:
    """Try the rulebook on the claims of a round and return the report.

    It decides nothing. The simulation is recorded in the audit log.
    """
    other = _find_version(against, rulebook.code) if against else None
    only = _find_programme(programme) if programme else None
    tally = SimulationTally()
    trial = RulebookTrial(rulebook, other)
    tried_claims = try_claims(trial, submitted_claims(round_, programme=only), tally)
    largest = heapq.nlargest(
        LARGEST_SHOWN, (tried for tried in tried_claims if tried.changed), key=lambda tried: tried.size
    )
    with transaction.atomic():
        audit.record(
            "simulation-made",
            round_,
            by=None,
            now=now,
            rulebook=rulebook.code,
            digest=rulebook_digest(rulebook),
            claims=tally.claims,
        )
    traced = [(tried, *_outcomes_before_and_after(tried, trial)) for tried in largest]
    lines = [*_summary_lines(rulebook, round_, tally)]
    for tried, before, after in traced:
        lines += _claim_lines(tried, before, after)
    data = {
        "round": round_.code,
        "rulebook": {"code": rulebook.code, "digest": rulebook_digest(rulebook)},
        "against": other and str(other),
        **tally.to_json(),
        "same": tally.same,
        "cost": to_text(tally.cost),
        "largest": [_claim_json(tried, before, after) for tried, before, after in traced],
    }
    return CommandReport(lines, data)


def _find_version(name: str, code: str) -> RulebookVersion:
    version = editor_report.find_version(name, code=code)
    if version is None:
        raise NotThere(
            "no-such-version",
            _("There is no version “%(name)s”.") % {"name": name},
            _("Give its number, or code/number."),
        )
    return version


def _find_programme(name: str) -> Programme:
    programme = Programme.objects.filter(name=name).order_by("pk").first()
    if programme is None:
        raise NotThere("no-such-programme", _("There is no programme “%(name)s”.") % {"name": name})
    return programme


def _outcomes_before_and_after(tried: TriedClaim, trial: RulebookTrial) -> tuple[Outcome, Outcome]:
    version = trial.against or tried.claim.version
    if version is None:
        raise LookupError(f"claim {tried.claim.pk} has no version")
    _facts, before, after = evaluate_both(tried.assessment, rulebook_of(version), trial.rulebook)
    return before, after


def _summary_lines(rulebook: RulebookDocument, round_: Round, tally: SimulationTally) -> list[str]:
    lines = [
        _("%(code)s on round %(round)s: %(claims)s applications")
        % {"code": rulebook.code, "round": round_.code, "claims": tally.claims},
        _("gain credit: %(gain)s, lose credit: %(lose)s, unchanged: %(same)s")
        % {"gain": tally.gain, "lose": tally.lose, "same": tally.same},
        _("points only: more for %(gain)s, less for %(lose)s")
        % {"gain": tally.gain_points, "lose": tally.lose_points},
        _("credit: %(before)s before, %(after)s after, %(cost)s")
        % {"before": to_text(tally.before), "after": to_text(tally.after), "cost": signed_text(tally.cost)},
    ]
    if tally.failed:
        lines.append(
            ngettext(
                "%(number)s application could not be computed.",
                "%(number)s applications could not be computed.",
                tally.failed,
            )
            % {"number": tally.failed}
        )
    return lines


def _claim_lines(tried: TriedClaim, before: Outcome, after: Outcome) -> list[str]:
    language = "zh" if (get_language() or "").startswith("zh") else "en"
    lines = [
        _("%(student)s: credit %(before)s → %(after)s, points %(points)s → %(more)s")
        % {
            "student": tried.claim.enrolment.student_number,
            "before": to_text(before.credit),
            "after": to_text(after.credit),
            "points": to_text(before.points),
            "more": to_text(after.points),
        }
    ]
    for title, outcome in ((_("before"), before), (_("after"), after)):
        lines.append(f"  {title}")
        lines += [f"    {line.text[language]}" for line in outcome.lines]
    for earlier, later in zip(before.contributions, after.contributions, strict=True):
        if (earlier.status, earlier.points) != (later.status, later.points):
            lines.append(f"  {earlier.ref}: {to_text(earlier.points)} → {to_text(later.points)}")
            shown_before = {line.text[language] for line in earlier.lines}
            lines += [
                f"    {line.text[language]}"
                for line in later.lines
                if line.text[language] not in shown_before
            ]
    return lines


def _claim_json(tried: TriedClaim, before: Outcome, after: Outcome) -> dict[str, Any]:
    return {
        "student_number": tried.claim.enrolment.student_number,
        "before": before.to_json(),
        "after": after.to_json(),
    }
