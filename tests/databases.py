"""The databases of tests: migrated once, copied for each process, and emptied quickly.

Migrations run once into a template, which is kept between runs; its name has a fingerprint of all migrations. Each
process of pytest-xdist gets a copy, which takes a tenth of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

LOCK = 0x7E57
"""The advisory lock of PostgreSQL under which one process makes the template, while the others wait."""
KEPT = {"django_migrations", "django_content_type", "auth_permission"}
"""Tables that are the same for every test."""


def fingerprint() -> str:
    """Return a short digest of the migrations of every app, third-party ones included."""
    digest = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for file in sorted(Path(app.path, "migrations").glob("*.py")):
            digest.update(f"{app.label} {file.name} ".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def template() -> str:
    """Make the template unless it exists, and return its name. Templates of other migrations are dropped."""
    prefix = f"test_{connection.settings_dict['NAME']}_template_"
    name, unfinished = prefix + fingerprint(), prefix + "unfinished"
    with connection.creation._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [prefix])
        found = {row[0] for row in cursor.fetchall()}
        if name not in found:
            for old in found:
                cursor.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
            _migrate(unfinished)
            # Renamed when it is complete: a run that is stopped half-way leaves nothing that looks complete.
            cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def copy_cluster(data_dir: Path) -> None:
    """Give a data folder an embedded PostgreSQL that is migrated and empty, for programs that a test starts.

    It is a copy: the original is made once, and kept until a migration changes.
    """
    originals = Path(settings.DATA_DIR) / "test-clusters"
    originals.mkdir(exist_ok=True)
    made = originals / fingerprint()
    with (originals / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in originals.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            unfinished = originals / "unfinished"
            unfinished.mkdir()
            _run_migrations(unfinished)
            unfinished.rename(made)
    data_dir.mkdir(parents=True, exist_ok=True)
    # The files belong to the user as whom PostgreSQL runs, which shutil would not keep.
    subprocess.run(["cp", "-a", made / "postgres", data_dir / "postgres"], check=True)


def _run_migrations(data_dir: Path) -> None:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=settings.BASE_DIR,
        env={**environment, "DATA_DIR": str(data_dir)},
        check=True,
    )


def _migrate(name: str) -> None:
    """Make a database of this name, and run all migrations in it."""
    usual, test = connection.settings_dict["NAME"], connection.settings_dict["TEST"]
    before = dict(test)
    test.update(NAME=name, TEMPLATE=None)
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        _leave(connection)
        test.update(before)
        connection.settings_dict["NAME"] = usual
        settings.DATABASES["default"]["NAME"] = usual


def _leave(used: BaseDatabaseWrapper) -> None:
    """Close every connection that this process has to the database."""
    used.close()
    used.close_pool()  # type: ignore[attr-defined]


def need_not_survive(name: str) -> None:
    """Commits need not reach the disk before they are answered: a test's database is never recovered."""
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    _leave(connection)


def empty() -> None:
    """Delete all rows that a test has committed.

    Django's own way is TRUNCATE of all tables, which takes 50 times as long. The triggers of the ledger and of the
    audit log refuse to delete: here, and nowhere in the program, the triggers are off.
    """
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name not in KEPT]
        asked = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names)
        cursor.execute(asked)
        filled = [row[0] for row in cursor.fetchall()]
        if filled:
            deletes = "; ".join(f'DELETE FROM "{name}"' for name in filled)
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deletes}; COMMIT")


def empty_after_test(_test: TransactionTestCase) -> None:
    """What Django calls after each test that commits, in place of its own."""
    if not _kept:
        empty()


_kept: list[None] = []


@contextmanager
def kept() -> Iterator[None]:
    """Keep what is stored in here until the end: tests that only read share it."""
    _kept.append(None)
    try:
        yield
    finally:
        _kept.pop()
        empty()
        _leave(connection)
