"""Walk the chain and report whether it is intact (invariant 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from credits.ledger.chain import BEGINNING, hash_of
from credits.ledger.models import CreditEntry


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Number and hash of an entry, noted outside the database. ``source`` says where."""

    number: int
    hash: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain found: ``entries`` good rows, up to the hash ``head``. ``broken`` is the number of
    the first broken row (None if there is none), and ``reason`` says in one sentence what is wrong with it."""

    entries: int
    head: str
    broken: int | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.broken is None


def verify(checkpoints: Iterable[Checkpoint] = ()) -> Verdict:
    """Recompute every hash from the first row on, and return the verdict.

    Checkpoints that were kept elsewhere also reveal a cut tail and a chain that was rewritten as a whole: the row that
    a checkpoint names must exist and have that hash.
    """
    wanted: dict[int, list[Checkpoint]] = {}
    for checkpoint in checkpoints:
        wanted.setdefault(checkpoint.number, []).append(checkpoint)
    previous, count = BEGINNING, 0
    for entry in CreditEntry.objects.order_by("number").iterator(chunk_size=2000):
        expected = count + 1
        if entry.number != expected:
            return Verdict(
                count, previous, expected, _("Entry %(number)s is missing.") % {"number": expected}
            )
        if entry.previous_hash != previous:
            return Verdict(count, previous, expected, _("It does not follow from the entry before it."))
        if entry.hash != hash_of(entry):
            return Verdict(count, previous, expected, _("Its content does not match its hash."))
        for checkpoint in wanted.pop(expected, ()):
            if checkpoint.hash != entry.hash:
                return Verdict(count, previous, expected, _rewritten(checkpoint))
        previous, count = entry.hash, expected
    wanted.pop(0, None)
    if wanted:
        number = min(wanted)
        return Verdict(
            count,
            previous,
            number,
            _("It no longer exists, although %(source)s refers to it.")
            % {"source": wanted[number][0].source},
        )
    return Verdict(count, previous)


def _rewritten(checkpoint: Checkpoint) -> str:
    return _("It is not the entry that %(source)s refers to.") % {"source": checkpoint.source}
