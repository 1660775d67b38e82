"""Variants: what they take over, what they may change, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from credits.rules.document.parser import RulebookFault, RulebookFaults, digest, parse, warnings
from tests.rules.made import both, library, shape, shipped, shipped_rulebook

PARENT = shape(
    label="1",
    requirements=[{"id": "licence", "text": both("licence"), "when": "repository.osi_approved"}],
    points=[
        {"id": "base", "text": both("base"), "give": "5"},
        {"id": "hard", "text": both("hard"), "reviewer": {"at_most": "5"}},
    ],
    factors=[
        {"id": "first", "text": both("first"), "times": "2", "when": "contribution.first_in_repository"}
    ],
    mix=[{"id": "two", "text": both("two"), "at_least": "2"}],
    caps={
        "repository": {"points": "20", "share": "1"},
        "periods": [{"each": "week", "points": "90"}],
        "kinds": [{"kind": "review", "points": "9"}],
        "tiers": [{"tier": "a", "points": "90"}],
    },
    selection={"best": "9"},
)


def json_text(**data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1)


def variant(**changes: Any) -> str:
    return json_text(extends={"code": "least", "version": "1"}, code="faculty", **changes)


def library_with(**changes: Any) -> dict[tuple[str, str], str]:
    return {("least", "1"): json_text(**{**PARENT, **changes})}


def faults(text: str, **changes: Any) -> tuple[RulebookFault, ...]:
    with pytest.raises(RulebookFaults) as caught:
        parse(text, library_with(**changes))
    return caught.value.faults


def test_a_variant_is_resolved_to_a_whole_that_names_what_it_came_from() -> None:
    """The canonical text of a variant needs no library, and has the digest of the rulebook that it extends."""
    parent = parse(json_text(**PARENT))
    book = parse(variant(caps={"repository": {"points": "12"}}, degree_cap="3"), library_with())
    assert book.derived_from is not None
    assert (book.derived_from.code, book.derived_from.version) == ("least", "1")
    assert book.derived_from.digest == digest(parent)
    assert (book.caps.repository.points, book.caps.repository.share, book.degree_cap) == (12, 1, 3)
    assert (book.code, book.label, book.points) == ("faculty", None, parent.points)
    assert parse(book.canonical()) == book


def test_lists_are_joined_by_name() -> None:
    """An entry with a known name changes the parent's entry. An entry with a new name is added at the end."""
    text = variant(
        requirements=[{"id": "stars", "text": both("stars"), "when": "repository.stars > 9"}],
        points=[{"id": "hard", "reviewer": {"at_most": "4"}}],
        caps={"kinds": [{"kind": "review", "points": "3"}, {"kind": "issue", "points": "1"}]},
    )
    book = parse(text, library_with())
    assert [rule.id for rule in book.requirements] == ["licence", "stars"]
    assert [rule.id for rule in book.points] == ["base", "hard"]
    assert book.points[1].reviewer is not None
    assert book.points[1].reviewer.at_most == 4
    assert [(cap.kind, cap.points) for cap in book.caps.kinds] == [("review", 3), ("issue", 1)]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"caps": {"repository": {"points": "21"}}}, "caps.repository.points"),
        (
            {"caps": {"kinds": [{"kind": "issue", "points": "1"}, {"kind": "review", "points": "10"}]}},
            "caps.kinds[1].points",
        ),
        ({"caps": {"kinds": []}}, "caps.kinds"),
        ({"caps": {"periods": []}}, "caps.periods"),
        ({"caps": {"tiers": []}}, "caps.tiers"),
        ({"term_cap": "3", "degree_cap": "3"}, "term_cap"),
        ({"selection": {"best": "10"}}, "selection.best"),
        ({"selection": {"within": "repository"}}, "selection.within"),
        ({"maturing_days": "6"}, "maturing_days"),
        ({"hearing_days": "4"}, "hearing_days"),
        (
            {
                "review": {
                    "stages": [{"id": "instructor", "title": both("a"), "by": "college-committee"}],
                }
            },
            "review.stages[0].by",
        ),
        ({"notice": {"working_days": "4"}}, "notice.working_days"),
        ({"notice": {"mask": "full-name"}}, "notice.mask"),
        ({"appeal": {"days": "3"}}, "appeal.days"),
        ({"merged_since": "any"}, "merged_since"),
        ({"conversion": {"points_per_step": "8"}}, "conversion.points_per_step"),
        ({"conversion": {"step": "1"}}, "conversion.step"),
        ({"grade": {"in_average": "true"}}, "grade"),
        ({"variants": "free"}, "variants"),
        ({"category": {"code": "other"}}, "category"),
        ({"requirements": [{"id": "licence", "when": "true"}]}, "requirements[0].when"),
        ({"mix": [{"id": "two", "at_least": "1"}]}, "mix[0].at_least"),
        ({"mix": [{"id": "two", "when": "repository.is_fork"}]}, "mix[0]"),
        ({"factors": [{"id": "first", "times": "2.5"}]}, "factors[0].times"),
        ({"factors": [{"id": "more", "text": both("more"), "times": "1.1"}]}, "factors[0].times"),
        ({"points": [{"id": "base", "give": "6"}]}, "points[0].give"),
        ({"points": [{"id": "base", "when": "repository.is_fork"}]}, "points[0]"),
        ({"points": [{"id": "hard", "reviewer": {"at_most": "6"}}]}, "points[0].reviewer"),
        ({"points": [{"id": "more", "text": both("more"), "give": "1"}]}, "points[0]"),
    ],
)
def test_a_variant_that_loosens_is_refused_where_it_does(changes: dict[str, Any], path: str) -> None:
    """Each place that is less strict is one fault in the variant's own text, in both languages."""
    text = variant(**changes)
    (fault,) = faults(text)
    assert fault.path == path
    assert "only make the rulebook stricter" in fault.message
    assert "收紧" in fault.message_zh
    assert fault.line > 1
    parse(text, library_with(variants="free"))


@pytest.mark.parametrize(
    "changes",
    [
        {"caps": {"contribution": "5", "repository": {"points": "20", "share": "0.5"}}},
        {"caps": {"periods": [{"each": "week", "points": "5"}]}},
        {"selection": {"best": "1"}, "term_cap": "1", "degree_cap": "1", "maturing_days": "30"},
        {"points": [{"id": "small", "text": both("small"), "give": "-1", "when": "repository.is_fork"}]},
        {"points": [{"id": "base", "give": "4"}], "factors": [{"id": "first", "times": "1"}]},
        {"factors": [{"id": "less", "text": both("less"), "times": "0.5"}]},
        {"mix": [{"id": "two", "at_least": "3"}, {"id": "b", "text": both("b"), "at_least": "1"}]},
        {"conversion": {"minimum": "1"}, "variants": "none"},
        {"title": both("Another"), "course": {"code": "X-1", "title": both("X")}},
    ],
)
def test_a_variant_may_tighten(changes: dict[str, Any]) -> None:
    """A variant may have lower caps and points, more requirements, longer periods, deductions, and its own names."""
    assert parse(variant(**changes), library_with()).code == "faculty"


def test_what_cannot_be_extended_is_told_at_extends() -> None:
    """An unknown parent, itself, a parent with faults and one without variants are faults at ``extends``; so is a wrong
    ``extends``. A variant also needs its own code."""
    for text, changes, message in [
        (json_text(extends={"code": "leats", "version": "1"}, code="a"), {}, "Did you mean “least 1”?"),
        (json_text(extends="least", code="a"), {}, "by its code and its version"),
        (variant(), {"extends": {"code": "least", "version": "1"}}, "extends itself"),
        (variant(), {"degree_cap": "0"}, "itself has an error"),
        (variant(), {"variants": "none"}, "does not allow variants"),
    ]:
        (fault,) = faults(text, **changes)
        assert fault.path == "extends"
        assert message in fault.text()
    (fault,) = faults(json_text(extends={"code": "least", "version": "1"}))
    assert (fault.path, fault.message) == ("extends", "“code” is missing.")
    (fault,) = faults(json_text(extends={"code": "least", "version": "1"}, code="least"))
    assert (fault.path, fault.message) == ("code", "A variant needs its own code.")


def test_a_fault_that_only_the_whole_shows_is_told_in_the_variants_text() -> None:
    """A name that the parent already uses, and a misspelt key, are faults at the variant's own lines."""
    text = variant(
        factors=[{"id": "licence", "text": both("x"), "times": "1"}], caps={"repository": {"pionts": "3"}}
    )
    found = {fault.path: fault for fault in faults(text)}
    assert "points" in found["caps.repository.pionts"].suggestion
    found = {fault.path: fault for fault in faults(text.replace("pionts", "points"))}
    assert list(found) == ["factors[0].id"]
    assert "licence" in text.split("\n")[found["factors[0].id"].line - 1]


def test_the_shipped_variant_tightens_the_shipped_rulebook() -> None:
    """The shipped variant has lower caps and more requirements, and the conversion of the university."""
    university, faculty = shipped_rulebook("open-source-practice"), shipped_rulebook("software-faculty")
    assert faculty.caps.repository.share < university.caps.repository.share
    assert [rule.id for rule in faculty.requirements[: len(university.requirements)]] == [
        rule.id for rule in university.requirements
    ]
    assert faculty.conversion == university.conversion
    assert warnings(shipped("software-faculty"), library()) == ()
