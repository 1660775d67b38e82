"""manage.py rulebook and manage.py assess."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from credits.claims.models import Assessment, Claim
from credits.rulebooks.models import RulebookVersion
from tests import credit_factories as make
from tests import factories

pytestmark = pytest.mark.django_db

TEXT = make.RULEBOOK.format(code="mine", category="innovation", points="", more="")


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C.UTF-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def failing(*args: object) -> None:
    with pytest.raises(SystemExit) as end:
        call_command(*map(str, args))
    assert end.value.code == 1


def test_check_propose_publish(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One steward proposes, another publishes, and each step prints what it did."""
    one, other = factories.steward(), factories.steward()
    call_command("rulebook", "check", str(file))
    assert "mine is valid" in capsys.readouterr().out
    assert not RulebookVersion.objects.exists()
    call_command("rulebook", "propose", str(file), "--as", one.username)
    assert "mine v1 is proposed" in capsys.readouterr().out
    failing("rulebook", "publish", "mine", "--as", one.username)
    assert "another person must publish" in capsys.readouterr().err
    call_command("rulebook", "publish", "mine", "--as", other.username, "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["code"], said["version"], said["status"]) == ("mine", 1, "published")


def test_check_tells_what_is_valid_and_hardly_meant(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A condition that is always true gives a warning with its place; the rulebook is valid, and the exit code is 0."""
    file.write_text(TEXT.replace("repository.osi_approved", "repository.stars >= 0"), encoding="utf-8")
    call_command("rulebook", "check", str(file))
    said = capsys.readouterr().out
    line = TEXT[: TEXT.index("repository.osi_approved")].count("\n") + 1
    assert said.startswith(f"{file}:{line}:")
    assert "This is always true" in said
    assert "mine is valid" in said
    call_command("rulebook", "check", str(file), "--json")
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert (warning["line"], warning["path"]) == (line, "requirements[0].when")


def test_a_variant_is_checked_beside_its_parent_and_proposed_on_a_published_one(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check finds a parent in the same folder; a proposal needs a published parent."""
    file.write_text(f"label: '1'\n{TEXT}", encoding="utf-8")
    variant = tmp_path / "faculty.yaml"
    variant.write_text("extends: {code: mine, version: '1'}\ncode: faculty\nterm_cap: 1\n", encoding="utf-8")
    call_command("rulebook", "check", str(variant))
    one, other = factories.steward(), factories.steward()
    failing("rulebook", "propose", variant, "--as", one.username)
    assert "no rulebook" in capsys.readouterr().out
    call_command("rulebook", "propose", str(file), "--as", one.username)
    call_command("rulebook", "publish", "mine", "--as", other.username)
    call_command("rulebook", "propose", str(variant), "--as", one.username)
    call_command("rulebook", "publish", "faculty", "--as", other.username)
    published = RulebookVersion.objects.get(rulebook__code="faculty")
    assert json.loads(published.canonical)["derived_from"]["code"] == "mine"


def test_check_names_file_line_and_column(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Like a compiler, one fault a line; for machines as JSON; exit 1."""
    file.write_text(TEXT.replace("osi_approved", "osi_aproved"), encoding="utf-8")
    failing("rulebook", "check", file)
    line = TEXT[: TEXT.index("osi_approved")].count("\n") + 1
    assert capsys.readouterr().out.startswith(f"{file}:{line}:")
    failing("rulebook", "propose", file, "--as", factories.steward().username, "--json")
    assert json.loads(capsys.readouterr().out)["faults"][0]["line"] == line


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, and one in another encoding, end as a sentence."""
    failing("rulebook", "check", tmp_path / "none.yaml")
    assert "Cannot read" in capsys.readouterr().err
    strange = tmp_path / "gbk.yaml"
    strange.write_bytes("标题: 开源".encode("gbk"))
    failing("rulebook", "check", strange)
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_simulate_says_who_gains_who_loses_and_why(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over the newest round's claims, with the traces of the largest changes; nothing is decided or stored."""
    claim = make.submitted_claim(contributions=4)
    make.submitted_claim(in_round=claim.round, contributions=2)
    assessments = Assessment.objects.count()
    file.write_text(TEXT.replace("give: 8", "give: 16") + "term_cap: 1.5\n", encoding="utf-8")
    call_command("rulebook", "simulate", str(file))
    said = capsys.readouterr().out
    assert "2 applications" in said
    assert "gain credit: 2, lose credit: 0" in said
    assert "credit: 1.5 before, 2.5 after, +1" in said
    assert f"{claim.enrolment.student_number}: credit 1 → 1.5, points 32 → 64" in said
    assert "1.5" in said.split("after")[-1]
    call_command("rulebook", "simulate", str(file), "--round", claim.round.code, "--json")
    data = json.loads(capsys.readouterr().out)
    assert (data["gain"], data["cost"], len(data["largest"])) == (2, "1", 2)
    assert data["largest"][0]["after"]["credit"]
    assert Assessment.objects.count() == assessments
    assert not RulebookVersion.objects.filter(rulebook__code="mine").exists()
    version = f"{claim.version.rulebook.code}/1"  # type: ignore[union-attr]
    call_command("rulebook", "simulate", str(file), "--against", version, "--json")
    assert json.loads(capsys.readouterr().out)["gain"] == 2
    failing("rulebook", "simulate", file, "--against", "9")
    failing("rulebook", "simulate", file, "--programme", "none")
    failing("rulebook", "simulate", file, "--round", "none")


def test_assess_prints_estimates_and_decides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Everyone in short, a named student with the trace, an unknown one as a sentence; nothing is stored."""
    student = factories.student(student_number="00077")
    for _each in range(2):
        make.authorship(student)
    failing("assess")
    assert "no round yet" in capsys.readouterr().err
    make.round_("spring")
    call_command("assess")
    assert "2 of 2 contributions eligible; points 16, credit 0.5" in capsys.readouterr().out
    call_command("assess", "--round", "spring", "--student", "00077", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["students"][0]["outcome"]["credit"] == "0.5"
    assert said["students"][0]["explanation"] == {"remedies": {}, "reduced": {}, "taken": []}
    make.authorship(student, make.contribution(make.repository(licence="")))
    call_command("assess", "--student", "00077")
    told = capsys.readouterr().out
    assert "base" in told
    assert "→ To meet “an OSI-approved licence”: “OSI-approved licence” would have to be “yes”." in told
    failing("assess", "--student", "77")
    assert "77" in capsys.readouterr().err
    assert not Claim.objects.exists()
    assert not Assessment.objects.exists()
