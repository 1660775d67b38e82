"""manage.py link_account: link a forge account to a student because a registrar vouches for it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand, find_user
from accounts.identity import forges, linking


class Command(VerbCommand):
    help = "Link a platform account to a student, confirmed by a registrar."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("student_number", metavar="STUDENT_NUMBER")
        parser.add_argument("forge", metavar="FORGE", help=" or ".join(forges.forge_names()))
        parser.add_argument("login", metavar="LOGIN", help="as the platform shows it now")
        parser.add_argument(
            "--attested-by", required=True, metavar="USERNAME", help="the registrar who confirms it"
        )
        parser.add_argument(
            "--reason", required=True, metavar="TEXT", help="how the registrar knows whose account it is"
        )

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        account = linking.attest(
            options["student_number"],
            options["forge"],
            options["login"],
            by=find_user(options["attested_by"]),
            reason=options["reason"],
            now=now,
        )
        number = options["student_number"].strip()
        line = _("Linked %(forge)s account %(login)s (id %(id)s) to student %(number)s.") % {
            "forge": forges.forge_info(account.forge).label,
            "login": account.login,
            "id": account.forge_user_id,
            "number": number,
        }
        return CommandReport(
            [line],
            {
                "student_number": number,
                "forge": account.forge,
                "login": account.login,
                "forge_user_id": account.forge_user_id,
                "proof": account.proof,
                "linked_at": account.linked_at.isoformat(),
            },
        )
