"""The translation of conditions to Python means what the CEL library means, errors included."""

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
    """A thousand random pairs of expression and facts a seed: value, what is unknown, and what failed are the same."""
    assert differences(seed, 1_000, facts_each=8) == []


def test_random_expressions_meet_values_errors_and_unknown_facts() -> None:
    """What the engines are held against each other on is not all of one sort."""
    source = Expressions(seed=7)
    sorts = {type(expression.value(BoundFacts(source.facts()))) for expression in islice(source, 60)}
    assert sorts == {bool, int, UnknownValue, FailedValue}


def test_a_wrong_translation_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were division to round down and not towards zero, the random expressions would tell."""
    monkeypatch.setitem(expression_to_python.HELPERS, "_divide_int64", lambda one, other: one // (other or 1))  # type: ignore[arg-type]
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
    """Logic with unknown facts and errors, as the specification has it and as the library does it."""
    known = BoundFacts({"repository.stars": 0, "contribution.labels": ["a", "b"]})
    expression = checked(text)
    assert expression.value(known) == answer
    assert expression.reference(known) == answer


def test_times_are_instants_whatever_zone_they_are_told_in() -> None:
    """Across the end of summer time, an hour is an hour; by the clock on the wall it would be none."""
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
    """Times beyond the calendar or too fine, fractions, maps, mixed lists, a variable that hides facts."""
    problems = cel.check(text, "yes-no")
    assert isinstance(problems, tuple)
    assert problems[0].message
    assert problems[0].message_zh


def test_a_refused_part_is_pointed_at() -> None:
    """Line and column are those of the part that may not be used."""
    (problem,) = refused("repository.stars > 3\n  && string(repository.stars) == '1'")
    assert (problem.line, problem.column) == (2, 12)


def refused(text: str) -> tuple[cel.ExpressionProblem, ...]:
    problems = cel.check(text, "yes-no")
    assert isinstance(problems, tuple)
    return problems


def test_loops_over_what_facts_hold_are_reckoned_before_they_run() -> None:
    """Labels within labels could turn 10,100 times, where the library gives up: refused; one after another is well."""
    assert (
        "turns" in refused("contribution.labels.exists(a, contribution.labels.exists(b, a < b))")[0].message
    )
    both = "contribution.labels.exists(a, a == 'x') && contribution.labels.all(b, b < 'y')"
    assert checked(both).value(BoundFacts({"contribution.labels": ["x"]})) is True


def test_a_list_longer_than_was_reckoned_with_is_not_looked_through() -> None:
    """One entry more than allowed fails, and says so; by the library as well."""
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
    """No builtins, and globals of our own only; a text of the author stays a text."""
    expression = checked("contribution.title == '__import__(\\'os\\').getpid()'")
    function = expression_to_python.quick(expression.root, cel.literal)
    assert function.__globals__["__builtins__"] == {}
    assert set(function.__globals__) == {*expression_to_python.HELPERS, "__builtins__"}
    assert function({"contribution.title": "x"}) is False


def test_spans_hold_every_value_that_random_formulas_give() -> None:
    """Where the translation leaves out the check for 64 bits, no random facts lead beyond them."""
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
        if seen > 60 or pick.random() < 0.001:
            return


def test_microseconds_are_whole_on_either_side_of_1970() -> None:
    """No float is in between."""
    east = timezone(timedelta(hours=8))
    assert microseconds(datetime(1970, 1, 1, 8, tzinfo=east)) == 0
    assert microseconds(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1
    assert microseconds(timedelta(days=-1)) == -86_400_000_000
