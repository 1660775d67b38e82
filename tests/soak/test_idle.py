"""A whole university with nothing new is cheap and in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from benchmarks.idle import SimulatedGitHub, link_accounts, whole_round
from credits.contributions.collecting import collect

pytestmark = pytest.mark.django_db


def test_idle_accounts_cost_a_point_a_hundred_and_no_refusal():
    """1,200 idle accounts on one token take twelve requests and points and two minutes of the forge's time, as fast
    as it allows, with nothing refused or cut off. (`make bench` measures 50,000.)
    """
    forge = SimulatedGitHub()
    link_accounts(1_200, forge.now)
    began = forge.now + collect.COLLECT_EVERY
    assert whole_round(forge) == (12, 12)
    assert (forge.refused, forge.too_long) == (0, 0)
    assert forge.now - began <= timedelta(minutes=2.1)
