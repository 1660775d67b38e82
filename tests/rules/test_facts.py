"""Facts as JSON: they are written in one way only, and checked when written and when read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_type_hints

import pytest

from credits.errors import CreditsError
from credits.rules import fact_catalogue, facts
from credits.rules.facts import bind, canonical, facts_from_json, to_json
from tests.rules.made import claim, contribution

TYPES = {
    "contribution": facts.ContributionData,
    "repository": facts.RepositoryData,
    "student": facts.StudentData,
    "round": facts.RoundData,
    "term": facts.TermData,
    "standing": facts.CreditStanding,
}


PYTHON_TYPES: dict[fact_catalogue.Kind, Any] = {
    "text": str,
    "whole": int,
    "yes-no": bool,
    "time": datetime,
    "texts": list[str],
    "decimal": Decimal,
}


def test_the_types_and_the_catalogue_have_the_same_facts() -> None:
    """Each key of a type is a fact of the catalogue with that type, and each fact is a key (files have own names)."""
    typed = {
        f"{group}.{key}": annotation
        for group, facts_type in TYPES.items()
        for key, annotation in get_type_hints(facts_type).items()
    }
    del typed["contribution.files"]
    assert typed == {fact.name: PYTHON_TYPES[fact.kind] | None for fact in fact_catalogue.LISTED}


def test_facts_survive_being_stored() -> None:
    """Frozen facts, including decisions, are read back to the same bytes."""
    frozen = claim(
        contribution("2", accepted=True, awarded={"hard": Decimal("2.5")}),
        contribution("1", contribution={"share": Decimal("0.5"), "labels": ["文档"]}),
        points_carried="3.125",
        as_of=datetime(2025, 6, 1, tzinfo=UTC),
    )
    stored = json.loads(json.dumps(to_json(frozen)))
    assert canonical(facts_from_json(stored)) == canonical(frozen)
    assert facts.digest(facts_from_json(stored)) == facts.digest(frozen)


def test_the_same_moment_in_two_zones_is_the_same_fact() -> None:
    """Times in any zone are written in UTC, so the bytes are the same."""
    shanghai = datetime(2025, 3, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    a = claim(contribution(contribution={"merged_at": shanghai}))
    b = claim(contribution(contribution={"merged_at": datetime(2025, 3, 1, tzinfo=UTC)}))
    assert canonical(a) == canonical(b)


def test_left_out_and_unknown_are_written_as_null() -> None:
    """A fact that is left out and a fact that is None are both unknown."""
    assert canonical(claim(contribution(repository={"tier": None}))) == canonical(claim(contribution()))


def test_a_share_left_out_is_whole_and_an_unknown_one_is_not() -> None:
    """A share that is left out is 1, because the opener has everything; an unknown share stays unknown."""
    (left_out,) = to_json(claim(contribution()))["contributions"]
    assert left_out["contribution"]["share"] == "1"
    (unknown,) = to_json(claim(contribution(contribution={"share": None})))["contributions"]
    assert unknown["contribution"]["share"] is None


def test_conditions_see_decimals_in_whole_hundredths() -> None:
    """Conditions get shares and standing as integers, in hundredths rounded down."""
    shared = contribution(contribution={"share": Decimal("0.666")})
    bound = bind(claim(shared, credit="1.5"), shared)
    assert bound["contribution.share_hundredths"] == 66
    assert bound["standing.credit_hundredths"] == 150
    assert not any(isinstance(value, float) for value in bound.values())


@pytest.mark.parametrize(
    "about",
    [
        {"merged_at": datetime(2025, 3, 1)},  # noqa: DTZ001 - the naive time is the point
        {"merged_at": "2025-03-01"},
        {"merged_at": datetime(9999, 3, 1, tzinfo=UTC)},
        {"additions": 1.5},
        {"additions": True},
        {"additions": 2**60},
        {"title": "\ud800"},
        {"title": 5},
        {"share": 0.5},
        {"share": Decimal("1.5")},
        {"share": Decimal("NaN")},
        {"share": Decimal(1) / Decimal(3)},
        {"labels": "bug"},
        {"reverted": 1},
        {"stars": 5},
        {"files": {"pictures": {"files": 1, "additions": 1, "deletions": 0}}},
        {"files": {"code": {"files": 1, "additions": -1, "deletions": 0}}},
        {"files": {"code": {"files": 1}}},
    ],
)
def test_a_fact_of_the_wrong_kind_is_refused_by_name(about: dict[str, Any]) -> None:
    """Times without a zone, floats, wrong types and unknown names are errors with the name of the fact."""
    with pytest.raises(CreditsError) as caught:
        to_json(claim(contribution(contribution=about)))
    assert caught.value.code == "facts-invalid"


def test_a_contribution_twice_in_a_claim_is_refused() -> None:
    """A ref that occurs twice is refused, so the same work cannot count twice within a claim."""
    with pytest.raises(CreditsError):
        to_json(claim(contribution("1"), contribution("1")))


@pytest.mark.parametrize("damage", ["student", "contributions", "as_of", "ref"])
def test_damaged_facts_are_refused(damage: str) -> None:
    """Stored facts that cannot be read are an error with a code; nothing is read in part."""
    stored = to_json(claim(contribution()))
    if damage == "as_of":
        stored["as_of"] = "2025-01-01"
    elif damage == "ref":
        del stored["contributions"][0]["ref"]
    else:
        stored[damage] = 5
    with pytest.raises(CreditsError) as caught:
        facts_from_json(stored)
    assert caught.value.code == "facts-invalid"
