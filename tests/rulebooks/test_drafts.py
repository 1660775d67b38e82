"""Drafts of rulebooks are saved while a steward types."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from credits.rulebooks import drafts
from credits.rulebooks.models import RulebookDraft
from tests import factories
from tests.factories import NOW


@pytest.mark.django_db(transaction=True)
def test_a_pause_and_a_press_at_once_keep_one_draft() -> None:
    """Requests that a page sends at the same moment create one draft, and none of them fails."""
    steward = factories.steward()
    public_id = uuid.uuid4()
    start = Barrier(4)

    def keep(text: str) -> RulebookDraft:
        try:
            start.wait()
            return drafts.save_draft(public_id, text, page="one", base=None, by=steward, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        kept = list(pool.map(keep, ["a", "b", "c", "d"]))
    assert len(kept) == 4
    assert RulebookDraft.objects.get().public_id == public_id
