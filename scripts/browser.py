"""The browser of the journeys: the one that is here, or one that can be had. `python -m scripts.browser` prints it.

In this order: BROWSER_PATH, a Chromium or Chrome of the system, Playwright's own, Playwright's download, and apt
where it may (root, or sudo that asks nothing). With a browser from apt comes a font for Chinese.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PROGRAM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_PATHS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ADVICE = (
    "install Chromium or Chrome (Debian, Ubuntu: apt install chromium fonts-noto-cjk), "
    "or name one by BROWSER_PATH"
)


def find() -> str | None:
    """The path of a browser that starts, or None."""
    return next((path for path in _candidates() if _starts(path)), None)


def obtain() -> str | None:
    """A browser that was here or could be had; says on stderr what it does. Changes the system only by apt."""
    if found := find():
        return found
    _say("No browser here for the journeys through the pages: trying Playwright's download.")
    _run([sys.executable, "-m", "playwright", "install", "chromium"], seconds=900)
    if found := find():
        return found
    if apt := _apt_command():
        _say("Trying apt.")
        _run([*apt, "update", "-q"], seconds=300)
        _run([*apt, "install", "-y", "-q", "chromium", "fonts-noto-cjk"], seconds=900)
    return find()


def has_chinese_font() -> bool:
    """Whether the system has a font for Chinese; where that cannot be asked, it is believed."""
    if not shutil.which("fc-list"):
        return True
    shown = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True)
    return bool(shown.stdout.strip())


def _candidates() -> Iterator[str]:
    if named := os.environ.get("BROWSER_PATH"):
        yield named
        return
    yield from filter(None, map(shutil.which, PROGRAM_NAMES))
    yield from MAC_PATHS
    with contextlib.suppress(Exception):  # without Playwright's driver there is none of its browsers either
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            yield playwright.chromium.executable_path


def _starts(path: str) -> bool:
    """Ubuntu has a `chromium` that only tells to use snap, and a download may lack libraries: so it is tried."""
    if not Path(path).exists():
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    return False


def _apt_command() -> list[str] | None:
    if not shutil.which("apt-get"):
        return None
    words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    if os.geteuid() == 0:
        return words
    with contextlib.suppress(OSError):
        if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
            return ["sudo", "-n", *words]
    return None


def _run(command: Sequence[str], seconds: float) -> None:
    """Runs it with its words on stderr; a failure shows itself in that there is no browser afterwards."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=seconds)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if browser := obtain():
        print(browser)
    else:
        sys.exit(f"There is no browser here: {ADVICE}.")
