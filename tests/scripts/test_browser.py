"""Finding a browser: the one named, one that really starts, or none with a sentence on how to have one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts import browser
from scripts import test as suite


def program(path: Path, code: int) -> str:
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def test_the_one_named_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BROWSER_PATH goes before everything else."""
    monkeypatch.setenv("BROWSER_PATH", program(tmp_path / "mine", 0))
    assert browser.find() == str(tmp_path / "mine")


def test_one_that_does_not_start_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stub that only points to another installer, or a browser without its libraries, does not count."""
    monkeypatch.setenv("BROWSER_PATH", program(tmp_path / "stub", 1))
    assert browser.find() is None


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """No browser to be had; returns the words of each pytest that was started."""
    started: list[list[str]] = []

    def run(command: list[str], **_options: object) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(browser, "obtain", lambda: None)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("CI", raising=False)
    return started


def test_without_a_browser_the_journeys_are_left_out(
    no_browser: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Everything else runs, and the last line says what was left out and how to have it."""
    assert suite.main(["tests/web"]) == 0
    assert no_browser[0][-3:] == ["tests/web", "-m", "not journey"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert "LEFT OUT" in last
    assert "apt install chromium" in last


def test_in_ci_a_missing_browser_is_a_failure(
    no_browser: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI=true nothing is left out in silence."""
    monkeypatch.setenv("CI", "true")
    assert suite.main([]) == 1
    assert no_browser == []
