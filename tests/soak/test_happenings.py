"""Thousands of later events on forges: no contribution twice, no share above one."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db.models import Sum

from credits.contributions.models import Authorship, Contribution, Repository
from credits.contributions.storing.store import store
from credits.forges.protocol import AccountOnForge
from tests.contributions.scripted_forge import BOB, MERGED, change, repository
from tests.factories import NOW
from tests.profiles import LONG

pytestmark = pytest.mark.django_db
HAPPENINGS = 10_000 if LONG else 1_000


def test_invariant_2_renames_and_new_answers_by_the_thousand_double_nothing():
    """Renames, deleted openers, edits, reverts and deletions come in any order, late or twice: each contribution is
    stored once, and its shares add up to 1 at most.
    """
    chance = random.Random(7)
    homes = {number: repository(number) for number in range(20)}
    known = {
        (number, home): change(number, repository=homes[home], co_authors=(BOB,))
        for number in range(1, 21)
        for home in homes
    }
    store("github", known.values(), now=NOW)
    answers = []
    for turn in range(HAPPENINGS):
        key = chance.choice(list(known))
        changed = known[key]
        at = MERGED + timedelta(minutes=turn + 1)
        happening = chance.randrange(5)
        if happening == 0:
            home = replace(
                homes[key[1]], full_name=f"elsewhere{turn}/renamed", owner=AccountOnForge(str(turn), "new")
            )
            homes[key[1]] = home
            changed = replace(changed, repository=home, updated_at=at)
        elif happening == 1 and changed.author:
            changed = replace(changed, author=replace(changed.author, login=f"alice{turn}"), updated_at=at)
        elif happening == 2:
            changed = replace(
                changed,
                author=chance.choice([None, AccountOnForge("10137", "ghost", kind="ghost")]),
                updated_at=at,
            )
        elif happening == 3:
            changed = replace(changed, title=f"Title {turn}", labels=(f"label{turn}",), updated_at=at)
        else:
            status = chance.choice(["reverted", "gone", "merged"])
            Contribution.objects.filter(repository__forge_id=str(key[1]), number=str(key[0])).update(
                status=status
            )
        known[key] = changed
        answers.append(changed)
        if len(answers) >= 40:
            chance.shuffle(answers)
            store("github", [*answers, *answers[:5]], now=NOW)
            answers = []
    store("github", known.values(), now=NOW)
    assert Contribution.objects.count() == len(known)
    assert Repository.objects.count() == len(homes)
    openers = Authorship.objects.filter(role="author").values_list("forge_user_id", flat=True)
    assert list(openers) == ["101"] * len(known)
    shares = Contribution.objects.annotate(whole=Sum("authorships__share"))
    assert not shares.filter(whole__gt=1).exists()
