"""Tests that take too long for every day run in ``make soak`` only."""

from __future__ import annotations

import pytest

from tests.profiles import LONG


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``soak``, unless SOAK=1."""
    left_out = [item for item in items if item.get_closest_marker("soak") and not LONG]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
