"""The facts of a claim, made from stored rows, and the fact catalogue."""

from __future__ import annotations

from typing import get_args

import pytest

from accounts.identity.forges import ADAPTER_CLASSES
from credits.claims.assessment.facts import claim_facts
from credits.contributions.models import FOUND_BY_ATTESTATION, CatalogueEntry, Contribution
from credits.forges.protocol import ChangeKind
from credits.rules.fact_catalogue import CLOSED, LISTED, WORDS
from credits.rules.facts import to_json
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

NEVER_FILLED = {"contribution.reviews"}
"""Facts that no stored row fills yet. rulebooks/README.md says so; remove a fact here once it is filled."""


@pytest.mark.django_db
def test_a_full_row_fills_every_fact_of_the_catalogue() -> None:
    """If everything about a contribution is stored, only the facts that are known to be missing are unknown."""
    student = factories.student()
    repository = make.repository(is_mirror=False, is_archived=False, language="Python")
    CatalogueEntry.objects.create(
        forge=repository.forge, full_name=repository.full_name, forge_id=repository.forge_id, tier="A"
    )
    share = make.authorship(student, make.contribution(repository, labels=["docs"]))
    frozen = claim_facts(
        enrolment=student.enrolments.get(),
        round_=make.round_(),
        authorships=[share],
        category="innovation",
        now=NOW,
    )
    written = to_json(frozen)
    (contribution,) = written["contributions"]
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
    assert unknown == NEVER_FILLED
    assert contribution["contribution"]["files"]


def test_the_catalogue_has_a_label_for_every_word_that_is_stored() -> None:
    """Kinds, statuses and forges are spelt in the catalogue as in the stored rows, no more and no less."""
    assert set(WORDS["contribution.kind"]) == set(get_args(ChangeKind)) == set(Contribution.Kind.values)
    assert set(WORDS["contribution.status"]) == set(Contribution.Status.values)
    assert set(CLOSED["contribution.status"]) == set(Contribution.Status.values) - {
        Contribution.Status.UNKNOWN
    }
    assert set(WORDS["contribution.forge"]) == set(WORDS["repository.forge"]) == set(ADAPTER_CLASSES)
    assert {"merge", FOUND_BY_ATTESTATION} <= set(WORDS["contribution.landed_by"])
