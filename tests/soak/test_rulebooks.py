"""Damaged rulebooks and generated expressions, in larger numbers than the daily tests have time for."""

from __future__ import annotations

import pytest

from tests.profiles import LONG
from tests.rules import random_expressions
from tests.soak import rulebooks

pytestmark = pytest.mark.timeout(14_400)


def test_damaged_rulebooks_are_faults_with_a_place_or_valid() -> None:
    """In the long run 10,000 rulebooks are read: none crashes the parser, runs long or takes much memory."""
    for name, value in rulebooks.rulebooks(rulebooks.ROUNDS if LONG else 40):
        print(f"{name:32}{value:>12}")


def test_translated_conditions_agree_with_the_cel_library() -> None:
    """In the long run 100,000 pairs of expression and facts are compared: no difference, errors included."""
    assert random_expressions.soak(100_000 if LONG else 200) == []
