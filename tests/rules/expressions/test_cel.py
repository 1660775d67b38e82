"""Conditions have types and limits, and say what is unknown."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from credits.rules.expressions import cel
from credits.rules.expressions.cel import BoundFacts, CheckedExpression, FailedValue, UnknownValue
from credits.rules.fact_catalogue import CONDITION_FACTS, LISTED


def checked(text: str, wanted: cel.Wanted = "yes-no") -> CheckedExpression:
    expression = cel.check(text, wanted)
    assert isinstance(expression, CheckedExpression), expression
    return expression


def refused(text: str, wanted: cel.Wanted = "yes-no") -> tuple[cel.ExpressionProblem, ...]:
    problems = cel.check(text, wanted)
    assert isinstance(problems, tuple), problems
    assert problems
    return problems


KNOWN = BoundFacts(
    {
        "repository.stars": 12,
        "repository.osi_approved": True,
        "contribution.kind": "pull_request",
        "contribution.labels": ["docs", "good first issue"],
        "contribution.merged_at": datetime(2025, 3, 1, tzinfo=UTC),
        "student.enrolled_on": datetime(2024, 9, 1, tzinfo=UTC),
        "contribution.lines.code": 70,
    }
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("repository.stars > 3 && contribution.kind == 'pull_request'", True),
        ("contribution.kind in ['review', 'pull_request']", True),
        ("contribution.labels.exists(label, label.startsWith('good'))", True),
        ("contribution.labels.all(label, size(label) > 5)", False),
        ("contribution.merged_at - student.enrolled_on > duration('2400h')", True),
        ("contribution.merged_at >= timestamp('2025-01-01T00:00:00Z')", True),
    ],
)
def test_a_condition_is_computed_on_the_facts(text: str, value: bool) -> None:
    """Comparisons, membership, labels and times have the value that a reader expects."""
    assert checked(text).value(KNOWN) is value


@pytest.mark.parametrize(
    ("text", "value"),
    [("contribution.lines.code / 20", 3), ("-7 / 2", -3), ("repository.stars > 10 ? 2 : 1", 2)],
)
def test_a_formula_gives_whole_numbers_divided_towards_zero(text: str, value: int) -> None:
    """A formula gives an int, never a float."""
    given = checked(text, "whole").value(KNOWN)
    assert given == value
    assert type(given) is int


def test_an_unknown_fact_makes_the_answer_unknown_and_is_named() -> None:
    """An unknown fact is neither false nor zero, and the answer names it."""
    assert checked("repository.is_fork").value(KNOWN) == UnknownValue(("repository.is_fork",))
    assert checked("!repository.is_fork").value(KNOWN) == UnknownValue(("repository.is_fork",))
    assert checked("contribution.additions < 1", "yes-no").value(KNOWN) == UnknownValue(
        ("contribution.additions",)
    )


def test_an_unknown_fact_does_not_matter_where_the_rest_decides() -> None:
    """``||`` with a true side and ``&&`` with a false side have a value, even if the other side is unknown."""
    assert checked("repository.is_fork || repository.osi_approved").value(KNOWN) is True
    assert checked("repository.is_fork && repository.stars > 99").value(KNOWN) is False
    assert checked("repository.stars > 99 && repository.is_fork").value(KNOWN) is False


def test_every_unknown_fact_of_a_condition_is_named() -> None:
    """If two facts are missing, the answer names both."""
    answer = checked("repository.is_fork && repository.archived").value(KNOWN)
    assert answer == UnknownValue(("repository.archived", "repository.is_fork"))


def test_an_error_is_a_value_and_never_read_as_true() -> None:
    """A division by zero and an overflow give a failure with its reason, never a value."""
    answer = checked("10 / (repository.stars - 12) > 1").value(KNOWN)
    assert isinstance(answer, FailedValue)
    assert "divide by zero" in answer.reason
    overflow = checked("repository.stars * 9223372036854775807", "whole").value(KNOWN)
    assert isinstance(overflow, FailedValue)


def test_an_expression_names_the_facts_that_it_sees() -> None:
    """An expression sees exactly the facts that it names; an unknown fact is None."""
    expression = checked("repository.stars > 3 || contribution.labels.exists(x, x == 'contribution.title')")
    assert expression.facts == ("contribution.labels", "repository.stars")
    assert KNOWN.seen_by(checked("repository.is_fork")) == {"repository.is_fork": None}


def test_every_fault_of_an_expression_is_told_with_its_place() -> None:
    """Two mistakes on two lines are two problems."""
    first, second = refused("repository.stras > 3\n  && contribution.kind > 4")
    assert (first.line, first.column) == (1, 1)
    assert (second.line, second.column) == (2, 24)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "repository.stars",
        "repository.stars > 1.5",
        "repository.stars >",
        "repository",
        "nobody",
        "has(repository.stars)",
        "dyn(repository.stars) == 'a'",
        "type(repository.stars) == int",
        "string(repository.stars) == '1'",
        "contribution.kind.matches('(a+)+$')",
        "contribution.labels.map(x, x + x).size() > 1",
        "contribution.labels.filter(x, true).size() > 1",
        "contribution.kind + contribution.kind == ''",
        "contribution.merged_at.getHours() > 4",
        "google.protobuf.Int32Value{value: 1} == 1",
        "timestamp('yesterday') < contribution.merged_at",
        "1 / 0 == 1",
        "null == null && now() > 1",
        "[1] + [2] == [1, 2]",
        "contribution.labels" + ".exists(a, contribution.labels" * 3 + ".exists(b, true)" + ")" * 3,
    ],
)
def test_what_a_condition_may_not_use_is_refused(text: str) -> None:
    """Dynamic functions, functions that grow data and names outside the facts are refused in both languages."""
    problem = refused(text)[0]
    assert problem.message
    assert problem.message_zh


def hostile() -> list[str]:
    texts = [
        "!" * 999 + "true",
        "-" * 990 + "1 == 1",
        "(" * 400 + "1" + ")" * 400 + " == 1",
        "[" * 450 + "]" * 450 + " == []",
        "true" + " && true" * 120,
        "true" + "?true:true" * 90,
        "1" + "+1" * 450 + " > 1",
        "'" + "a" * 990 + "' == ''",
        "repository" + ".stars" * 150,
        "{" + "'a':" * 200 + "1" + "}" * 200 + " == {}",
        "contribution.labels.exists(x, " * 30 + "true" + ")" * 30,
        "[" + "1," * 480 + "1].exists(x, [" + "]",
        "repository.stars > 9223372036854775808",
        "\x00",
        "\ud800 == 'x'",
        "'\\ud800' == ''",
        "`a` == 1",
        "x" * 1_001,
        "𝒶" * 300,
    ]
    lists = "[" + ",".join("1" for _ in range(90)) + "]"
    texts.append(f"{lists}.all(x, {lists}.all(y, x == y || x != y))")
    return texts


@pytest.mark.parametrize("text", hostile(), ids=range(len(hostile())))
def test_a_hostile_expression_ends_at_once(text: str) -> None:
    """Deep, long and unusual expressions are refused or computed within half a second."""
    begun = time.perf_counter()
    answer = cel.check(text, "yes-no")
    if isinstance(answer, CheckedExpression):
        answer.value(KNOWN)
    assert time.perf_counter() - begun < 0.5


def test_every_listed_fact_has_a_name_for_conditions_and_two_labels() -> None:
    """Each listed fact has a name in conditions (decimals in hundredths) and labels in both languages."""
    for fact in LISTED:
        name = f"{fact.name}_hundredths" if fact.kind == "decimal" else fact.name
        assert name in CONDITION_FACTS
    assert all(fact.en and fact.zh for fact in CONDITION_FACTS.values())
    assert "contribution.files.tests" in CONDITION_FACTS
    assert "contribution.changed_lines" in CONDITION_FACTS
