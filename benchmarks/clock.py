"""How often a second something can be done, and how far a long measurement is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

SECONDS = 2.0


def per_second(work: Callable[[], int]) -> float:
    """Call ``work`` for about two seconds, after once to warm up; it returns how many things it did."""
    work()
    done, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < SECONDS:
        done += work()
    return done / elapsed


_BEGUN = time.monotonic()


def show_progress(what: str) -> None:
    """Tell whoever waits what is being done, beside the figures."""
    print(f"  {time.monotonic() - _BEGUN:6.0f} s  {what}", file=sys.stderr, flush=True)
