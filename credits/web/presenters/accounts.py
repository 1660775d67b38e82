"""How collecting goes for a student's accounts."""

from __future__ import annotations

from django.utils import timezone

from credits.contributions.collecting.status import statuses_for_person
from credits.web.core.access import PageRequest


def collection_state(request: PageRequest) -> dict[str, object]:
    states = statuses_for_person(request.user, now=timezone.now())
    return {
        "states": states,
        "linked": {one.account.forge for one in states},
        "under_way": any(one.running or one.waiting for one in states),
    }
