"""Importing a roster: the whole file or nothing, and what it changes."""

from __future__ import annotations

import json
import threading
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import AuditEntry, Department, Enrolment, Programme, User
from accounts.people import roster
from credits.errors import NotAllowed
from tests import factories
from tests.factories import NOW

HEADING = "student_number,name,email,department,programme,level,year"
ZHANG = "0012,张三,Zhang@University.Example,信息学院,软件工程,本科,2023"
LI = "0013,李四,li@university.example,信息学院,人工智能,硕士,2024"


def imported(*rows: str, heading: str = HEADING, **options: object) -> roster.RosterReport:
    data = "\n".join([heading, *rows]).encode()
    options = {"by": None, "now": NOW} | options
    return roster.import_roster(data, "roster.csv", **options)  # type: ignore[arg-type]


def everything() -> list[list[dict[str, object]]]:
    """Return all rows that an import could change."""
    models = (User, Enrolment, Department, Programme, AuditEntry)
    return [list(model.objects.order_by("pk").values()) for model in models]


@pytest.mark.django_db
class TestImport:
    def test_people_with_all_that_they_need_are_made(self) -> None:
        """Numbers keep their zeros, e-mails are in lower case, studies begin on 1 September, and new colleges are
        made."""
        report = imported(ZHANG, LI)
        assert report.applied
        assert [entry.student_number for entry in report.added] == ["0012", "0013"]
        assert report.made_departments == ("信息学院",)
        assert report.made_programmes == ("信息学院 / 人工智能", "信息学院 / 软件工程")
        enrolment = Enrolment.objects.get(student_number="0012")
        assert (enrolment.user.name, enrolment.user.email) == ("张三", "zhang@university.example")
        assert (enrolment.user.username, enrolment.user.has_usable_password()) == ("0012", False)
        assert (str(enrolment.programme.department), str(enrolment.programme)) == ("信息学院", "软件工程")
        assert (enrolment.level, enrolment.year, enrolment.enrolled_on) == ("本科", 2023, date(2023, 9, 1))

    def test_a_row_that_meets_a_member_of_staff_is_warned_of(self) -> None:
        """A member of staff in the file causes one warning: it may be a doctoral student who teaches, or a mistake
        that renames a teacher."""
        factories.instructor(email="li@university.example", name="李老师")
        report = imported(ZHANG, LI, dry_run=True)
        [warning] = report.staff
        assert "李老师" in warning
        assert "li@university.example" in warning
        assert imported(ZHANG, LI).applied
        assert imported(ZHANG, LI).staff == ()

    def test_importing_the_same_file_again_changes_nothing(self) -> None:
        """Both enrolments are reported as unchanged, and only the audit log has a new entry."""
        imported(ZHANG, LI)
        before = everything()[:-1]
        report = imported(ZHANG, LI)
        assert (report.unchanged, report.added, report.changed, report.left) == (2, (), (), ())
        assert everything()[:-1] == before
        assert AuditEntry.objects.filter(action="roster-imported").count() == 2

    def test_what_differs_is_changed_and_told(self) -> None:
        """Name, programme, level and year are updated, and the derived first day follows the year."""
        imported(ZHANG)
        report = imported("0012,张三丰,zhang@university.example,数学学院,统计学,硕士,2024")
        [change] = report.changed
        assert change.fields == {
            "name": ("张三", "张三丰"),
            "department": ("信息学院", "数学学院"),
            "programme": ("软件工程", "统计学"),
            "level": ("本科", "硕士"),
            "year": ("2023", "2024"),
            "enrolled_on": ("2023-09-01", "2024-09-01"),
        }
        enrolment = Enrolment.objects.get()
        assert (enrolment.user.name, str(enrolment.programme), enrolment.year) == ("张三丰", "统计学", 2024)
        assert enrolment.enrolled_on == date(2024, 9, 1)
        entry = AuditEntry.objects.get(action="enrolment-changed")
        assert (entry.person, entry.details["fields"]["name"]) == (enrolment.user, ["张三", "张三丰"])

    def test_a_first_day_that_is_given_is_kept(self) -> None:
        """A later file without that column does not change the day."""
        imported(f"{ZHANG},2023-10-08", heading=f"{HEADING},enrolled_on")
        assert imported(ZHANG).unchanged == 1
        assert Enrolment.objects.get().enrolled_on == date(2023, 10, 8)

    def test_a_person_who_is_known_gets_a_second_enrolment(self) -> None:
        """A graduate of 2019 with the same e-mail gets a second enrolment and stays one person."""
        student = factories.student(
            email="zhang@university.example", name="张三", student_number="0001", year=2019
        )
        report = imported(ZHANG)
        assert len(report.added) == 1
        assert student.enrolments.count() == 2
        assert User.objects.count() == 1

    def test_who_is_not_in_the_file_is_told_and_stays(self) -> None:
        """Students missing from the file are reported and stay; those who left earlier are not reported."""
        imported(ZHANG, LI)
        factories.enrolment(student_number="0001", left_on=date(2024, 7, 1))
        report = imported(ZHANG)
        assert [(missing.student_number, missing.name) for missing in report.left] == [("0013", "李四")]
        assert Enrolment.objects.count() == 3

    def test_a_trial_run_tells_the_same_and_changes_nothing(self) -> None:
        """A dry run reports what the import then does."""
        before = everything()
        dry = imported(ZHANG, LI, dry_run=True)
        assert everything() == before
        wet = imported(ZHANG, LI)
        assert (dry.added, dry.made_programmes, dry.applied) == (wet.added, wet.made_programmes, False)

    @pytest.mark.parametrize(
        ("row", "line", "column", "code"),
        [
            ("0012,王五,w@university.example,信,软,本科,2023", 3, "student_number", "duplicate-number"),
            ("0014,王五,zhang@university.example,信,软,本科,2023", 3, "email", "duplicate-email"),
            ("0099,王五,w@university.example,信,软,本科,2023", 3, "email", "number-of-someone-else"),
            ("0014,=1+1,w@university.example,信,软,本科,2023", 3, "name", "formula"),
        ],
    )
    def test_one_refused_row_leaves_everything_as_it_was(
        self, row: str, line: int, column: str, code: str
    ) -> None:
        """A duplicate number, an e-mail with two names, another student's number and a formula are reported with row
        and column, and nothing changes."""
        factories.student(student_number="0099")
        before = everything()
        report = imported(ZHANG, row)
        [refusal] = report.refused
        assert (refusal.row, refusal.column, refusal.code) == (line, column, code)
        assert refusal.reason
        assert not report.applied
        assert everything() == before

    def test_a_username_that_is_taken_gives_way_to_the_email(self) -> None:
        """If the student number is already a username, the e-mail becomes the username."""
        factories.registrar(username="0012")
        imported(ZHANG)
        assert Enrolment.objects.get().user.username == "zhang@university.example"

    def test_only_a_registrar_for_all_imports(self) -> None:
        """A college's registrar, an instructor, an administrator and a student may not import; the audit log names
        the registrar who did."""
        for other in (
            factories.registrar(factories.department()),
            factories.instructor(),
            factories.admin(),
            factories.student(),
        ):
            with pytest.raises(NotAllowed):
                imported(ZHANG, by=other)
        registrar = factories.registrar()
        imported(ZHANG, by=registrar)
        assert set(AuditEntry.objects.values_list("action", "actor")) == {
            ("enrolment-added", registrar.pk),
            ("roster-imported", registrar.pk),
        }

    def test_the_number_of_queries_does_not_grow_with_the_file(self) -> None:
        """Three hundred students need as many statements as three."""

        def cost(rows: range) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                imported(*(f"9{n:05},人{n},p{n}@u.example,院{n},专业{n},本科,2023" for n in rows))
            return len(queries)

        assert cost(range(3)) == cost(range(100, 400)) < 30


@pytest.mark.django_db(transaction=True)
def test_of_two_imports_at_once_the_second_finds_what_the_first_made() -> None:
    """If the same file is uploaded twice at the same moment, everybody is added once and neither import fails."""
    start, added = threading.Barrier(2), []

    def race() -> None:
        try:
            start.wait(timeout=20)
            added.append(len(imported(ZHANG, LI).added))
        finally:
            connection.close()

    threads = [threading.Thread(target=race) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(added) == [0, 2]
    assert Enrolment.objects.count() == 2


class TestAnyRoster(TestCase):
    @given(
        good=st.lists(st.integers(0, 9999), unique=True, max_size=6),
        bad=st.sampled_from(["0012,,x,,,,", "0012,张,a@b.cn,信,软,本科,23", "=1,张,a@b.cn,信,软,本科,2023"]),
        place=st.integers(0, 6),
    )
    def test_any_refused_row_changes_nothing(self, good: list[int], bad: str, place: int) -> None:
        """Wherever a bad row is among good ones, the database stays as before, and only that row is refused."""
        rows = [f"1{number:04},人{number},p{number}@u.example,信,软,本科,2023" for number in good]
        place = min(place, len(rows))
        before = everything()
        report = imported(*rows[:place], bad, *rows[place:])
        assert {refusal.row for refusal in report.refused} == {place + 2}
        assert everything() == before

    @given(
        numbers=st.lists(
            st.from_regex(r"0{0,4}[0-9]{1,12}", fullmatch=True), min_size=1, max_size=8, unique=True
        )
    )
    def test_every_number_is_stored_as_it_stands(self, numbers: list[str]) -> None:
        """Numbers that differ only in leading zeros belong to different students."""
        imported(*(f"{number},人,p{index}@u.example,信,软,本科,2023" for index, number in enumerate(numbers)))
        assert set(Enrolment.objects.values_list("student_number", flat=True)) == set(numbers)


@pytest.mark.django_db
class TestCommand:
    def run(self, tmp_path: Path, *rows: str, **options: object) -> tuple[str, int]:
        file = tmp_path / "roster.csv"
        file.write_text("\n".join([HEADING, *rows]), encoding="utf-8-sig")
        return self.run_on(file, **options)

    def run_on(self, file: Path, **options: object) -> tuple[str, int]:
        out = StringIO()
        try:
            call_command("import_roster", str(file), stdout=out, stderr=out, **options)
        except SystemExit as ending:
            return out.getvalue(), int(ending.code or 0)
        return out.getvalue(), 0

    def test_it_reports_and_leaves_with_0(self, tmp_path: Path) -> None:
        """The command prints counts and the added students, and exits with 0."""
        output, code = self.run(tmp_path, ZHANG, LI)
        assert code == 0
        assert output.startswith("2 added, 0 changed, 0 unchanged")
        assert "0012 张三" in output

    def test_refusals_are_reasons_and_leave_with_1(self, tmp_path: Path) -> None:
        """The command prints row, column and reason, says that nothing was imported, and exits with 1."""
        output, code = self.run(tmp_path, ZHANG, ZHANG.replace("张三", "王五").replace("Zhang", "wang"))
        assert code == 1
        assert "row 3, student_number: The student number 0012 is already in row 2." in output
        assert "Nothing was imported" in output
        assert not User.objects.exists()

    def test_json_is_for_machines(self, tmp_path: Path) -> None:
        """The output is one JSON document for success and for refusal."""
        output, code = self.run(tmp_path, ZHANG, json=True, dry_run=True)
        report = json.loads(output)
        assert (code, report["applied"], report["added"][0]["student_number"]) == (0, False, "0012")
        output, code = self.run(tmp_path, "x,,,,,,", json=True)
        assert code == 1
        assert {"row": 2, "column": "name", "code": "empty", "reason": "This cell is empty."} in json.loads(
            output
        )["refused"]

    def test_a_file_that_is_not_there_is_one_sentence(self, tmp_path: Path) -> None:
        """A missing file gives one sentence and no traceback, or with --json the code of the error."""
        output, code = self.run_on(tmp_path / "none.csv")
        assert code == 1
        assert output.count("\n") == 1
        output, code = self.run_on(tmp_path / "none.csv", json=True)
        assert json.loads(output)["error"]["code"] == "no-such-file"
