"""Find a browser for the journeys, or install one. `python -m scripts.browser` prints its path.

It tries, in this order: BROWSER_PATH, a Chromium or Chrome of the system, Playwright's own, Playwright's download, and
apt (as root, or with a sudo that asks for no password). With a browser, apt also installs a Chinese font.
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
    "or set BROWSER_PATH to one"
)


def find() -> str | None:
    """Return the path of a browser that starts, or None."""
    return next((path for path in _candidates() if _starts(path)), None)


def find_or_install() -> str | None:
    """Return the path of a browser, after installing one if needed, or None. Only apt changes the system.

    Print to stderr what it does.
    """
    if browser := find():
        return browser
    _say("There is no browser for the journeys through the pages: trying Playwright's download.")
    _run([sys.executable, "-m", "playwright", "install", "chromium"], seconds=900)
    if browser := find():
        return browser
    if apt := _apt_command():
        _say("Trying apt.")
        _run([*apt, "update", "-q"], seconds=300)
        _run([*apt, "install", "-y", "-q", "chromium", "fonts-noto-cjk"], seconds=900)
    return find()


def has_chinese_font() -> bool:
    """Return whether the system has a Chinese font. Return True if fc-list is missing, so that nothing is known."""
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
    with contextlib.suppress(Exception):  # without Playwright's driver, its browsers are missing too
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            yield playwright.chromium.executable_path


def _starts(path: str) -> bool:
    """Return whether the program runs. Ubuntu's `chromium` may only advise to use snap, and a download may lack
    libraries, so it is not enough that the file exists."""
    if not Path(path).exists():
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    return False


def _apt_command() -> list[str] | None:
    if not shutil.which("apt-get"):
        return None
    command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    if os.geteuid() == 0:
        return command
    with contextlib.suppress(OSError):
        if subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
            return ["sudo", "-n", *command]
    return None


def _run(command: Sequence[str], seconds: float) -> None:
    """Run a command with its output on stderr. Ignore a failure: the next search then finds no browser."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=seconds)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if browser := find_or_install():
        print(browser)
    else:
        sys.exit(f"There is no browser: {ADVICE}.")
