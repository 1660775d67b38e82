"""The ledger held against what was recorded, and against what was noted of it elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from credits.claims.models import Result
from credits.claims.recording.record import ledger_reference
from credits.ledger import entries
from credits.ledger.chain import hash_of
from credits.ledger.entries import CreditEntry
from credits.records.export import batch_file, export_round
from credits.records.verification import verify_records
from tests.credit_factories import recorded_claim
from tests.factories import NOW, registrar

LATER = NOW + timedelta(days=60)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"


def entry_of(result: Result) -> CreditEntry:
    return entries.of_references([ledger_reference(result.public_id)]).get()


@pytest.mark.django_db
def test_verify_ledger_holds_the_chain_against_past_manifests(capsys: pytest.CaptureFixture[str]) -> None:
    """A ledger whose last row was cut off still chains; the manifest of an export gives it away, with exit code 1."""
    result = recorded_claim()
    batch = export_round(result.claim.round, "csv", by=registrar(), now=LATER)
    call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["holds"] is True
    manifest = batch_file(batch).parent / f"{batch.code}.manifest.json"
    told = json.loads(manifest.read_text())
    told["ledger"]["entries"] += 1
    manifest.write_text(json.dumps(told))
    with pytest.raises(SystemExit) as end:
        call_command("verify_ledger", "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert (end.value.code, verdict["holds"], verdict["broken"]) == (1, False, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("forged", ["credit", "person", "term", "reference"])
def test_an_entry_that_continues_the_chain_but_records_nothing_is_found(
    forged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A well-formed row with a right hash is named, whichever of its facts no recorded result has; and so is the first
    of two."""
    true = entry_of(recorded_claim())
    theirs = entry_of(recorded_claim())
    call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["holds"] is True
    facts: dict[str, Any] = {
        "person": theirs.person,
        "term": theirs.term,
        "credit": theirs.credit,
        "reference": theirs.reference,
    }
    facts |= {
        "credit": {"credit": theirs.credit + 1},
        "person": {"person": true.person},
        "term": {"term": "another"},
        "reference": {"reference": "result:forged"},
    }[forged]
    with an_open_ledger():
        CreditEntry.objects.filter(number=2).delete()
    for reference in (facts["reference"], "forged"):
        entries.post(
            **{**facts, "reference": reference},
            student_number=theirs.student_number,
            category=theirs.category,
            details={},
            by=registrar(),
            now=LATER,
        )
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["holds"], verdict["broken"], verdict["entries"]) == (False, 2, 3)


@contextmanager
def an_open_ledger() -> Iterator[None]:
    """As for somebody who owns the database: its triggers on the ledger are off."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE credits_creditentry DISABLE TRIGGER ledger_entry_stays")
        yield
        cursor.execute("ALTER TABLE credits_creditentry ENABLE TRIGGER ledger_entry_stays")


@pytest.mark.django_db
def test_a_recorded_result_without_its_entry_is_found() -> None:
    """Credit that is recorded and was cut off the ledger's end is missed, whichever result it was."""
    recorded_claim()
    lost = recorded_claim()
    assert verify_records().holds
    with an_open_ledger():
        CreditEntry.objects.filter(number=2).delete()
    verdict = verify_records()
    assert (verdict.broken, str(lost.public_id) in verdict.reason) == (2, True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "forged", [{"credit": Decimal("-0.01")}, {"person": 0}, {"reference": "result:another"}]
)
def test_a_reversal_that_takes_back_something_else_is_found(forged: dict[str, Any]) -> None:
    """A true reversal holds; one that continues the chain, but is not the negative of what it names, is told."""
    by = registrar()
    entries.reverse(entry_of(recorded_claim()), reason="recorded twice", by=by, now=LATER)
    entry = entry_of(recorded_claim())
    assert verify_records().holds
    back = entries.reverse(entry, reason="a favour", by=by, now=LATER)
    if "person" in forged:
        forged = {"person": by}
    for name, value in forged.items():
        setattr(back, name, value)
    with an_open_ledger():
        back.hash = hash_of(back)
        back.save()
    assert verify_records().broken == back.number


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "1", "1:abc", "x:" + "a" * 64])
def test_a_checkpoint_that_is_none_is_refused_in_one_sentence(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is not a number, a colon and a hash ends with exit code 1 and what to write."""
    with pytest.raises(SystemExit) as end:
        call_command("verify_ledger", "--checkpoint", text)
    assert end.value.code == 1
    assert "checkpoint" in capsys.readouterr().err
