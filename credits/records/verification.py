"""The ledger held against the results that were recorded: a forged row may continue the chain all the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from django.utils.translation import gettext as _

from credits.claims.models import Result
from credits.claims.record import reference_of
from credits.ledger import entries
from credits.ledger.entries import CreditEntry
from credits.ledger.verify import Checkpoint, Verdict, verify

BATCH = 1000


def verify_records(checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """The chain's verdict (:func:`credits.ledger.verify.verify`); and behind every posted entry there must stand a
    recorded result of the same person, credit and term. The first entry that fails either is named."""
    verdict = verify(checkpoints)
    number = next(_unfounded(), None)
    if number is None or (verdict.broken is not None and verdict.broken <= number):
        return verdict
    return replace(verdict, broken=number, reason=_("No recorded result stands behind it."))


def _unfounded() -> Iterator[int]:
    """Numbers of posted entries that no result stands behind, ascending. An entry is read before the results are, so
    that one posted meanwhile is not taken for forged."""
    posted = entries.posted().iterator(chunk_size=BATCH)
    while batch := list(islice(posted, BATCH)):
        recorded = _recorded(batch)
        for entry in batch:
            if recorded.get(entry.reference) != (entry.person_id, entry.credit, entry.term):
                yield entry.number


def _recorded(batch: list[CreditEntry]) -> dict[str, tuple[object, ...]]:
    """Person, credit and term of the results that these entries name, by reference."""
    results = Result.objects.filter(public_id__in=filter(None, map(_public_id, batch)))
    return {
        reference_of(result): (result.claim.user_id, result.credit, result.claim.round.term.code)
        for result in results.select_related("claim__round__term")
    }


def _public_id(entry: CreditEntry) -> uuid.UUID | None:
    try:
        return uuid.UUID(entry.reference.partition(":")[2])
    except ValueError:
        return None
