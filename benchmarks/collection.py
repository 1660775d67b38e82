"""The cost of collecting all demo accounts: once from nothing, and once more with nothing new. Also the cost for a
hundred people, compared with the usual method (search, then fetch each pull request) on the same forge."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.database import empty_database
from demo.forge import LocalForge
from demo.forge.model import LocalFile

CATALOGUE = Path(__file__).resolve().parents[1] / "demo" / "data" / "catalogue.csv"


def main() -> list[tuple[str, str]]:
    """Return measured figures as (name, value) pairs."""
    with LocalForge() as local, empty_database(local.environment()):
        figures = _measure_demo_accounts(local)
        with LocalForge([]) as hundred:
            return [*figures, *_measure_hundred_people(hundred)]


def _measure_demo_accounts(local: LocalForge) -> list[tuple[str, str]]:
    from django.utils import timezone

    from accounts.models import ForgeAccount
    from credits.contributions.catalogue import import_catalogue
    from credits.contributions.collecting.collect_now import collect_accounts_now
    from credits.contributions.models import Contribution

    with CATALOGUE.open("rb") as file:
        import_catalogue(file, by=None, now=timezone.now())
    accounts = _link_demo_accounts(local)
    # Adapters for this forge, even if the process already has others.
    adapters = _make_adapters(local)
    figures = [("accounts on GitHub and Gitee", str(len(accounts)))]
    for round_ in ("first collection", "second, nothing new"):
        begun = time.perf_counter()
        reports = collect_accounts_now(accounts, forge=adapters.__getitem__, clock=timezone.now)
        took = time.perf_counter() - begun
        for report in reports:
            if report.complete != report.taken:
                raise RuntimeError(f"{report.forge}: {report.failed or report.closed_by}")
            points = f", {report.points} points" if report.points else ""
            figures.append((f"{round_}, {report.forge}", f"{report.requests} requests{points}"))
        figures.append((f"{round_}, time", f"{took:.1f} s"))
    figures.append(("contributions stored", str(Contribution.objects.count())))
    if Contribution.objects.count() == 0 or ForgeAccount.objects.count() != len(accounts):
        raise RuntimeError("Nothing was measured.")
    return figures


def _link_demo_accounts(local: LocalForge):  # type: ignore[no-untyped-def]  # models: only after django.setup()
    from django.utils import timezone

    from accounts.models import ForgeAccount, User
    from demo.people import STUDENTS

    accounts = []
    for student in STUDENTS:
        person = User.objects.create(username=student.student_number, name=student.student_number)
        for forge, login in (("github", student.github), ("gitee", student.gitee)):
            account = local.world.account(forge, login) if login else None  # type: ignore[arg-type]
            if account is not None:
                accounts.append(
                    ForgeAccount.objects.create(
                        user=person,
                        forge=forge,
                        forge_user_id=str(account.id),
                        login=account.login,
                        proof=ForgeAccount.Proof.OAUTH,
                        linked_at=timezone.now(),
                    )
                )
    return accounts


def _make_adapters(local: LocalForge):  # type: ignore[no-untyped-def]
    from django.utils import timezone

    from credits.forges.gitee.adapter import Gitee
    from credits.forges.github.adapter import GitHub

    settings = local.environment()
    return {
        name: adapter(
            settings[f"{name.upper()}_API_URL"], settings[f"{name.upper()}_TOKENS"].split(","), timezone.now
        )
        for name, adapter in (("github", GitHub), ("gitee", Gitee))
    }


PEOPLE = 100
REPOSITORIES = 10


def _measure_hundred_people(local: LocalForge) -> list[tuple[str, str]]:
    """Measure a hundred accounts on each forge: with nothing new, and with one new pull request each."""
    from django.utils import timezone

    from accounts.models import ForgeAccount
    from credits.contributions.collecting import collect
    from credits.contributions.collecting.collect_now import collect_accounts_now
    from credits.contributions.models import CatalogueEntry

    ForgeAccount.objects.update(unlinked_at=timezone.now())
    CatalogueEntry.objects.all().delete()
    _create_people(local)
    adapters = _make_adapters(local)
    accounts = {name: list(ForgeAccount.objects.filter(forge=name, unlinked_at=None)) for name in adapters}

    def collect_cost(forge: str, accounts_of_forge: list[Any]) -> str:
        local.log.reset()
        (report,) = collect_accounts_now(accounts_of_forge, forge=adapters.__getitem__, clock=timezone.now)
        if report.complete != len(accounts_of_forge):
            raise RuntimeError(f"{forge}: {report.failed or report.closed_by}")
        points = f", {local.log.points(forge)} points" if forge == "github" else ""
        return f"{local.log.requests(forge)} requests{points}"

    for name in adapters:
        collect_cost(name, accounts[name])
    figures = [(f"{PEOPLE} idle accounts, github", collect_cost("github", accounts["github"]))]
    figures.append((f"{PEOPLE} idle accounts, github, by PyGithub's search", _measure_naive_search(local)))
    _merge_one_each(local)
    figures.append((f"{PEOPLE} new pull requests, github", collect_cost("github", accounts["github"])))
    figures.append(
        (
            f"{PEOPLE} new pull requests, github, by PyGithub's search and get_pull",
            _measure_naive_search(local),
        )
    )
    collect.request_collection(accounts["gitee"], now=timezone.now(), wake=False)
    collect_cost("gitee", accounts["gitee"])
    for account_count in (10, PEOPLE):
        cost = collect_cost("gitee", accounts["gitee"][:account_count])
        figures.append((f"{REPOSITORIES} watched repositories, {account_count} idle accounts, gitee", cost))
    return figures


def _create_people(local: LocalForge) -> None:
    from django.utils import timezone

    from accounts.models import ForgeAccount, User
    from credits.contributions.models import CatalogueEntry

    world, created_at = local.world, timezone.now() - timedelta(days=300)
    for forge in ("github", "gitee"):
        for number in range(REPOSITORIES):
            world.add_repository(forge, f"owner/project{number}", created_at=created_at)
            CatalogueEntry.objects.create(forge=forge, full_name=f"owner/project{number}", tier="A")
    for number in range(PEOPLE):
        person = User.objects.create(username=f"hundred{number}", email=f"hundred{number}@university.example")
        for forge in ("github", "gitee"):
            account = world.add_account(forge, f"person-{number}", 5_000_000 + number)  # type: ignore[arg-type]
            ForgeAccount.objects.create(
                user=person,
                forge=forge,
                forge_user_id=str(account.id),
                login=account.login,
                proof=ForgeAccount.Proof.OAUTH,
                linked_at=created_at,
            )
    _merge_one_each(local, created_at + timedelta(days=1))


def _merge_one_each(local: LocalForge, at: datetime | None = None) -> None:
    from django.utils import timezone

    world = local.world
    for forge in ("github", "gitee"):
        for number in range(PEOPLE):
            home = world.repository(forge, f"owner/project{number % REPOSITORIES}")
            author = world.account(forge, f"person-{number}")
            if home is None or author is None:
                raise RuntimeError("An account or repository is missing on the forge.")
            merged = at or timezone.now()
            files = [LocalFile(f"src/part{index}.py", 10, index) for index in range(3)]
            world.add_pull(
                home,
                author,
                title=f"Repair part {number}",
                created_at=merged - timedelta(days=1),
                merged_at=merged,
                files=files,
                labels=["bug"],
            )


def _measure_naive_search(local: LocalForge) -> str:
    """Search for each person, then fetch each new pull request, its files and its reviews."""
    from github import Auth, Github

    # Allow any number of searches: with the real limit, one search a second would be refused, and this
    # benchmark does not compare that.
    local.limits.limits["search"] = (100_000, timedelta(minutes=1))
    token = local.environment()["GITHUB_TOKENS"].split(",")[1]
    since = (datetime.now(UTC) - timedelta(days=2)).date()
    local.log.reset()
    client = Github(base_url=local.github_api_url, auth=Auth.Token(token), seconds_between_requests=None)
    for number in range(PEOPLE):
        for issue in client.search_issues(f"is:pr is:merged author:person-{number} merged:>={since}"):
            pull = issue.repository.get_pull(issue.number)
            _ = (pull.merged_at, [file.filename for file in pull.get_files()], list(pull.get_reviews()))
            _ = [label.name for label in pull.labels]
    client.close()
    return f"{local.log.requests('github')} requests"
