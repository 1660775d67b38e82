"""Each step of an evaluation, by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from credits.errors import CreditsError
from credits.rules.decimals import to_text
from credits.rules.document.parser import RulebookDocument, digest
from credits.rules.evaluation.evaluate import ContributionOutcome, Outcome, evaluate
from credits.rules.facts import facts_from_json, to_json
from tests.rules.made import both, claim, contribution, rulebook

BANDS = {
    "of": "contribution.changed_lines",
    "steps": [{"above": "20", "give": "1"}, {"above": "100", "give": "2"}, {"above": "500", "give": "3"}],
}


def points(**way: Any) -> list[dict[str, Any]]:
    return [{"id": "only", "text": both("only"), **way}]


def first(outcome: Outcome) -> ContributionOutcome:
    return outcome.contributions[0]


def sums(outcome: Outcome) -> tuple[str, str, str]:
    """Points, credit and what is carried, as texts."""
    return to_text(outcome.points), to_text(outcome.credit), to_text(outcome.carried)


def standing_of(one: ContributionOutcome) -> tuple[str, str]:
    return one.status, to_text(one.points)


def sentences(outcome: Outcome, step: str) -> list[str]:
    lines = [*outcome.lines, *(line for one in outcome.contributions for line in one.lines)]
    return [line.text["en"] for line in lines if line.step == step]


def test_nothing_claimed_gives_nothing() -> None:
    """An empty claim is worth zero, with a trace that says so."""
    outcome = evaluate(rulebook(), claim())
    assert sums(outcome) == ("0", "0", "0")
    assert sentences(outcome, "sum")


def test_sixteen_points_are_half_a_credit_and_the_rest_is_carried() -> None:
    """Four contributions of five points: 20 points, 0.5 credit, 4 points carried."""
    outcome = evaluate(rulebook(), claim(*(contribution(str(n)) for n in range(4))))
    assert sums(outcome) == ("20", "0.5", "4")


def test_points_carried_in_are_converted_with_the_new_ones() -> None:
    """11 points from before and 5 new ones make the 16 of a step; nothing is left."""
    outcome = evaluate(rulebook(), claim(contribution(), points_carried="11"))
    assert sums(outcome) == ("5", "0.5", "0")


def test_a_remainder_may_be_dropped() -> None:
    """If the rulebook says so, nothing is carried."""
    book = rulebook(conversion={"points_per_step": "4", "remainder": "drop"})
    outcome = evaluate(book, claim(contribution()))
    assert sums(outcome) == ("5", "0.5", "0")


@pytest.mark.parametrize(("lines", "given"), [(20, 0), (21, 1), (100, 1), (101, 2), (500, 2), (501, 3)])
def test_bands_begin_above_their_edge(lines: int, given: int) -> None:
    """ "More than 20" leaves 20 itself out."""
    assert evaluate(rulebook(points=points(bands=BANDS)), claim(contribution(lines=lines))).points == given


def test_generated_files_count_nothing() -> None:
    """Lines of generated files are left out of the changed lines."""
    files = {
        "code": {"files": 1, "additions": 15, "deletions": 5},
        "generated": {"files": 1, "additions": 9000, "deletions": 0},
    }
    book = rulebook(points=points(formula="contribution.changed_lines"))
    assert evaluate(book, claim(contribution(contribution={"files": files}))).points == 20


def test_a_rule_applies_only_when_its_condition_holds() -> None:
    """A points rule with an unmet condition gives nothing and says why."""
    book = rulebook(points=points(give="3", when="repository.stars > 1000"))
    outcome = evaluate(book, claim(contribution()))
    assert outcome.points == 0
    assert "stars: 100" in sentences(outcome, "points")[0]


def test_a_contribution_is_never_worth_less_than_nothing() -> None:
    """A deduction stops at zero and cannot eat another contribution's points."""
    book = rulebook(points=points(give="-3"))
    outcome = evaluate(book, claim(contribution()))
    assert outcome.points == 0
    assert first(outcome).lines[-1].rule == "not-below-zero"


def test_factors_multiply_exactly_in_the_order_written() -> None:
    """0.1 × 0.7 of 5 points are 0.35 points, not almost."""
    factors = [
        {"id": "tenth", "text": both("tenth"), "times": "0.1"},
        {"id": "most", "text": both("most"), "times": "0.7", "when": "repository.osi_approved"},
        {"id": "never", "text": both("never"), "times": "9", "when": "repository.stars < 0"},
    ]
    assert evaluate(rulebook(factors=factors), claim(contribution())).points == Decimal("0.35")


def test_a_share_is_the_students_part() -> None:
    """A quarter of the work gives a quarter of the points."""
    outcome = evaluate(rulebook(), claim(contribution(contribution={"share": Decimal("0.25")})))
    assert outcome.points == Decimal("1.25")


def test_an_unknown_share_is_undecided() -> None:
    """An unknown share is not guessed: the contribution stays undecided."""
    outcome = evaluate(rulebook(), claim(contribution(contribution={"share": None})))
    assert first(outcome).status == "undecided"
    assert outcome.points == 0


def test_a_cap_on_one_contribution() -> None:
    """What is above the cap is taken, in a line of its own."""
    outcome = evaluate(
        rulebook(caps={"contribution": "3", "repository": {"share": "1"}}), claim(contribution())
    )
    assert outcome.points == 3
    assert first(outcome).lines[-1].change == -2


def test_half_of_the_points_from_one_repository_where_there_are_two() -> None:
    """15 and 5 points: the cap is half of the 20 before it, so the first repository keeps 10."""
    one = [contribution(str(n), day=n) for n in (1, 2, 3)]
    other = contribution("4", repository={"id": "2", "full_name": "x/y"})
    book = rulebook(caps={"repository": {"share": "0.5"}})
    assert evaluate(book, claim(*one)).points == 15
    outcome = evaluate(book, claim(*one, other))
    assert outcome.points == 15
    assert [item.points for item in outcome.contributions] == [5, 5, 0, 5]
    assert "that is 10" in sentences(outcome, "repository-cap")[0]


def test_a_repository_keeps_its_cap_through_a_rename() -> None:
    """Repositories are distinguished by forge and immutable id, not by name."""
    renamed = contribution("2", repository={"full_name": "new/name"})
    book = rulebook(caps={"repository": {"points": "6", "share": "1"}})
    assert evaluate(book, claim(contribution("1"), renamed)).points == 6


def test_two_repositories_of_one_id_on_two_forges_are_two() -> None:
    """Forge ids are unique within a forge only."""
    other = contribution("2", repository={"forge": "gitee"})
    book = rulebook(caps={"repository": {"points": "6", "share": "1"}})
    assert evaluate(book, claim(contribution("1"), other)).points == 10


def test_a_cap_takes_from_what_was_merged_last() -> None:
    """The order of merging decides, not the order or the names of the input."""
    late, early = contribution("1", day=9), contribution("2", day=2)
    book = rulebook(caps={"repository": {"points": "6", "share": "1"}})
    outcome = evaluate(book, claim(late, early))
    assert {one.ref: one.points for one in outcome.contributions} == {"1": 1, "2": 5}


def test_a_cap_on_a_kind_leaves_other_kinds_alone() -> None:
    """Two reviews are capped, a pull request is not."""
    reviews = [contribution(str(n), contribution={"kind": "review"}) for n in (1, 2)]
    book = rulebook(caps={"repository": {"share": "1"}, "kinds": [{"kind": "review", "points": "7"}]})
    assert evaluate(book, claim(*reviews, contribution("3"))).points == 12


def test_only_the_best_count() -> None:
    """The best two of three remain; the third keeps its lines and says why it gives nothing."""
    book = rulebook(points=points(formula="contribution.changed_lines"), selection={"best": "2"})
    outcome = evaluate(book, claim(*(contribution(str(n), lines=n) for n in (1, 5, 3))))
    assert outcome.points == 8
    assert first(outcome).points == 0
    assert "Only the best 2" in sentences(outcome, "selection")[0]


def test_less_than_the_minimum_gives_no_credit_and_keeps_the_points() -> None:
    """Below one whole credit nothing is converted yet, and no point is lost."""
    book = rulebook(conversion={"points_per_step": "4", "minimum": "1"})
    outcome = evaluate(book, claim(contribution()))
    assert sums(outcome) == ("5", "0", "5")


@pytest.mark.parametrize(
    ("standing", "credit"),
    [
        ({}, "2"),
        ({"credit_this_term": "1.5", "credit": "1.5"}, "0.5"),
        ({"credit_this_term": "0", "credit": "3"}, "1"),
        ({"credit_this_term": "0", "credit": "7"}, "0"),
    ],
)
def test_the_caps_of_term_and_degree_count_what_already_stands(standing: dict[str, str], credit: str) -> None:
    """Credit already recognised in the category leaves less room, and a room already overfull gives none."""
    book = rulebook(points=points(give="1000"))
    assert evaluate(book, claim(contribution(), **standing)).credit == Decimal(credit)


def test_an_unknown_standing_converts_nothing_and_loses_nothing() -> None:
    """If the credit already recognised is unknown, the points stay unconverted."""
    outcome = evaluate(rulebook(points=points(give="40")), claim(contribution(), credit=None))
    assert sums(outcome) == ("40", "0", "40")
    assert "credit already recognised" in sentences(outcome, "conversion")[0]


def requirement(when: str) -> list[dict[str, Any]]:
    return [{"id": "asked", "text": both("asked"), "when": when, "otherwise": both("Because.")}]


def test_an_unmet_requirement_gives_nothing_with_the_reason_and_the_values() -> None:
    """The student reads what was required, what was seen, and what to do."""
    book = rulebook(requirements=requirement("repository.stars > 1000"))
    outcome = evaluate(book, claim(contribution()))
    assert first(outcome).status == "does-not-count"
    line = first(outcome).lines[-1]
    assert line.text["en"] == "Not met: asked (stars: 100). Because."
    assert line.text["zh"] == "不符合：asked（中文）（星标数：100）。Because.（中文）"
    assert line.saw == {"repository.stars": 100}


def test_a_requirement_on_an_unknown_fact_is_undecided_and_not_refused() -> None:
    """Unknown is neither yes nor no: the contribution is undecided, and the fact is named."""
    book = rulebook(requirements=requirement("repository.stars > 1000"))
    outcome = evaluate(book, claim(contribution(repository={"stars": None})))
    assert first(outcome).status == "undecided"
    assert first(outcome).unknown == ("repository.stars",)
    assert "not refused" in first(outcome).lines[-1].text["en"]


def test_a_requirement_that_is_surely_unmet_outweighs_an_unknown_one() -> None:
    """No fact that could still come would make it count."""
    asked = [
        *requirement("repository.stars > 1000"),
        {"id": "other", "text": both("other"), "when": "repository.is_fork"},
    ]
    outcome = evaluate(rulebook(requirements=asked), claim(contribution()))
    assert first(outcome).status == "does-not-count"


def test_points_on_an_unknown_fact_are_left_open_while_the_rest_counts() -> None:
    """The base counts; the points for size stay open, and the trace says so."""
    rules = [*points(give="5"), {"id": "size", "text": both("size"), "bands": BANDS}]
    outcome = evaluate(rulebook(points=rules), claim(contribution(contribution={"files": None})))
    assert first(outcome).status == "counts"
    assert outcome.points == 5
    assert first(outcome).unknown == ("contribution.changed_lines",)


def test_a_status_that_could_not_be_asked_is_unknown() -> None:
    """A failed fetch is not read as "gone" (invariant 9)."""
    book = rulebook(requirements=requirement("contribution.status != 'gone'"))
    outcome = evaluate(book, claim(contribution(contribution={"status": "unknown"})))
    assert first(outcome).status == "undecided"


def test_a_formula_that_fails_on_the_facts_is_undecided() -> None:
    """A division by zero gives no points, no error, and a line."""
    outcome = evaluate(
        rulebook(points=points(formula="10 / (repository.stars - 100)")), claim(contribution())
    )
    assert outcome.points == 0
    assert "divide by zero" in sentences(outcome, "points")[0]


@pytest.mark.parametrize(
    ("merged", "status"),
    [
        (datetime(2024, 8, 31, 15, 59, tzinfo=UTC), "does-not-count"),
        (datetime(2024, 8, 31, 16, 0, tzinfo=UTC), "counts"),
        (None, "undecided"),
    ],
)
def test_work_counts_from_the_day_of_enrolment_in_local_time(merged: datetime | None, status: str) -> None:
    """Midnight in Shanghai on the day of enrolment is the edge."""
    assert (
        first(evaluate(rulebook(), claim(contribution(contribution={"merged_at": merged})))).status == status
    )


def test_work_may_have_to_be_of_the_term() -> None:
    """With ``merged_since: term``, work before the term does not count."""
    book = rulebook(merged_since="term")
    assert first(evaluate(book, claim(contribution()))).status == "counts"
    before = contribution(contribution={"merged_at": datetime(2025, 2, 1, tzinfo=UTC)})
    assert first(evaluate(book, claim(before))).status == "does-not-count"


def test_work_matures_for_seven_days_before_the_facts_are_frozen() -> None:
    """On the seventh day to the minute it counts, a moment before it does not."""
    ripe = datetime(2025, 3, 8, tzinfo=UTC)
    assert first(evaluate(rulebook(), claim(contribution(), as_of=ripe))).status == "counts"
    early = evaluate(rulebook(), claim(contribution(), as_of=datetime(2025, 3, 7, 23, 59, tzinfo=UTC)))
    assert first(early).status == "does-not-count"
    assert "This will be so at 8 March 2025, 08:00" in first(early).lines[-1].text["en"]


def test_work_credited_elsewhere_is_not_credited_again() -> None:
    """The same work is credited once."""
    outcome = evaluate(rulebook(), claim(contribution(contribution={"already_credited": True})))
    assert first(outcome).status == "does-not-count"


def test_a_later_revert_only_flags() -> None:
    """By default a reverted contribution still counts: a person looks at it."""
    reverted = contribution(contribution={"reverted": True, "status": "reverted"})
    assert first(evaluate(rulebook(), claim(reverted))).status == "counts"


REVIEWED = [*points(give="5"), {"id": "hard", "text": both("hard"), "reviewer": {"at_most": "5"}}]


def test_a_reviewer_awards_within_the_rulebooks_range() -> None:
    """Three of five for difficulty are three points; not given yet is zero with a line."""
    book = rulebook(points=REVIEWED)
    assert evaluate(book, claim(contribution())).points == 5
    assert evaluate(book, claim(contribution(awarded={"hard": Decimal(3)}))).points == 8


@pytest.mark.parametrize("given", ["-1", "5.5", "6", "0.5"])
def test_an_award_outside_the_range_is_refused(given: str) -> None:
    """Out of range or between the steps is an error, not a silent cut."""
    with pytest.raises(CreditsError) as caught:
        evaluate(rulebook(points=REVIEWED), claim(contribution(awarded={"hard": Decimal(given)})))
    assert caught.value.code == "award-out-of-range"


def test_an_award_for_no_criterion_is_refused() -> None:
    """A criterion that the rulebook does not have is an error that names those it has."""
    with pytest.raises(CreditsError) as caught:
        evaluate(rulebook(points=REVIEWED), claim(contribution(awarded={"style": Decimal(1)})))
    assert caught.value.code == "award-unknown"
    assert "hard" in caught.value.hint


def test_a_line_that_the_reviewer_refused_gives_nothing_and_says_who() -> None:
    """The trace names the reviewer's decision as the reason."""
    outcome = evaluate(rulebook(), claim(contribution("1", accepted=False), contribution("2", accepted=True)))
    refused, accepted = outcome.contributions
    assert standing_of(refused) == ("does-not-count", "0")
    assert refused.lines[-1].rule == "reviewer"
    assert "reviewer refused" in refused.lines[-1].text["en"]
    assert standing_of(accepted) == ("counts", "5")


def test_a_reviewer_cannot_accept_what_the_rulebook_leaves_out() -> None:
    """Accepting a line does not lift a requirement."""
    book = rulebook(requirements=requirement("repository.stars > 1000"))
    assert evaluate(book, claim(contribution(accepted=True))).points == 0


def test_an_outcome_is_stored_as_json_and_read_back() -> None:
    """Reading what was written gives an equal outcome with the same bytes."""
    outcome = evaluate(rulebook(), claim(contribution()))
    again = Outcome.from_json(json.loads(json.dumps(outcome.to_json())))
    assert again == outcome
    assert again.digest == outcome.digest


def test_a_sentence_worded_better_leaves_the_digest() -> None:
    """A reworded sentence keeps the digest, so that decided claims can still be recorded; a changed number does not."""
    outcome = evaluate(rulebook(), claim(contribution()))
    one = outcome.contributions[0]

    def changed(**more: object) -> Outcome:
        lines = (replace(one.lines[0], **more), *one.lines[1:])  # type: ignore[arg-type]
        return replace(outcome, contributions=(replace(one, lines=lines),))

    assert changed(text={"zh": "更清楚", "en": "Clearer"}).digest == outcome.digest
    assert changed(text={"zh": "更清楚", "en": "Clearer"}).canonical() != outcome.canonical()
    assert changed(after=Decimal("0.01")).digest != outcome.digest
    assert changed(saw={"contribution.status": "closed"}).digest != outcome.digest


def test_an_outcome_names_what_it_was_computed_from() -> None:
    """The outcome contains the digests of rulebook and facts."""
    book = rulebook()
    assert evaluate(book, claim()).rulebook == digest(book)
    assert evaluate(book, claim()).facts != evaluate(book, claim(contribution())).facts


def test_a_damaged_outcome_is_refused() -> None:
    """JSON that is no outcome is an error with a code."""
    with pytest.raises(CreditsError) as caught:
        Outcome.from_json({"points": "many"})
    assert caught.value.code == "outcome-unreadable"


def test_a_rulebook_made_by_hand_with_a_bad_condition_is_refused() -> None:
    """Evaluation never runs an unchecked expression."""
    book = rulebook(requirements=requirement("repository.stars > 1"))
    data = book.model_dump()
    data["requirements"][0]["when"] = "repository.stras > 1"
    with pytest.raises(CreditsError) as caught:
        evaluate(RulebookDocument.model_validate(data), claim(contribution()))
    assert caught.value.code == "rulebook-faults"


def test_maturing_is_the_same_whatever_zone_the_facts_are_told_in() -> None:
    """Over the change to summer time, frozen facts and the same facts in a zone of their own give the same bytes."""
    book = rulebook(merged_since="any")
    merged = datetime(2025, 3, 26, 11, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Brussels"))
    local = claim(
        contribution(contribution={"merged_at": merged}), as_of=datetime(2025, 4, 2, 11, tzinfo=UTC)
    )
    frozen = facts_from_json(to_json(local))
    assert evaluate(book, local).canonical() == evaluate(book, frozen).canonical()
    assert evaluate(book, local).points == 0
