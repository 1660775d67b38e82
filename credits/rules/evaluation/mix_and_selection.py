"""Apply the rules on a claim as a whole: the mix of its contributions, and the selection of the best."""

from __future__ import annotations

from credits.rules.decimals import ZERO
from credits.rules.document.rulebook_model import MixRule, RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.contribution_points import ContributionScore, checked_expression, merged_first
from credits.rules.evaluation.group_caps import group_by
from credits.rules.evaluation.outcome import Seen, TraceLine
from credits.rules.expressions.cel import FailedValue, UnknownValue
from credits.rules.facts import share_of


def hold_mix(rulebook: RulebookDocument, counting: list[ContributionScore], lines: list[TraceLine]) -> bool:
    """Return whether every mix is met. If one is not met or undecided, no contribution counts for now."""
    short: list[tuple[MixRule, bool | None]] = []
    for mix in rulebook.mix:
        answer, line = _mix(mix, counting, lines[-1])
        lines.append(line)
        if answer is not True:
            short.append((mix, answer))
    if not short:
        return True
    refused = any(answer is False for _, answer in short)
    mix = next(mix for mix, answer in short if answer is False or not refused)
    for item in counting:
        item.status = "does-not-count" if refused else "undecided"
        text = trace_texts.sentence("mix-own", what=mix.text, taken=item.points, points=rulebook.units.points)
        item.add("mix", mix.id, text, {}, -item.points)
    # The first line that fails has the points that all contributions lost.
    at = next(index for index, line in enumerate(lines) if line.step == "mix" and line.rule == mix.id)
    total = lines[at].before
    for index in range(at, len(lines)):
        line = lines[index]
        before, after = (total if index == at else ZERO), ZERO
        lines[index] = TraceLine(line.step, line.rule, line.text, line.saw, before, after - before, after)
    return False


def _mix(mix: MixRule, counting: list[ContributionScore], last: TraceLine) -> tuple[bool | None, TraceLine]:
    """Return whether the mix is met (None: undecided), with its line."""
    certain: list[ContributionScore] = []
    unknown: list[ContributionScore] = []
    for item in counting:
        answer = True if mix.when is None else checked_expression(mix.when, "yes-no").value(item.known)
        if isinstance(answer, UnknownValue | FailedValue):
            unknown.append(item)
            if isinstance(answer, UnknownValue):
                item.unknown.update(answer.facts)
        # A contribution with a share of zero does not count for the mix.
        elif answer and share_of(item.facts) != 0:
            certain.append(item)
    found, possible = _count(mix, certain), _count(mix, [*certain, *unknown])
    met = True if found >= mix.at_least else None if possible >= mix.at_least else False
    text = trace_texts.sentence(
        {True: "mix-met", False: "mix-not-met", None: "mix-undecided"}[met],
        what=mix.text,
        need=mix.at_least,
        found=found,
        short=mix.at_least - found,
        open=len(unknown),
        otherwise=mix.otherwise or trace_texts.NOTHING,
    )
    saw: dict[str, Seen] = {
        "at_least": mix.at_least,
        "found": found,
        "counted": [item.facts.ref for item in certain],
        "unknown": [item.facts.ref for item in unknown],
    }
    return met, TraceLine("mix", mix.id, text, saw, last.after, ZERO, last.after)


def _count(mix: MixRule, items: list[ContributionScore]) -> int:
    return len({item.repository for item in items}) if mix.count == "repositories" else len(items)


def select(rulebook: RulebookDocument, counting: list[ContributionScore], lines: list[TraceLine]) -> None:
    """Keep the points of the best contributions: of the claim, or of each repository or kind."""
    best, within = rulebook.selection.best, rulebook.selection.within
    if best is None:
        return
    groups = group_by(counting, lambda item: _selection_group(item, within))
    scope, unit = trace_texts.best_of(best, within), rulebook.units.points
    for key in sorted(groups):
        ranked = sorted(groups[key], key=lambda item: (-item.points, *merged_first(item)))
        out = [item for item in ranked[best:] if item.points > 0]
        if not out:
            continue
        stay = ranked[:best]
        favoured = trace_texts.in_favour_of([item.name for item in stay])
        lost = sum((item.points for item in out), ZERO)
        for item in out:
            own = trace_texts.sentence(
                "selection-own", scope=scope, taken=item.points, points=unit, favoured=favoured
            )
            item.add("selection", "selection", own, {}, -item.points)
        before = lines[-1].after
        kept = trace_texts.first_names([item.name for item in stay], 5)
        text = trace_texts.sentence(
            "selection", scope=scope, count=len(out), taken=lost, points=unit, kept=kept
        )
        saw: dict[str, Seen] = {
            "kept": [item.facts.ref for item in stay],
            "cut": [item.facts.ref for item in out],
        }
        rule = "selection" if within == "claim" else key
        lines.append(TraceLine("selection", rule, text, saw, before, -lost, before - lost))


def _selection_group(item: ContributionScore, within: str) -> str:
    if within == "repository":
        return item.repository
    return item.facts.contribution.get("kind") or "" if within == "kind" else ""
