"""The command link_account, by which a registrar attests a link, over HTTP with the local forge."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.commands import terminal_language
from accounts.models import AuditEntry, ForgeAccount
from demo.forge import LocalForge
from tests import factories

pytestmark = pytest.mark.django_db


def run(
    *arguments: str, by: str = "registrar", reason: str = "Seen at the counter.", **options: bool
) -> tuple[int, str]:
    """Run the command, and return its exit code and output."""
    out = StringIO()
    try:
        call_command(
            "link_account",
            *arguments,
            "--attested-by",
            by,
            "--reason",
            reason,
            stdout=out,
            stderr=out,
            **options,
        )
    except SystemExit as ending:
        return int(ending.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture(autouse=True)
def people() -> None:
    factories.registrar(username="registrar")
    factories.instructor(username="instructor")
    factories.student(username="student", student_number="0012")


def login_on(forge: LocalForge, name: str) -> str:
    return next(account.login for account in forge.world.accounts(name) if account.kind == "User")


@pytest.mark.parametrize("name", ["github", "gitee"])
def test_a_login_becomes_an_immutable_id(name: str, forge: LocalForge) -> None:
    """The forge is asked for the id, the link is stored with registrar and reason, and the id is printed."""
    login = login_on(forge, name)
    code, output = run("0012", name, login)
    account = ForgeAccount.objects.get()
    assert (code, account.login, account.proof) == (0, login, "attested")
    assert account.forge_user_id == str(forge.world.account(name, login).id)
    assert account.forge_user_id in output
    assert "0012" in output
    assert AuditEntry.objects.get().actor.username == "registrar"


def test_json_tells_what_was_linked(forge: LocalForge) -> None:
    """The output is one JSON document; a second run prints the same and makes no second link."""
    login = login_on(forge, "github")
    documents = [json.loads(run("0012", "github", login, json=True)[1]) for _ in range(2)]
    assert documents[0] == documents[1]
    assert (documents[0]["student_number"], documents[0]["login"], documents[0]["proof"]) == (
        "0012",
        login,
        "attested",
    )
    assert ForgeAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "options", "code"),
    [
        (("0012", "github", "nobody-has-this-login"), {}, "unknown-login"),
        (("0012", "gitee", "nobody-has-this-login"), {}, "unknown-login"),
        (("12", "github", "octo"), {}, "unknown-student"),
        (("0012", "sourceforge", "octo"), {}, "unknown-forge"),
        (("0012", "github", "octo"), {"by": "instructor"}, "role-needed"),
        (("0012", "github", "octo"), {"by": "nobody"}, "unknown-person"),
        (("0012", "github", "octo"), {"reason": " "}, "reason-needed"),
        (("0012", "github", "../user"), {}, "unknown-login"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_exit_1(
    forge: LocalForge, arguments: tuple[str, ...], options: dict[str, str], code: str
) -> None:
    """People get one sentence, machines the stable code, and nothing is stored."""
    exit_code, output = run(*arguments, **options)
    assert exit_code == 1
    assert output.count("\n") == 1
    exit_code, output = run(*arguments, json=True, **options)
    assert exit_code == 1
    assert json.loads(output)["error"]["code"] == code
    assert not ForgeAccount.objects.exists()


def test_a_forge_that_fails_is_said_and_links_nothing(forge: LocalForge) -> None:
    """A broken answer of the forge is not reported as an unknown login."""
    forge.faults.add("html_200", times=5, path="/github/api/v3/users")
    exit_code, output = run("0012", "github", login_on(forge, "github"), json=True)
    forge.faults.clear()
    assert exit_code == 1
    assert json.loads(output)["error"]["code"] != "unknown-login"
    assert not ForgeAccount.objects.exists()


def test_who_vouches_and_why_must_be_given() -> None:
    """The options for registrar and reason are required."""
    with pytest.raises(CommandError, match="--attested-by, --reason"):
        call_command("link_account", "0012", "github", "octo")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-hans"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh-hans"),
    ],
)
def test_commands_speak_the_terminals_language(environment: dict[str, str], language: str) -> None:
    """Output is Chinese if the usual environment variables say so, otherwise English."""
    assert terminal_language(environment) == language
