"""What the environment says, as settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import settings as ours

HOUSE = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("url", "told", "besides"),
    [
        ("postgresql://me:p%40ss@db.example:5433/credit", ("credit", "me", "p@ss", "db.example", "5433"), {}),
        ("postgres://me@/credit?host=/run/postgresql", ("credit", "me", "", "/run/postgresql", ""), {}),
        ("postgresql://me@%2Frun%2Fpostgresql/credit", ("credit", "me", "", "/run/postgresql", ""), {}),
        (
            "postgresql://me@db.example/credit?sslmode=verify-full&target_session_attrs=read-write",
            ("credit", "me", "", "db.example", ""),
            {"sslmode": "verify-full", "target_session_attrs": "read-write"},
        ),
    ],
)
def test_a_database_is_named_as_libpq_reads_it(
    monkeypatch: pytest.MonkeyPatch, url: str, told: tuple[str, ...], besides: dict[str, str]
) -> None:
    """Sockets, percent-encoding and options such as sslmode are heeded, beside the pool that every process has."""
    monkeypatch.setattr(ours, "DATABASE_URL", url)
    made = ours._database()
    options = made.pop("OPTIONS")
    assert tuple(made[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == told
    assert isinstance(options, dict)
    assert options.pop("pool")["max_size"] > 0
    assert options == besides


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@host/credit", "postgresql://me:sec%zzret@host/credit", "postgresql://h/c?secret=1"],
)
def test_an_address_that_is_none_is_refused_without_repeating_the_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """One sentence says how to write it; the password is in no message."""
    monkeypatch.setattr(ours, "DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="postgresql://user:password@host/name") as refused:
        ours._database()
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "postgresql://me@host/credit"}, "set SECRET_KEY to a long random text"),
        ({"DATABASE_URL": "mysql://me@host/credit", "SECRET_KEY": "x" * 50}, "must begin with postgresql://"),
    ],
)
def test_a_faulty_environment_ends_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    """No traceback stands before what the administrator has to do."""
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=HOUSE,
        env={**os.environ, "SECRET_KEY": "", "DATA_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
