"""How many contributions are stored a second in a table of a million rows: by the program, by a plain COPY of the same
rows, and by Django's bulk_create. Also the memory that storing ten thousand and a million of them needs."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.clock import show_progress
from benchmarks.database import empty_database
from credits.forges.protocol import AccountOnForge, ChangedFile, MergedChange, RepositoryOnForge

ROWS = Path(__file__).resolve().parents[1] / "demo" / "data" / "changes.jsonl"
TABLE_SIZE = int(os.environ.get("BENCH_HELD") or 1_000_000)
CHANGES = min(100_000, TABLE_SIZE)
TURNS = 2
BULK_CREATE_COUNT = 10_000
"""Number of contributions for bulk_create: it is too slow for more, and no faster with more."""
REPOSITORIES = 500
"""Number of repositories that each included repository is multiplied into."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Store = Callable[[Sequence[MergedChange]], None]


def main() -> list[tuple[str, str]]:
    """Return measured figures as (name, value) pairs."""
    with empty_database():
        return [*_memory(), *_speed()]


def _memory() -> list[tuple[str, str]]:
    """Fill the table, and measure how large this process grows."""
    from django.db import transaction

    from credits.contributions.storing.store import store

    def memory_after(first: int, count: int) -> float:
        with transaction.atomic():
            store("github", _changes(first, count), now=NOW)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    few = min(10_000, TABLE_SIZE // 2)
    show_progress(f"storing {few:,}")
    before, begun = memory_after(0, few), time.perf_counter()
    show_progress(f"storing {TABLE_SIZE - few:,} more")
    after = memory_after(few, TABLE_SIZE - few)
    rate = (TABLE_SIZE - few) / (time.perf_counter() - begun)
    return [
        (f"memory after storing {few:,} in one run", f"{before:,.0f} MB"),
        (f"memory after storing {TABLE_SIZE - few:,} in one run", f"{after:,.0f} MB"),
        (f"{TABLE_SIZE - few:,} new contributions in one run", f"{rate:,.0f} a second"),
    ]


def _speed() -> list[tuple[str, str]]:
    ways: tuple[tuple[str, Store, int], ...] = (
        ("a bare COPY", _by_bare_copy, CHANGES),
        ("the program", _by_program, CHANGES),
        ("bulk_create", _by_bulk_create, BULK_CREATE_COUNT),
    )
    new: dict[str, float] = {}
    unchanged: dict[str, float] = {}
    first = TABLE_SIZE
    # Take turns, and keep the best figure of each, so that other work of the machine affects all of them
    # alike.
    for turn in range(TURNS):
        for name, way, count in ways:
            show_progress(f"turn {turn + 1} of {TURNS}: {count:,} by {name}")
            changes = list(_changes(first, count))
            first += count
            _settle()
            new[name] = max(count / _seconds(way, changes), new.get(name, 0))
            if way is not _by_bare_copy:
                _settle()
                written = _row_counters()
                unchanged[name] = max(count / _seconds(way, changes), unchanged.get(name, 0))
                if way is _by_program and _row_counters() != written:
                    raise RuntimeError("Unchanged contributions were written.")
    figures = [
        ("contributions stored a second, new", f"{new['the program']:,.0f}"),
        ("contributions stored a second, unchanged", f"{unchanged['the program']:,.0f}"),
        *(
            (f"{count:,} new contributions by {name}", f"{new[name]:,.0f} a second")
            for name, _, count in ways
        ),
        *(
            (f"{count:,} unchanged contributions by {name}", f"{unchanged[name]:,.0f} a second")
            for name, _, count in ways[1:]
        ),
    ]
    return [
        *figures,
        ("new: the program beside a bare COPY", f"{new['the program'] / new['a bare COPY']:.2f}"),
        ("new: bulk_create beside a bare COPY", f"{new['bulk_create'] / new['a bare COPY']:.2f}"),
        (
            "unchanged: the program beside bulk_create",
            f"{unchanged['the program'] / unchanged['bulk_create']:.1f} times",
        ),
    ]


def _seconds(way: Store, changes: Sequence[MergedChange]) -> float:
    """Return the seconds until the commit is done, which includes the deferred checks."""
    from django.db import transaction

    begun = time.perf_counter()
    with transaction.atomic():
        way(changes)
    return time.perf_counter() - begun


def _settle() -> None:
    """Finish the database's pending work, so that the next measurement does not pay for it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE credits_contribution, credits_authorship, credits_evidence")
        cursor.execute("CHECKPOINT")


def _row_counters() -> list[tuple[int, ...]]:
    """Return how many rows were inserted, updated and deleted so far, for each table."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables "
            "WHERE relname LIKE 'credits\\_%%' AND schemaname = 'public' ORDER BY relname"
        )
        return cursor.fetchall()


def _by_program(changes: Sequence[MergedChange]) -> None:
    from credits.contributions.storing.store import store

    store("github", changes, now=NOW)


def _by_bare_copy(changes: Sequence[MergedChange]) -> None:
    """Copy the same rows directly into the same indexed tables: the time that PostgreSQL itself needs. This works only
    if none of the rows is stored yet."""
    from django.db import connection

    from credits.contributions.storing.db_rows import authorship_rows, contribution_row, repository_row

    repositories_by_id = {change.repository.id: repository_row("github", change, NOW) for change in changes}
    with connection.cursor() as cursor:
        cursor.execute("SELECT forge_id, id FROM credits_repository")
        known = dict(cursor.fetchall())
        cursor.execute("SELECT max(id) FROM credits_contribution")
        last = cursor.fetchone()[0] or 0
        if repositories_by_id.keys() - known.keys():
            raise RuntimeError("The repositories of the measured rows must exist already.")
        rows = [contribution_row(change, NOW) for change in changes]
        columns = [name for name in rows[0]._fields if name not in ("repository", "digest", "payload")]
        places = [rows[0]._fields.index(name) for name in columns]
        with cursor.copy(
            f"COPY credits_contribution (id, repository_id, {', '.join(columns)}) FROM STDIN"
        ) as copy:
            for at, row in enumerate(rows, last + 1):
                copy.write_row((at, known[row.repository], *(row[place] for place in places)))
        with cursor.copy(
            "COPY credits_authorship (contribution_id, forge, forge_user_id, login, role, share) FROM STDIN"
        ) as copy:
            for at, change in enumerate(changes, last + 1):
                for part in authorship_rows("github", change):
                    copy.write_row((at, *part[3:]))
        with cursor.copy(
            "COPY credits_evidence (contribution_id, digest, payload, fetched_at) FROM STDIN"
        ) as copy:
            for at, row in enumerate(rows, last + 1):
                copy.write_row((at, row.digest, row.payload, NOW))
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('credits_contribution', 'id'), max(id)) FROM credits_contribution"
        )


def _by_bulk_create(changes: Sequence[MergedChange]) -> None:
    """The usual Django way with the same rows: on conflict every row is written again, changed or not."""
    from credits.contributions.models import Authorship, Contribution, Evidence, Repository
    from credits.contributions.storing.db_rows import authorship_rows, contribution_row, repository_row

    repositories_by_id = {change.repository.id: repository_row("github", change, NOW) for change in changes}
    repositories = Repository.objects.bulk_create(
        [Repository(**row._asdict()) for row in repositories_by_id.values()],
        update_conflicts=True,
        unique_fields=["forge", "forge_id"],
        update_fields=[
            field
            for field in next(iter(repositories_by_id.values()))._fields
            if field not in ("forge", "forge_id")
        ],
    )
    by_id = {repository.forge_id: repository for repository in repositories}
    rows = [contribution_row(change, NOW)._asdict() for change in changes]
    evidence = [(row.pop("digest"), json.loads(row.pop("payload"))) for row in rows]
    for row in rows:
        row["files"], row["labels"] = json.loads(row["files"]), json.loads(row["labels"])
        row["repository"] = by_id[row["repository"]]
    fields = [
        field
        for field in rows[0]
        if field not in ("repository", "kind", "number", "collected_at", "found_by")
    ]
    stored = Contribution.objects.bulk_create(
        [Contribution(**row) for row in rows],
        batch_size=2_000,
        update_conflicts=True,
        unique_fields=["repository", "kind", "number"],
        update_fields=fields,
    )
    parts = [
        Authorship(
            contribution=contribution,
            forge=part.forge,
            forge_user_id=part.forge_user_id,
            login=part.login,
            role=part.role,
            share=part.share,
        )
        for contribution, change in zip(stored, changes, strict=True)
        for part in authorship_rows("github", change)
    ]
    Authorship.objects.bulk_create(parts, batch_size=2_000, ignore_conflicts=True)
    Evidence.objects.bulk_create(
        [
            Evidence(contribution=contribution, digest=digest, payload=payload, fetched_at=NOW)
            for contribution, (digest, payload) in zip(stored, evidence, strict=True)
        ],
        batch_size=2_000,
        ignore_conflicts=True,
    )


def _changes(first: int, count: int) -> Iterator[MergedChange]:
    """Yield the demo's rows again and again, in many repositories, each with its own number."""
    rows = [json.loads(line) for line in ROWS.read_text(encoding="utf-8").splitlines()]
    files = [_files(row["files"]) for row in rows]
    merged = [datetime.fromisoformat(row["merged_at"]).astimezone(UTC) for row in rows]
    for number in range(first, first + count):
        at = number % len(rows)
        yield _change(rows[at], number, files[at], merged[at])


def _files(rows: list[dict[str, object]]) -> tuple[ChangedFile, ...]:
    return tuple(
        ChangedFile(str(row["path"]), int(str(row["additions"])), int(str(row["deletions"]))) for row in rows
    )


def _change(
    row: dict[str, object], number: int, files: tuple[ChangedFile, ...], merged: datetime
) -> MergedChange:
    author: dict[str, object] = row["author"]  # type: ignore[assignment]
    name = f"{row['repo']}-{number % REPOSITORIES}"
    return MergedChange(
        id=f"PR_{number}",
        number=str(number),
        repository=RepositoryOnForge(
            name, name, f"https://forge.example/{name}", stars=1, licence="Apache-2.0", is_fork=False
        ),
        title=str(row["title"]),
        url=f"https://forge.example/{name}/pull/{number}",
        author=AccountOnForge(str(author["login"]), str(author["login"])),
        created_at=merged,
        merged_at=merged,
        updated_at=merged,
        additions=int(str(row["additions"])),
        deletions=int(str(row["deletions"])),
        changed_files=len(files),
        files=files,
        labels=(),
        merge_commit=f"{number:040x}",
        merged_by=None,
        co_authors=(),
        found_by="account",
        raw=row | {"number": number},
    )
