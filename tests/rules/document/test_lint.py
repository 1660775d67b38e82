"""Warnings: what is valid and probably a mistake is reported with its place, and there are no false warnings."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest

from credits.rules.document.parser import warnings
from credits.rules.expressions import cel
from credits.rules.expressions.expression_tree import walk
from credits.rules.expressions.satisfiability import is_satisfiable
from tests.rules.made import SHIPPED, both, library, shape, shipped


def warnings_of(**changes: Any) -> dict[str, str]:
    """Return the warnings of the smallest rulebook with ``changes``, by path."""
    found = warnings(json.dumps(shape(**changes), ensure_ascii=False))
    assert all(warning.message_zh for warning in found)
    return {warning.path: warning.text() for warning in found}


def required(*conditions: str) -> list[dict[str, Any]]:
    return [{"id": f"r{at}", "text": both("r"), "when": when} for at, when in enumerate(conditions)]


def giving(*conditions: str) -> list[dict[str, Any]]:
    return [
        {"id": f"p{at}", "text": both("p"), "give": "5", "when": when} for at, when in enumerate(conditions)
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_rulebook_has_nothing_to_be_looked_at(name: str) -> None:
    """None of the shipped rulebooks has a warning."""
    assert warnings(shipped(name), library()) == ()


@pytest.mark.parametrize(
    "when",
    [
        "repository.stars < 0",
        "repository.stars > 5 && repository.stars < 6",
        "contribution.share_hundredths > 100",
        "contribution.kind == 'a' && contribution.kind == 'b'",
        "repository.osi_approved && !repository.osi_approved",
        "term.ends < timestamp('2020-01-01T00:00:00Z') && term.ends > timestamp('2021-01-01T00:00:00Z')",
        "term.ends < timestamp('0001-01-01T00:00:00Z')",
        "term.ends > timestamp('9999-12-31T23:59:59.999999Z')",
        "repository.language in ['Go'] && repository.language != 'Go'",
        "contribution.title.contains('x') && false",
    ],
)
def test_a_condition_that_can_never_hold_is_told(when: str) -> None:
    """Comparisons that contradict each other, or that no value of the fact can meet, give a warning."""
    assert "never be true, whatever" in warnings_of(requirements=required(when))["requirements[0].when"]


@pytest.mark.parametrize(
    "when", ["repository.stars >= 0", "repository.stars > 5 || repository.stars < 7", "true"]
)
def test_a_condition_that_always_holds_is_told(when: str) -> None:
    """A condition that every fact meets gives a warning."""
    assert "is always true, whatever" in warnings_of(requirements=required(when))["requirements[0].when"]


@pytest.mark.parametrize(
    "when",
    [
        "repository.stars > 5 && repository.stars < 7",
        "contribution.additions > contribution.deletions",
        "contribution.title.startsWith('a') && contribution.title.startsWith('b')",
        "contribution.additions * 2 < 0",
        "standing.credit_hundredths < 0",
        "contribution.labels.exists(l, l == 'a') && !contribution.labels.exists(l, l == 'a')",
        "contribution.kind == 'a' || contribution.kind == 'b'",
        "(repository.stars > 3) == (contribution.additions > 3)",
    ],
)
def test_what_is_not_certain_is_not_told(when: str) -> None:
    """A condition that some facts meet, or that is too complex to judge, gives no warning."""
    assert warnings_of(requirements=required(when)) == {}


def test_a_misspelt_status_is_told_with_the_one_that_was_meant() -> None:
    """A status that does not exist gives a warning, with the status that was probably meant."""
    text = warnings_of(requirements=required("contribution.status == 'megred'"))["requirements[0].when"]
    assert "Did you mean “merged”?" in text


def test_requirements_and_rules_that_exclude_each_other_are_told() -> None:
    """Two requirements that exclude each other give a warning, and rules that never or always apply beside one."""
    found = warnings_of(
        requirements=required("repository.stars > 5", "repository.stars < 3"),
        points=giving("repository.is_fork"),
    )
    assert "together with the requirement “r0”" in found["requirements[1].when"]
    found = warnings_of(
        requirements=required("repository.stars > 5"),
        points=giving("repository.stars == 5", "repository.stars > 4 || repository.is_fork"),
    )
    assert "never be true together with the requirement “r0”" in found["points[0].when"]
    assert "is always true if the requirement “r0” is met" in found["points[1].when"]


def banded(*edges: tuple[str, str], of: str = "contribution.changed_lines") -> list[dict[str, Any]]:
    steps = [{"above": above, "give": give} for above, give in edges]
    return [{"id": "bands", "text": both("bands"), "bands": {"of": of, "steps": steps}}]


def test_a_band_that_nothing_can_reach_is_told() -> None:
    """A band below zero, above a full share, or above what a requirement allows gives a warning."""
    assert (
        "No contribution"
        in warnings_of(points=banded(("-5", "1"), ("-1", "2")))["points[0].bands.steps[0].above"]
    )
    share = banded(("0", "1"), ("100", "2"), of="contribution.share_hundredths")
    assert "No contribution" in warnings_of(points=share)["points[0].bands.steps[1].above"]
    found = warnings_of(
        requirements=required("contribution.changed_lines < 300"), points=banded(("9", "1"), ("299", "2"))
    )
    assert "because of the requirement “r0”" in found["points[0].bands.steps[1].above"]
    assert (
        warnings_of(
            requirements=required("contribution.changed_lines < 301"), points=banded(("9", "1"), ("299", "2"))
        )
        == {}
    )


def test_two_bands_that_give_the_same_are_told() -> None:
    """A band with the same points as the band before gives a warning."""
    assert (
        "gives the same"
        in warnings_of(points=banded(("9", "1"), ("99", "1")))["points[0].bands.steps[1].give"]
    )


def test_a_gap_between_rules_that_divide_a_number_is_told() -> None:
    """Rules for 21 to 100 and for 102 to 500 leave a gap at 101."""
    lines = "contribution.changed_lines"
    found = warnings_of(points=giving(f"{lines} > 20 && {lines} <= 100", f"{lines} > 101 && {lines} <= 500"))
    assert found["points[1].when"].startswith("At 101, none")
    assert warnings_of(points=giving(f"{lines} > 20 && {lines} <= 100", f"{lines} > 100")) == {}


def test_an_overlap_of_rules_that_divide_a_number_is_told() -> None:
    """Ranges that overlap from 91 to 100 give a warning. Nested ranges are meant to add up and give none."""
    lines = "contribution.changed_lines"
    found = warnings_of(points=giving(f"{lines} > 20 && {lines} <= 100", f"{lines} > 90 && {lines} <= 500"))
    assert found["points[1].when"].startswith("At 91, both")
    assert warnings_of(points=giving(f"{lines} > 20", f"{lines} > 100", f"{lines} > 500")) == {}


def test_a_cap_below_the_least_of_a_contribution_is_told() -> None:
    """A cap of 4 with at least 5 points per contribution reduces every contribution, which gives a warning."""
    caps = {
        "contribution": "4",
        "repository": {"points": "3", "share": "1"},
        "kinds": [{"kind": "a", "points": "1"}],
    }
    assert set(warnings_of(caps=caps)) == {
        "caps.contribution",
        "caps.repository.points",
        "caps.kinds[0].points",
    }
    assert warnings_of(caps={"contribution": "5", "repository": {"share": "1"}}) == {}
    half = [{"id": "half", "text": both("half"), "times": "0.5", "when": "repository.is_fork"}]
    assert warnings_of(caps={"contribution": "4", "repository": {"share": "1"}}, factors=half) == {}


def test_credit_that_the_best_can_never_reach_is_told() -> None:
    """Two contributions with at most 5 points never reach the 16 points of a step, if nothing is carried."""
    conversion = {"points_per_step": "16", "remainder": "drop"}
    assert "give at most 10" in warnings_of(selection={"best": "2"}, conversion=conversion)["conversion"]
    assert warnings_of(selection={"best": "4"}, conversion=conversion) == {}


def test_a_warning_has_its_place_in_the_text() -> None:
    """Line and column of a warning point at the condition."""
    text = shipped("open-source-practice").replace(
        "contribution.changed_lines > 0", "contribution.changed_lines < 0"
    )
    (warning,) = warnings(text)
    assert text.split("\n")[warning.line - 1][warning.column - 1 :].startswith(
        "contribution.changed_lines < 0"
    )


_ATOMS = (
    "repository.stars {sign} {number}",
    "{number} {sign} repository.stars",
    "contribution.additions {sign} {number}",
    "repository.osi_approved",
    "contribution.kind == '{word}'",
    "contribution.kind in ['{word}', 'b']",
    "contribution.title.contains('{word}')",
    "repository.stars {sign} contribution.additions",
)


def _condition(chance: random.Random, depth: int = 0) -> str:
    if depth < 3 and chance.random() < 0.7:
        left, right = _condition(chance, depth + 1), _condition(chance, depth + 1)
        return chance.choice([f"({left} && {right})", f"({left} || {right})", f"!({left} && {right})"])
    signs = ("<", "<=", ">", ">=", "==", "!=")
    atom = chance.choice(_ATOMS)
    return atom.format(sign=chance.choice(signs), number=chance.randint(-1, 4), word=chance.choice("ab"))


def test_impossible_is_never_said_of_what_some_facts_meet() -> None:
    """On random conditions and facts, an answer that occurs is never called impossible."""
    for seed in range(300):
        chance = random.Random(seed)
        expression = cel.check(_condition(chance), "yes-no")
        assert isinstance(expression, cel.CheckedExpression)
        assert list(walk(expression.root))
        possible = {answer: is_satisfiable([(expression.root, answer)]) for answer in (True, False)}
        for _ in range(60):
            facts: dict[str, Any] = {
                "repository.stars": chance.randint(0, 5),
                "contribution.additions": chance.randint(0, 5),
                "repository.osi_approved": chance.random() < 0.5,
                "contribution.kind": chance.choice("abc"),
                "contribution.title": chance.choice(["", "a", "ab", "c"]),
            }
            answer = expression.value(cel.BoundFacts(facts))
            assert isinstance(answer, bool)
            assert possible[answer] is not False, expression.text


def test_the_reasoning_is_bounded() -> None:
    """Fifty requirements and fifty rules over many facts are checked within the time limit."""
    facts = ["stars", "is_fork", "archived", "osi_approved"]
    many = " || ".join(
        [
            f"(repository.stars > {at} && contribution.additions < {at * 3} && contribution.deletions == {at})"
            for at in range(8)
        ]
        + [f"repository.{name}" for name in facts[1:]]
    )
    rules = [f"({many}) && contribution.reviews != {at}" for at in range(50)]
    began = time.process_time()
    warnings_of(requirements=required(*rules), points=giving(*rules))
    assert time.process_time() - began < 15
