"""Settings from environment variables, and the generated secret key: one for all processes, whenever they start or
end."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import settings

PROJECT = Path(__file__).parents[2]


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


@pytest.fixture(autouse=True)
def no_key_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setattr(settings, "DATABASE_URL", "")
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path / "var")


def test_the_key_is_made_once() -> None:
    """The next process reads the same key, other users cannot read it, and no temporary file remains."""
    key = settings._secret_key()
    assert len(key) > 50
    assert settings._secret_key() == key
    assert (settings.DATA_DIR / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.DATA_DIR.iterdir()] == ["secret_key"]


def test_two_processes_that_start_at_once_have_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts while another one generates the key gets the same complete key."""
    real_token, other_keys = secrets.token_urlsafe, []

    def another_starts(length: int) -> str:
        monkeypatch.setattr(secrets, "token_urlsafe", real_token)
        other_keys.append(settings._secret_key())
        return real_token(length)

    monkeypatch.setattr(secrets, "token_urlsafe", another_starts)
    key = settings._secret_key()
    assert key
    assert other_keys == [key]


def test_a_process_that_dies_while_it_makes_the_key_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies leaves no empty file behind, which every later process would take for the key."""

    def dies(_length: int) -> str:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(secrets, "token_urlsafe", dies)
        with pytest.raises(Killed):
            settings._secret_key()
    assert settings._secret_key()


@pytest.mark.parametrize(
    ("url", "named", "more_options"),
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
    monkeypatch: pytest.MonkeyPatch, url: str, named: tuple[str, ...], more_options: dict[str, str]
) -> None:
    """Sockets, percent-encoding and options such as sslmode are used, together with the connection pool."""
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    database = settings._database_settings()
    options = database.pop("OPTIONS")
    assert tuple(database[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")) == named
    assert isinstance(options, dict)
    assert options.pop("pool")["max_size"] > 0
    assert options == more_options


@pytest.mark.parametrize(
    "url",
    ["mysql://me:secret@host/credit", "postgresql://me:sec%zzret@host/credit", "postgresql://h/c?secret=1"],
)
def test_an_address_that_is_none_is_refused_without_repeating_the_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """One sentence says how to write the address, and no message contains the password."""
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="postgresql://user:password@host/name") as refused:
        settings._database_settings()
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://me@host/credit"}, "set SECRET_KEY to a long random text"),
        ({"DATABASE_URL": "mysql://me@host/credit", "SECRET_KEY": "x" * 50}, "must begin with postgresql://"),
    ],
)
def test_a_faulty_environment_ends_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], sentence: str
) -> None:
    """The administrator reads what to do, without a traceback."""
    process = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=PROJECT,
        env={**os.environ, "SECRET_KEY": "", "DATA_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 1
    assert sentence in process.stderr
    assert "Traceback" not in process.stderr
