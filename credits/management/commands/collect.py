"""manage.py collect: collect now, with the same code as the workers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.commands import CommandReport, VerbCommand
from accounts.identity import forges
from accounts.models import ForgeAccount
from credits.contributions import queries
from credits.contributions.collecting.collect_now import collect_accounts_now
from credits.contributions.collecting.report import CollectionReport
from credits.contributions.collecting.status import AccountStatus, statuses_for_accounts
from credits.contributions.storing.store import StoredCounts
from credits.forges.protocol import CollectionPage


class Command(VerbCommand):
    help = "Collect merged work of linked accounts, and report the result."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--student", nargs="+", action="extend", metavar="NUMBER", help="only these students"
        )
        parser.add_argument("--forge", help="only this platform")
        parser.add_argument("--full", action="store_true", help="read everything again, not only what is new")

    def act(self, *, now: datetime, **options: Any) -> CommandReport:
        student: Sequence[str] | None = options["student"]
        forge: str | None = options["forge"]
        if forge:
            forges.forge_info(forge)
        accounts = queries.linked_accounts(student, forge=forge)
        reports = collect_accounts_now(
            accounts, forge=forges.forge, clock=timezone.now, full=options["full"], progress=self._progress
        )
        statuses = statuses_for_accounts(accounts, now=timezone.now())
        complete = [status.complete_at is not None and status.complete_at >= now for status in statuses]
        without = queries.numbers_without_account(student or [], accounts)
        return CommandReport(
            lines=[
                *(_forge_line(report) for report in reports),
                *(f"{report.forge}: {report.closed_by}" for report in reports if _cannot_ask(report)),
                *(_account_line(status) for status, done in zip(statuses, complete, strict=True) if not done),
                *(_("%(number)s: no linked account.") % {"number": number} for number in without),
            ]
            or [_("No linked account: nothing to collect.")],
            data={
                "forges": [_forge_data(report) for report in reports],
                "accounts": [
                    _account_data(status, done) for status, done in zip(statuses, complete, strict=True)
                ],
                "without_account": without,
            },
            done=all(complete) and not without,
        )

    def _progress(self, account: ForgeAccount, page: CollectionPage, stored: StoredCounts) -> None:
        if not (page.changes or page.done or page.failure):
            return
        state = _("failed") if page.failure else _("complete") if page.done else "…"
        self.stderr.write(f"{account}: +{stored.new} ~{stored.changed} {state}")


def _cannot_ask(report: CollectionReport) -> bool:
    """Whether nothing was asked since this process cannot ask; the forge is closed to nobody else."""
    return report.closed_by is not None and report.closed_until is None


def _forge_line(report: CollectionReport) -> str:
    return _(
        "%(forge)s: %(complete)d of %(taken)d accounts complete; contributions: %(new)d new, %(changed)d changed, "
        "%(unchanged)d unchanged; %(requests)d requests, %(points)d points."
    ) % _forge_data(report)


def _account_line(status: AccountStatus) -> str:
    return _("%(account)s is not complete: %(reason)s Next try: %(next)s.") % {
        "account": status.account,
        "reason": status.error or _("The reason is unknown."),
        "next": timezone.localtime(status.next_due_at).strftime("%Y-%m-%d %H:%M:%S")
        if status.next_due_at
        else "–",
    }


def _forge_data(report: CollectionReport) -> dict[str, Any]:
    return {
        "forge": report.forge,
        "taken": report.taken,
        "complete": report.complete,
        "new": report.stored.new,
        "changed": report.stored.changed,
        "unchanged": report.stored.unchanged,
        "closed_by": report.closed_by.code if report.closed_by else None,
        "closed_until": report.closed_until.isoformat() if report.closed_until else None,
        "requests": report.requests,
        "points": report.points,
    }


def _account_data(status: AccountStatus, complete: bool) -> dict[str, Any]:
    return {
        "forge": status.account.forge,
        "login": status.account.login,
        "complete": complete,
        "complete_at": status.complete_at.isoformat() if status.complete_at else None,
        "held": status.contribution_count,
        "error_code": status.error_code,
        "error": status.error,
        "next_due_at": status.next_due_at.isoformat() if status.next_due_at else None,
    }
