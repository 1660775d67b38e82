"""What a registrar records, exports, opens and imports on pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEntry, Enrolment, ForgeAccount
from credits.claims.models import Result, Round
from credits.ledger import entries
from credits.records.export import batch_file, export_round
from credits.records.models import ExportBatch
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


@pytest.fixture(autouse=True)
def _exports_dir(settings: Settings, tmp_path: Path) -> None:
    settings.EXPORTS_DIR = tmp_path


def test_a_claim_waits_for_its_date_and_is_then_recorded(signed_in: SignIn, html: Html, clock: Clock) -> None:
    """During public notice the claim is listed with its date; afterwards one form records it."""
    decision = credit.decided_claim()
    claim = decision.claim
    claim.refresh_from_db()
    registrar = factories.registrar()
    clock.at = claim.notice_until - timedelta(seconds=1)
    browser = signed_in(registrar)
    text = html(browser.get(reverse("registrar_ready")))
    assert "Nothing to record" in text
    assert "end of public notice" in text
    page = f"http://testserver{reverse('registrar_ready')}"
    answer = browser.post(
        reverse("registrar_record"), {"claim": [str(claim.public_id)]}, headers={"referer": page}, follow=True
    )
    assert "Nothing was selected." in html(answer)
    clock.at = claim.notice_until
    assert str(claim.public_id) in html(browser.get(reverse("registrar_ready")))
    answer = browser.post(reverse("registrar_record"), {"claim": [str(claim.public_id), "x"]}, follow=True)
    assert "1 result recorded." in html(answer)
    assert Result.objects.get().credit == decision.assessment.credit
    assert entries.of_person(claim.user).count() == 1


def test_the_ledger_is_shown_and_verified(signed_in: SignIn, html: Html) -> None:
    """The page shows the entry, its hash and the verdict; a mark that cannot be read starts with the newest entry."""
    result = credit.recorded_claim()
    browser = signed_in(factories.registrar())
    text = html(browser.get(reverse("registrar_ledger"), {"verify": "1"}))
    assert "The ledger is intact: 1 entry verified" in text
    assert result.claim.enrolment.student_number in text
    for mark in ("x", "-1", "9" * 30, "\x00", "²"):
        assert browser.get(reverse("registrar_ledger"), {"before": mark}).status_code == 200


def test_a_students_transcript_is_open_to_the_registrar_and_noted(signed_in: SignIn, html: Html) -> None:
    """The audit log records the look; an unknown number gets 404."""
    result = credit.recorded_claim()
    registrar = factories.registrar()
    browser = signed_in(registrar)
    number = result.claim.enrolment.student_number
    assert '<span class="figure">0.5</span>' in html(
        browser.get(reverse("registrar_transcript", args=[number]))
    )
    assert AuditEntry.objects.filter(action="transcript-seen", actor=registrar).exists()
    for nobody in ("nobody", "\x00", f"{number}\x00"):
        unknown = browser.get(reverse("registrar_transcript", args=[nobody]))
        assert unknown.status_code == 404
        assert "Page not found" in html(unknown)
    assert (
        signed_in(factories.student()).get(reverse("registrar_transcript", args=[number])).status_code == 403
    )


def test_an_export_is_made_and_handed_out(signed_in: SignIn, html: Html) -> None:
    """The batch is listed, and its file and manifest can be downloaded; for a lost file the page says so."""
    result = credit.recorded_claim()
    browser = signed_in(factories.registrar())
    asked = {"round": result.claim.round.code, "format": "csv"}
    answer = browser.post(reverse("registrar_exports"), asked, follow=True)
    batch = ExportBatch.objects.get()
    assert batch.code in html(answer)
    assert "not finished" not in html(answer)
    file = browser.get(reverse("registrar_export_file", args=[batch.code]))
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert result.claim.enrolment.student_number in b"".join(file.streaming_content).decode("utf-8-sig")
    manifest = browser.get(reverse("registrar_export_manifest", args=[batch.code])).json()
    assert manifest["entries"] == 1
    fetched = AuditEntry.objects.filter(action="export-fetched").order_by("pk")
    assert [entry.details["file"] for entry in fetched] == [
        batch_file(batch).name,
        f"{batch.code}.manifest.json",
    ]
    batch_file(batch).unlink()
    gone = browser.get(reverse("registrar_export_file", args=[batch.code]))
    assert gone.status_code == 404
    assert "no longer on the server" in html(gone)
    assert browser.post(reverse("registrar_exports"), {"round": "nope", "format": "csv"}).status_code == 400
    credit.submitted_claim(factories.student(), result.claim.round)
    assert "1 application of the round is not finished" in html(
        browser.post(reverse("registrar_exports"), asked, follow=True)
    )


def test_the_whole_universitys_records_are_for_its_registrar(signed_in: SignIn) -> None:
    """A registrar of one college can open neither the ledger nor the exports nor their files."""
    result = credit.recorded_claim()
    batch = export_round(result.claim.round, "csv", by=factories.registrar(), now=credit.at(2026, 1, 1))
    browser = signed_in(factories.registrar(result.claim.enrolment.programme.department))
    for name, of in (
        ("registrar_ledger", []),
        ("registrar_exports", []),
        ("registrar_export_file", [batch.code]),
        ("registrar_export_manifest", [batch.code]),
    ):
        assert browser.get(reverse(name, args=of)).status_code == 403
    posted = {"round": result.claim.round.code, "format": "csv"}
    assert browser.post(reverse("registrar_exports"), posted).status_code == 403
    assert not AuditEntry.objects.filter(action="export-fetched").exists()


def test_a_registrar_of_one_college_reads_of_its_students_only(signed_in: SignIn, html: Html) -> None:
    """A college's registrar sees attested links and incomplete accounts only of the college's own students."""
    registrar = factories.registrar()
    ours, theirs = (
        factories.forge_account(
            factories.student(), login=login, proof="attested", attested_by=registrar, reason="Seen here."
        )
        for login in ("ours", "theirs")
    )
    college = ours.user.enrolments.get().programme.department
    for name in ("registrar_link", "collecting"):
        text = html(signed_in(factories.registrar(college)).get(reverse(name)))
        assert ours.user.name in text, name
        assert theirs.user.name not in text, name
        assert theirs.user.name in html(signed_in(registrar).get(reverse(name))), name


def round_typed(**other: str) -> dict[str, str]:
    return {
        "code": "2025-spring",
        "term": factories.term().code,
        "name_zh": "2025年春季批次",
        "name_en": "Spring 2025",
        "version": str(credit.published_rulebook().pk),
        "apply_from": "2025-03-01T00:00",
        "apply_until": "2025-04-01T00:00",
        "review_until": "2025-04-15T00:00",
        "record_from": "2025-04-15T00:00",
        "record_until": "2025-06-01T00:00",
        **other,
    }


def test_a_round_is_opened_in_local_time(signed_in: SignIn, html: Html) -> None:
    """Times that a registrar types are in the university's time zone."""
    answer = signed_in(factories.registrar()).post(reverse("registrar_rounds"), round_typed(), follow=True)
    assert "The round Spring 2025 was opened." in html(answer)
    assert Round.objects.get().apply_from.isoformat() == "2025-02-28T16:00:00+00:00"
    assert "end of 31 Mar 2025" in html(answer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"apply_until": "2025-02-01T00:00"},
        {"apply_from": "soon"},
        {"apply_from": "0001-01-01T00:00"},
        {"record_until": "9999-12-31T23:59"},
        {"code": "no spaces please"},
        {"term": "nope"},
        {"version": "0"},
    ],
)
def test_a_round_with_a_fault_comes_back_as_typed(
    wrong: dict[str, str], signed_in: SignIn, html: Html
) -> None:
    """The page names the error and shows what was typed; no round is stored."""
    answer = signed_in(factories.registrar()).post(reverse("registrar_rounds"), round_typed(**wrong))
    text = html(answer)
    assert answer.status_code == 400
    assert 'role="alert"' in text
    assert "2025年春季批次" in text
    assert not Round.objects.exists()


def test_rounds_stand_newest_first(signed_in: SignIn) -> None:
    """Rounds are ordered by their dates, not by the order of entry."""
    for code, days in (("middle", 40), ("newest", 10), ("oldest", 90)):
        credit.round_(code, apply_from=NOW - timedelta(days=days))
    shown = signed_in(factories.registrar()).get(reverse("registrar_rounds")).context["rounds"]
    assert [round_.code for round_ in shown] == ["newest", "middle", "oldest"]


def test_the_roster_page_takes_what_is_read(signed_in: SignIn, html: Html) -> None:
    """The field for the file offers workbooks and CSV, and says so."""
    text = html(signed_in(factories.registrar()).get(reverse("registrar_roster")))
    assert 'accept=".csv,.xlsx' in text
    assert "CSV or XLSX" in text


HEADING = "student_number,name,email,department,programme,level,year\n"
ROW = "00412,李四,lisi@university.example,软件学院,软件工程,本科,2023\n"


def upload(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("roster.csv", text.encode(), content_type="text/csv")


def test_a_roster_is_looked_at_before_it_is_applied(signed_in: SignIn, html: Html) -> None:
    """The first upload only reports; the same file is then applied, and a different file is not."""
    browser = signed_in(factories.registrar())
    address = reverse("registrar_roster")
    answer = browser.post(address, {"file": upload(HEADING + ROW)}, headers={"hx-request": "true"})
    text = html(answer)
    assert "李四" in text
    assert not Enrolment.objects.exists()
    checked = answer.context["checked"]
    other = browser.post(
        address, {"file": upload(HEADING + ROW.replace("00412", "00413")), "checked": checked}
    )
    assert "not the file that you previewed" in html(other)
    assert not Enrolment.objects.exists()
    done = browser.post(address, {"file": upload(HEADING + ROW), "checked": checked}, follow=True)
    assert "1 enrolment imported." in html(done)
    assert Enrolment.objects.get().student_number == "00412"


def test_a_roster_with_a_duplicate_number_names_row_and_column(signed_in: SignIn, html: Html) -> None:
    """Nothing is applied, and the report names the row, the column and the reason."""
    double = HEADING + ROW + ROW.replace("李四", "王五").replace("lisi", "wangwu")
    answer = signed_in(factories.registrar()).post(reverse("registrar_roster"), {"file": upload(double)})
    text = html(answer)
    assert answer.status_code == 422
    assert "is already in row 2" in text
    assert '<th scope="row" class="num" data-label="Row">3</th>' in text
    assert not Enrolment.objects.exists()


@pytest.mark.parametrize("data", ["", "\x00\x01", "a,b\n1,2\n", "<html>"])
def test_a_file_that_is_no_roster_is_refused_with_a_sentence(
    data: str, signed_in: SignIn, html: Html
) -> None:
    """A file that is not a roster gets a client error with a sentence."""
    answer = signed_in(factories.registrar()).post(reverse("registrar_roster"), {"file": upload(data)})
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in html(answer)


def test_vouching_for_an_unknown_student_is_refused_and_kept_as_typed(signed_in: SignIn, html: Html) -> None:
    """An unknown number gets 404 with a sentence, and the typed reason is still in the form."""
    answer = signed_in(factories.registrar()).post(
        reverse("registrar_link"),
        {"student_number": "000", "forge": "gitee", "login": "someone", "reason": "Seen on <b>screen</b>."},
    )
    text = html(answer)
    assert answer.status_code == 404
    assert "There is no student with the number 000." in text
    assert "Seen on &lt;b&gt;screen&lt;/b&gt;." in text
    assert not ForgeAccount.objects.exists()


def test_the_public_notice_masks_names(signed_in: SignIn, html: Html, clock: Clock) -> None:
    """A member of the university sees surname, college and credit, but no full name, number or link."""
    student = factories.student(name="欧阳小明")
    claim = credit.decided_claim(credit.submitted_claim(student)).claim
    claim.refresh_from_db()
    clock.at = claim.notice_from
    text = html(signed_in(factories.person()).get(reverse("public_notice")))
    assert "欧阳*" in text
    assert "小明" not in text
    assert claim.enrolment.student_number not in text
    assert "/pull/" not in text


def test_terms_and_rulebooks_are_called_by_their_names(signed_in: SignIn, html: Html) -> None:
    """The page of rounds shows titles of rulebooks and names of terms, the ledger names of terms; each has its code."""
    claim = credit.recorded_claim().claim
    browser = signed_in(factories.registrar(), "zh-hans")
    rounds = html(browser.get(reverse("registrar_rounds")))
    for words in ("测试认定办法 </a>", str(claim.version), "2024—2025学年第二学期"):
        assert words in rounds
    ledger = html(browser.get(reverse("registrar_ledger")))
    assert "2024—2025学年第二学期" in ledger
    assert claim.round.term.code in ledger


def test_invariant_11_a_look_at_the_ledger_stands_in_the_audit_log(signed_in: SignIn) -> None:
    """The audit log records which entries of the ledger were shown to whom; an empty page is not recorded."""
    by = factories.registrar()
    browser = signed_in(by)
    browser.get(reverse("registrar_ledger"))
    assert not AuditEntry.objects.filter(action="ledger-seen").exists()
    for _each in range(2):
        credit.recorded_claim()
    browser.get(reverse("registrar_ledger"), {"before": "2"})
    line = AuditEntry.objects.get(action="ledger-seen")
    assert (line.actor, line.details) == (by, {"first": 1, "last": 1})
