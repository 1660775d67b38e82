"""A compiled rulebook gives exactly what the evaluation gives."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import pytest
from hypothesis import given

from credits.errors import CreditsError
from credits.rules.document.parser import RulebookDocument
from credits.rules.evaluation.compiled.codegen import generate_program
from credits.rules.evaluation.compiled.engine import ClaimTotals, CompiledRulebook, compile_rulebook
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.facts import ClaimFacts, ContributionFacts
from tests.rules.evaluation.test_properties import claims, rulebooks
from tests.rules.made import ROOT, both, claim, contribution, rulebook, shipped_rulebook

SHIPPED = sorted(path.stem for path in (ROOT / "rulebooks").glob("*.yaml"))


def evaluated(book: RulebookDocument, facts: ClaimFacts) -> ClaimTotals:
    outcome = evaluate(book, facts)
    return ClaimTotals(outcome.points, outcome.credit, outcome.carried)


@given(rulebooks(), claims())
def test_the_totals_are_those_of_the_evaluation(book: RulebookDocument, facts: ClaimFacts) -> None:
    """For any rulebook and claim, points, credit and carried points are equal."""
    assert compile_rulebook(book).credit(facts) == evaluated(book, facts)


@given(claims())
def test_the_rulebook_that_uses_everything_is_compiled_alike(facts: ClaimFacts) -> None:
    """Every cap, mixes with conditions, selection within repositories, times, labels, files and standing."""
    for compiled in all_of_everything():
        assert compiled.credit(facts) == evaluated(compiled.rulebook, facts)


@cache
def all_of_everything() -> list[CompiledRulebook]:
    changes: list[dict[str, Any]] = [
        {},
        {"merged_since": "term"},
        {"selection": {"best": "1", "within": "kind"}},
    ]
    return [compile_rulebook(rulebook(**{**everything(), **change})) for change in changes]


def everything() -> dict[str, Any]:
    when = [
        "contribution.merged_at > timestamp('2024-01-01T00:00:00+08:00') || repository.is_fork",
        "contribution.labels.exists(x, x.startsWith('a')) || repository.stars / contribution.reviews >= 0",
        "contribution.status != 'gone' && (standing.credit_hundredths < 1000 || student.year > 2000)",
    ]
    return {
        "merged_since": "enrolment",
        "maturing_days": "3",
        "requirements": [{"id": f"r{at}", "text": both("r"), "when": text} for at, text in enumerate(when)],
        "points": [
            {"id": "base", "text": both("base"), "give": "2.5", "when": "contribution.files.code > 0"},
            {"id": "size", "text": both("size"), "formula": "contribution.lines.code / 3 - 4"},
            {
                "id": "bands",
                "text": both("bands"),
                "when": "repository.stars > 1",
                "bands": {
                    "of": "contribution.changed_lines % 100",
                    "steps": [{"above": "-1", "give": "-0.25"}, {"above": "20", "give": "1"}],
                },
            },
            {"id": "hard", "text": both("hard"), "reviewer": {"at_most": "5", "step": "0.5"}},
        ],
        "factors": [
            {"id": "f0", "text": both("f"), "times": "1.25", "when": "contribution.reviews > 1"},
            {"id": "f1", "text": both("f"), "times": "0.9"},
        ],
        "caps": {
            "contribution": "200",
            "repository": {"points": "300.5", "share": "0.6"},
            "periods": [{"each": "month", "points": "150"}, {"each": "day", "points": "120"}],
            "kinds": [{"kind": "review", "points": "90"}],
            "tiers": [{"tier": "a", "points": "50"}],
        },
        "mix": [
            {"id": "m0", "text": both("m"), "at_least": "1", "when": "contribution.kind == 'review'"},
            {"id": "m1", "text": both("m"), "at_least": "1", "count": "repositories"},
        ],
        "selection": {"best": "3", "within": "repository"},
    }


@pytest.mark.parametrize("code", SHIPPED)
def test_shipped_rulebooks_are_compiled_alike(code: str) -> None:
    """The totals agree on contributions of many sizes, with and without unknown facts, shares and refusals."""
    book = shipped_rulebook(code)
    compiled = compile_rulebook(book)
    for count in (0, 1, 3, 12):
        items = [varied_contribution(turn) for turn in range(count)]
        for facts in (claim(*items), claim(*items, credit="1", credit_this_term=None, points_carried="7.5")):
            assert compiled.credit(facts) == evaluated(book, facts)


def varied_contribution(turn: int) -> ContributionFacts:
    about: dict[str, Any] = {
        "share": [Decimal(1), Decimal("0.333333"), None][turn % 3] if turn % 5 == 0 else Decimal("1.00"),
        "labels": [["a"] * turn, None][turn % 2],
        "reviews": turn % 3,
        "status": ["merged", "unknown", "gone"][turn % 3],
        "already_credited": turn == 7,
    }
    home = {"id": str(turn % 4), "stars": None if turn % 4 == 1 else turn, "tier": "ab"[turn % 2]}
    accepted = False if turn == 9 else None
    return contribution(
        f"c{turn:02}",
        lines=turn * 37,
        day=1 + turn,
        accepted=accepted,
        contribution=about,
        repository=home,
    )


def test_a_condition_that_fails_is_left_to_the_evaluation() -> None:
    """A division by zero makes one contribution undecided, and the others count."""
    book = rulebook(
        merged_since="any",
        requirements=[{"id": "r", "text": both("r"), "when": "10 / contribution.reviews > 2"}],
    )
    facts = claim(*(contribution(str(n), contribution={"reviews": n}) for n in range(5)))
    assert compile_rulebook(book).credit(facts) == evaluated(book, facts)
    assert compile_rulebook(book).credit(facts).points == 15


def test_a_mix_looks_at_its_own_facts_where_a_rule_before_failed() -> None:
    """If a rule fails, the mix still reads this contribution's own facts, not those of the contribution before."""
    book = rulebook(
        points=[
            {"id": "share", "text": both("share"), "formula": "100 / contribution.reviews"},
            {"id": "known", "text": both("known"), "give": "5", "when": "repository.stars > 10"},
        ],
        mix=[{"id": "known-one", "text": both("m"), "at_least": "1", "when": "repository.stars > 10"}],
    )
    unknown = contribution("0", contribution={"reviews": 1}, repository={"stars": 1})
    failing = contribution("1", contribution={"reviews": 0}, repository={"stars": 100})
    compiled = compile_rulebook(book)
    for facts, points in ((claim(failing), 5), (claim(unknown, failing), 105)):
        assert compiled.credit(facts) == evaluated(book, facts)
        assert compiled.credit(facts).points == points


def test_a_list_too_long_for_two_mixes_is_left_to_the_evaluation() -> None:
    """With more labels than a condition may read, the mix is undecided and nothing fails."""
    mixes = [
        {"id": f"m{at}", "text": both("m"), "at_least": "1", "when": f"contribution.labels.exists(x, {body})"}
        for at, body in enumerate(("x == 'a'", "x.startsWith('a')"))
    ]
    compiled = compile_rulebook(rulebook(mix=mixes))
    long, short = contribution("1", contribution={"labels": ["a"] * 101}), contribution("2")
    short.contribution["labels"] = ["a"]
    for facts, points in ((claim(long), 0), (claim(long, short), 10)):
        assert compiled.credit(facts) == evaluated(compiled.rulebook, facts)
        assert compiled.credit(facts).points == points


def test_what_a_reviewer_gave_against_the_rulebook_is_refused() -> None:
    """The compiled rulebook raises what the evaluation raises, even if the contribution does not count."""
    book = rulebook()
    facts = claim(contribution(accepted=False, awarded={"kindness": Decimal(1)}))
    for way in (lambda: evaluate(book, facts), lambda: compile_rulebook(book).credit(facts)):
        with pytest.raises(CreditsError) as raised:
            way()
        assert raised.value.code == "award-unknown"


def test_the_callers_precision_rounds_nothing() -> None:
    """With two digits of precision around it, the totals are the same."""
    book = rulebook(**everything())
    facts = claim(*(contribution(str(n), lines=n * 1001, day=1 + n) for n in range(9)))
    with localcontext() as context:
        context.prec = 2
        narrow = compile_rulebook(book).credit(facts)
    assert narrow == evaluated(book, facts)


def test_no_word_of_the_author_is_read_as_python() -> None:
    """Names and texts of a rulebook that look like Python reach the program only as constants."""
    evil = "__import__('os').abort()"
    book = rulebook(
        points=[{"id": "base", "text": both(evil), "give": "5", "when": f'contribution.title != "{evil}"'}],
        caps={"kinds": [{"kind": evil, "points": "3"}], "repository": {"share": "1"}},
        title=both(evil),
    )
    made = generate_program(book)
    assert "__import__" not in made.source
    facts = claim(contribution(contribution={"title": "x", "kind": evil}))
    assert compile_rulebook(book).credit(facts) == evaluated(book, facts)


def test_times_in_any_zone_are_compared_as_instants() -> None:
    """A condition on times gives the same answer for facts in another time zone."""
    book = rulebook(
        requirements=[
            {"id": "r", "text": both("r"), "when": "contribution.merged_at - term.starts > duration('1h')"}
        ]
    )
    facts = claim(contribution(contribution={"merged_at": datetime(2025, 3, 2, tzinfo=UTC).astimezone()}))
    facts = replace(facts, term={"starts": datetime(2025, 3, 1, 23, 30, tzinfo=UTC)})
    assert compile_rulebook(book).credit(facts) == evaluated(book, facts)
