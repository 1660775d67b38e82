"""Reading JSON: the documented type, or a typed error."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.forges.errors import ForgeError, ForgeUnavailable
from credits.forges.json_reading import (
    LONGEST_WAIT,
    UNNAMED_WAIT,
    format_time,
    json_array,
    json_count,
    json_id,
    json_object,
    json_text,
    next_allowed_call,
    parse_time,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECONDS = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "90"}, NOW + 90 * SECONDS),
        ({"retry-after": "0"}, NOW),
        ({"retry-after": "Sun, 01 Mar 2026 12:05:00 GMT"}, NOW + 300 * SECONDS),
        ({"retry-after": "Sun, 01 Mar 2026 11:00:00 GMT"}, NOW),
        ({"retry-after": "soon"}, NOW + UNNAMED_WAIT),
        ({}, NOW + UNNAMED_WAIT),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772367000"}, NOW + 601 * SECONDS),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "never"}, NOW + UNNAMED_WAIT),
        ({"x-ratelimit-remaining": "12", "x-ratelimit-reset": "1772367000"}, NOW + UNNAMED_WAIT),
        (
            {"retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772367000"},
            NOW + 5 * SECONDS,
        ),
    ],
)
def test_when_a_forge_allows_the_next_call(headers: dict[str, str], expected: datetime) -> None:
    """The time that a forge names in either header is used, or a minute if it names none."""
    assert next_allowed_call(headers, NOW) == expected


@given(
    st.dictionaries(st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]), st.text())
)
def test_no_header_makes_us_call_in_the_past_or_crash(headers: dict[str, str]) -> None:
    """For any headers, the next allowed call is between now and a day from now."""
    assert NOW <= next_allowed_call(headers, NOW) <= NOW + LONGEST_WAIT


@given(st.integers(0, 4_000_000_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_times_survive_writing_and_reading(microseconds: int, offset: int) -> None:
    """A time at any offset is the same instant after a round trip, written in UTC with a Z."""
    zone = timezone(timedelta(minutes=offset))
    time = (datetime(1970, 1, 2, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(zone)
    written = format_time(time)
    assert written.endswith("Z")
    assert parse_time(written) == time


@pytest.mark.parametrize(
    "value", [None, "", 0, "yesterday", "2026-03-01", "2026-03-01T12:00:00", {}, "２０２６"]
)
def test_a_time_without_an_offset_is_no_time(value: object) -> None:
    """Neither a time zone nor a date is guessed."""
    with pytest.raises(ForgeUnavailable):
        parse_time(value)


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()))
def test_readers_give_the_promised_type_or_an_error(value: object) -> None:
    """For any value, each reader returns its type or raises the typed error."""
    for reader, kind in (
        (json_object, dict),
        (json_array, list),
        (json_text, str),
        (json_count, int),
        (json_id, str),
    ):
        try:
            assert isinstance(reader(value), kind)
        except ForgeError as error:
            assert isinstance(error, ForgeUnavailable)  # noqa: PT017
