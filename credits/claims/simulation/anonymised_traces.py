"""Traces without the person, for a steward: they need to see what a rulebook does, not to whom (invariant 12).

Repositories and contributions, with their titles, numbers and addresses, reveal a person, so texts name them by their
position instead. Only the displayed text is masked, never a computed value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from credits.rules import ContributionOutcome, Outcome, Seen, TraceLine, seen_values_text
from credits.rules.fact_catalogue import CONDITION_FACTS
from credits.rules.facts import ClaimFacts

Replacements = list[tuple[str, Mapping[str, str]]]
"""Pairs: the text to replace, and its replacement in each language."""
HIDDEN_FACTS = frozenset(
    {
        "contribution.number",
        "contribution.title",
        "contribution.url",
        "repository.full_name",
        "repository.id",
        "repository.owner",
    }
)
"""Facts whose values are not shown."""
HIDDEN_VALUE = {"zh": "（不显示）", "en": "(kept back)"}


def anonymise(facts: ClaimFacts, outcome: Outcome) -> Outcome:
    """Return the outcome with masked texts: repository 1, contribution 1 and so on, in the order of their refs.

    The digests stay those of the true facts.
    """
    names = _replacements(facts)
    return replace(
        outcome,
        contributions=tuple(
            _anonymise_contribution(contribution, names) for contribution in outcome.contributions
        ),
        lines=tuple(_anonymise_line(line, names) for line in outcome.lines),
    )


def contribution_names(facts: ClaimFacts) -> Mapping[str, Mapping[str, str]]:
    """Return by ref the name of each contribution: its position, in both languages."""
    refs = sorted(contribution.ref for contribution in facts.contributions)
    return {
        ref: {"zh": f"贡献 {position}", "en": f"contribution {position}"}
        for position, ref in enumerate(refs, start=1)
    }


def _replacements(facts: ClaimFacts) -> Replacements:
    """Return the replacements, the longest text first, so that no part of a name remains."""
    found: dict[str, Mapping[str, str]] = {}
    places: dict[str, int] = {}
    refs = contribution_names(facts)
    for contribution in sorted(facts.contributions, key=lambda contribution: contribution.ref):
        repository = contribution.repository.get("full_name") or ""
        key = f"{contribution.repository.get('forge')}:{contribution.repository.get('id')}"
        if repository:
            number = places.setdefault(repository, len(places) + 1)
            found[repository] = found[key] = {"zh": f"仓库 {number}", "en": f"repository {number}"}
            found[f"{repository}#{contribution.contribution.get('number')}"] = refs[contribution.ref]
        found[contribution.ref] = refs[contribution.ref]
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def _anonymise_contribution(contribution: ContributionOutcome, names: Replacements) -> ContributionOutcome:
    ref = next((replacement["en"] for name, replacement in names if name == contribution.ref), "")
    return replace(
        contribution, ref=ref, lines=tuple(_anonymise_line(line, names) for line in contribution.lines)
    )


def _anonymise_line(line: TraceLine, names: Replacements) -> TraceLine:
    texts = dict(line.text)
    shown: dict[str, Seen] = dict(line.saw)
    for fact in HIDDEN_FACTS & shown.keys():
        # Write the value as the trace wrote it, to remove exactly that text.
        zh, en = seen_values_text({fact: cast(str, shown[fact])}, "UTC")
        label = CONDITION_FACTS[fact]
        texts["zh"] = texts["zh"].replace(zh[1:-1], f"{label.zh}：{HIDDEN_VALUE['zh']}")
        texts["en"] = texts["en"].replace(en[2:-1], f"{label.en}: {HIDDEN_VALUE['en']}")
        shown[fact] = None
    texts = {language: _replace_names(text, language, names) for language, text in texts.items()}
    return replace(
        line, text=texts, saw={key: _anonymise_value(value, names) for key, value in shown.items()}
    )


def _anonymise_value(value: Seen, names: Replacements) -> Seen:
    if isinstance(value, list):
        return [_replace_names(item, "en", names) for item in value]
    return _replace_names(value, "en", names) if isinstance(value, str) else value


def _replace_names(text: str, language: str, names: Replacements) -> str:
    for name, replacement in names:
        text = text.replace(name, replacement[language])
    return text
