"""Which settings a command runs with, and where sign-in by one click exists."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings_choice import DEMO_MARKER, choose_settings_module
from demo.addresses import PAGES_VARIABLE

ROOT = Path(__file__).resolve().parents[2]


def test_commands_on_the_demos_data_run_with_its_settings(tmp_path: Path) -> None:
    """The marker in DATA_DIR decides, and gives PORT, which the demo's forge is next to. A database given by
    DATABASE_URL is never the demo's."""
    environment = {"DATA_DIR": str(tmp_path)}
    assert choose_settings_module(["collect"], environment) == "config.settings"
    assert choose_settings_module(["demo"], environment) == "demo.settings"
    (tmp_path / DEMO_MARKER).write_text("9000\n")
    assert choose_settings_module(["collect"], environment) == "demo.settings"
    assert environment["PORT"] == "9000"
    outside = {"DATA_DIR": str(tmp_path), "DATABASE_URL": "postgresql://u:p@host/name"}
    assert choose_settings_module(["collect"], outside) == "config.settings"
    assert "PORT" not in outside


def test_where_the_demo_is_not_installed_no_marker_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker file alone changes nothing if the package ``demo`` is missing."""
    (tmp_path / DEMO_MARKER).write_text("9000\n")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert choose_settings_module(["collect"], {"DATA_DIR": str(tmp_path)}) == "config.settings"


@pytest.mark.parametrize(("pages", "urls"), [("", "config.urls"), ("1", "demo.urls")])
def test_one_click_is_only_where_the_demo_serves_its_own_pages(tmp_path: Path, pages: str, urls: str) -> None:
    """The demo's settings alone do not have this address, for example in a server that somebody starts by hand."""
    program = (
        "import demo.settings as s; "
        "print(s.ROOT_URLCONF, s.BASE_DIR / 'demo' / 'templates' in s.TEMPLATES[0]['DIRS'])"
    )
    completed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": "postgresql://u:p@127.0.0.1:1/none",
            "SECRET_KEY": "only-for-this-test",
            PAGES_VARIABLE: pages,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout.split() == [urls, str(urls == "demo.urls")]
