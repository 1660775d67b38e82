"""Why, and what would have to be different."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from credits.rules.evaluation.evaluate import evaluate
from credits.rules.evaluation.explain import Explanation, RequirementRemedy, explain
from credits.rules.expressions import cel
from credits.rules.facts import bind, facts_from_json
from tests.rules.made import SHIPPED, both, claim, contribution, rulebook, shipped_rulebook
from tests.rules.test_golden import GOLDEN


def explained(when: str, **changes: Any) -> RequirementRemedy:
    """The one remedy of a contribution that does not meet a condition."""
    asked = {"id": "asked", "text": both("asked"), "when": when, "otherwise": both("Because.")}
    book, facts = rulebook(requirements=[asked]), claim(contribution(**changes))
    ((remedy,),) = explain(book, facts, evaluate(book, facts)).remedies.values()
    return remedy


@pytest.mark.parametrize(
    ("when", "changes", "needs"),
    [
        ("repository.stars > 1000", {}, [("repository.stars", 1001, "at-least")]),
        ("1000 <= repository.stars", {}, [("repository.stars", 1000, "at-least")]),
        ("repository.stars < 50", {}, [("repository.stars", 49, "at-most")]),
        ("repository.stars in [5, 7]", {}, [("repository.stars", 7, "exactly")]),
        ("!repository.osi_approved", {}, [("repository.osi_approved", False, "exactly")]),
        ("repository.licence in ['GPL-3.0', 'EPL-2.0']", {}, [("repository.licence", "GPL-3.0", "exactly")]),
        (
            "contribution.title.startsWith('fix')",
            {"contribution": {"title": "feat"}},
            [("contribution.title", "fix", "such-as")],
        ),
        (
            "contribution.labels.exists(one, one == 'bug')",
            {"contribution": {"labels": ["ui"]}},
            [("contribution.labels", ["ui", "bug"], "exactly")],
        ),
        (
            "contribution.merged_at >= timestamp('2025-06-01T00:00:00Z')",
            {},
            [("contribution.merged_at", "2025-06-01T00:00:00Z", "since")],
        ),
        (
            "repository.stars > 1000 && contribution.lines.tests >= 5",
            {},
            [("contribution.lines.tests", 5, "at-least"), ("repository.stars", 1001, "at-least")],
        ),
        (
            "repository.stars > 1000 || contribution.lines.tests >= 5",
            {},
            [("contribution.lines.tests", 5, "at-least")],
        ),
        ("student.level == 'master' || repository.is_fork", {}, [("repository.is_fork", True, "exactly")]),
        ("student.level == 'master'", {}, [("student.level", "master", "exactly")]),
        ("repository.stars * 2 > 1000", {}, []),
    ],
)
def test_the_nearest_facts_that_would_do_are_named(
    when: str, changes: dict[str, Any], needs: list[tuple[str, Any, str]]
) -> None:
    """Comparisons with constants, alone and together; the work's own facts before the student's."""
    remedy = explained(when, **changes)
    assert [(one.fact, one.needs, one.way) for one in remedy.changes] == needs
    assert remedy.text["en"]
    assert remedy.text["zh"]


def test_where_no_small_change_would_do_the_rulebook_s_own_words_stand() -> None:
    """Nothing is guessed."""
    assert explained("repository.stars * 2 > 1000").text["en"] == "“asked” is not met. Because."


def test_the_sentence_says_what_the_facts_would_have_to_be() -> None:
    """In both languages, with the fact's name for people."""
    text = explained("repository.stars > 1000").text
    assert text["en"] == "To meet “asked”: “stars” would have to be 1001 or more."
    assert text["zh"] == "若要符合“asked（中文）”：“星标数”至少为 1001。"


def test_an_unknown_fact_is_named_as_open() -> None:
    """An unknown fact of an undecided requirement is named with the value that it would need."""
    remedy = explained("repository.stars > 1000", repository={"stars": None})
    assert remedy.open == ("repository.stars",)
    assert remedy.changes[0].has is None


def test_maturing_and_the_reviewer_are_explained_without_a_fact_to_be_changed() -> None:
    """They need time or a person: the text says what is needed, and from when the contribution can be claimed."""
    book = rulebook()
    early = claim(contribution(), as_of=datetime(2025, 3, 3, tzinfo=UTC))
    ((remedy,),) = explain(book, early, evaluate(book, early)).remedies.values()
    assert remedy.text["en"].startswith("Needed: merged at least 7 days ago")
    assert "you can apply with it from then on" in remedy.text["en"]
    refused = claim(contribution(accepted=False))
    ((remedy,),) = explain(book, refused, evaluate(book, refused)).remedies.values()
    assert (remedy.rule, remedy.changes) == ("reviewer", ())
    assert remedy.text["en"].startswith("Needed: a reviewer accepts")


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00Z", "9990-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("sign", ["<", ">"])
@pytest.mark.parametrize("merged", [None, datetime(2025, 3, 1, tzinfo=UTC)])
def test_a_time_at_the_end_of_the_calendar_is_no_time_to_reach(
    edge: str, sign: str, merged: datetime | None
) -> None:
    """A time that no fact can reach is explained without a change: no one is asked to merge in the year 9999."""
    asked = {
        "id": "asked",
        "text": both("asked"),
        "when": f"contribution.merged_at {sign} timestamp('{edge}')",
    }
    book = rulebook(requirements=[asked], merged_since="any", maturing_days="0")
    facts = claim(contribution(contribution={"merged_at": merged}))
    for remedies in explain(book, facts, evaluate(book, facts)).remedies.values():
        assert [(one.rule, one.changes) for one in remedies] == [("asked", ())]


def test_what_was_found_before_the_trials_ran_out_is_told() -> None:
    """If an alternative has more values than are tried, a change that was already found is still returned."""
    counted = (
        "changed_files",
        "deletions",
        "reviews",
        "files.code",
        "files.docs",
        "files.tests",
        "lines.docs",
    )
    other = " && ".join(f"contribution.{name} in [210, 220, 230, 240]" for name in counted)
    about = dict.fromkeys(("additions", "changed_files", "deletions", "reviews"), 1)
    remedy = explained(
        f"contribution.additions > 50 && contribution.changed_files > 50 || {other}", contribution=about
    )
    assert [(one.fact, one.needs) for one in remedy.changes] == [
        ("contribution.additions", 51),
        ("contribution.changed_files", 51),
    ]


def test_a_requirement_that_is_called_as_one_of_every_rulebook_is_not_taken_for_it() -> None:
    """An author's requirement with the id "maturing" is not confused with the built-in maturing time."""
    known = {"id": "maturing", "text": both("known"), "when": "repository.stars > 5"}
    book = rulebook(requirements=[known, {**known, "id": "merged-since"}])
    young = claim(contribution(contribution={"merged_at": datetime(2025, 6, 29, tzinfo=UTC)}))
    (remedy,) = explain(book, young, evaluate(book, young)).remedies["1"]
    assert (remedy.rule, remedy.changes) == ("maturing", ())
    assert remedy.text["en"].startswith("Needed: merged at least 7 days ago")
    nobody = claim(contribution(repository={"stars": 1}), student={})
    since, *rest = explain(book, nobody, evaluate(book, nobody)).remedies["1"]
    assert since.text["en"].startswith("Undecided: merged since enrolment")
    assert [[change.needs for change in one.changes] for one in rest] == [[6], [6]]


def test_an_unmet_mix_and_an_unknown_share_are_explained() -> None:
    """A remedy can concern the claim as a whole, or a fact of a step without a condition."""
    book = rulebook(mix=[{"id": "two", "text": both("two"), "at_least": "2"}])
    facts = claim(contribution("1"), contribution("2", contribution={"share": None}))
    explanation = explain(book, facts, evaluate(book, facts))
    assert [one.rule for one in explanation.remedies["1"]] == ["two"]
    assert explanation.remedies["2"][0].open == ("share",)
    assert explanation.taken[0].cut == ("1",)


def test_what_a_cap_took_is_told_with_who_kept_theirs() -> None:
    """The explanation has the step, the points, and the refs of contributions that lost and kept points."""
    book = rulebook(caps={"repository": {"points": "6", "share": "1"}})
    facts = claim(contribution("1", day=1), contribution("2", day=2))
    (taken,) = explain(book, facts, evaluate(book, facts)).taken
    assert (taken.step, taken.points, taken.cut, taken.kept) == ("repository-cap", "−4", ("2",), ("1", "2"))


def test_what_counts_less_is_told_with_how_much_of_it_and_why() -> None:
    """The sentence has both numbers and the reasons in order; a contribution that keeps all its points has none."""
    book = rulebook(caps={"contribution": "3", "repository": {"points": "4", "share": "1"}})
    facts = claim(contribution("1", day=1), contribution("2", day=2))
    outcome = evaluate(book, facts)
    found = explain(book, facts, outcome).reduced
    assert found["1"].text == {"zh": "本项原得 5 积分，计入 3 积分。", "en": "Counts 3 of 5 points."}
    assert (found["2"].before, found["2"].after, len(found["2"].because)) == ("5", "1", 2)
    assert "At most 4 points from one repository" in found["2"].because[1]["en"]
    assert explain(book, facts, outcome, {"1"}).reduced.keys() == {"1"}
    assert explain(rulebook(), facts, evaluate(rulebook(), facts)).reduced == {}


def golden(name: str) -> tuple[Any, Any, Explanation]:
    facts = facts_from_json(json.loads((GOLDEN / f"{name}.facts.json").read_text(encoding="utf-8")))
    book = shipped_rulebook(name)
    return book, facts, explain(book, facts, evaluate(book, facts))


@pytest.mark.parametrize("name", SHIPPED)
def test_every_contribution_that_does_not_count_is_explained(name: str) -> None:
    """On the carried data: at least one remedy each, in both languages, and the same as JSON."""
    book, facts, explanation = golden(name)
    outcome = evaluate(book, facts)
    assert set(explanation.remedies) == {one.ref for one in outcome.contributions if one.status != "counts"}
    for remedies in explanation.remedies.values():
        assert remedies
        assert all(one.text["zh"] and one.text["en"] for one in remedies)
    assert json.loads(json.dumps(explanation.to_json())) == explanation.to_json()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_named_change_does_meet_the_requirement(name: str) -> None:
    """Each change that is shown, made, meets the requirement that it is shown for."""
    book, facts, explanation = golden(name)
    conditions = {one.id: one.when for one in book.requirements}
    by_ref = {item.ref: item for item in facts.contributions}
    for ref, remedies in explanation.remedies.items():
        for remedy in (one for one in remedies if one.changes):
            expression = cel.check(conditions[remedy.rule], "yes-no")
            assert isinstance(expression, cel.CheckedExpression)
            values = dict(cel.BoundFacts(bind(facts, by_ref[ref])).values)
            values.update({one.fact: one.needs for one in remedy.changes})  # type: ignore[misc]
            assert expression.value(cel.BoundFacts(values)) is True
