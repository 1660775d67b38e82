"""The ledger held against the results that were recorded: a forged row may continue the chain all the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import itemgetter

from django.utils.translation import gettext as _

from credits.claims.models import Result
from credits.claims.recording.record import ledger_reference
from credits.ledger import entries
from credits.ledger.entries import CreditEntry
from credits.ledger.verify import Checkpoint, Verdict, verify

BATCH_SIZE = 1000


def verify_records(checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """The chain's verdict (:func:`credits.ledger.verify.verify`); behind every posted entry there must stand a
    recorded result of the same person, credit and term, a reversal must take back just what it names, and no recorded
    credit may be without its entry. The first entry that fails is named; one that is missing would come after all."""
    missing = next(_results_without_entry(), None)
    verdict = verify(checkpoints)
    faults = [
        (verdict.broken, verdict.reason),
        (next(_entries_without_result(), None), _("It has no recorded result.")),
        (next(_wrong_reversals(), None), _("It does not match the entry that it reverses.")),
    ]
    if missing is not None:
        sentence = _("The result %(result)s is recorded but has no ledger entry.") % {
            "result": missing.public_id
        }
        faults.append((verdict.entries + 1, sentence))
    found = [(number, reason) for number, reason in faults if number is not None]
    if not found:
        return verdict
    number, reason = min(found, key=itemgetter(0))
    return replace(verdict, broken=number, reason=reason)


def _results_without_entry() -> Iterator[Result]:
    """Results that recognise credit which is not in the ledger, oldest first. The entries are read after the results,
    with which they are written at once."""
    results = Result.objects.filter(credit__gt=0).order_by("pk").iterator(chunk_size=BATCH_SIZE)
    while batch := list(islice(results, BATCH_SIZE)):
        there = set(entries.of_references(map(ledger_reference, batch)).values_list("reference", flat=True))
        yield from (result for result in batch if ledger_reference(result) not in there)


def _wrong_reversals() -> Iterator[int]:
    """Numbers of reversals that are not the negative of the earlier entry that they name, ascending."""
    for entry in entries.reversals().iterator(chunk_size=BATCH_SIZE):
        taken = entry.reverses
        if (
            taken is None
            or taken.number > entry.number
            or _entry_identity(entry) != (*_entry_identity(taken)[:-1], -taken.credit)
        ):
            yield entry.number


def _entry_identity(entry: CreditEntry) -> tuple[object, ...]:
    return entry.person_id, entry.student_number, entry.category, entry.term, entry.reference, entry.credit


def _entries_without_result() -> Iterator[int]:
    """Numbers of posted entries that no result stands behind, ascending. An entry is read before the results are, so
    that one posted meanwhile is not taken for forged."""
    posted = entries.posted().iterator(chunk_size=BATCH_SIZE)
    while batch := list(islice(posted, BATCH_SIZE)):
        recorded = _results_by_reference(batch)
        for entry in batch:
            if recorded.get(entry.reference) != (entry.person_id, entry.credit, entry.term):
                yield entry.number


def _results_by_reference(batch: list[CreditEntry]) -> dict[str, tuple[object, ...]]:
    """Person, credit and term of the results that these entries name, by reference."""
    results = Result.objects.filter(public_id__in=filter(None, map(_public_id, batch)))
    return {
        ledger_reference(result): (result.claim.user_id, result.credit, result.claim.round.term.code)
        for result in results.select_related("claim__round__term")
    }


def _public_id(entry: CreditEntry) -> uuid.UUID | None:
    try:
        return uuid.UUID(entry.reference.partition(":")[2])
    except ValueError:
        return None
