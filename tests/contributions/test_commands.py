"""The commands collect, contributions and import_catalogue: a report for people, one for machines, an exit code."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.identity import forges
from credits.contributions.models import CatalogueEntry
from credits.forges.errors import ForgeUnavailable
from credits.forges.tokens import TokenPool
from tests.contributions.scripted_forge import ALICE, ScriptedForge, change, page
from tests.factories import forge_account, student

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return forge_account(student(student_number="0042"), forge_user_id=ALICE.id, login=ALICE.login)


def run(*words: str) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    out, error = StringIO(), StringIO()
    try:
        call_command(*words, stdout=out, stderr=error)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue(), error.getvalue()
    return 0, out.getvalue(), error.getvalue()


def forge_with_pages(monkeypatch, *pages) -> ScriptedForge:
    forge = ScriptedForge(lambda _asks: pages)
    monkeypatch.setattr(forges, "forge", lambda _name: forge)
    return forge


def test_collect_and_contributions(monkeypatch, alice):
    """The collected contributions are printed, one a line, with the promised fields."""
    forge_with_pages(monkeypatch, page(ALICE, change(1), change(2)))
    code, out, progress = run("collect", "--json")
    report = json.loads(out)
    assert (code, report["forges"][0]["new"], report["accounts"][0]["complete"]) == (0, 2, True)
    assert "github:alice: +2" in progress
    _code, out, _error = run("contributions", "--json", "--student", "0042")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["student_number"], line["number"]) for line in lines] == [("0042", "1"), ("0042", "2")]
    assert "owner/project1#1" in run("contributions")[1]


def test_invariant_9_an_empty_list_says_where_it_is_not_known_to_be_empty(monkeypatch, alice):
    """Before the first complete collection a sentence says that the list may be incomplete; after it none does."""
    _code, out, error = run("contributions", "--json")
    assert out == ""
    assert error.startswith("1 of 1 linked accounts was never collected completely")
    forge_with_pages(monkeypatch, page(ALICE))
    run("collect")
    assert run("contributions", "--json") == run("contributions") == (0, "", "")


def test_collect_again_and_in_full(monkeypatch, alice):
    """The command collects accounts that are not due; --full reads everything again."""
    forge = forge_with_pages(monkeypatch, page(ALICE, cursor="here"))
    for words in (["collect"], ["collect", "--student", "0042"], ["collect", "--full", "--forge", "github"]):
        assert run(*words)[0] == 0
    assert [asks[0].cursor for asks in forge.asked] == ["", "here", ""]


def test_collect_tells_what_failed(monkeypatch, alice):
    """An incomplete account makes the command fail, with the reason and the next attempt."""
    forge_with_pages(
        monkeypatch, page(ALICE, done=False, failure=ForgeUnavailable("forge-unavailable", "No answer came."))
    )
    code, out, _progress = run("collect")
    assert code == 1
    assert "No answer came." in out


def test_collect_without_a_token_says_so(monkeypatch, alice):
    """A missing token makes the command fail."""
    forge = forge_with_pages(monkeypatch, page(ALICE))
    forge.tokens = TokenPool([])
    code, out, _progress = run("collect")
    assert code == 1
    assert "github: No access token is set for this platform." in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["collect", "--forge", "nowhere"], "There is no platform called nowhere."),
        (["collect", "--student", "unheard-of"], "There is no student with the number unheard-of."),
        (["contributions", "--student", "unheard-of"], "There is no student with the number unheard-of."),
        (["import_catalogue", "/no/such/file.csv"], "Cannot read the file"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(words, sentence):
    """Bad input gives exit code 1 and a sentence, without a traceback."""
    code, _out, error = run(*words)
    assert code == 1
    assert sentence in error


def test_a_student_without_an_account_is_named(alice):
    """A student without a linked account is named, and the command does not report success."""
    student(student_number="0043")
    code, out, _error = run("collect", "--student", "0043")
    assert code == 1
    assert "0043" in out


def test_import_catalogue(tmp_path):
    """A good file is imported; a file with a fault is refused whole, with its rows."""
    file = tmp_path / "catalogue.csv"
    file.write_text("forge,repository,tier\ngitee,owner/a,A\n")
    assert run("import_catalogue", str(file))[0] == 0
    file.write_text("forge,repository,tier\ngitee,owner/b,A\nx,owner/c,A\n")
    code, out, _error = run("import_catalogue", str(file))
    assert code == 1
    assert "row 3, forge" in out
    assert CatalogueEntry.objects.get().full_name == "owner/a"
