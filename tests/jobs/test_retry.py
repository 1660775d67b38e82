"""How long to wait after a failure."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from credits.jobs import retry


@given(failures=st.integers(0, 100_000), key=st.text())
def test_the_wait_has_its_bounds(failures, key):
    """However often a job fails, the wait is at least three quarters of the first wait and at most the longest."""
    assert retry.FIRST * 0.75 <= retry.delay(failures, key) <= retry.LONGEST


@given(failures=st.integers(1, 40), key=st.text())
def test_the_wait_grows_and_is_the_same_again(failures, key):
    """Each wait is at least as long as the one before, and the same failure of the same job always waits as long."""
    assert retry.delay(failures, key) <= retry.delay(failures + 1, key)
    assert retry.delay(failures, key) == retry.delay(failures, key)


def test_jobs_spread_out():
    """A thousand accounts that fail at the same moment are not all tried again at the same moment."""
    waits = {retry.delay(1, str(key)) for key in range(1_000)}
    assert len(waits) > 900
