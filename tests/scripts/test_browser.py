"""Find a browser for the journeys, or say how to get one."""

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
    """BROWSER_PATH is tried before every other browser."""
    monkeypatch.setenv("BROWSER_PATH", program(tmp_path / "mine", 0))
    assert browser.find() == str(tmp_path / "mine")


def test_one_that_does_not_start_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that exists and does not start, such as one that only advises to use snap, is not a browser."""
    monkeypatch.setenv("BROWSER_PATH", program(tmp_path / "stub", 1))
    assert browser.find() is None


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Make all browsers unavailable, and return the command line of each pytest that is started."""
    started: list[list[str]] = []

    def run(command: list[str], **_options: object) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(browser, "find_or_install", lambda: None)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("CI", raising=False)
    return started


def test_without_a_browser_the_journeys_are_left_out(
    no_browser: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """All other tests run, and the last line says that the journeys were left out and how to run them."""
    assert suite.main(["tests/web"]) == 0
    assert no_browser[0][-3:] == ["tests/web", "-m", "not journey"]
    last = capsys.readouterr().out.splitlines()[-1]
    assert "LEFT OUT" in last
    assert "apt install chromium" in last


def test_in_ci_a_missing_browser_is_a_failure(
    no_browser: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With CI=true the suite fails instead of leaving the journeys out."""
    monkeypatch.setenv("CI", "true")
    assert suite.main([]) == 1
    assert no_browser == []
