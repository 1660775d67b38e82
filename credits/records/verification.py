"""The ledger held against the results that were recorded: a forged row may continue the chain all the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import itemgetter

from django.utils.translation import gettext as _

from credits.claims.models import Result
from credits.claims.recording.record import reference_of
from credits.ledger import entries
from credits.ledger.entries import CreditEntry
from credits.ledger.verify import Checkpoint, Verdict, verify

BATCH = 1000


def verify_records(checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """The chain's verdict (:func:`credits.ledger.verify.verify`); behind every posted entry there must stand a
    recorded result of the same person, credit and term, a reversal must take back just what it names, and no recorded
    credit may be without its entry. The first entry that fails is named; one that is missing would come after all."""
    missing = next(_without_entry(), None)
    verdict = verify(checkpoints)
    faults = [
        (verdict.broken, verdict.reason),
        (next(_unfounded(), None), _("No recorded result stands behind it.")),
        (next(_not_taking_back(), None), _("It does not take back what it names.")),
    ]
    if missing is not None:
        sentence = _("The result %(result)s is recorded, but has no entry.") % {"result": missing.public_id}
        faults.append((verdict.entries + 1, sentence))
    found = [(number, reason) for number, reason in faults if number is not None]
    if not found:
        return verdict
    number, reason = min(found, key=itemgetter(0))
    return replace(verdict, broken=number, reason=reason)


def _without_entry() -> Iterator[Result]:
    """Results that recognise credit which is not in the ledger, oldest first. The entries are read after the results,
    with which they are written at once."""
    results = Result.objects.filter(credit__gt=0).order_by("pk").iterator(chunk_size=BATCH)
    while batch := list(islice(results, BATCH)):
        there = set(entries.of_references(map(reference_of, batch)).values_list("reference", flat=True))
        yield from (result for result in batch if reference_of(result) not in there)


def _not_taking_back() -> Iterator[int]:
    """Numbers of reversals that are not the negative of the earlier entry that they name, ascending."""
    for entry in entries.reversals().iterator(chunk_size=BATCH):
        taken = entry.reverses
        if (
            taken is None
            or taken.number > entry.number
            or _what(entry) != (*_what(taken)[:-1], -taken.credit)
        ):
            yield entry.number


def _what(entry: CreditEntry) -> tuple[object, ...]:
    return entry.person_id, entry.student_number, entry.category, entry.term, entry.reference, entry.credit


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
