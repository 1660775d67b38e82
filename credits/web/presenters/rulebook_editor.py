"""The editor's report on a text: faults, doubts, changes, and the result for an example."""

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

MAX_TEXT_LENGTH = 200_000
"""Characters of a rulebook's text that the editor accepts."""

LINES_AROUND = 2
"""Lines shown before and after a line with a fault."""

LocatedFaults = list[tuple[int, int, str]]
"""Faults as (line, column, sentence)."""


@dataclass(frozen=True, slots=True)
class EditorCheck:
    """The report on a text: faults, doubts, changes (in ``read``), and the outcome for the example.

    ``names`` are the titles of the example's contributions by ref. ``problem`` says why the example has no outcome.
    """

    read: editor_report.EditorReport
    faults: LocatedFaults
    doubts: LocatedFaults
    outcome: Outcome | None
    names: dict[str, Any]
    problem: str = ""


def check_text(text: str, example: TrialExample) -> EditorCheck:
    """Check a text and evaluate it on the example. Anything after ``MAX_TEXT_LENGTH`` is ignored."""
    read = editor_report.report_on(text[:MAX_TEXT_LENGTH])
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
    """Return the names of the example's contributions, by the ref that the outcome shows."""
    if not example.open:
        return {name["en"]: name for name in contribution_names(example.facts).values()}
    labels = {}
    for facts in example.facts.contributions:
        title = facts.contribution.get("title") or facts.ref
        labels[facts.ref] = {"zh": title, "en": title}
    return labels


def example_facts(example: TrialExample) -> list[tuple[Any, str, Any]]:
    """Return each fact that a condition may name, with its kind and its value in the example's first contribution."""
    kinds = {
        "text": _("text"),
        "whole": _("whole number"),
        "yes-no": _("yes or no"),
        "time": _("time"),
        "texts": _("list of texts"),
    }
    first = min(example.facts.contributions, key=lambda facts: facts.ref, default=None)
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
        return f"[{', '.join(repr(item) for item in value)}]"
    return str(value) if isinstance(value, int) else f"'{value}'"


def located_faults(faults: tuple[RulebookFault, ...]) -> LocatedFaults:
    """Return each fault with its place, in the reader's language."""
    return [(fault.line, fault.column, fault.text(get_language() or "")) for fault in faults]


def template_text(name: str) -> str:
    """Return the text of the version ``code/number``; an empty text if ``name`` is not written like this.

    Raises NotThere if there is no such version.
    """
    code, _slash, number = name.partition("/")
    if not (code and number.isdecimal() and len(number) < 10):
        return ""
    version = editor_report.find_version(name)
    if version is None:
        raise NotThere("no-such-version", _("There is no such version."))
    return version.text


def faulty_lines(text: str, faults: LocatedFaults) -> list[tuple[int, str, list[str]]]:
    """Return the lines around each fault: number, text, and the faults of that line.

    A fault after the last line is shown at the last line.
    """
    lines = text.split("\n")
    by_line: dict[int, list[str]] = {}
    for line, _column, sentence in faults:
        by_line.setdefault(min(max(line, 1), len(lines)), []).append(sentence)
    near = {number for fault in by_line for number in range(fault - LINES_AROUND, fault + LINES_AROUND + 1)}
    return [
        (number, line, by_line.get(number, []))
        for number, line in enumerate(lines, start=1)
        if number in near
    ]
