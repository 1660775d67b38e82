"""How many examples Hypothesis tries: two profiles by name.

``quick`` is for ``make test``: few examples, the same ones each time. ``deep`` is for ``make soak``: many, and new
ones each time. ``pytest --hypothesis-profile=deep`` chooses it by hand.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("SOAK") == "1"
"""Whether ``make soak`` runs."""
QUICK, DEEP = 25, 1_000
# Forges share the tests of their contract, so one test may run in several classes.
_SUPPRESSED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
_COMMON = settings(deadline=None, suppress_health_check=_SUPPRESSED)
settings.register_profile("quick", _COMMON, max_examples=QUICK, derandomize=True)
settings.register_profile("deep", _COMMON, max_examples=DEEP)
settings.load_profile("quick")


def slow(part: int) -> settings:
    """For a test whose examples take long each: one ``part``-th of the profile's number of them."""
    return settings(max_examples=max(5, settings.default.max_examples // part))
