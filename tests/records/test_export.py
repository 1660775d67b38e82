"""Export batches: complete or not at all, and anyone can check them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any, BinaryIO

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEntry
from credits.claims.models import Result
from credits.claims.recording.record import ledger_reference
from credits.errors import CreditsError, NotAllowed
from credits.formats.base import Line, Renderer
from credits.formats.tabular import RENDERERS
from credits.ledger import entries
from credits.ledger.entries import CreditEntry
from credits.records.export import batch_file, export_round
from credits.records.models import ExportBatch
from tests.claims.test_races import at_once
from tests.credit_factories import claim, recorded_claim, submitted_claim
from tests.credit_factories import round_ as make_round
from tests.factories import NOW, instructor, registrar, student

LATER = NOW + timedelta(days=60)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_DIR = tmp_path / "exports"


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def entry_of(result: Result) -> CreditEntry:
    return entries.of_references([ledger_reference(result.public_id)]).get()


@pytest.mark.django_db
def test_an_export_holds_what_was_recorded_and_its_manifest_proves_it() -> None:
    """The file has a row for each entry; the manifest has its size and SHA-256, the sum, and the ledger's head."""
    result = recorded_claim()
    batch = export_round(result.claim.round, "csv", by=registrar(), now=LATER)
    [row] = rows(batch_file(batch))
    assert row["学号 student_number"] == result.claim.enrolment.student_number
    assert row["姓名 name"] == result.claim.user.name
    assert Decimal(row["学分 credit"]) == result.credit
    assert row["课程 course"] == "测试认定办法"

    content = batch_file(batch).read_bytes()
    manifest = json.loads((batch_file(batch).parent / f"{batch.code}.manifest.json").read_text())
    assert manifest == batch.manifest
    assert manifest["files"] == [
        {"name": batch_file(batch).name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    ]
    assert (manifest["entries"], Decimal(manifest["credit"])) == (1, result.credit)
    number, head = entries.head()
    assert manifest["ledger"] == {"entries": number, "head": head}


@pytest.mark.django_db
def test_an_export_says_how_many_claims_are_not_in_it_yet(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Claims that are submitted, heard or on notice are counted as not in the batch; drafts and recorded claims are
    not."""
    result = recorded_claim()
    round_ = result.claim.round
    for _ in range(2):
        submitted_claim(student(), round_)
    claim(student(), round_)
    batch = export_round(round_, "csv", by=registrar(), now=LATER)
    assert (batch.entries, batch.manifest["claims_under_way"]) == (1, 2)
    call_command("export", "--round", round_.code, "--format", "csv", "--output", str(tmp_path))
    assert "2 applications of the round are not finished" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_round_with_the_longest_code_is_exported() -> None:
    """The batch's code contains the round's longest possible code, and a number within the same second."""
    round_ = make_round("r" * 60)
    first, second = (export_round(round_, "csv", by=registrar(), now=LATER) for _each in range(2))
    assert first.code.startswith(round_.code)
    assert second.code == f"{first.code}-2"
    assert batch_file(second).is_file()


@pytest.mark.django_db
def test_a_batch_stays_as_it_was_made() -> None:
    """The database refuses to change or delete a batch."""
    batch = export_round(recorded_claim().claim.round, "csv", by=registrar(), now=LATER)
    batches = ExportBatch.objects.filter(pk=batch.pk)
    for change in (lambda: batches.update(credit=9), batches.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert batches.get().manifest == batch.manifest


@pytest.mark.django_db
def test_a_reversal_is_exported_beside_what_it_takes_back() -> None:
    """After a correction the batch has both rows, and the sum is zero."""
    result = recorded_claim()
    entries.reverse(entry_of(result), reason="recorded by mistake", by=registrar(), now=LATER)
    batch = export_round(result.claim.round, "csv", by=registrar(), now=LATER)
    assert [Decimal(row["学分 credit"]) for row in rows(batch_file(batch))] == [result.credit, -result.credit]
    assert batch.credit == 0


@pytest.mark.django_db
def test_two_exports_in_the_same_second_are_two_batches() -> None:
    """A second export in the same second gets another code and does not overwrite the first."""
    result, by = recorded_claim(), registrar()
    first = export_round(result.claim.round, "csv", by=by, now=LATER)
    second = export_round(result.claim.round, "csv", by=by, now=LATER)
    assert first.code != second.code
    assert batch_file(first).read_bytes() == batch_file(second).read_bytes()


@pytest.mark.django_db
def test_only_a_registrar_exports() -> None:
    """An instructor is refused, and no batch is stored."""
    result = recorded_claim()
    with pytest.raises(NotAllowed):
        export_round(result.claim.round, "csv", by=instructor(), now=LATER)
    assert not ExportBatch.objects.exists()


@pytest.mark.django_db
def test_an_unknown_format_is_refused_with_those_that_there_are() -> None:
    """The error names the formats that exist."""
    result = recorded_claim()
    with pytest.raises(CreditsError) as refusal:
        export_round(result.claim.round, "pdf", by=None, now=LATER)
    assert refusal.value.code == "unknown-format"
    assert "csv" in refusal.value.hint


@pytest.mark.django_db
def test_an_export_that_fails_half_way_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """If the disk is full in the middle, there is one error, no batch and no file."""

    class FullDiskRenderer:
        identifier, suffix = "csv", ".csv"

        def render(self, lines: Any, to: Any) -> int:
            to.write(b"half")
            raise OSError(28, "No space left on device")

    full: Renderer = FullDiskRenderer()
    monkeypatch.setitem(RENDERERS, "csv", full)
    result = recorded_claim()
    with pytest.raises(CreditsError, match="No space left"):
        export_round(result.claim.round, "csv", by=None, now=LATER, folder=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    assert not ExportBatch.objects.exists()
    assert not AuditEntry.objects.filter(action="exported").exists()


@pytest.mark.django_db
def test_invariant_11_an_export_stands_in_the_audit_log() -> None:
    """The audit log says who exported what, with the file's SHA-256."""
    result, by = recorded_claim(), registrar()
    batch = export_round(result.claim.round, "csv", by=by, now=LATER)
    line = AuditEntry.objects.get(action="exported")
    assert (line.actor, line.details["sha256"]) == (by, batch.manifest["files"][0]["sha256"])


@pytest.mark.django_db
def test_the_command_writes_into_the_folder_it_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`manage.py export` writes the files to the given folder, and prints the manifest as JSON."""
    result = recorded_claim()
    call_command(
        "export",
        "--round",
        result.claim.round.code,
        "--format",
        "xlsx",
        "--output",
        str(tmp_path / "x"),
        "--json",
    )
    manifest = json.loads(capsys.readouterr().out)
    assert (tmp_path / "x" / manifest["files"][0]["name"]).stat().st_size == manifest["files"][0]["bytes"]


@pytest.mark.django_db
def test_an_export_asks_the_database_no_more_for_more_entries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """The number of queries does not grow with the number of entries."""
    result = recorded_claim()
    by = registrar()
    for number in range(20):
        entries.post(
            person=student(),
            student_number=f"00{number}",
            category="c",
            term="t",
            credit=Decimal("0.50"),
            reference=f"other:{number}",
            details={},
            by=by,
            now=NOW,
        )
    with django_assert_max_num_queries(16):
        export_round(result.claim.round, "csv", by=by, now=LATER)


class MeetingRenderer:
    """A renderer for two exports at once: each waits up to three seconds for the other."""

    suffix = ".txt"

    def __init__(self, identifier: str, together: Barrier) -> None:
        self.identifier, self.together = identifier, together

    def render(self, lines: Iterable[Line], to: BinaryIO) -> int:
        count = sum(1 for _line in lines)
        to.write(self.identifier.encode())
        with suppress(BrokenBarrierError):
            self.together.wait(timeout=1)
        return count


@pytest.mark.django_db(transaction=True)
def test_two_exports_begun_in_the_same_second_do_not_write_into_one_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two exports at once make two batches, and each file matches its manifest."""
    result, together = recorded_claim(), Barrier(2)
    forms = ("one", "other")
    for form in forms:
        monkeypatch.setitem(RENDERERS, form, MeetingRenderer(form, together))
    people = [registrar(), registrar()]
    round_ = result.claim.round
    outcomes = at_once(
        [
            lambda by=by, form=form: export_round(round_, form, by=by, now=LATER)  # type: ignore[misc]
            for by, form in zip(people, forms, strict=True)
        ]
    )
    assert outcomes == ["done", "done"]
    assert ExportBatch.objects.count() == 2
    for batch in ExportBatch.objects.all():
        assert batch_file(batch).read_text(encoding="utf-8") == batch.format
        assert (
            hashlib.sha256(batch_file(batch).read_bytes()).hexdigest() == batch.manifest["files"][0]["sha256"]
        )
