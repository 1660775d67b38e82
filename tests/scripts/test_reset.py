"""Deleting the demo's data: all of it, nothing else, and never while a process uses it."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from scripts import reset


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a folder with the demo's data and a file of another person."""
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "exports").mkdir()
    (tmp_path / "secret_key").touch()
    (tmp_path / "thesis.txt").touch()
    return tmp_path


def test_only_ours_goes(data_dir: Path) -> None:
    """Files that Yuanfen did not put there stay."""
    assert reset.reset(data_dir) == ""
    assert [path.name for path in data_dir.iterdir()] == ["thesis.txt"]


def test_a_cluster_elsewhere_goes_too(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """If root's database is in another folder, that folder is deleted too."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (data_dir / "postgres" / "elsewhere").write_text(f"{elsewhere}\n")
    assert reset.reset(data_dir) == ""
    assert not elsewhere.exists()


def test_nothing_goes_while_it_is_used(data_dir: Path) -> None:
    """The database of a running demo is not deleted, and the sentence says how to stop the demo."""
    with (data_dir / "postgres" / "use.lock").open("w") as use:
        fcntl.flock(use, fcntl.LOCK_SH)
        assert "stop it (Ctrl-C)" in reset.reset(data_dir)
    assert (data_dir / "postgres" / "data").exists()
    assert (data_dir / "secret_key").exists()


def test_nothing_there_is_well(tmp_path: Path) -> None:
    """A second reset finds nothing to delete, and that is no error."""
    assert reset.reset(tmp_path / "var") == ""


def test_a_real_database_is_not_touched(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With DATABASE_URL set, nothing is deleted."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://example/real")
    assert reset.main() == 1
    assert "unset it" in capsys.readouterr().out
