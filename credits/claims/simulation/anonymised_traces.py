"""Traces without who it was: for a steward, who needs to see what a rulebook does and not to whom (invariant 12).

Repositories, contributions and their titles, numbers and addresses lead to a person, so they are called by their
place. What is masked is the text that is shown, never what is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from credits.rules import ContributionOutcome, Outcome, Seen, TraceLine, seen
from credits.rules.fact_catalogue import CONDITION_FACTS
from credits.rules.facts import ClaimFacts

Replacements = list[tuple[str, Mapping[str, str]]]
"""What is replaced, and by what in each language."""
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
"""Facts whose values are kept back."""
HIDDEN_VALUE = {"zh": "（不显示）", "en": "(kept back)"}


def anonymise(facts: ClaimFacts, outcome: Outcome) -> Outcome:
    """The outcome with its texts masked: repository 1, contribution 1 and so on, in the order of their refs. The
    digests, which are of the true facts, stand as they are."""
    names = _replacements(facts)
    return replace(
        outcome,
        contributions=tuple(_anonymise_contribution(one, names) for one in outcome.contributions),
        lines=tuple(_anonymise_line(line, names) for line in outcome.lines),
    )


def contribution_names(facts: ClaimFacts) -> Mapping[str, Mapping[str, str]]:
    """By ref, what a contribution is called: its place, in both languages."""
    refs = sorted(one.ref for one in facts.contributions)
    return {ref: {"zh": f"贡献 {at}", "en": f"contribution {at}"} for at, ref in enumerate(refs, start=1)}


def _replacements(facts: ClaimFacts) -> Replacements:
    """What is to be replaced by what, the longest first, so that no part of a name is left."""
    found: dict[str, Mapping[str, str]] = {}
    places: dict[str, int] = {}
    refs = contribution_names(facts)
    for one in sorted(facts.contributions, key=lambda one: one.ref):
        repository = one.repository.get("full_name") or ""
        key = f"{one.repository.get('forge')}:{one.repository.get('id')}"
        if repository:
            number = places.setdefault(repository, len(places) + 1)
            found[repository] = found[key] = {"zh": f"仓库 {number}", "en": f"repository {number}"}
            found[f"{repository}#{one.contribution.get('number')}"] = refs[one.ref]
        found[one.ref] = refs[one.ref]
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def _anonymise_contribution(one: ContributionOutcome, names: Replacements) -> ContributionOutcome:
    ref = next((told["en"] for name, told in names if name == one.ref), "")
    return replace(one, ref=ref, lines=tuple(_anonymise_line(line, names) for line in one.lines))


def _anonymise_line(line: TraceLine, names: Replacements) -> TraceLine:
    texts = dict(line.text)
    shown: dict[str, Seen] = dict(line.saw)
    for fact in HIDDEN_FACTS & shown.keys():
        # As the trace wrote it, so that exactly that is taken out.
        zh, en = seen({fact: cast(str, shown[fact])}, "UTC")
        label = CONDITION_FACTS[fact]
        texts["zh"] = texts["zh"].replace(zh[1:-1], f"{label.zh}：{HIDDEN_VALUE['zh']}")
        texts["en"] = texts["en"].replace(en[2:-1], f"{label.en}: {HIDDEN_VALUE['en']}")
        shown[fact] = None
    texts = {tongue: _replace_names(text, tongue, names) for tongue, text in texts.items()}
    return replace(
        line, text=texts, saw={key: _anonymise_value(value, names) for key, value in shown.items()}
    )


def _anonymise_value(value: Seen, names: Replacements) -> Seen:
    if isinstance(value, list):
        return [_replace_names(one, "en", names) for one in value]
    return _replace_names(value, "en", names) if isinstance(value, str) else value


def _replace_names(text: str, tongue: str, names: Replacements) -> str:
    for name, told in names:
        text = text.replace(name, told[tongue])
    return text
