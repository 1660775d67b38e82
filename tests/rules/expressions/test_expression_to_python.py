"""The translation of conditions to Python gives the values and errors of the CEL library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest

from credits.rules.expressions import cel, expression_to_python
from credits.rules.expressions.cel import BoundFacts, CheckedExpression, FailedValue, UnknownValue
from credits.rules.expressions.expression_limits import MAX_ITEMS, ValueSpans, microseconds
from credits.rules.facts import Value
from tests.rules.random_expressions import Expressions, differences


def checked(text: str, wanted: cel.Wanted = "yes-no") -> CheckedExpression:
    expression = cel.check(text, wanted)
    assert isinstance(expression, CheckedExpression), expression
    return expression


@pytest.mark.parametrize("seed", range(4))
def test_the_translation_and_the_library_agree_on_random_expressions(seed: int) -> None:
    """On a thousand random pairs per seed, values, unknown facts and failures are the same."""
    assert differences(seed, 1_000, facts_each=8) == []


def test_random_expressions_meet_values_errors_and_unknown_facts() -> None:
    """Random expressions give values of both types, unknown values and failures."""
    source = Expressions(seed=7)
    sorts = {type(expression.value(BoundFacts(source.facts()))) for expression in islice(source, 60)}
    assert sorts == {bool, int, UnknownValue, FailedValue}


def test_a_wrong_translation_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """If division rounded down instead of towards zero, the random expressions would show it."""
    monkeypatch.setitem(
        expression_to_python.HELPERS, "_divide_int64", lambda left, right: left // (right or 1)
    )  # type: ignore[arg-type]
    cel._check.cache_clear()
    cel._exact.cache_clear()
    try:
        assert differences(3, 1_000) != []
    finally:
        cel._check.cache_clear()
        cel._exact.cache_clear()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("repository.is_fork || 1 / repository.stars == 1", UnknownValue(("repository.is_fork",))),
        ("1 / repository.stars == 1 || repository.is_fork", FailedValue("divide by zero")),
        ("1 % repository.stars == 1 && 1 / repository.stars == 1", FailedValue("modulus by zero")),
        ("repository.is_fork && 1 / repository.stars == 1 && repository.stars > 0", False),
        ("contribution.labels.exists(x, x == 'b' || repository.is_fork)", True),
        ("contribution.labels.all(x, x == 'b' && repository.is_fork)", False),
        ("contribution.labels.exists(x, repository.is_fork)", UnknownValue(("repository.is_fork",))),
        ("contribution.labels[2] == 'c'", FailedValue("Index error: index=2 size=2")),
        ("repository.stars - 9223372036854775807 - 2 < 0", FailedValue("integer overflow")),
    ],
)
def test_the_side_that_decides_wins_and_of_two_troubles_the_left_one(text: str, answer: object) -> None:
    """Logic with unknown facts and errors follows the specification and the library."""
    known = BoundFacts({"repository.stars": 0, "contribution.labels": ["a", "b"]})
    expression = checked(text)
    assert expression.value(known) == answer
    assert expression.reference(known) == answer


def test_times_are_instants_whatever_zone_they_are_told_in() -> None:
    """Across the end of summer time, an hour is an hour, although the wall clock shows no difference."""
    brussels = ZoneInfo("Europe/Brussels")
    facts: dict[str, Value] = {
        "student.enrolled_on": datetime(2025, 10, 26, 0, 30, tzinfo=UTC).astimezone(brussels),
        "contribution.merged_at": datetime(2025, 10, 26, 1, 30, tzinfo=UTC).astimezone(brussels),
    }
    expression = checked("contribution.merged_at - student.enrolled_on == duration('1h')")
    assert expression.value(BoundFacts(facts)) is True
    assert expression.reference(BoundFacts(facts)) is True


@pytest.mark.parametrize(
    "text",
    [
        "contribution.merged_at + duration('87600000h') > term.starts",
        "contribution.merged_at - timestamp('0001-01-01T00:00:00Z') > duration('1h')",
        "duration('1ns') < duration('2ns')",
        "timestamp('2024-01-01T00:00:00.123456789Z') < term.starts",
        "timestamp(contribution.title) < term.starts",
        "1.5 == 2.5",
        "{'a': 1} == {'a': 2}",
        "b'a' == b'b'",
        "null == null",
        "[1, 'a'][0] == 1",
        "contribution.labels.exists(repository, repository == 'a')",
    ],
)
def test_what_python_could_not_compute_alike_is_refused(text: str) -> None:
    """Times beyond the calendar or too fine, fractions, maps, mixed lists and hidden facts are refused."""
    problems = cel.check(text, "yes-no")
    assert isinstance(problems, tuple)
    assert problems[0].message
    assert problems[0].message_zh


def test_a_refused_part_is_pointed_at() -> None:
    """Line and column of the problem are those of the refused part."""
    (problem,) = refused("repository.stars > 3\n  && string(repository.stars) == '1'")
    assert (problem.line, problem.column) == (2, 12)


def refused(text: str) -> tuple[cel.ExpressionProblem, ...]:
    problems = cel.check(text, "yes-no")
    assert isinstance(problems, tuple)
    return problems


def test_loops_over_what_facts_hold_are_reckoned_before_they_run() -> None:
    """Nested loops over labels could take 10,100 turns and are refused; two loops in sequence are allowed."""
    assert (
        "turns" in refused("contribution.labels.exists(a, contribution.labels.exists(b, a < b))")[0].message
    )
    both = "contribution.labels.exists(a, a == 'x') && contribution.labels.all(b, b < 'y')"
    assert checked(both).value(BoundFacts({"contribution.labels": ["x"]})) is True


def test_a_list_longer_than_was_reckoned_with_is_not_looked_through() -> None:
    """A list with one entry too many gives a failure with its reason, in the translation and in the library."""
    expression = checked("contribution.labels.exists(x, x == 'b')")
    full = BoundFacts({"contribution.labels": ["a"] * MAX_ITEMS})
    over = BoundFacts({"contribution.labels": ["a"] * (MAX_ITEMS + 1)})
    assert expression.value(full) is expression.reference(full) is False
    assert (
        expression.value(over)
        == expression.reference(over)
        == FailedValue("contribution.labels has more than 100 entries")
    )


def test_the_translation_reaches_nothing_but_its_facts() -> None:
    """The function has no builtins and only our globals; a text of the author stays a text."""
    expression = checked("contribution.title == '__import__(\\'os\\').getpid()'")
    function = expression_to_python.quick(expression.root, cel.literal)
    assert function.__globals__["__builtins__"] == {}
    assert set(function.__globals__) == {*expression_to_python.HELPERS, "__builtins__"}
    assert function({"contribution.title": "x"}) is False


def test_spans_hold_every_value_that_random_formulas_give() -> None:
    """Every value of a random formula on random facts lies within the span that was computed for it."""
    source, pick = Expressions(seed=11), Random(11)
    seen = 0
    for expression in source:
        if expression.wanted != "whole":
            continue
        span = ValueSpans(cel.literal).span_of(expression.root)
        value = expression.value(BoundFacts(source.facts()))
        if isinstance(value, int) and span is not None:
            assert span[0] <= value <= span[1]
            seen += 1
        if seen > 60 or (seen and pick.random() < 0.001):
            return


def test_microseconds_are_whole_on_either_side_of_1970() -> None:
    """Microseconds before and after 1970 are exact integers."""
    east = timezone(timedelta(hours=8))
    assert microseconds(datetime(1970, 1, 1, 8, tzinfo=east)) == 0
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1
    assert microseconds(timedelta(days=-1)) == -86_400_000_000
