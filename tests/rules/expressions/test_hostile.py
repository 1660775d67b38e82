"""No expression keeps a process busy, fills its memory or crashes it."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from credits.rules.expressions import cel, expression_limits, expression_tree
from credits.rules.expressions.cel import BoundFacts, CheckedExpression
from tests.rules.hostile import LABELS, expressions
from tests.rules.made import ROOT

KNOWN = BoundFacts(
    {
        "repository.stars": 12,
        "repository.is_fork": False,
        "contribution.labels": ["a" * 50] * expression_limits.MAX_ITEMS,
        "contribution.title": "a" * 5_000,
        "term.starts": datetime(2025, 3, 1, tzinfo=UTC),
    }
)
SECONDS = 0.25
"""The most processor time, in seconds, for the check of an expression and one computation."""


@pytest.fixture
def others_garbage_left_alone() -> Iterator[None]:
    """Keep the garbage collector away from objects of earlier tests while we measure.

    In a long run, that alone takes a quarter of a second.
    """
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("others_garbage_left_alone")
def test_a_thousand_hostile_expressions_are_refused_or_end_within_their_budget() -> None:
    """Each expression is computed, or refused with a reason in both languages, within a quarter of a second."""
    count = 0
    for text in expressions():
        count += 1
        begun = time.process_time()
        answer = cel.check(text, "yes-no")
        if isinstance(answer, CheckedExpression):
            answer.value(KNOWN)
            answer.reference(KNOWN)
        else:
            assert answer
            assert all(problem.message and problem.message_zh for problem in answer), text[:80]
        assert time.process_time() - begun < SECONDS, text[:80]
    assert count >= 1_000


def test_no_hostile_expression_ends_the_process_or_fills_its_memory() -> None:
    """A separate process checks all expressions, and reports how many it refused and how much memory it used."""
    program = (
        "import json, resource\n"
        "from credits.rules.expressions import cel\n"
        "from tests.rules.hostile import expressions\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "answers = [cel.check(text, 'yes-no') for text in expressions(seed=2)]\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "print(json.dumps([len(answers), sum(isinstance(answer, tuple) for answer in answers), grown]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    total, refused, grown = json.loads(done.stdout)
    assert total >= 1_000
    assert total > refused > total * 3 // 4
    assert grown < 200_000  # kilobytes, including the library and its caches


@pytest.mark.usefixtures("others_garbage_left_alone")
def test_the_dearest_expression_that_is_allowed_ends_soon() -> None:
    """The most turns over the longest lists stay within the computed cost and half a second."""
    ones = "[" + ",".join("1" * 60) + "]"
    computed = 0
    for text in (
        f"{ones}.all(x, {ones}.all(y, x + y > 0 && x - y == 0 && {LABELS}.size() > 0))",
        f"{LABELS}.all(x, [x, x, x, x, x, x].all(y, y in {LABELS} && y != ''))",
        f"{LABELS}.all(x, x in {LABELS}) && {LABELS}.all(x, x.contains('a') && !(x == 'b' ? true : false))",
    ):
        found = cel.check(text, "yes-no")
        if isinstance(found, tuple):
            continue
        computed += 1
        begun = time.process_time()
        assert found.value(KNOWN) == found.reference(KNOWN)
        assert time.process_time() - begun < 0.5
        cost = expression_limits.expression_cost(found.root)
        assert cost.turns <= expression_limits.MAX_TURNS
        assert cost.steps <= expression_limits.MAX_STEPS
    assert computed >= 2


def test_parts_and_depth_are_bounded() -> None:
    """An allowed expression stays within the limits of parts and of depth."""
    allowed = 0
    for text in expressions(seed=3):
        found = cel.check(text, "yes-no")
        if isinstance(found, CheckedExpression):
            allowed += 1
            assert sum(1 for _ in expression_tree.walk(found.root)) <= expression_tree.MAX_NODES
            assert _depth(found.root) <= expression_tree.MAX_DEPTH + 1
    assert allowed


def _depth(node: expression_tree.Node) -> int:
    return 1 + max((_depth(part) for part in expression_tree.child_nodes(node)), default=0)
