"""The watermark: nothing is skipped, little is read twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from credits.forges.watermark import OVERLAP, Watermark

START = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = st.text("abcdef", min_size=1, max_size=3)
TIMES = st.integers(0, 4 * int(OVERLAP.total_seconds())).map(lambda s: START + timedelta(seconds=s))
ROWS = st.dictionaries(KEYS, TIMES, max_size=30)


def _round(mark: Watermark, rows: dict[str, datetime], stop_after: int) -> tuple[Watermark, list[str]]:
    """Deliver up to ``stop_after`` wanted rows, oldest first, and store the mark as a cursor does."""
    wanted = sorted((time, key) for key, time in rows.items() if mark.wants(key, time))
    got = []
    for time, key in wanted[:stop_after]:
        mark = mark.passed(key, time)
        got.append(key)
    return Watermark.from_json(json.loads(json.dumps(mark.to_json()))), got


@given(ROWS, st.lists(st.integers(0, 5), max_size=20))
def test_any_interruption_still_delivers_everything_once(rows: dict[str, datetime], stops: list[int]) -> None:
    """If the work is cut anywhere and resumed from the cursor, every row is delivered exactly once."""
    mark, got = Watermark(), []
    for stop in [*stops, len(rows)]:
        mark, some = _round(mark, rows, stop)
        got += some
    assert sorted(got) == sorted(rows)
    assert _round(mark, rows, len(rows))[1] == []


@given(ROWS, KEYS, st.integers(0, int(OVERLAP.total_seconds())))
def test_what_shows_up_late_within_the_overlap_is_still_delivered(
    rows: dict[str, datetime], late: str, behind: int
) -> None:
    """A row that the forge shows some minutes late, with a time before the mark, is not missed."""
    mark, _ = _round(Watermark(), {key: time for key, time in rows.items() if key != late}, len(rows))
    if mark.seen is not None:
        assert mark.wants(late, mark.seen - timedelta(seconds=behind))


@given(ROWS, TIMES)
def test_an_update_is_delivered_again(rows: dict[str, datetime], later: datetime) -> None:
    """A row with a later time of update is wanted again; an unchanged row is not."""
    mark, _ = _round(Watermark(), rows, len(rows))
    for key, time in rows.items():
        assert not mark.wants(key, time)
        if mark.seen is not None and later > mark.seen:
            assert mark.wants(key, later)


@given(ROWS)
def test_the_mark_keeps_no_more_than_the_overlap(rows: dict[str, datetime]) -> None:
    """A cursor stays small: it names only what was delivered within the overlap."""
    mark, _ = _round(Watermark(), rows, len(rows))
    assert bool(mark.near) == bool(rows)
    assert all(mark.seen is not None and time >= mark.seen - OVERLAP for time in mark.near.values())


def test_invariant_9_a_mark_passes_what_is_owed_only_by_remembering_it() -> None:
    """An id that the forge listed but did not show stays in the cursor until it is delivered."""
    mark = Watermark().advanced(START).owing(["x"]).passed("y", START + OVERLAP * 3)
    assert Watermark.from_json(mark.to_json()).owed == ("x",)
    assert mark.settled("x").owed == ()
    assert mark.passed("x", START + OVERLAP * 4).owed == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON | st.fixed_dictionaries({"seen": JSON, "near": JSON, "owed": JSON}))
def test_a_cursor_that_cannot_be_read_starts_anew(value: object) -> None:
    """An unreadable mark never raises, and never claims that anything was delivered."""
    mark = Watermark.from_json(value)
    assert mark == Watermark() or isinstance(value, dict)
