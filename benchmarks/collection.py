"""What it costs to collect all demo accounts: once from nothing, and once more with nothing new."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.database import empty_database
from demo.forge import LocalForge

CATALOGUE = Path(__file__).resolve().parents[1] / "demo" / "data" / "catalogue.csv"


def main() -> list[tuple[str, str]]:
    """Measured figures as (name, value) pairs."""
    with LocalForge() as local, empty_database(local.environment()):
        return _measured(local)


def _measured(local: LocalForge) -> list[tuple[str, str]]:
    from django.utils import timezone

    from accounts.models import ForgeAccount
    from credits.contributions.at_once import collect_at_once
    from credits.contributions.catalogue import import_catalogue
    from credits.contributions.models import Contribution

    with CATALOGUE.open("rb") as file:
        import_catalogue(file, by=None, now=timezone.now())
    accounts = _linked(local)
    # Adapters of this forge, whatever one the process knew before.
    adapters = _adapters(local)
    figures = [("accounts on GitHub and Gitee", str(len(accounts)))]
    for round_ in ("first collection", "second, nothing new"):
        begun = time.perf_counter()
        reports = collect_at_once(accounts, forge=adapters.__getitem__, clock=timezone.now)
        took = time.perf_counter() - begun
        for report in reports:
            if report.complete != report.taken:
                raise RuntimeError(f"{report.forge}: {report.failed or report.closed_by}")
            points = f", {report.points} points" if report.points else ""
            figures.append((f"{round_}, {report.forge}", f"{report.requests} requests{points}"))
        figures.append((f"{round_}, time", f"{took:.1f} s"))
    figures.append(("contributions held", str(Contribution.objects.count())))
    if Contribution.objects.count() == 0 or ForgeAccount.objects.count() != len(accounts):
        raise RuntimeError("Nothing was measured.")
    return figures


def _linked(local: LocalForge):  # type: ignore[no-untyped-def]  # Django's models are there only once it is set up
    from django.utils import timezone

    from accounts.models import ForgeAccount, User
    from demo.people import STUDENTS

    made = []
    for student in STUDENTS:
        person = User.objects.create(username=student.student_number, name=student.student_number)
        for forge, login in (("github", student.github), ("gitee", student.gitee)):
            account = local.world.account(forge, login) if login else None  # type: ignore[arg-type]
            if account is not None:
                made.append(
                    ForgeAccount.objects.create(
                        user=person,
                        forge=forge,
                        forge_user_id=str(account.id),
                        login=account.login,
                        proof=ForgeAccount.Proof.OAUTH,
                        linked_at=timezone.now(),
                    )
                )
    return made


def _adapters(local: LocalForge):  # type: ignore[no-untyped-def]
    from django.utils import timezone

    from credits.forges.gitee import Gitee
    from credits.forges.github import GitHub

    told = local.environment()
    return {
        name: adapter(
            told[f"{name.upper()}_API_URL"], told[f"{name.upper()}_TOKENS"].split(","), timezone.now
        )
        for name, adapter in (("github", GitHub), ("gitee", Gitee))
    }
