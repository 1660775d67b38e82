"""Bar charts of a simulation, drawn by the server as SVG. Lengths are in the drawing's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from credits.rules.decimals import to_text

MAX_BARS = 10
CHART_HEIGHT = 120
BAR_SPACING = 40
BAR_WIDTH = 15


@dataclass(frozen=True, slots=True)
class BarPair:
    """How many claims have a value before and after the change, and where the two bars are drawn."""

    label: str
    before: int
    after: int
    x: int
    before_height: int
    after_height: int

    @property
    def middle(self) -> int:
        return self.x + BAR_WIDTH

    @property
    def second(self) -> int:
        return self.x + BAR_WIDTH + 1

    @property
    def before_top(self) -> int:
        return CHART_HEIGHT - self.before_height

    @property
    def after_top(self) -> int:
        return CHART_HEIGHT - self.after_height

    @property
    def before_label(self) -> int:
        return self.before_top - 4

    @property
    def after_label(self) -> int:
        return self.after_top - 4


@dataclass(frozen=True, slots=True)
class BarChart:
    """Two bars for each value; ``width`` is the width of the whole drawing."""

    pairs: list[BarPair]
    width: int


def distribution_chart(before: Mapping[str, int], after: Mapping[str, int]) -> BarChart:
    """Draw how many claims have each value (a decimal as text), before and after.

    More than ``MAX_BARS`` values are counted in ranges of equal width.
    """
    values = sorted({Decimal(key) for key in (*before, *after)})
    if len(values) > MAX_BARS:
        width = (values[-1] / (MAX_BARS - 1)).quantize(Decimal("0.5"), ROUND_CEILING) or Decimal("0.5")
        groups = [Decimal(0), *(width * step for step in range(1, MAX_BARS))]
        labels = ["0", *(f"≤{to_text(limit)}" for limit in groups[1:])]
    else:
        groups, labels = values, [to_text(value) for value in values]
    first, second = _count_by_group(before, groups), _count_by_group(after, groups)
    top = max([*first, *second, 1])
    pairs = [
        BarPair(
            label,
            first[at],
            second[at],
            10 + at * BAR_SPACING,
            _bar_height(first[at], top),
            _bar_height(second[at], top),
        )
        for at, label in enumerate(labels)
    ]
    return BarChart(pairs, 20 + BAR_SPACING * max(len(pairs), 6))


def _bar_height(count: int, top: int) -> int:
    # Even one claim among thousands gets a visible bar.
    return max(CHART_HEIGHT * 9 // 10 * count // top, 2) if count else 0


def _count_by_group(counts: Mapping[str, int], groups: list[Decimal]) -> list[int]:
    totals = [0] * len(groups)
    for key, count in counts.items():
        at = next((at for at, limit in enumerate(groups) if Decimal(key) <= limit), len(groups) - 1)
        totals[at] += count
    return totals
