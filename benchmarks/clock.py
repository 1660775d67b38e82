"""Measure how often something can be done in a second, and show the progress of a long measurement."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

SECONDS = 2.0


def per_second(work: Callable[[], int]) -> float:
    """Call ``work`` once to warm up, then for about two seconds. ``work`` returns how many things it did. Return things
    per second."""
    work()
    done, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < SECONDS:
        done += work()
    return done / elapsed


_BEGUN = time.monotonic()


def show_progress(what: str) -> None:
    """Print what is being done and the seconds since the start to stderr, apart from the figures."""
    print(f"  {time.monotonic() - _BEGUN:6.0f} s  {what}", file=sys.stderr, flush=True)
