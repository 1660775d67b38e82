"""The made-up claim on which a rulebook can be tried."""

from __future__ import annotations

from credits.rulebooks.worked_example import example_facts
from credits.rules.fact_catalogue import LISTED, WORDS
from credits.rules.facts import to_json

WITHOUT_A_VALUE = {"repository.tier"}
"""The example's repositories are in no catalogue, as most repositories are."""


def test_the_example_spells_every_word_as_the_catalogue_does() -> None:
    """A kind, status, forge or way of merging that no stored row has would make rules on it never apply."""
    contributions = example_facts().contributions
    assert contributions
    for contribution in contributions:
        groups = {"contribution": contribution.contribution, "repository": contribution.repository}
        for fact, words in WORDS.items():
            group, _dot, key = fact.partition(".")
            assert groups[group][key] in words, fact


def test_the_example_fills_every_fact_of_the_catalogue() -> None:
    """A steward can try a condition on any fact; a new fact of the catalogue needs a value in the example."""
    written = to_json(example_facts())
    assert written["contributions"]
    for contribution in written["contributions"]:
        groups = {
            **written,
            "contribution": contribution["contribution"],
            "repository": contribution["repository"],
        }
        unknown = set()
        for fact in LISTED:
            group, _dot, key = fact.name.partition(".")
            if groups[group][key] is None:
                unknown.add(fact.name)
        assert unknown == WITHOUT_A_VALUE
