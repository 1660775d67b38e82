"""Apply group caps, mix and selection to the contributions of a claim, on whole numbers and without a trace.

The steps are those of ``group_caps`` and ``mix_and_selection``, which explain them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from credits.rules.decimals import EXACT
from credits.rules.document.rulebook_model import MixRule, RulebookDocument
from credits.rules.evaluation.compiled.codegen import CountedContribution

Points = list[int]
"""Points of each item, in the order of the items."""

_LAST = datetime.max.replace(tzinfo=UTC)
_PERIODS = ("day", "week", "month")


def compile_group_caps(
    rulebook: RulebookDocument, places: int
) -> Callable[[list[CountedContribution]], Points]:
    """Return a function that takes the items that count and returns the points that each of them keeps.

    The items must be sorted by :func:`merge_order`. Points are in units of 10**-``places``.
    """
    return partial(_points, rulebook, places, ZoneInfo(rulebook.time_zone))


def merge_order(item: CountedContribution) -> tuple[datetime, str]:
    """Return the sort key of an item: what was merged first comes first."""
    return item.merged_at or _LAST, item.ref


def _points(
    rulebook: RulebookDocument, places: int, zone: ZoneInfo, items: list[CountedContribution]
) -> Points:
    points = [item.points for item in items]
    _repositories(rulebook, places, items, points)
    for period in sorted(rulebook.caps.periods, key=lambda period: _PERIODS.index(period.each)):
        days = (_period(item, period.each, zone) for item in items)
        for group in _grouped(days):
            _cap(points, group, _scaled(period.points, places))
    for kind in rulebook.caps.kinds:
        of_kind = [at for at, item in enumerate(items) if item.kind == kind.kind]
        _cap(points, of_kind, _scaled(kind.points, places))
    for tier in rulebook.caps.tiers:
        of_tier = [at for at, item in enumerate(items) if item.tier == tier.tier]
        _cap(points, of_tier, _scaled(tier.points, places))
    if not all(_meets_mix(mix, turn, items) for turn, mix in enumerate(rulebook.mix)):
        return [0] * len(items)
    best, within = rulebook.selection.best, rulebook.selection.within
    for group in _grouped(_selection_group(item, within) for item in items) if best is not None else ():
        # The sort is stable: of equal items, what was merged first is kept.
        for index in sorted(group, key=lambda index: -points[index])[best:]:
            points[index] = 0
    return points


def _selection_group(item: CountedContribution, within: str) -> str:
    if within == "repository":
        return item.repository
    return item.kind or "" if within == "kind" else ""


def _repositories(
    rulebook: RulebookDocument, places: int, items: list[CountedContribution], points: Points
) -> None:
    groups = _grouped(item.repository for item in items)
    most = _repository_limit(rulebook, places, [sum(points[at] for at in group) for group in groups])
    if most is not None:
        for group in groups:
            _cap(points, group, most)


def _repository_limit(rulebook: RulebookDocument, places: int, sums: Collection[int]) -> int | None:
    """Return the most that one repository may give if the repositories have these ``sums``, or None for no limit."""
    cap = rulebook.caps.repository
    most = None if cap.points is None else _scaled(cap.points, places)
    if cap.share < 1 and sum(1 for points in sums if points) >= 2:
        above, below = cap.share.as_integer_ratio()
        by_share = sum(sums) * above // below
        return by_share if most is None else min(most, by_share)
    return most


def _cap(points: Points, group: list[int], most: int) -> None:
    """Take what the group has above ``most`` from its last items."""
    room = most
    for at in group:
        points[at] = min(points[at], room)
        room -= points[at]


def _meets_mix(mix: MixRule, turn: int, items: list[CountedContribution]) -> bool:
    certain = [item for item in items if item.has_share and item.mixes[turn] is True]
    found = len({item.repository for item in certain}) if mix.count == "repositories" else len(certain)
    return found >= mix.at_least


def _grouped(keys: Iterable[Hashable]) -> list[list[int]]:
    groups: dict[Hashable, list[int]] = {}
    for at, key in enumerate(keys):
        groups.setdefault(key, []).append(at)
    return list(groups.values())


def _period(item: CountedContribution, each: str, zone: ZoneInfo) -> Hashable:
    if item.merged_at is None:
        return ""
    day: date = item.merged_at.astimezone(zone).date()
    return day if each == "day" else (day.year, day.month) if each == "month" else day.isocalendar()[:2]


def _scaled(value: Decimal, places: int) -> int:
    return int(EXACT.scaleb(value, places))
