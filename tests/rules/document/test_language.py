"""Rules about more than one contribution: periods, tiers, mixes, selection, tables, rounding, grades."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from credits.rules.decimals import to_text
from credits.rules.document.parser import RulebookDocument
from credits.rules.evaluation.evaluate import Outcome, evaluate
from credits.rules.evaluation.outcome import TraceLine
from credits.rules.facts import ContributionFacts
from tests.rules.made import both, claim, contribution, rulebook

FREE = {"repository": {"share": "1"}}


def lines_of(outcome: Outcome, step: str) -> list[TraceLine]:
    return [line for line in outcome.lines if line.step == step]


def points_of(outcome: Outcome) -> dict[str, str]:
    return {contribution.ref: to_text(contribution.points) for contribution in outcome.contributions}


def merged(ref: str, *when: int, **changes: Any) -> ContributionFacts:
    """Return a contribution that was merged at the given time in UTC."""
    about = {"merged_at": datetime(*when, tzinfo=UTC), **changes.pop("contribution", {})}
    return contribution(ref, contribution=about, **changes)


@pytest.mark.parametrize(
    ("each", "inside", "outside"),
    [
        # 16:00 UTC is midnight in Shanghai.
        ("day", (2025, 3, 4, 15, 59), (2025, 3, 4, 16)),
        # Sunday's last minute and Monday's first.
        ("week", (2025, 3, 9, 15, 59), (2025, 3, 9, 16)),
        ("month", (2025, 3, 31, 15, 59), (2025, 3, 31, 16)),
    ],
)
def test_a_period_ends_at_midnight_where_the_university_is(
    each: str, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    """A cap on a day, ISO week or month ends at midnight in the rulebook's time zone."""
    book = rulebook(caps={**FREE, "periods": [{"each": each, "points": "8"}]})
    first = merged("1", 2025, 3, 4, 1)
    assert evaluate(book, claim(first, merged("2", *inside))).points == 8
    assert evaluate(book, claim(first, merged("2", *outside))).points == 10


def test_the_first_week_of_a_year_is_iso() -> None:
    """30 December 2024, a Monday, is in week 1 of 2025."""
    book = rulebook(caps={**FREE, "periods": [{"each": "week", "points": "8"}]})
    outcome = evaluate(book, claim(merged("1", 2024, 12, 30), merged("2", 2025, 1, 2)))
    assert [line.rule for line in lines_of(outcome, "period-cap")] == ["2025-W01"]


def test_periods_are_held_from_the_day_to_the_month_however_they_are_listed() -> None:
    """The cap of the day comes before the cap of the month, whatever the order in the file."""
    caps = [{"each": "month", "points": "9"}, {"each": "day", "points": "4"}]
    facts = claim(
        merged("1", 2025, 3, 4), merged("2", 2025, 3, 4), merged("3", 2025, 3, 9), merged("4", 2025, 3, 11)
    )
    outcomes = [evaluate(rulebook(caps={**FREE, "periods": order}), facts) for order in (caps, caps[::-1])]
    assert outcomes[0].lines == outcomes[1].lines
    assert points_of(outcomes[0]) == {"1": "4", "2": "0", "3": "4", "4": "1"}


def test_work_of_an_unknown_time_waits_where_a_period_is_capped() -> None:
    """If the merge time is unknown, the contribution is undecided, and the missing fact is named."""
    book = rulebook(
        caps={**FREE, "periods": [{"each": "week", "points": "8"}]}, merged_since="any", maturing_days="0"
    )
    (undated,) = evaluate(book, claim(contribution(contribution={"merged_at": None}))).contributions
    assert (undated.status, undated.unknown) == ("undecided", ("contribution.merged_at",))


def test_a_tier_has_its_own_cap() -> None:
    """Two contributions of tier B share 7 points; tier A and a repository outside the catalogue keep all points."""
    book = rulebook(caps={**FREE, "tiers": [{"tier": "B", "points": "7"}]})
    tiers = ["B", "B", "A", None]
    items = [contribution(str(at), day=at + 1, repository={"tier": tier}) for at, tier in enumerate(tiers)]
    assert points_of(evaluate(book, claim(*items))) == {"0": "5", "1": "2", "2": "5", "3": "5"}


def test_a_cap_says_what_it_took_and_in_whose_favour() -> None:
    """The claim's line names what kept and what lost points; the contribution's line names what kept them."""
    items = [contribution(str(n), day=n, contribution={"number": f"10{n}"}) for n in (1, 2, 3)]
    book = rulebook(caps={"repository": {"points": "8", "share": "1"}})
    outcome = evaluate(book, claim(*items))
    (line,) = lines_of(outcome, "repository-cap")
    assert line.saw["kept"] == ["1", "2"]
    assert line.saw["cut"] == ["2", "3"]
    assert "in favour of a/b#101, a/b#102" in outcome.contributions[2].lines[-1].text["en"]
    assert "让予 a/b#101、a/b#102" in outcome.contributions[2].lines[-1].text["zh"]


def test_a_second_repository_that_lowers_the_total_is_named_as_the_reason() -> None:
    """A small second repository lowers the total from 15 to 9; the trace gives the reason and both numbers."""
    book = rulebook(
        caps={"repository": {"share": "0.5"}},
        points=[{"id": "size", "text": both("size"), "formula": "contribution.changed_lines"}],
    )
    big = contribution("1", lines=15)
    small = contribution("2", lines=1, repository={"id": "2", "full_name": "x/y"})
    assert evaluate(book, claim(big)).points == 15
    outcome = evaluate(book, claim(big, small))
    assert outcome.points == 9
    text = lines_of(outcome, "repository-cap")[0].text
    assert "because x/y gave points too" in text["en"]
    assert "would keep 15, more than the 9 that everything gives together now" in text["en"]
    assert "反而更少" in text["zh"]


def mixed(**mix: Any) -> RulebookDocument:
    return rulebook(
        caps=FREE, mix=[{"id": "mix", "text": both("two reviews"), "otherwise": both("Go on."), **mix}]
    )


REVIEWS = {"when": "contribution.kind == 'review'", "at_least": "2"}


def test_a_mix_that_is_not_met_gives_nothing_and_frees_all_of_it() -> None:
    """With one review instead of two, no contribution counts, each has the reason, and nothing is converted."""
    items = [contribution("1", contribution={"kind": "review"}), contribution("2"), contribution("3")]
    outcome = evaluate(mixed(**REVIEWS), claim(*items, points_carried="3"))
    assert {contribution.status for contribution in outcome.contributions} == {"does-not-count"}
    assert (outcome.points, outcome.credit, outcome.carried) == (0, 0, 3)
    (line,) = lines_of(outcome, "mix")
    assert (line.before, line.change) == (15, -15)
    assert line.text["en"].startswith("Not met: two reviews (2 needed, 1 eligible, 1 more to go)")
    assert line.text["en"].endswith("Go on.")
    assert outcome.contributions[0].lines[-1].change == -5


def test_a_mix_that_is_met_changes_nothing() -> None:
    """With two reviews, the mix is met and the points stay."""
    items = [contribution(str(n), contribution={"kind": "review"}) for n in (1, 2)]
    outcome = evaluate(mixed(**REVIEWS), claim(*items))
    assert outcome.points == 10
    assert lines_of(outcome, "mix")[0].saw == {
        "at_least": 2,
        "found": 2,
        "counted": ["1", "2"],
        "unknown": [],
    }


def test_a_mix_counts_repositories_by_their_identity() -> None:
    """Two contributions to one repository count as one repository, even after a rename."""
    book = mixed(count="repositories", at_least="2")
    same = [contribution("1"), contribution("2", repository={"full_name": "new/name"})]
    assert evaluate(book, claim(*same)).points == 0
    assert evaluate(book, claim(*same, contribution("3", repository={"id": "9"}))).points == 15


def test_a_mix_on_an_unknown_fact_is_undecided_and_not_refused() -> None:
    """With one review and one contribution of unknown kind, the mix is undecided, because two are possible."""
    items = [
        contribution("1", contribution={"kind": "review"}),
        contribution("2", contribution={"kind": None}),
    ]
    outcome = evaluate(mixed(**REVIEWS), claim(*items))
    assert {contribution.status for contribution in outcome.contributions} == {"undecided"}
    assert "not refused" in lines_of(outcome, "mix")[0].text["en"]


def test_no_share_widens_no_mix() -> None:
    """A review in which the student has no share does not count for the mix."""
    items = [
        contribution("1", contribution={"kind": "review"}),
        contribution("2", contribution={"kind": "review", "share": Decimal(0)}),
    ]
    assert evaluate(mixed(**REVIEWS), claim(*items)).points == 0


@pytest.mark.parametrize(("within", "kept"), [("claim", "9"), ("repository", "15"), ("kind", "16")])
def test_the_best_of_the_claim_or_of_each_repository_or_kind(within: str, kept: str) -> None:
    """Only the best counts: of the claim (9), of each repository (9 + 6), or of each kind (9 + 7)."""
    size = [{"id": "size", "text": both("size"), "formula": "contribution.changed_lines"}]
    book = rulebook(caps=FREE, points=size, selection={"best": "1", "within": within})
    items = [
        contribution("1", lines=9),
        contribution("2", lines=7, contribution={"kind": "review"}),
        contribution("3", lines=6, repository={"id": "2"}),
    ]
    outcome = evaluate(book, claim(*items))
    assert to_text(outcome.points) == kept
    assert lines_of(outcome, "selection")[0].saw["kept"]


@pytest.mark.parametrize(("standing", "credit"), [("0", "2"), ("0.5", "1.5"), ("2", "0"), ("3", "0")])
def test_highest_only_pays_the_difference_to_what_stands(standing: str, credit: str) -> None:
    """Credit already recognised is deducted from two credits, and the result is never below zero."""
    book = rulebook(
        points=[{"id": "a", "text": both("a"), "give": "64"}],
        selection={"best": "1", "pay": "difference"},
        conversion={"points_per_step": "16", "remainder": "drop"},
        degree_cap="6",
    )
    outcome = evaluate(book, claim(contribution(), credit=standing, credit_this_term="0"))
    assert to_text(outcome.credit) == credit


@pytest.mark.parametrize(
    ("rounding", "points", "steps", "left"),
    [
        ("down", "15", 0, "15"),
        ("nearest", "7", 0, "7"),
        ("nearest", "8", 1, "0"),
        ("nearest", "25", 2, "0"),
        ("nearest", "23", 1, "7"),
        ("up", "1", 1, "0"),
        ("up", "16", 1, "0"),
        ("up", "17", 2, "0"),
        ("up", "0", 0, "0"),
    ],
)
def test_the_total_is_rounded_to_whole_steps(rounding: str, points: str, steps: int, left: str) -> None:
    """Steps of 16 points are rounded down, to the nearest (half goes up) or up, and use no more points than exist."""
    book = rulebook(
        points=[{"id": "a", "text": both("a"), "give": points}],
        conversion={"points_per_step": "16", "rounding": rounding, "remainder": "drop"},
    )
    outcome = evaluate(book, claim(contribution()))
    assert outcome.credit == steps * Decimal("0.5")
    assert [line.after for line in outcome.lines if line.unit == "points"][-1] == Decimal(left)


TABLE = [
    {"at_least": "16", "credit": "0.5"},
    {"at_least": "32", "credit": "1"},
    {"at_least": "60", "credit": "2"},
]


@pytest.mark.parametrize(
    ("points", "credit", "carried"),
    [("15", "0", "15"), ("16", "0.5", "0"), ("31", "0.5", "15"), ("32", "1", "0"), ("80", "2", "20")],
)
def test_a_table_gives_its_highest_row(points: str, credit: str, carried: str) -> None:
    """The highest reached row of the table gives its credit; points above the row remain."""
    book = rulebook(points=[{"id": "a", "text": both("a"), "give": points}], conversion={"table": TABLE})
    outcome = evaluate(book, claim(contribution()))
    assert (to_text(outcome.credit), to_text(outcome.carried)) == (credit, carried)


def graded(points: str, **grade: Any) -> Outcome:
    book = rulebook(
        points=[{"id": "a", "text": both("a"), "give": points}],
        caps=FREE,
        grade=grade,
        degree_cap="9",
        term_cap="9",
    )
    return evaluate(book, claim(contribution()))


FIVE = [("16", "及格"), ("32", "中等"), ("48", "良好"), ("64", "优秀")]


@pytest.mark.parametrize(
    ("points", "label"), [("16", "及格"), ("47", "中等"), ("48", "良好"), ("90", "优秀")]
)
def test_five_levels_go_by_points(points: str, label: str) -> None:
    """The bands give the label of 五级制 for the points."""
    bands = [{"at_least": edge, "label": {"zh": zh, "en": zh}} for edge, zh in FIVE]
    grade = graded(points, scheme="five-level", bands=bands).grade
    assert grade is not None
    assert (grade.scheme, grade.label["zh"], grade.mark) == ("five-level", label, None)


@pytest.mark.parametrize(
    ("way", "mark"),
    [
        ({"fixed": "85"}, "85"),
        ({"formula": {"base": "60", "per_point": "0.55"}}, "77"),
        ({"formula": {"base": "60", "per_point": "0.55", "rounding": "up"}}, "78"),
        ({"formula": {"base": "60", "per_point": "0.55", "step": "0.5", "rounding": "nearest"}}, "77.5"),
        ({"formula": {"base": "60", "per_point": "9", "at_most": "95"}}, "95"),
        ({"bands": [{"at_least": "0", "mark": "70"}, {"at_least": "32", "mark": "88"}]}, "88"),
    ],
)
def test_a_percentage_is_fixed_by_formula_or_by_bands(way: dict[str, Any], mark: str) -> None:
    """For 32 points, each way gives its mark, and the label is the mark."""
    outcome = graded("32", scheme="percentage", in_average="true", **way)
    assert outcome.grade is not None
    assert (to_text(outcome.grade.mark or Decimal(0)), outcome.grade.label["zh"]) == (mark, mark)
    assert outcome.grade.in_average
    assert "within the grade average" in lines_of(outcome, "grade")[0].text["en"]


def test_points_carried_in_have_a_part_in_the_grade() -> None:
    """The grade looks at all converted points, including carried points, so credit always has a grade."""
    book = rulebook(grade={"scheme": "letter", "bands": [{"at_least": "16", "label": both("C")}]})
    outcome = evaluate(book, claim(contribution(), points_carried="12"))
    assert outcome.grade is not None
    assert outcome.grade.label["en"] == "C"


def test_no_credit_leaves_no_grade() -> None:
    """A claim without credit has no grade, so it leaves no fail."""
    outcome = graded("5")
    assert outcome.grade is None
    assert not lines_of(outcome, "grade")
    assert Outcome.from_json(outcome.to_json()).grade is None


def test_a_grade_is_stored_and_read_back() -> None:
    """The outcome's JSON keeps scheme, label, mark, and whether the grade counts in the average."""
    outcome = graded("40", scheme="percentage", fixed="85")
    assert Outcome.from_json(outcome.to_json()) == outcome
    assert outcome.to_json()["grade"] == {
        "scheme": "percentage",
        "label": {"zh": "85", "en": "85"},
        "mark": "85",
        "in_average": False,
    }
