"""The traces of the shipped rulebooks on real merged work. People reviewed them, so no change may go unnoticed.

After an intended change, run ``python -m tests.rules.test_golden`` and read the difference line by line.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from credits.rules.evaluation.evaluate import evaluate
from credits.rules.facts import facts_from_json
from tests.rules.made import SHIPPED, shipped_rulebook
from tests.rules.readable import readable

GOLDEN = Path(__file__).parent / "golden"


def trace(code: str) -> str:
    """Return the readable outcome of a shipped rulebook on its golden facts."""
    facts = facts_from_json(json.loads((GOLDEN / f"{code}.facts.json").read_text(encoding="utf-8")))
    return readable(evaluate(shipped_rulebook(code), facts))


@pytest.mark.parametrize("code", SHIPPED)
def test_a_shipped_rulebook_gives_its_reviewed_trace(code: str) -> None:
    """The outcome, its sentences and its digest equal the reviewed trace."""
    assert trace(code) == (GOLDEN / f"{code}.trace.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for name in SHIPPED:
        (GOLDEN / f"{name}.trace.txt").write_text(trace(name), encoding="utf-8")
