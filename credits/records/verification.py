"""Compare the ledger with the recorded results: a forged row could still continue the hash chain correctly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import itemgetter

from django.utils.translation import gettext as _

from credits.claims.models import Result
from credits.claims.recording.record import ledger_reference, result_id_of
from credits.ledger import entries
from credits.ledger.entries import CreditEntry
from credits.ledger.verify import Checkpoint, Verdict, verify

BATCH_SIZE = 1000


def verify_records(checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """Return the verdict on the chain (:func:`credits.ledger.verify.verify`) and on its match with the results.

    Every posted entry needs a recorded result with the same person, credit and term. A reversal must reverse exactly
    the entry that it names. Every result with credit needs its entry. The verdict names the first entry that fails; a
    missing entry counts as the number after the last.
    """
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
    """Yield the results with credit that have no ledger entry, oldest first.

    Entries are read after the results. Both are written in one transaction, so a result that was read has its entry.
    """
    results = Result.objects.filter(credit__gt=0).order_by("pk").iterator(chunk_size=BATCH_SIZE)
    while batch := list(islice(results, BATCH_SIZE)):
        references = [ledger_reference(result.public_id) for result in batch]
        posted = set(entries.of_references(references).values_list("reference", flat=True))
        yield from (
            result for result, reference in zip(batch, references, strict=True) if reference not in posted
        )


def _wrong_reversals() -> Iterator[int]:
    """Yield the numbers, ascending, of reversals that are not the negative of an earlier entry that they name."""
    for entry in entries.reversals().iterator(chunk_size=BATCH_SIZE):
        reversed_entry = entry.reverses
        if (
            reversed_entry is None
            or reversed_entry.number > entry.number
            or _entry_identity(entry) != (*_entry_identity(reversed_entry)[:-1], -reversed_entry.credit)
        ):
            yield entry.number


def _entry_identity(entry: CreditEntry) -> tuple[object, ...]:
    return entry.person_id, entry.student_number, entry.category, entry.term, entry.reference, entry.credit


def _entries_without_result() -> Iterator[int]:
    """Yield the numbers, ascending, of posted entries without a matching result.

    Results are read after the entries, so that an entry posted in the meantime does not look forged.
    """
    posted = entries.posted().iterator(chunk_size=BATCH_SIZE)
    while batch := list(islice(posted, BATCH_SIZE)):
        recorded = _results_by_reference(batch)
        for entry in batch:
            if recorded.get(entry.reference) != (entry.person_id, entry.credit, entry.term):
                yield entry.number


def _results_by_reference(batch: list[CreditEntry]) -> dict[str, tuple[object, ...]]:
    """Return person, credit and term of the results that these entries name, by reference."""
    public_ids = filter(None, (result_id_of(entry.reference) for entry in batch))
    results = Result.objects.filter(public_id__in=public_ids)
    return {
        ledger_reference(result.public_id): (
            result.claim.user_id,
            result.credit,
            result.claim.round.term.code,
        )
        for result in results.select_related("claim__round__term")
    }
