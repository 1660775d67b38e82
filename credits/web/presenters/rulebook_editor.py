"""What the editor shows beside a text: faults, doubts, changes, and an example that it is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from credits.claims.simulation.anonymised_traces import HIDDEN_FACTS, anonymise, contribution_names
from credits.claims.simulation.sample_claims import TrialExample
from credits.claims.simulation.trial import fit_awards
from credits.errors import CreditsError, NotThere
from credits.rulebooks import editor_report
from credits.rules import Outcome, RulebookFault, evaluate
from credits.rules.fact_catalogue import CONDITION_FACTS
from credits.rules.facts import bind
from credits.web.presenters.draft_autosave import MAX_TEXT_LENGTH

LINES_AROUND = 2
"""Lines shown before and after one with a fault."""


LocatedFaults = list[tuple[int, int, str]]
"""Line, column, sentence."""


@dataclass(frozen=True, slots=True)
class EditorCheck:
    """What is said of a text: faults, doubts, what it would change, and what it gives for the example."""

    read: editor_report.EditorReport
    faults: LocatedFaults
    doubts: LocatedFaults
    outcome: Outcome | None
    names: dict[str, Any]
    problem: str = ""


def check_text(text: str, example: TrialExample) -> EditorCheck:
    if len(text) > MAX_TEXT_LENGTH:
        text = text[:MAX_TEXT_LENGTH]
    read = editor_report.report_on(text)
    outcome, problem = None, ""
    if read.rulebook is not None:
        try:
            outcome = evaluate(read.rulebook, fit_awards(example.facts, read.rulebook)[0])
        except CreditsError as error:
            problem = str(error)
        if outcome is not None and not example.open:
            outcome = anonymise(example.facts, outcome)
    return EditorCheck(
        read,
        located_faults(read.faults),
        located_faults(read.doubts),
        outcome,
        _contribution_labels(example),
        problem,
    )


def _contribution_labels(example: TrialExample) -> dict[str, Any]:
    """What the example's contributions are called, by the ref that the outcome shows."""
    if not example.open:
        return {told["en"]: told for told in contribution_names(example.facts).values()}
    found = {}
    for one in example.facts.contributions:
        title = one.contribution.get("title") or one.ref
        found[one.ref] = {"zh": title, "en": title}
    return found


def example_facts(example: TrialExample) -> list[tuple[Any, str, Any]]:
    """Each fact that a condition may name: itself, what kind it is, and its value in the example's first contribution
    (None: unknown)."""
    kinds = {
        "text": _("text"),
        "whole": _("whole number"),
        "yes-no": _("yes or no"),
        "time": _("time"),
        "texts": _("list of texts"),
    }
    first = min(example.facts.contributions, key=lambda one: one.ref, default=None)
    values = bind(example.facts, first) if first else {}
    return [
        (
            fact,
            kinds[fact.kind],
            _("(hidden)")
            if not example.open and name in HIDDEN_FACTS and name in values
            else _shown_value(values.get(name)),
        )
        for name, fact in CONDITION_FACTS.items()
    ]


def _shown_value(value: object) -> str:
    if value is None:
        return _("unknown")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f"timestamp('{value:%Y-%m-%dT%H:%M:%SZ}')"
    if isinstance(value, list):
        return f"[{', '.join(repr(one) for one in value)}]"
    return str(value) if isinstance(value, int) else f"'{value}'"


def located_faults(faults: tuple[RulebookFault, ...]) -> LocatedFaults:
    return [(one.line, one.column, one.text(get_language() or "")) for one in faults]


def template_text(name: str) -> str:
    """The text of the version that is named as code/number."""
    code, _slash, number = name.partition("/")
    if not (code and number.isdecimal() and len(number) < 10):
        return ""
    version = editor_report.find_version(name)
    if version is None:
        raise NotThere("no-such-version", _("There is no such version."))
    return version.text


def faulty_lines(text: str, faults: LocatedFaults) -> list[tuple[int, str, list[str]]]:
    """The lines around each fault: number, text, and what is wrong in it. A fault past the last line stands with the
    last."""
    lines = text.split("\n")
    said: dict[int, list[str]] = {}
    for line, _column, sentence in faults:
        said.setdefault(min(max(line, 1), len(lines)), []).append(sentence)
    near = {number for fault in said for number in range(fault - LINES_AROUND, fault + LINES_AROUND + 1)}
    return [
        (number, line, said.get(number, [])) for number, line in enumerate(lines, start=1) if number in near
    ]
