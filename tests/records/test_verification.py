"""The ledger is compared with the recorded results and with the checkpoints of past exports."""

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
    """If the ledger's last row is missing, the manifest of an export reveals it, with exit code 1."""
    result = recorded_claim()
    batch = export_round(result.claim.round, "csv", by=registrar(), now=LATER)
    call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["holds"] is True
    manifest = batch_file(batch).parent / f"{batch.code}.manifest.json"
    content = json.loads(manifest.read_text())
    content["ledger"]["entries"] += 1
    manifest.write_text(json.dumps(content))
    with pytest.raises(SystemExit) as end:
        call_command("verify_ledger", "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert (end.value.code, verdict["holds"], verdict["broken"]) == (1, False, 2)


@pytest.mark.django_db
@pytest.mark.parametrize("forged", ["credit", "person", "term", "reference"])
def test_an_entry_that_continues_the_chain_but_records_nothing_is_found(
    forged: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A forged row with a valid hash is found by each of its facts, and the first of two forged rows is named."""
    first = entry_of(recorded_claim())
    second = entry_of(recorded_claim())
    call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["holds"] is True
    facts: dict[str, Any] = {
        "person": second.person,
        "term": second.term,
        "credit": second.credit,
        "reference": second.reference,
    }
    facts |= {
        "credit": {"credit": second.credit + 1},
        "person": {"person": first.person},
        "term": {"term": "another"},
        "reference": {"reference": "result:forged"},
    }[forged]
    with an_open_ledger():
        CreditEntry.objects.filter(number=2).delete()
    for reference in (facts["reference"], "forged"):
        entries.post(
            **{**facts, "reference": reference},
            student_number=second.student_number,
            category=second.category,
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
    """Turn the ledger's triggers off, as an owner of the database could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE credits_creditentry DISABLE TRIGGER ledger_entry_stays")
        yield
        cursor.execute("ALTER TABLE credits_creditentry ENABLE TRIGGER ledger_entry_stays")


@pytest.mark.django_db
def test_a_recorded_result_without_its_entry_is_found() -> None:
    """A recorded result whose entry was removed from the ledger's end is found."""
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
    """A correct reversal is accepted; one that is not the negative of the entry that it names is found."""
    by = registrar()
    entries.reverse(entry_of(recorded_claim()), reason="recorded twice", by=by, now=LATER)
    entry = entry_of(recorded_claim())
    assert verify_records().holds
    reversal = entries.reverse(entry, reason="a favour", by=by, now=LATER)
    if "person" in forged:
        forged = {"person": by}
    for name, value in forged.items():
        setattr(reversal, name, value)
    with an_open_ledger():
        reversal.hash = hash_of(reversal)
        reversal.save()
    assert verify_records().broken == reversal.number


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "1", "1:abc", "x:" + "a" * 64])
def test_a_checkpoint_that_is_none_is_refused_in_one_sentence(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint that is not a number, a colon and a hash ends with exit code 1 and a sentence."""
    with pytest.raises(SystemExit) as end:
        call_command("verify_ledger", "--checkpoint", text)
    assert end.value.code == 1
    assert "checkpoint" in capsys.readouterr().err
