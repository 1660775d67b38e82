"""How many contributions are stored a second: by COPY as the program does it, and by Django's bulk_create."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.database import empty_database
from credits.forges.base import Account, ChangedFile, MergedChange, RepositoryFacts

ROWS = Path(__file__).resolve().parents[1] / "demo" / "data" / "changes.jsonl"
CHANGES = 10_000
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> list[tuple[str, str]]:
    """Measured figures as (name, value) pairs."""
    changes = _changes(CHANGES)
    with empty_database():
        figures = []
        for name, way in (("COPY", _by_copy), ("bulk_create", _by_bulk_create)):
            fresh = _seconds(way, changes)
            again = _seconds(way, changes)
            figures += [
                (f"{CHANGES:,} new contributions by {name}", f"{CHANGES / fresh:,.0f} a second"),
                (f"{CHANGES:,} unchanged contributions by {name}", f"{CHANGES / again:,.0f} a second"),
            ]
            _empty()
        return figures


def _seconds(way: Callable[[Sequence[MergedChange]], None], changes: Sequence[MergedChange]) -> float:
    from django.db import transaction

    begun = time.perf_counter()
    with transaction.atomic():
        way(changes)
    return time.perf_counter() - begun


def _by_copy(changes: Sequence[MergedChange]) -> None:
    from credits.contributions.store import store

    store("github", changes, now=NOW)


def _by_bulk_create(changes: Sequence[MergedChange]) -> None:
    """The usual way with the same rows: written anew on conflict, whether or not they say anything new."""
    from credits.contributions.models import Authorship, Contribution, Evidence, Repository
    from credits.contributions.rows import change_row, part_rows, repository_row

    told = {change.repository.id: repository_row("github", change, NOW) for change in changes}
    repositories = Repository.objects.bulk_create(
        [Repository(**row._asdict()) for row in told.values()],
        update_conflicts=True,
        unique_fields=["forge", "forge_id"],
        update_fields=[
            field for field in next(iter(told.values()))._fields if field not in ("forge", "forge_id")
        ],
    )
    by_id = {repository.forge_id: repository for repository in repositories}
    rows = [change_row(change, NOW)._asdict() for change in changes]
    evidence = [(row.pop("digest"), json.loads(row.pop("payload"))) for row in rows]
    for row in rows:
        row["files"], row["labels"] = json.loads(row["files"]), json.loads(row["labels"])
        row["repository"] = by_id[row["repository"]]
    fields = [
        field
        for field in rows[0]
        if field not in ("repository", "kind", "number", "collected_at", "found_by")
    ]
    held = Contribution.objects.bulk_create(
        [Contribution(**row) for row in rows],
        batch_size=2_000,
        update_conflicts=True,
        unique_fields=["repository", "kind", "number"],
        update_fields=fields,
    )
    parts = [
        Authorship(
            contribution=one,
            forge=part.forge,
            forge_user_id=part.forge_user_id,
            login=part.login,
            role=part.role,
            share=part.share,
        )
        for one, change in zip(held, changes, strict=True)
        for part in part_rows("github", change)
    ]
    Authorship.objects.bulk_create(parts, batch_size=2_000, ignore_conflicts=True)
    Evidence.objects.bulk_create(
        [
            Evidence(contribution=one, digest=digest, payload=payload, fetched_at=NOW)
            for one, (digest, payload) in zip(held, evidence, strict=True)
        ],
        batch_size=2_000,
        ignore_conflicts=True,
    )


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        # The triggers refuse to forget evidence; this database is thrown away.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("TRUNCATE credits_repository RESTART IDENTITY CASCADE")
        cursor.execute("SET session_replication_role = origin")


def _changes(count: int) -> list[MergedChange]:
    """The carried rows again and again, under numbers of their own."""
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    return [_change(rows[turn % len(rows)], turn) for turn in range(count)]


def _change(row: dict[str, object], number: int) -> MergedChange:
    merged = datetime.fromisoformat(str(row["merged_at"])).astimezone(UTC)
    author: dict[str, object] = row["author"]  # type: ignore[assignment]
    files: list[dict[str, object]] = row["files"]  # type: ignore[assignment]
    name = str(row["repo"])
    return MergedChange(
        id=f"PR_{number}",
        number=str(number),
        repository=RepositoryFacts(
            name, name, f"https://forge.example/{name}", stars=1, licence="Apache-2.0", is_fork=False
        ),
        title=str(row["title"]),
        url=f"https://forge.example/{name}/pull/{number}",
        author=Account(str(author["login"]), str(author["login"])),
        created_at=merged,
        merged_at=merged,
        updated_at=merged,
        additions=int(str(row["additions"])),
        deletions=int(str(row["deletions"])),
        changed_files=len(files),
        files=tuple(
            ChangedFile(str(one["path"]), int(str(one["additions"])), int(str(one["deletions"])))
            for one in files
        ),
        labels=(),
        merge_commit=str(row["merge_commit"]),
        merged_by=None,
        co_authors=(),
        found_by="account",
        raw=row | {"number": number},
    )
