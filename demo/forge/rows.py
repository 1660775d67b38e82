"""Fill a world from rows of merged pull requests (``demo/data/changes.jsonl``; its README names the fields)."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from demo.forge import invent
from demo.forge.model import ForgeName, LocalAccount, LocalFile, LocalPullRequest
from demo.forge.world import ForgeWorld

CARRIED = Path(__file__).parent.parent / "data" / "changes.jsonl"
Row = Mapping[str, Any]


def read(path: Path) -> list[Row]:
    """Return the rows of a JSON Lines file. Raise ValueError with the number of a line that is not JSON."""
    rows: list[Row] = []
    with path.open(encoding="utf-8") as lines:
        for at, line in enumerate(lines, 1):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise ValueError(f"{path}, line {at}: {error}") from error
    return rows


def fill(world: ForgeWorld, rows: Iterable[Row]) -> None:
    """Add a merged pull request for every row. What history does not contain is invented (`invent.py`)."""
    rows = list(rows)
    maintainers = _maintainers(rows)
    added: dict[int, list[LocalPullRequest]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (datetime.fromisoformat(row["merged_at"]), row["number"])):
        pull = _add(world, row, maintainers[row["forge"], row["repo"]])
        added[pull.repository.id].append(pull)
    for pulls in added.values():
        _add_forks(world, pulls)
        _add_unmerged(world, pulls)


def _maintainers(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return for each repository those who are known to have merged, else those of `invent.MAINTAINERS`, else the three
    who wrote most."""
    merged: dict[tuple[str, str], Counter[tuple[int, str]]] = defaultdict(Counter)
    wrote: dict[tuple[str, str], Counter[tuple[int, str]]] = defaultdict(Counter)
    for row in rows:
        place = row["forge"], row["repo"]
        wrote[place][row["author"]["id"], row["author"]["login"]] += 1
        if row["merged_by"]:
            merged[place][row["merged_by"]["id"], row["merged_by"]["login"]] += 1
    found: dict[tuple[str, str], list[Row]] = {}
    for place, authors in wrote.items():
        named = Counter({who: 1 for who in authors if who[1] in invent.MAINTAINERS.get(place, ())})
        counted = merged[place] or named or authors
        chosen = sorted(counted, key=lambda who: (-counted[who], who))[:3]
        found[place] = [{"id": account_id, "login": login} for account_id, login in chosen]
    return found


def _account(world: ForgeWorld, forge: ForgeName, who: Row) -> LocalAccount:
    return world.account(forge, who["login"]) or world.add_account(forge, who["login"], int(who["id"]))


def _add(world: ForgeWorld, row: Row, maintainers: list[Row]) -> LocalPullRequest:
    forge: ForgeName = row["forge"]
    names = (forge, row["repo"], row["number"])
    created, merged = datetime.fromisoformat(row["created_at"]), datetime.fromisoformat(row["merged_at"])
    repository = world.repository(forge, row["repo"]) or world.add_repository(
        forge, row["repo"], created_at=merged - timedelta(days=400)
    )
    author = _account(world, forge, row["author"])
    merger = row["merged_by"]
    if merger is None and invent.roll(16, "merger unknown", *names):
        others = [who for who in maintainers if who["login"] != author.login] or maintainers
        merger = others[invent.roll(len(others), "merger", *names)]
    listed = [LocalFile(f["path"], f["additions"], f["deletions"]) for f in row["files"]]
    files = invent.all_files(listed, row["additions"], row["deletions"], row["changed_files"])
    pull = world.add_pull(
        repository,
        author,
        number=row["number"],
        title=row["title"],
        created_at=invent.opened(created, merged, *names),
        merged_at=merged,
        updated_at=invent.touched_later(merged, *names),
        merge_commit=row["merge_commit"],
        merged_by=_account(world, forge, merger) if merger else None,
        additions=row["additions"],
        deletions=row["deletions"],
        changed_files=row["changed_files"],
        files=files,
        co_authors=[_account(world, forge, who) for who in row["co_authors"]],
        labels=invent.labels(row["title"], listed),
    )
    _review(world, pull, _account(world, forge, maintainers[0]))
    return pull


def _review(world: ForgeWorld, pull: LocalPullRequest, maintainer: LocalAccount) -> None:
    """Add one or two reviews by other people, between opening and merge."""
    reviewer = pull.merged_by if pull.merged_by and pull.merged_by is not pull.author else maintainer
    if reviewer is pull.author or pull.merged_at is None:
        return
    states = ["APPROVED"] if invent.roll(3, "review", pull.id) else ["CHANGES_REQUESTED", "APPROVED"]
    span = pull.merged_at - pull.created_at
    for at, state in enumerate(states):
        world.add_review(pull, reviewer, state, pull.created_at + span * (at + 1) / (len(states) + 1))


def _add_forks(world: ForgeWorld, pulls: list[LocalPullRequest]) -> None:
    """Add forks: three authors in four keep the fork in which they worked; the others have deleted it."""
    for pull in pulls:
        author, repository = pull.author, pull.repository
        if author.kind != "User" or not invent.roll(4, "fork", author.forge, author.id, repository.name):
            continue
        name = f"{author.login}/{repository.name}"
        pull.head = world.repository(author.forge, name) or world.add_repository(
            author.forge, name, created_at=pull.created_at - timedelta(days=3), parent=repository
        )
        pull.head_branch = f"topic-{pull.number}"


def _add_unmerged(world: ForgeWorld, pulls: list[LocalPullRequest]) -> None:
    """After every twelfth merged pull request or so, add one of the same author that was closed or is still open."""
    taken = {pull.number for pull in pulls}
    for pull in pulls:
        if invent.roll(12, "unmerged", pull.id) or pull.merged_at is None:
            continue
        number = pull.number + 1
        while number in taken:
            number += 1
        taken.add(number)
        opened = pull.merged_at + timedelta(hours=7)
        still_open = invent.roll(3, "open", pull.id) == 0
        file = pull.files[0] if pull.files else LocalFile("README.md", 1, 0)
        world.add_pull(
            pull.repository,
            pull.author,
            number=number,
            title=f"WIP: {pull.title}",
            created_at=opened,
            state="open" if still_open else "closed",
            closed_at=None if still_open else opened + timedelta(days=2),
            files=[LocalFile(file.path, 3, 1)],
        ).draft = still_open
