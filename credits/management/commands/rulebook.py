"""manage.py rulebook: check a rulebook's file, try it on past claims, propose it, publish it as a second person."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand, find_user
from credits.claims.rounds import find_round
from credits.errors import CreditsError
from credits.management.simulating import simulation_report
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.published_library import PublishedLibrary
from credits.rulebooks.versions import propose, publish
from credits.rules import RulebookDocument, RulebookFault, RulebookFaults, parse, rulebook_digest, warnings


class Command(VerbCommand):
    help = (
        "Check a rulebook's file; try it on what was claimed; propose it as a version; publish the proposed"
        " version as a second person."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        # The base class accepts --json only before the subcommand. People write it at the end, so accept it there too.
        subcommands = parser.add_subparsers(
            dest="does", metavar="check|simulate|propose|publish", required=True
        )
        check_parser = subcommands.add_parser("check", help="report every error with its line and column")
        check_parser.add_argument("file", type=Path)
        simulate_parser = subcommands.add_parser(
            "simulate", help="show who would gain, who would lose, and why; changes nothing"
        )
        simulate_parser.add_argument("file", type=Path)
        simulate_parser.add_argument("--round", metavar="CODE", help="default: the newest round")
        simulate_parser.add_argument(
            "--against",
            metavar="VERSION",
            help="number, or code/number; default: the version that applied to each application",
        )
        simulate_parser.add_argument(
            "--programme", metavar="NAME", help="only the students of this programme"
        )
        propose_parser = subcommands.add_parser("propose", help="save the file as the proposed version")
        propose_parser.add_argument("file", type=Path)
        publish_parser = subcommands.add_parser(
            "publish", help="publish the proposed version, which can no longer be changed then"
        )
        publish_parser.add_argument("code")
        for subparser in (propose_parser, publish_parser):
            subparser.add_argument(
                "--as", dest="username", required=True, metavar="USERNAME", help="a steward"
            )
        for subparser in (check_parser, simulate_parser, propose_parser, publish_parser):
            subparser.add_argument(
                "--json", action="store_true", default=False, help="print one JSON document"
            )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        does: str = options["does"]
        if does == "publish":
            version = publish(options["code"], by=find_user(options["username"]), now=now)
            return _version_report(version, _("%(version)s is published: sha256 %(digest)s."))
        text = _read_text(options["file"])
        library = PublishedLibrary(_neighbouring_texts(options["file"]))
        try:
            if does == "propose":
                version = propose(text, by=find_user(options["username"]), now=now)
                return _version_report(version, _("%(version)s is proposed: sha256 %(digest)s."))
            rulebook = parse(text, library)
            if does == "simulate":
                return simulation_report(
                    rulebook,
                    round_=find_round(options["round"]),
                    against=options["against"],
                    programme=options["programme"],
                    now=now,
                )
        except RulebookFaults as faults:
            return _faults_report(options["file"], faults)
        return _valid_report(options["file"], rulebook, warnings(text, library))


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise CreditsError(
            "file-unreadable",
            _("Cannot read %(file)s: %(reason)s.") % {"file": file, "reason": error.strerror},
        ) from error
    except UnicodeDecodeError as error:
        raise CreditsError(
            "file-unreadable",
            _("%(file)s is not UTF-8 text.") % {"file": file},
            _("Save it as UTF-8."),
        ) from error


def _neighbouring_texts(file: Path) -> list[str]:
    """Return the texts of the rulebooks in the same folder, which a variant may extend before they are published."""
    texts = []
    for path in sorted(file.parent.glob("*.yaml")):
        try:
            texts.append(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
    return texts


def _valid_report(
    file: Path, rulebook: RulebookDocument, warnings_found: tuple[RulebookFault, ...]
) -> CommandReport:
    language = get_language() or "en"
    lines = [
        _("%(place)s: please check: %(said)s")
        % {"place": f"{file}:{warning.line}:{warning.column}", "said": warning.text(language)}
        for warning in warnings_found
    ]
    lines.append(
        _("%(code)s is valid: sha256 %(digest)s.")
        % {"code": rulebook.code, "digest": rulebook_digest(rulebook)}
    )
    data = {
        "code": rulebook.code,
        "digest": rulebook_digest(rulebook),
        "faults": [],
        "warnings": [_fault_json(warning) for warning in warnings_found],
    }
    return CommandReport(lines, data)


def _fault_json(fault: RulebookFault) -> dict[str, Any]:
    return {
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message,
        "suggestion": fault.suggestion,
        "message_zh": fault.message_zh,
        "suggestion_zh": fault.suggestion_zh,
    }


def _version_report(version: RulebookVersion, sentence: str) -> CommandReport:
    line = sentence % {"version": version, "digest": version.digest}
    data = {
        "code": version.rulebook.code,
        "version": version.number,
        "status": version.status,
        "digest": version.digest,
    }
    return CommandReport([line], data)


def _faults_report(file: Path, faults: RulebookFaults) -> CommandReport:
    language = get_language() or "en"
    lines = [f"{file}:{fault.line}:{fault.column}: {fault.text(language)}" for fault in faults.faults]
    data = {"faults": [_fault_json(fault) for fault in faults.faults]}
    return CommandReport(lines, data, done=False)
