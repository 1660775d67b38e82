"""Reading a rulebook: what is valid, what is not, and where the fault is."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from pydantic import ValidationError

from credits.rules.document import yaml_tree
from credits.rules.document.parser import RulebookDocument, RulebookFault, RulebookFaults, digest, parse
from credits.rules.fact_catalogue import CONDITION_FACTS
from tests.rules.made import ROOT, SHIPPED, both, rulebook, shape, shipped, shipped_rulebook


def faults_of(text: str) -> tuple[RulebookFault, ...]:
    with pytest.raises(RulebookFaults) as caught:
        parse(text)
    return caught.value.faults


def fault_of(text: str) -> RulebookFault:
    (fault,) = faults_of(text)
    return fault


def faults_in(**changes: object) -> dict[str, RulebookFault]:
    """Return the faults of the smallest rulebook with ``changes``, by path."""
    return {fault.path: fault for fault in faults_of(json.dumps(shape(**changes), ensure_ascii=False))}


@pytest.mark.parametrize("code", SHIPPED)
def test_a_shipped_rulebook_is_valid_and_prints_to_itself(code: str) -> None:
    """Reading the canonical text of a shipped rulebook gives an equal rulebook with the same digest."""
    read = shipped_rulebook(code)
    again = parse(read.canonical())
    assert again == read
    assert again.canonical() == read.canonical()
    assert digest(again) == digest(read)


def test_the_state_council_rulebook_says_what_it_should() -> None:
    """The shipped practice rulebook has the numbers of its description."""
    read = parse(shipped("open-source-practice"))
    assert read.conversion.points_per_step == 16
    assert read.conversion.step == Decimal("0.5")
    assert read.term_cap == 2
    assert read.degree_cap == 4
    assert (read.maturing_days, read.hearing_days, read.notice.working_days) == (7, 5, 5)
    assert read.caps.repository.share == Decimal("0.5")
    assert [stage.id for stage in read.review.stages] == ["instructor"]


def test_the_ects_unit_names_code_level_hours_and_outcomes() -> None:
    """The ECTS rulebook has everything that the users' guide requires of a unit, and gives whole credits."""
    read = parse(shipped("ects-unit"))
    assert read.course is not None
    assert read.course.hours_per_credit is not None
    assert read.course.code
    assert read.course.level.en.startswith("EQF")
    assert len(read.course.outcomes) >= 3
    assert read.course.hours_per_credit.at_least == 25
    assert read.course.hours_per_credit.at_most == 30
    assert 25 <= read.conversion.points_per_step <= 30
    assert read.conversion.step == 1


def test_every_default_is_written_out() -> None:
    """A key that is left out has its default in the canonical text, so later defaults change nothing."""
    data = json.loads(rulebook().canonical())
    assert data["maturing_days"] == 7
    assert data["hearing_days"] == 5
    assert data["notice"] == {"working_days": 5, "mask": "surname", "audience": "members"}
    assert data["appeal"] == {"re_review_working_days": 10, "days": 10}
    assert data["merged_since"] == "enrolment"
    assert (data["term_cap"], data["degree_cap"]) == ("2", "4")
    assert data["conversion"]["remainder"] == "carry"
    assert data["retention"] == {"unclaimed_months": 12, "facts_years": 10}
    assert json.loads(rulebook(caps={}).canonical())["caps"]["repository"] == {"share": "0.5"}


def test_a_default_and_the_same_value_written_are_one_rulebook() -> None:
    """Writing a default out does not change the digest."""
    assert digest(rulebook()) == digest(rulebook(maturing_days="7", degree_cap="4.0"))


def test_numbers_are_read_exactly() -> None:
    """0.1 stays one tenth: no number passes through a float."""
    assert rulebook(conversion={"points_per_step": "0.3", "step": "0.1"}).conversion.step == Decimal("0.1")


def test_a_parsed_rulebook_cannot_be_changed() -> None:
    """A parsed rulebook refuses every assignment."""
    with pytest.raises(ValidationError):
        rulebook().term_cap = Decimal(100)


def test_all_faults_are_told_at_once_with_their_places() -> None:
    """A wrong key, a wrong number, a misspelt fact and an empty key are found in one reading, in text order."""
    text = (
        shipped("open-source-practice")
        .replace("maturing_days: 7", "maturing_dys: 7\nhearing_days: many")
        .replace("hearing_days: 5\n", "")
        .replace("when: repository.osi_approved", "when: repository.osi_aproved")
        .replace("degree_cap: 4", "degree_cap:")
    )
    lines = text.split("\n")
    found = faults_of(text)
    assert [fault.path for fault in found] == [
        "maturing_dys",
        "hearing_days",
        "requirements[1].when",
        "degree_cap",
    ]
    for fault, word in zip(
        found, ("maturing_dys", "many", "repository.osi_aproved", "degree_cap"), strict=True
    ):
        assert lines[fault.line - 1][fault.column - 1 :].startswith(word)
    assert "maturing_days" in found[0].suggestion
    assert "repository.osi_approved" in found[2].suggestion


def test_a_misspelt_fact_brings_the_nearest_one_to_mind() -> None:
    """For ``stras``, the suggestion is ``stars``, in both languages."""
    rule = {"id": "known", "text": both("known"), "when": "repository.stras > 3"}
    fault = faults_in(requirements=[rule])["requirements[0].when"]
    assert fault.suggestion == "Did you mean “repository.stars”?"
    assert "repository.stars" in fault.text("zh-hans")


BLOCK = """\
code: located
title: {zh: 甲, en: a}
source: {zh: 甲, en: a}
category: {code: innovation, title: {zh: 甲, en: a}}
requirements:
  - id: known
    text: {zh: 甲, en: a}
    when: CONDITION
points:
  - {id: base, text: {zh: 甲, en: a}, give: 1}
conversion: {points_per_step: 16}
"""


@pytest.mark.parametrize(
    "written",
    [
        "repository.stars > 1 && repository.stras > 3",
        "'repository.stars > 1 && repository.stras > 3'",
        '"repository.stars > 1 && repository.stras > 3"',
        "|\n      repository.stars > 1\n        && repository.stras > 3",
        ">-\n      repository.stars > 1\n      && repository.stras > 3",
        ">\n\n      repository.stars > 1 &&\n\n        repository.stras > 3\n",
        "repository.stars > 1\n      && repository.stras > 3",
        "|2-\n      '☃é' == '☃é' && repository.stras > 3",
    ],
)
def test_a_fault_within_a_condition_is_located_however_it_is_written(written: str) -> None:
    """Line and column point at the misspelt word in plain, quoted, literal and folded texts."""
    text = BLOCK.replace("CONDITION", written)
    fault = fault_of(text)
    assert text.split("\n")[fault.line - 1][fault.column - 1 :].startswith("repository.stras")


def test_a_fault_in_a_text_with_escapes_points_at_the_text() -> None:
    """If escapes shift the columns, the fault has the place of the whole condition."""
    text = BLOCK.replace("CONDITION", '"\\u0031 == 1 && repository.stras > 3"')
    fault = fault_of(text)
    assert (fault.line, fault.column) == (8, 11)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    """A file saved by a Windows editor is the same rulebook."""
    text = shipped("ects-unit")
    assert parse("\ufeff" + text.replace("\n", "\r\n")) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("- a", "keys"),
        ("just words", "keys"),
        ("a: [", "YAML"),
        ("a: b: c", "YAML"),
        ("a: 'x", "YAML"),
        ("code: &x y\ntitle: *x", "Anchors"),
        ("code: !!python/object/apply:os.system [ls]", "Tags"),
        ("code: x\ncode: y", "already given in line 1"),
        ("code: x\n---\ncode: y", "one rulebook"),
        ("? [a]\n: b", "key must be one word"),
        ("a: \u202eb", "U+202E"),
        ('a: "\\u2028"', "U+2028"),
        ("a:\tb", "U+0009"),
        ("a: \ufffe", "U+FFFE"),
        ("a: " + "[" * 50 + "]" * 50, "nested"),
        ("a: [" + "b," * 6_000 + "]", "more than 5000"),
        ("a: " + "b" * 100_001, "characters"),
    ],
)
def test_what_is_no_plain_yaml_is_refused_with_a_place(text: str, message: str) -> None:
    """Each kind of YAML that a rulebook may not use is named, with a place."""
    found = faults_of(text)
    assert any(message in fault.message for fault in found)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in found)


def test_an_unquoted_comma_is_not_swallowed() -> None:
    """A comma in an unquoted text makes a second, empty key. That is a fault; it is not dropped silently."""
    text = BLOCK.replace("CONDITION", "repository.stars > 1").replace("give: 1", "give: 1, and more")
    assert fault_of(text).path == "points[0].and more"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"points": []}, "points"),
        ({"points": [{"id": "a", "text": both("a")}]}, "points[0]"),
        ({"points": [{"id": "a", "text": both("a"), "give": "1", "formula": "1"}]}, "points[0]"),
        ({"points": [{"id": "A b", "text": both("a"), "give": "1"}]}, "points[0].id"),
        ({"points": [{"id": "a", "text": {"en": "a"}, "give": "1"}]}, "points[0].text.zh"),
        ({"points": [{"id": "a", "text": both("a"), "give": "1e9"}]}, "points[0].give"),
        ({"points": [{"id": "a", "text": both("a"), "give": "nan"}]}, "points[0].give"),
        (
            {"points": [{"id": "a", "text": both("a"), "formula": "repository.osi_approved"}]},
            "points[0].formula",
        ),
        ({"points": [{"id": "a", "text": both("a"), "formula": "1 / 0"}]}, "points[0].formula"),
        (
            {"points": [{"id": "a", "text": both("a"), "reviewer": {"at_least": "5", "at_most": "5"}}]},
            "points[0].reviewer.at_most",
        ),
        (
            {
                "points": [
                    {
                        "id": "a",
                        "text": both("a"),
                        "bands": {
                            "of": "repository.stars",
                            "steps": [{"above": "9", "give": "1"}, {"above": "9", "give": "2"}],
                        },
                    }
                ]
            },
            "points[0].bands.steps[1].above",
        ),
        ({"factors": [{"id": "base", "text": both("a"), "times": "2"}]}, "factors[0].id"),
        ({"notice": {"working_days": "2"}}, "notice.working_days"),
        ({"maturing_days": "1.5"}, "maturing_days"),
        ({"term_cap": "5"}, "degree_cap"),
        ({"term_cap": "0.1"}, "term_cap"),
        ({"conversion": {"points_per_step": "0"}}, "conversion.points_per_step"),
        ({"conversion": {"points_per_step": "16", "minimum": "0.7"}}, "conversion.minimum"),
        ({"caps": {"repository": {"share": "1.5"}}}, "caps.repository.share"),
        ({"caps": {"kinds": [{"kind": "r", "points": "1"}] * 2}}, "caps.kinds[1].kind"),
        ({"caps": {"tiers": [{"tier": "A", "points": "1"}] * 2}}, "caps.tiers[1].tier"),
        ({"caps": {"periods": [{"each": "day", "points": "1"}] * 2}}, "caps.periods[1].each"),
        ({"caps": {"periods": [{"each": "year", "points": "1"}]}}, "caps.periods[0].each"),
        ({"mix": [{"id": "base", "text": both("a"), "at_least": "2"}]}, "mix[0].id"),
        ({"mix": [{"id": "m", "text": both("a"), "at_least": "0"}]}, "mix[0].at_least"),
        ({"mix": [{"id": "m", "text": both("a"), "at_least": "1", "when": "1"}]}, "mix[0].when"),
        ({"conversion": {}}, "conversion"),
        (
            {"conversion": {"points_per_step": "1", "table": [{"at_least": "1", "credit": "1"}]}},
            "conversion",
        ),
        ({"conversion": {"points_per_step": "16", "rounding": "up"}}, "conversion.rounding"),
        (
            {"conversion": {"table": [{"at_least": "9", "credit": "1"}, {"at_least": "9", "credit": "2"}]}},
            "conversion.table[1].at_least",
        ),
        ({"selection": {"pay": "difference"}}, "selection.pay"),
        ({"grade": {"scheme": "letter"}}, "grade"),
        ({"grade": {"scheme": "pass", "fixed": "85"}}, "grade"),
        (
            {"grade": {"scheme": "letter", "bands": [{"at_least": "20", "label": both("A")}]}},
            "grade.bands[0].at_least",
        ),
        ({"grade": {"scheme": "percentage", "bands": [{"at_least": "1"}]}}, "grade.bands[0]"),
        (
            {"grade": {"scheme": "five-level", "bands": [{"at_least": "1", "label": both("A")}]}},
            "grade.bands[0].label.zh",
        ),
        ({"grade": {"scheme": "stars"}}, "grade.scheme"),
        ({"review": {"stages": []}}, "review.stages"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"language": "2"}, "language"),
    ],
)
def test_what_makes_no_sense_is_found_when_the_rulebook_is_read(
    changes: dict[str, object], path: str
) -> None:
    """Each value that makes no sense is a fault at its path, with a sentence in both languages."""
    fault = faults_in(**changes)[path]
    assert fault.message
    assert fault.message_zh


@pytest.mark.parametrize("digit", ["５", "٣", "৪"])
def test_a_number_is_written_in_the_digits_that_everybody_reads(digit: str) -> None:
    """Other digits are refused: a Bengali 4 looks like an 8, so people would read another number than is computed."""
    rule = {"id": "base", "text": both("base"), "give": digit}
    assert list(faults_in(points=[rule])) == ["points[0].give"]
    assert list(faults_in(maturing_days=digit)) == ["maturing_days"]


def test_one_entry_with_a_fault_is_not_told_as_no_entry() -> None:
    """If the only points rule has a wrong number, that is the only fault. The list is not called empty."""
    rule = {"id": "base", "text": both("base"), "give": "1e3"}
    assert list(faults_in(points=[rule])) == ["points[0].give"]
    assert list(faults_in(points=[])) == ["points"]


@pytest.mark.parametrize(("rules", "bands", "words"), [(50, 1, 1_810), (49, 17, 1)])
def test_what_could_not_be_read_back_is_refused(rules: int, bands: int, words: int) -> None:
    """A text within the limits is refused if its canonical form exceeds them, because it could never be read again."""
    head = "".join(f"{key}: {json.dumps(value)}\n" for key, value in shape().items() if key != "points")
    steps = ", ".join(f"{{above: {at}, give: {at}}}" for at in range(bands))
    rule = f"text: {{zh: {'a' * words}, en: a}}, bands: {{of: repository.stars, steps: [{steps}]}}"
    text = f"{head}points:\n" + "".join(f"- {{id: p{at}, {rule}}}\n" for at in range(rules))
    assert yaml_tree.read_tree(text)
    assert "With all defaults written out" in fault_of(text).message


def test_the_hours_of_a_unit_bind_the_conversion() -> None:
    """With 25 to 30 hours a credit, 20 hours a credit is a fault."""
    text = shipped("ects-unit").replace("points_per_step: 28", "points_per_step: 20")
    assert fault_of(text).path == "conversion.points_per_step"


def test_the_error_says_the_first_fault_in_a_sentence() -> None:
    """The error has a stable code and a sentence with the place of the first fault."""
    with pytest.raises(RulebookFaults) as caught:
        parse("code: x\n---\ncode: y")
    assert caught.value.code == "rulebook-faults"
    assert "line 2" in caught.value.message


def test_the_page_about_rulebooks_names_every_key_and_fact() -> None:
    """The page for stewards names all keys and facts of the language, and no others."""
    page = (ROOT / "rulebooks" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+(?:\.[a-z_]+)+)`", page)) - {"bands.of"}
    assert named == set(CONDITION_FACTS)
    table = page.partition("## Keys")[2].partition("## Order")[0]
    for key in RulebookDocument.model_fields:
        assert f"`{key}`" in table
