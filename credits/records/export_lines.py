"""Turn ledger entries into the lines of a transcript or an export."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from accounts.models import Enrolment, Term
from credits.formats.base import RecordLine
from credits.ledger.entries import CreditEntry
from credits.text import NO_TEXT, Text

BATCH_SIZE = 500


def record_lines(entries: Iterable[CreditEntry]) -> Iterator[RecordLine]:
    """Yield a line for each entry, in the same order. Rows are read in batches of :data:`BATCH_SIZE`.

    What was recognised is read from the entry, or for a reversal from the entry that it reverses. The person is read
    from the enrolment: the ledger contains no names, because it can never delete one.
    """
    remaining = iter(entries)
    while batch := list(islice(remaining, BATCH_SIZE)):
        enrolments = {
            enrolment.student_number: enrolment
            for enrolment in Enrolment.objects.filter(
                student_number__in={entry.student_number for entry in batch}
            ).select_related("user", "programme__department")
        }
        terms = Term.objects.in_bulk({entry.term for entry in batch}, field_name="code")
        for entry in batch:
            yield _record_line(entry, enrolments.get(entry.student_number), terms.get(entry.term))


def _record_line(entry: CreditEntry, enrolment: Enrolment | None, term: Term | None) -> RecordLine:
    details: dict[str, Any] = (entry.reverses or entry).details
    return RecordLine(
        number=entry.number,
        student_number=entry.student_number,
        name=str(enrolment.user) if enrolment else "",
        department=str(enrolment.programme.department) if enrolment else "",
        programme=str(enrolment.programme) if enrolment else "",
        course=_bilingual((details.get("course") or {}).get("title") or details.get("title")),
        category=entry.category,
        term=entry.term,
        credit=entry.credit,
        grade=_bilingual((details.get("grade") or {}).get("label")),
        rulebook=f"{details['rulebook']} v{details['version']}" if "rulebook" in details else "",
        recorded_at=entry.posted_at,
        entry_hash=entry.hash,
        term_name=Text(term.name_zh, term.name_en) if term else NO_TEXT,
        rulebook_title=_bilingual(details.get("title")),
    )


def _bilingual(words: dict[str, str] | None) -> Text:
    return Text(words.get("zh", ""), words.get("en", "")) if words else NO_TEXT
