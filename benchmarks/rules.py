"""The cost of a rulebook for a whole university: without traces, and with stored traces, compared with bounds.

The bounds: a function written by hand for this rulebook, the same rulebook with conditions computed by the CEL
library, and a plain INSERT … SELECT of the stored rows. CONTRIBUTIONS in the environment sets the size
(1,000,000; 20 for each student). Facts are made in batches, as they would be read, outside the measured time.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, cast

from benchmarks.clock import per_second
from benchmarks.conditions import claim_of_carried_rows
from benchmarks.database import empty_database
from credits.rules import ClaimTotals, RulebookDocument, compile_rulebook, evaluate, parse
from credits.rules.evaluation.contribution_points import checked_expression
from credits.rules.expressions import cel
from credits.rules.facts import (
    ClaimFacts,
    ContributionData,
    ContributionFacts,
    CreditStanding,
    RepositoryData,
    bind,
)

ROOT = Path(__file__).resolve().parents[1]
CONTRIBUTIONS_PER_STUDENT = 20
"""Contributions of one student."""
BATCH = 200
"""Students whose facts are in memory at the same time."""
SAMPLE = 20_000
"""Contributions for the ways that are too slow for all of them."""
ROWS = 4_000
"""Rows of the demo's data, which are used again and again as contributions."""
HALF = Decimal("0.5")


def main() -> list[tuple[str, str]]:
    """Return measured figures as (name, value) pairs."""
    count = int(os.environ.get("CONTRIBUTIONS", "1000000"))
    students = max(1, count // CONTRIBUTIONS_PER_STUDENT)
    count = students * CONTRIBUTIONS_PER_STUDENT
    few = min(students, SAMPLE // CONTRIBUTIONS_PER_STUDENT)
    book = parse((ROOT / "rulebooks" / "open-source-practice.yaml").read_text(encoding="utf-8"))
    compiled = compile_rulebook(book)
    for facts in _claims(few):
        if not compiled.credit(facts) == by_hand(facts) == by_library(book, facts):
            raise AssertionError("The ways give different results.")
    hand = _measure_time(students, by_hand)
    ours = _measure_time(students, compiled.credit)
    before = _peak_memory()
    library = _measure_time(few, lambda facts: by_library(book, facts)).own * students / few
    traced = _measure_time(few, lambda facts: evaluate(book, facts)).own * students / few
    figures = [
        (f"{count:,} contributions without traces", f"{ours.wall:.2f} s"),
        ("  contributions a second", f"{count / ours.wall:,.0f}"),
        ("  peak memory of the process", f"{before:,.0f} MB"),
        ("  times a function written by hand (goal 3)", f"{ours.own / hand.own:.1f}"),
        ("  times faster than with the CEL library (goal 100)", f"{library / ours.own:.0f}"),
        ("  times faster than the evaluation with its trace", f"{traced / ours.own:.0f}"),
        ("  conditions alone: times faster than the CEL library", f"{_compare_conditions(book):.0f}"),
    ]
    with empty_database():
        figures += _measure_storing(
            lambda facts: _evaluate_with_trace(book, facts), few, hand.wall * few / students
        )
    return figures


def _compare_conditions(book: RulebookDocument) -> float:
    """Return how many times faster the translated conditions are, on facts that are already bound."""
    expressions = [checked_expression(rule.when, "yes-no") for rule in book.requirements]
    claim = claim_of_carried_rows(CONTRIBUTIONS_PER_STUDENT)
    bound_facts = [cel.BoundFacts(bind(claim, contribution)) for contribution in claim.contributions]

    def rate(value: Callable[[cel.CheckedExpression, cel.BoundFacts], object]) -> float:
        def evaluate_all() -> int:
            for facts in bound_facts:
                for expression in expressions:
                    value(expression, facts)
            return len(bound_facts) * len(expressions)

        return per_second(evaluate_all)

    return rate(cel.CheckedExpression.value) / rate(cel.CheckedExpression.reference)


def _evaluate_with_trace(book: RulebookDocument, facts: ClaimFacts) -> tuple[ClaimTotals, str]:
    outcome = evaluate(book, facts)
    return ClaimTotals(outcome.points, outcome.credit, outcome.carried), outcome.canonical().decode()


def _measure_storing(
    assess: Callable[[ClaimFacts], tuple[ClaimTotals, str]], students: int, hand: float
) -> list[tuple[str, str]]:
    """Recompute every claim in batches and store the traces; then do it again with nothing changed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE traces (student int PRIMARY KEY, points numeric, credit numeric, carried numeric, trace text)"
        )
        cursor.execute("CREATE TABLE again (LIKE traces INCLUDING ALL)")
    first = _recompute(assess, students)
    peak = _peak_memory()
    with connection.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute("INSERT INTO again SELECT * FROM traces")
        bare = time.perf_counter() - begun
    second = _recompute(assess, students)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE traces, again")
    title = f"{students * CONTRIBUTIONS_PER_STUDENT:,} contributions with traces, stored"
    return [
        (title, f"{first.seconds:.2f} s"),
        ("  rows written, one a claim", f"{first.rows:,}"),
        ("  peak memory of the process", f"{peak:,.0f} MB"),
        ("  times a function written by hand (goal 6)", f"{first.seconds / hand:.1f}"),
        ("  times it, for computing alone", f"{first.computing / hand:.1f}"),
        ("  times a plain INSERT … SELECT of the same rows (goal 1.5)", f"{first.seconds / bare:.1f}"),
        ("  again, with nothing changed", f"{second.seconds:.2f} s"),
        ("  rows written then", f"{second.rows:,}"),
    ]


@dataclass(frozen=True, slots=True)
class _RecomputeRun:
    seconds: float
    computing: float
    rows: int


def _recompute(assess: Callable[[ClaimFacts], tuple[ClaimTotals, str]], students: int) -> _RecomputeRun:
    from django.db import connection, transaction

    computing = storing = 0.0
    rows = 0
    student = 0
    for batch in _batches(students):
        begun = time.perf_counter()
        lines: list[str] = []
        for facts in batch:
            totals, trace = assess(facts)
            trace = trace.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
            lines.append(f"{student}\t{totals.points}\t{totals.credit}\t{totals.carried}\t{trace}\n")
            student += 1
        data = "".join(lines)
        computed = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE fresh (LIKE traces) ON COMMIT DROP")
            with cursor.copy("COPY fresh FROM STDIN") as copy:
                copy.write(data)
            cursor.execute(
                "INSERT INTO traces SELECT * FROM fresh ON CONFLICT (student) DO UPDATE SET"
                " points = excluded.points, credit = excluded.credit, carried = excluded.carried,"
                " trace = excluded.trace WHERE (traces.points, traces.credit, traces.carried, traces.trace)"
                " IS DISTINCT FROM (excluded.points, excluded.credit, excluded.carried, excluded.trace)"
            )
            rows += cursor.rowcount
        computing += computed - begun
        storing += time.perf_counter() - computed
    return _RecomputeRun(computing + storing, computing, rows)


@dataclass(frozen=True, slots=True)
class _TimeSpent:
    """Seconds by the clock, and seconds of this process: the latter are comparable even on a busy machine."""

    wall: float
    own: float


def _measure_time(students: int, way: Callable[[ClaimFacts], object]) -> _TimeSpent:
    wall = own = 0.0
    for batch in _batches(students):
        begun, began = time.perf_counter(), time.process_time()
        for facts in batch:
            way(facts)
        wall, own = wall + time.perf_counter() - begun, own + time.process_time() - began
    return _TimeSpent(wall, own)


def _batches(students: int) -> Iterator[list[ClaimFacts]]:
    claims = _claims(students)
    for _ in range(0, students, BATCH):
        yield list(islice(claims, BATCH))


def _claims(students: int) -> Iterator[ClaimFacts]:
    """Yield claims of the demo's rows. Each contribution has its own facts in memory."""
    rows = claim_of_carried_rows(ROWS)
    for student in range(students):
        at = student * CONTRIBUTIONS_PER_STUDENT
        of_student = (
            rows.contributions[(at + turn) % len(rows.contributions)]
            for turn in range(CONTRIBUTIONS_PER_STUDENT)
        )
        items = tuple(
            ContributionFacts(
                f"{contribution.ref}:{turn}",
                cast(ContributionData, dict(contribution.contribution)),
                cast(RepositoryData, dict(contribution.repository)),
            )
            for turn, contribution in enumerate(of_student)
        )
        standing = CreditStanding(
            credit=HALF * (student % 3), credit_this_term=Decimal(0), points_carried=Decimal(student % 16)
        )
        yield replace(rows, standing=standing, contributions=items)


def _peak_memory() -> float:
    """Return the peak memory of this process so far, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def by_hand(facts: ClaimFacts) -> ClaimTotals:
    """Compute what a programmer would write by hand for the included rulebook of open-source practice only."""
    since, at = facts.student.get("enrolled_on"), facts.as_of or facts.round.get("closes")
    sums: dict[str, int] = {}
    total = 0
    for contribution in facts.contributions:
        about, home = contribution.contribution, contribution.repository
        merged = about.get("merged_at")
        if merged is None or since is None or at is None or merged < since or merged + _WEEK > at:
            continue
        if (
            about.get("already_credited")
            or contribution.accepted is False
            or about.get("status") in _NOT_KNOWN
        ):
            continue
        if home.get("osi_approved") is not True or home.get("owner_is_author") is not False:
            continue
        lines = 0
        for kind, count in (about.get("files") or {}).items():
            if kind != "generated":
                lines += count["additions"] + count["deletions"]
        share = about.get("share", _ALL)
        if lines <= 0 or share is None:
            continue
        points = 5 + (3 if lines > 500 else 2 if lines > 100 else 1 if lines > 20 else 0)
        given = contribution.awarded.get("difficulty")
        # In hundredths, because no share in the data has more decimals.
        points_here = int((points + (given or 0)) * share * 100)
        key = f"{home.get('forge') or about.get('forge')}:{home.get('id') or home.get('full_name') or contribution.ref}"
        sums[key] = sums.get(key, 0) + points_here
        total += points_here
    if len(sums) > 1:
        half = total // 2
        total = sum(min(points_here, half) for points_here in sums.values())
    standing = facts.standing
    points_now = Decimal(total) / 100
    points_with_carried = points_now + (standing.get("points_carried") or _NONE)
    term, degree = standing.get("credit_this_term", _NONE), standing.get("credit", _NONE)
    if term is None or degree is None:
        return ClaimTotals(points_now, _NONE, points_with_carried)
    steps = points_with_carried // 16
    credit = min(steps * HALF, max(_NONE, 2 - term), max(_NONE, 4 - degree))
    return ClaimTotals(points_now, credit, points_with_carried - steps * 16)


_ALL, _NONE = Decimal(1), Decimal(0)
_WEEK = timedelta(days=7)
_NOT_KNOWN = (None, "unknown", "gone")


def by_library(book: RulebookDocument, facts: ClaimFacts) -> ClaimTotals:
    """Compute the same without traces. The CEL library computes each condition, on its own binding of the facts."""
    counting: list[ContributionFacts] = []
    for contribution in facts.contributions:
        bound = cel.BoundFacts(bind(facts, contribution))
        answers = [checked_expression(rule.when, "yes-no").reference(bound) for rule in book.requirements]
        if all(answer is True for answer in answers):
            band = book.points[1].bands
            value = checked_expression(band.of if band else "", "whole").reference(bound)
            counting.append(_with_lines(contribution, value))
    return by_hand(replace(facts, contributions=tuple(counting)))


def _with_lines(contribution: ContributionFacts, lines: object) -> ContributionFacts:
    files: Mapping[str, Any] = {"code": {"files": 1, "additions": lines, "deletions": 0}}
    return replace(
        contribution, contribution=cast(ContributionData, {**contribution.contribution, "files": files})
    )
