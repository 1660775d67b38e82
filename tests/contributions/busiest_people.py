"""Link the busiest people of the shipped data, and read their merged work from the file without the project's code."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

from accounts.models import ForgeAccount
from credits.contributions.models import Authorship, CatalogueEntry
from demo.forge import LocalForge
from tests.factories import NOW, forge_account

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "demo/data/changes.jsonl").read_text().splitlines()
]


def link_busiest(local: LocalForge, on: str, count: int) -> list[ForgeAccount]:
    """Link the ``count`` accounts with the most pull requests on a forge to new students; catalogue all its
    repositories.
    """
    busiest = Counter(row["author"]["login"] for row in ROWS if row["forge"] == on).most_common(count)
    for name in sorted({row["repo"] for row in ROWS if row["forge"] == on}):
        CatalogueEntry.objects.get_or_create(forge=on, full_name=name, defaults={"tier": "A"})
    linked = []
    for login, _number in busiest:
        account = local.world.account(on, login)
        assert account is not None
        linked.append(forge_account(forge=on, forge_user_id=str(account.id), login=login, linked_at=NOW))
    return linked


def merged_by_file(accounts: list[ForgeAccount]) -> dict[str, set[tuple[str, str]]]:
    """Return ``{login: {(repository, number)}}`` of what these people opened, according to the file."""
    wanted = {(account.forge, account.login) for account in accounts}
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for row in ROWS:
        if (row["forge"], row["author"]["login"]) in wanted:
            found[row["author"]["login"]].add((row["repo"], str(row["number"])))
    return dict(found)


def merged_in_database(accounts: list[ForgeAccount]) -> dict[str, set[tuple[str, str]]]:
    """Return the same according to the database."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for part in Authorship.objects.filter(
        role="author", forge_user_id__in=[account.forge_user_id for account in accounts]
    ).select_related("contribution__repository"):
        found[part.login].add((part.contribution.repository.full_name, part.contribution.number))
    return dict(found)
