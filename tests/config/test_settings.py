"""The key that is made where none is set: one for all processes, whenever they start and however they end."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from config import settings


class Killed(BaseException):
    """From now on this process does nothing more."""


@pytest.fixture(autouse=True)
def no_key_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setattr(settings, "DATABASE_URL", "")
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path / "var")


def test_the_key_is_made_once() -> None:
    """The next process has the same one, nobody else can read it, and nothing is left beside it."""
    made = settings._secret_key()
    assert len(made) > 50
    assert settings._secret_key() == made
    assert (settings.DATA_DIR / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in settings.DATA_DIR.iterdir()] == ["secret_key"]


def test_two_processes_that_start_at_once_have_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes while another is just making the key neither reads half of it nor goes on without."""
    make, other = secrets.token_urlsafe, []

    def another_starts(length: int) -> str:
        monkeypatch.setattr(secrets, "token_urlsafe", make)
        other.append(settings._secret_key())
        return make(length)

    monkeypatch.setattr(secrets, "token_urlsafe", another_starts)
    made = settings._secret_key()
    assert made
    assert other == [made]


def test_a_process_that_dies_while_it_makes_the_key_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one makes it; an empty file is no key either, and would be in the way for good."""

    def dies(_length: int) -> str:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(secrets, "token_urlsafe", dies)
        with pytest.raises(Killed):
            settings._secret_key()
    assert settings._secret_key()
