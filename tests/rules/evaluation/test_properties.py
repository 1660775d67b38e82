"""Properties that hold for every rulebook and every claim, tested on generated ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from credits.rules.decimals import from_text, to_text
from credits.rules.document.parser import RulebookDocument, digest, parse
from credits.rules.evaluation.evaluate import Outcome, TraceLine, evaluate
from credits.rules.facts import ClaimFacts, ContributionData, ContributionFacts, RepositoryData
from tests.rules.made import ROOT, SHIPPED, both, claim, shape

# A deadline would measure how busy the machine is, not the code.

MERGED = datetime(2025, 3, 1, tzinfo=UTC)


def decimals(low: str, high: str) -> st.SearchStrategy[str]:
    """Numbers as a rulebook writes them, with up to four places."""
    return st.decimals(low, high, places=4).map(to_text)


GRADES: list[dict[str, Any]] = [
    {"scheme": "pass"},
    {"scheme": "percentage", "fixed": "85"},
    {
        "scheme": "percentage",
        "formula": {"base": "50", "per_point": "0.7", "step": "0.5", "rounding": "nearest"},
    },
    {
        "scheme": "letter",
        "bands": [{"at_least": "0", "label": both("B")}, {"at_least": "33", "label": both("A")}],
    },
]


@st.composite
def rulebooks(draw: st.DrawFn) -> RulebookDocument:
    """Any rulebook with points by all four ways, factors, caps, a mix, a selection, a conversion and a grade."""
    points: list[dict[str, Any]] = [
        {"id": "base", "text": both("base"), "give": draw(decimals("-3", "20"))},
        {"id": "hard", "text": both("hard"), "reviewer": {"at_most": "5", "step": "0.5"}},
        {"id": "size", "text": both("size"), "formula": "contribution.changed_lines / 7"},
    ]
    edges = draw(st.lists(st.integers(-5, 900), unique=True, min_size=1, max_size=5))
    steps = [{"above": str(edge), "give": draw(decimals("-2", "9"))} for edge in sorted(edges)]
    bands = {"of": "repository.stars", "steps": steps}
    points.append({"id": "bands", "text": both("bands"), "bands": bands, "when": "repository.stars != 3"})
    factors = [
        {"id": f"factor-{index}", "text": both("factor"), "times": times, "when": "contribution.reviews > 1"}
        for index, times in enumerate(draw(st.lists(decimals("0", "3"), max_size=3)))
    ]
    caps: dict[str, Any] = {"repository": {"share": draw(decimals("0.01", "1"))}}
    if draw(st.booleans()):
        caps["contribution"] = draw(decimals("0.5", "30"))
    if draw(st.booleans()):
        caps["repository"]["points"] = draw(decimals("0.5", "60"))
    if draw(st.booleans()):
        caps["kinds"] = [{"kind": "review", "points": draw(decimals("0.5", "20"))}]
    limits = st.integers(1, 60).map(str)
    periods = draw(st.lists(st.sampled_from(["day", "week", "month"]), unique=True, max_size=3))
    caps["periods"] = [{"each": each, "points": draw(limits)} for each in periods]
    if draw(st.booleans()):
        caps["tiers"] = [{"tier": "B", "points": draw(limits)}]
    mix = [
        {
            "id": f"mix-{count}",
            "text": both("mix"),
            "count": count,
            "at_least": str(draw(st.integers(1, 3))),
            **when,
        }
        for count, when in (("contributions", {"when": "contribution.reviews > 0"}), ("repositories", {}))
        if draw(st.integers(0, 3)) == 0
    ]
    step = draw(st.sampled_from(["0.25", "0.5", "1"]))
    term = Decimal(step) * draw(st.integers(1, 6))
    selection = {}
    if draw(st.booleans()):
        within = draw(st.sampled_from(["claim", "claim", "repository", "kind"]))
        selection = {"best": str(draw(st.integers(1, 6))), "within": within}
    requirements = [{"id": "licence", "text": both("licence"), "when": "repository.osi_approved"}]
    conversion: dict[str, Any] = {"remainder": draw(st.sampled_from(["carry", "drop"]))}
    if draw(st.booleans()):
        conversion |= {
            "points_per_step": draw(decimals("0.5", "40")),
            "step": step,
            "minimum": draw(st.sampled_from(["0", step])),
        }
        if conversion["remainder"] == "drop":
            conversion["rounding"] = draw(st.sampled_from(["down", "nearest", "up"]))
    else:
        rows = sorted(draw(st.lists(st.integers(1, 90), unique=True, min_size=1, max_size=4)))
        conversion["table"] = [
            {"at_least": str(edge), "credit": to_text(Decimal(step) * (at + 1))}
            for at, edge in enumerate(rows)
        ]
    if conversion["remainder"] == "drop" and draw(st.booleans()):
        selection["pay"] = "difference"
    data = shape(
        points=points,
        factors=factors,
        caps=caps,
        mix=mix,
        grade=draw(st.sampled_from(GRADES)),
        selection=selection,
        requirements=requirements,
        conversion=conversion,
        term_cap=to_text(term),
        degree_cap=to_text(term * draw(st.integers(1, 3))),
    )
    return RulebookDocument.model_validate(data)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


@st.composite
def contributions(draw: st.DrawFn, ref: str) -> ContributionFacts:
    counts = {"files": 1, "additions": draw(st.integers(0, 900)), "deletions": draw(st.integers(0, 90))}
    about = {
        "forge": "github",
        "kind": draw(st.sampled_from(["pull_request", "review"])),
        "merged_at": draw(maybe(st.integers(-900, 60).map(lambda days: MERGED + timedelta(days=days)))),
        "files": draw(maybe(st.just({"code": counts}))),
        "reviews": draw(maybe(st.integers(0, 5))),
        "share": Decimal(draw(decimals("0", "1"))),
    }
    home = {
        "forge": "github",
        "id": str(draw(st.integers(1, 3))),
        "stars": draw(maybe(st.integers(0, 1000))),
        "tier": draw(st.sampled_from([None, "A", "B"])),
        "osi_approved": draw(st.sampled_from([True, True, True, None, False])),
    }
    halves = st.integers(0, 10).map(lambda half: {"hard": Decimal(half) / 2})
    return ContributionFacts(
        ref,
        cast(ContributionData, about),
        cast(RepositoryData, home),
        accepted=draw(st.sampled_from([None, None, True, False])),
        awarded=draw(st.one_of(st.just({}), halves)),
    )


@st.composite
def claims(draw: st.DrawFn) -> ClaimFacts:
    count = draw(st.integers(0, 8))
    items = [draw(contributions(f"ref-{index}")) for index in range(count)]
    return claim(
        *items,
        credit=draw(decimals("0", "6")),
        credit_this_term=draw(decimals("0", "3")),
        points_carried=draw(decimals("0", "40")),
    )


def with_items(facts: ClaimFacts, items: Sequence[ContributionFacts]) -> ClaimFacts:
    return ClaimFacts(facts.student, facts.round, facts.term, facts.standing, tuple(items), facts.as_of)


def chains(outcome: Outcome) -> list[list[TraceLine]]:
    """Every sequence of lines that must add up."""
    of_claim = [[line for line in outcome.lines if line.unit == unit] for unit in ("points", "credit")]
    return [*of_claim, *([*one.lines] for one in outcome.contributions)]


@given(rulebooks(), claims(), st.randoms())
def test_invariant_4_the_order_of_the_input_changes_no_byte(
    book: RulebookDocument, facts: ClaimFacts, random: Any
) -> None:
    """The same facts in another order give the same bytes, and so does evaluating twice."""
    items = list(facts.contributions)
    random.shuffle(items)
    once = evaluate(book, facts).canonical()
    assert evaluate(book, with_items(facts, items)).canonical() == once
    assert evaluate(book, facts).canonical() == once


def test_invariant_4_processes_seeds_places_and_time_zones_change_no_byte() -> None:
    """Another process with another hash seed, locale and time zone computes the same bytes."""
    program = (
        "from tests.rules.test_golden import SHIPPED, trace\n"
        "print(*(trace(code).split()[-1] for code in SHIPPED))"
    )
    answers = set()
    for seed, place, zone in (
        ("0", "C", "UTC"),
        ("7", "C.UTF-8", "Asia/Shanghai"),
        ("99", "POSIX", "America/New_York"),
    ):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": place, "TZ": zone, "PYTHONUTF8": "1"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        answers.add(done.stdout.strip())
    assert len(answers) == 1
    assert len(answers.pop().split()) == len(SHIPPED)


@given(rulebooks(), claims())
def test_invariant_5_trace_lines_add_up_to_the_totals_exactly(
    book: RulebookDocument, facts: ClaimFacts
) -> None:
    """Each line begins where the one before ended, from zero to the total; contributions sum to the points."""
    outcome = evaluate(book, facts)
    for lines in chains(outcome):
        at = Decimal(0)
        for line in lines:
            assert line.before == at
            assert line.before + line.change == line.after
            at = line.after
    for one in outcome.contributions:
        assert one.points == (one.lines[-1].after if one.lines else 0)
    assert sum((one.points for one in outcome.contributions), Decimal(0)) == outcome.points
    credit = [line.after for line in outcome.lines if line.unit == "credit"]
    assert outcome.credit == (credit[-1] if credit else 0)
    left = [line.after for line in outcome.lines if line.unit == "points"][-1]
    assert outcome.carried == (left if book.conversion.remainder == "carry" else 0)


@given(rulebooks(), claims())
def test_invariant_5_no_float_and_no_ambient_precision_touches_a_sum(
    book: RulebookDocument, facts: ClaimFacts
) -> None:
    """The caller's decimal context (here two digits) rounds nothing, and the JSON holds no float."""
    with localcontext() as context:
        context.prec = 2
        narrow = evaluate(book, facts).canonical()
    assert narrow == evaluate(book, facts).canonical()
    json.loads(narrow, parse_float=lambda text: (_ for _ in ()).throw(AssertionError(text)))


@given(rulebooks(), claims())
def test_an_ineligible_contribution_changes_nothing(book: RulebookDocument, facts: ClaimFacts) -> None:
    """Leaving out what does not count leaves points, credit, what is carried and every other line as they were."""
    outcome = evaluate(book, facts)
    # What only the mix of the whole claim leaves out did count by itself.
    counting = {
        one.ref
        for one in outcome.contributions
        if one.status == "counts" or (one.lines and one.lines[-1].step == "mix")
    }
    kept = [one for one in facts.contributions if one.ref in counting]
    without = evaluate(book, with_items(facts, kept))
    assert without.contributions == tuple(one for one in outcome.contributions if one.ref in counting)
    assert without.lines == outcome.lines
    assert (without.points, without.credit, without.carried) == (
        outcome.points,
        outcome.credit,
        outcome.carried,
    )


@given(rulebooks(), claims())
def test_no_cap_is_ever_exceeded(book: RulebookDocument, facts: ClaimFacts) -> None:
    """One contribution, repository (number and share), period, kind, tier, the best, the term and the degree."""
    outcome = evaluate(book, facts)
    by_ref = {one.ref: one for one in facts.contributions}
    groups: dict[tuple[str, Any], Decimal] = defaultdict(Decimal)
    chosen: dict[Any, int] = defaultdict(int)
    for one in outcome.contributions:
        contribution = by_ref[one.ref]
        assert one.points >= 0
        assert one.status == "counts" or one.points == 0
        assert book.caps.contribution is None or one.points <= book.caps.contribution
        for key in _groups(contribution):
            groups[key] += one.points
        if one.points > 0:
            chosen[_chosen_within(book, contribution)] += 1
    limits = {
        **{("kind", cap.kind): cap.points for cap in book.caps.kinds},
        **{("tier", cap.tier): cap.points for cap in book.caps.tiers},
    }
    periods = {cap.each: cap.points for cap in book.caps.periods}
    total = next(line.after for line in outcome.lines if line.step == "sum")
    earning = {
        by_ref[one.ref].repository.get("id") for one in outcome.contributions if _before_group_caps(one) > 0
    }
    for (room, key), points in groups.items():
        assert points <= limits.get((room, key), points)
        assert points <= periods.get(room, points)  # type: ignore[call-overload]
        if room == "repository":
            assert book.caps.repository.points is None or points <= book.caps.repository.points
            assert len(earning) < 2 or points <= total * book.caps.repository.share
    assert all(book.selection.best is None or count <= book.selection.best for count in chosen.values())
    standing = facts.standing
    for cap, key in ((book.term_cap, "credit_this_term"), (book.degree_cap, "credit")):
        already = cast(dict[str, Decimal], standing)[key]
        assert outcome.credit == 0 or outcome.credit + already <= cap


def _groups(contribution: ContributionFacts) -> list[tuple[str, Any]]:
    """Return the groups that a cap can use, computed independently of the rules."""
    groups: list[tuple[str, Any]] = [
        ("repository", contribution.repository.get("id")),
        ("kind", contribution.contribution.get("kind")),
        ("tier", contribution.repository.get("tier")),
    ]
    merged = contribution.contribution.get("merged_at")
    if merged is not None:
        local = merged.astimezone(timezone(timedelta(hours=8)))  # Shanghai has had no other time since 1991
        groups += [("day", f"{local:%Y-%m-%d}"), ("week", f"{local:%G-%V}"), ("month", f"{local:%Y-%m}")]
    return groups


def _chosen_within(book: RulebookDocument, contribution: ContributionFacts) -> Any:
    within = {"repository": contribution.repository.get("id"), "kind": contribution.contribution.get("kind")}
    return within.get(book.selection.within)


_TOGETHER = ("repository-cap", "period-cap", "kind-cap", "tier-cap", "mix", "selection")


def _before_group_caps(one: Any) -> Decimal:
    own = [line for line in one.lines if line.step not in _TOGETHER]
    counted = one.status == "counts" or (one.lines and one.lines[-1].step == "mix")
    return own[-1].after if own and counted else Decimal(0)


@given(rulebooks(), claims())
def test_more_work_never_earns_less_unless_a_rule_says_so(book: RulebookDocument, facts: ClaimFacts) -> None:
    """If one more contribution lowers points or credit, a cap or a selection took points and names who kept theirs."""
    if not facts.contributions:
        return
    fewer, more = evaluate(book, with_items(facts, facts.contributions[:-1])), evaluate(book, facts)
    if more.points >= fewer.points and more.credit >= fewer.credit:
        return
    assert more.points < fewer.points
    took = [line for line in more.lines if line.step in _TOGETHER and line.change < 0]
    assert took
    assert all(line.saw["cut"] for line in took)
    assert any(line.saw["kept"] for line in took)


@given(rulebooks(), claims())
def test_where_only_the_half_from_one_repository_is_capped_the_trace_says_by_how_much(
    book: RulebookDocument, facts: ClaimFacts
) -> None:
    """A second repository can lower the total: then the line gives what the first one would have kept by itself."""
    cap = book.caps.repository.model_copy(update={"points": None})
    caps = book.caps.model_copy(update={"repository": cap, "periods": (), "kinds": (), "tiers": ()})
    none = {"mix": (), "selection": book.selection.model_copy(update={"best": None})}
    book = book.model_copy(update={"caps": caps, **none})
    if not facts.contributions:
        return
    fewer, more = evaluate(book, with_items(facts, facts.contributions[:-1])), evaluate(book, facts)
    if more.points < fewer.points:
        said = [line.text["en"] for line in more.lines if line.step == "repository-cap"]
        alone = f"would keep {to_text(fewer.points)}, more than the {to_text(more.points)}"
        assert any(alone in one for one in said)


@given(rulebooks())
def test_a_rulebook_printed_and_read_again_is_the_same(book: RulebookDocument) -> None:
    """Parse and print round-trip, and the digest with them."""
    again = parse(book.canonical())
    assert again == book
    assert digest(again) == digest(book)


NONCHARACTERS = "".join(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
VISIBLE = st.characters(
    exclude_categories=("Cc", "Cf", "Cs", "Co", "Zl", "Zp"),
    include_characters="\n",
    exclude_characters=NONCHARACTERS,
)


@given(st.text(VISIBLE, min_size=1))
def test_any_text_in_a_title_survives_printing(text: str) -> None:
    """Quotes, colons, hashes, emoji and line ends in a title come back as they were (outer spaces aside)."""
    data = shape(title={"zh": text, "en": "x"})
    if not text.strip():
        return
    book = parse(json.dumps(data, ensure_ascii=False))
    assert book.title.zh == text.strip()
    assert parse(book.canonical()) == book


@given(st.decimals("-999999999.999999", "999999999.999999", places=6))
def test_a_decimal_is_written_and_read_exactly(value: Decimal) -> None:
    """Text and value are one to one."""
    text = to_text(value)
    assert from_text(text) == value
    assert to_text(from_text(text)) == text
    assert text not in ("-0", "")
