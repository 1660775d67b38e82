"""The main job, from a student without accounts to credit in an exported file. Each person has a separate browser."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import expect

from credits.claims.models import Claim
from credits.contributions.models import Contribution
from demo.forge import LocalForge
from tests.journeys import world
from tests.journeys.conftest import Clock, Visit
from tests.journeys.visitor import Visitor
from tests.journeys.world import GITEE, GITHUB, University
from tests.workers import Workers

CONSENT = {"GitHub": "Authorize", "Gitee": "同意授权"}
SOMEBODY_ELSE = {"GitHub": "Somebody else (login)", "Gitee": "其他人（用户名）"}
COLLECTED = 90_000
"""The most milliseconds that a real worker takes on a busy machine."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("language", "width"), [("zh-hans", "wide"), ("en", "narrow")])
def test_from_linking_two_accounts_to_credit_in_the_exported_file(
    language: str, width: str, visit: Visit, worker: Workers, clock: Clock
) -> None:
    """A student links both accounts on the forges' own pages, a worker collects, the student claims, an instructor
    approves, the notice runs its days, a registrar records and exports: the credit stands in the downloaded file, and
    the ledger verifies."""
    university = world.found(now=clock.now())
    student = visit(language, width)
    student.sign_in_on_page(university.newcomer)
    expect(student.page.locator("html")).to_have_attribute("lang", language)
    student.sees_heading("Link your accounts")
    student.follow("Link an account")
    connect(student, "GitHub", GITHUB)
    connect(student, "Gitee", GITEE)
    collect(student, worker)
    credit = claim(student)

    reviewer = visit(language, width)
    reviewer.sign_in_on_page(university.instructor)
    approve(reviewer, university)
    claimed = Claim.objects.get()
    assert claimed.status == Claim.Status.NOTICE

    registrar = visit(language, width)
    registrar.sign_in(university.registrar)
    registrar.sees_heading("Nothing to record")
    expect(registrar.section("Waiting for a date")).to_contain_text(university.newcomer.name)

    clock.pass_to(claimed.notice_from)
    reviewer.sign_in(university.instructor)
    on_notice(reviewer, university)

    clock.pass_to(claimed.notice_until)
    registrar.sign_in(university.registrar)
    record(registrar, university)
    exported = export(registrar)
    assert [(row["学号 student_number"], Decimal(row["学分 credit"])) for row in exported] == [
        ("0023001", credit)
    ]
    registrar.open("registrar_ledger")
    registrar.press("Verify the whole chain")
    registrar.page.wait_for_url("**verify=1")
    expect(registrar.content.get_by_role("status")).to_contain_text(
        registrar.words.count(
            "The ledger is intact: %(entries)s entry verified, nothing changed, removed or reordered.",
            "The ledger is intact: %(entries)s entries verified, nothing changed, removed or reordered.",
            1,
            entries=1,
        )
    )
    call_command("verify_ledger", stdout=io.StringIO())

    student.sign_in(university.newcomer)
    student.sees_heading("Your credit is recorded")
    student.follow("See my transcript")
    expect(student.content.get_by_role("article")).to_contain_text(f"{credit.normalize():f}")


def connect(student: Visitor, forge: str, login: str) -> None:
    """Link an account: sign in and agree on the forge's own page, and return with the account linked."""
    student.press("Connect %(forge)s", forge=forge)
    student.page.get_by_label(SOMEBODY_ELSE[forge]).fill(login)
    student.page.get_by_role("button", name=CONSENT[forge]).click()
    student.sees("Your %(forge)s account %(login)s is linked.", forge=forge, login=login)


def collect(student: Visitor, worker: Workers) -> None:
    """Request collecting, and wait until the page, which refreshes itself, shows both accounts as complete."""
    student.press("Collect now")
    shown = student.section("Collecting")
    complete = shown.get_by_text(student.words("complete"), exact=True)
    try:
        expect(complete).to_have_count(2, timeout=COLLECTED)
    except AssertionError:
        pytest.fail(f"{shown.inner_text()}\n{worker.output()}")
    assert {
        contribution.repository.forge for contribution in Contribution.objects.select_related("repository")
    } == {
        "github",
        "gitee",
    }


def claim(student: Visitor) -> Decimal:
    """Start an application, check that the estimate follows the choice, and submit. Return the estimated credit."""
    student.open("student_home")
    student.press("Start my application")
    estimate = student.section("Estimate")
    expect(estimate).to_be_visible()
    whole = estimate.inner_text()
    boxes = student.content.get_by_role("checkbox", checked=True)
    chosen = boxes.count()
    boxes.first.uncheck()
    expect(estimate).not_to_have_text(whole)
    expect(boxes).to_have_count(chosen - 1)
    student.content.get_by_role("checkbox").first.check()
    expect(estimate).to_contain_text(f"{chosen}")
    expect(boxes).to_have_count(chosen)
    credit = Decimal(re.match(r"[\d.]+", estimate.locator("p").first.inner_text()).group())  # type: ignore[union-attr]
    assert credit > 0
    student.press("Submit application")
    student.page.wait_for_url("**/claims/**")
    student.sees("Application submitted. An instructor will review it.")
    return credit


def approve(reviewer: Visitor, university: University) -> None:
    """Open the claim from the queue, check the explanation and the points of a line, and approve in full."""
    reviewer.content.get_by_role(
        "link", name=f"{reviewer.words('Review')} {university.newcomer.name}"
    ).click()
    reviewer.sees_heading("Contributions")
    reviewer.content.get_by_text(reviewer.words("Why"), exact=True).first.click()
    before = reviewer.section("Resulting credit").inner_text()
    reviewer.content.get_by_role("spinbutton").first.fill("1")
    reviewer.content.get_by_role("spinbutton").first.blur()
    expect(reviewer.section("Resulting credit")).not_to_have_text(before)
    reviewer.content.get_by_role("spinbutton").first.fill("")
    reviewer.press("Save decision")
    reviewer.page.wait_for_url("**/instructor/")
    reviewer.sees(
        "The application of %(person)s is approved and goes on public notice.",
        person=university.newcomer.name,
    )
    reviewer.sees_heading("Nothing to review")


def on_notice(reader: Visitor, university: University) -> None:
    """Check that any member of the university sees the notice, with the name masked."""
    reader.open("public_notice")
    notice = reader.section("Public notice")
    expect(notice).to_contain_text("林*")
    expect(notice).not_to_contain_text(university.newcomer.name)


def record(registrar: Visitor, university: University) -> None:
    expect(registrar.content.get_by_role("row").last).to_contain_text(university.newcomer.name)
    registrar.press("Record selected")
    registrar.sees(
        registrar.words.count("%(count)s result recorded.", "%(count)s results recorded.", 1, count=1)
    )


def export(registrar: Visitor) -> list[dict[str, str]]:
    """Return the rows of the downloaded file, after checking it against its manifest."""
    registrar.open("registrar_exports")
    registrar.press("Export as CSV")
    made = registrar.section("Batches so far")
    with registrar.page.expect_download() as file:
        made.get_by_role("link", name=re.compile("^CSV")).click()
    with registrar.page.expect_download() as manifest:
        made.get_by_role("link", name=re.compile(f"^{registrar.words('Manifest')}")).click()
    data = Path(file.value.path()).read_bytes()
    listed = json.loads(Path(manifest.value.path()).read_bytes())
    assert listed["files"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_without_javascript_a_student_still_links_and_asks_for_collecting(
    visit: Visit, worker: Workers, clock: Clock, forge: LocalForge
) -> None:
    """Without scripts the same buttons do the same; htmx only saves a reload."""
    university = world.found(now=clock.now())
    student = visit(java_script_enabled=False)
    student.sign_in_on_page(university.newcomer)
    student.open("student_accounts")
    connect(student, "GitHub", GITHUB)
    student.press("Collect now")
    student.sees("Collecting was requested. It starts within a minute.")
