"""Take a picture of every page: ``python -m demo.screenshots [--output FOLDER]``.

Two made-up universities are shown, one on its first day and the demo's own after its story, wide and narrow, in both
languages. All pictures go to DATA_DIR/screenshots; with ``--output`` those that README shows are copied to FOLDER as
well. The servers run on free ports with their own data, and both are removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

from demo import people
from demo.addresses import HOST
from scripts import browser as browsers

PROJECT_DIR = Path(__file__).resolve().parent.parent
READY_SECONDS = 240
WIDTHS = {"wide": (1280, 860), "narrow": (390, 844)}
LOCALES = {"zh": "zh-CN", "en": "en-GB"}
README_SHOTS = (
    "student-home-wide-en",
    "student-home-wide-zh",
    "student-home-narrow-zh",
    "claim-trace-wide-en",
    "instructor-claim-wide-en",
    "registrar-ready-wide-zh",
)
"""Pictures that README shows. They show the first screen, not the whole page."""

PageAction = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class PageShot:
    """A picture's name, the address of its page, and what to do there first. ``first`` selects a link on that page,
    which leads to the page to show."""

    name: str
    address: str
    first: str = ""
    act: PageAction | None = None


@dataclass(frozen=True, slots=True)
class ScreenshotReader:
    """The username to sign in with (empty: not signed in), and the pictures to take."""

    username: str
    shots: tuple[PageShot, ...]


def unfold(page: Page) -> None:
    """Open the first two explanations, which are looked at most."""
    page.evaluate(
        "[...document.querySelectorAll('details.why')].slice(0, 2).forEach(element => element.open = true)"
    )


def unfold_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(element => element.open = true)")


def begin(page: Page) -> None:
    """Start an application if there is none yet."""
    button = page.locator("main form:not([id]) button.btn-primary")
    if button.count():
        button.click()
        page.wait_for_selector("#estimate")
    unfold(page)


def refuse_lines(page: Page) -> None:
    """Refuse the first line and give points for the second. The form then asks for a reason for each."""
    page.locator("[value=no]").first.check()
    page.locator("[type=number]").nth(1).fill("3")
    page.locator("[type=number]").nth(1).blur()


def simulate(page: Page) -> None:
    """Start a simulation if there is none yet, and wait until it is finished."""
    simulations = page.locator("main a[href*='/simulations/']")
    if simulations.count():
        simulations.first.click()
    else:
        page.locator("main a[href*='/open-source-practice/']").first.click()
        page.locator("form[action$='/simulate/'] button").click()
    page.wait_for_selector("#found")
    unfold(page)


def refuse_a_roster(page: Page) -> None:
    text = "student_number,name,email,department,programme,level,year\n" + 2 * (
        "0025101,赵新,zhao@demo.example,软件学院,软件工程,本科,2025\n"
    )
    page.set_input_files(
        "input[type=file]", [FilePayload(name="roster.csv", mimeType="text/csv", buffer=text.encode())]
    )
    page.click("#roster button")
    page.wait_for_selector("#report table")


def mistype_a_rulebook(page: Page) -> None:
    text = page.input_value("textarea").replace("repository.osi_approved", "repository.osi_aproved", 1)
    page.fill("textarea", text)
    page.click("main form button")
    page.wait_for_selector(".faulty")
    page.evaluate("document.querySelector('.faulty').scrollIntoView({block: 'center'})")


def mistype_a_login(page: Page) -> None:
    page.fill("[name=student_number]", "0023001")
    page.fill("[name=login]", "nobody-at-all")
    page.fill("[name=reason]", "当面出示。")
    page.click("main form button")
    page.wait_for_selector("main [role=alert]")


EMPTY = (
    ScreenshotReader(
        "student",
        tuple(
            PageShot(f"empty-student-{name}", f"/student/{path}")
            for name, path in (
                ("home", ""),
                ("accounts", "accounts/"),
                ("contributions", "contributions/"),
                ("claim", "claim/"),
                ("transcript", "transcript/"),
            )
        ),
    ),
    ScreenshotReader("instructor", (PageShot("empty-instructor-queue", "/instructor/"),)),
    ScreenshotReader(
        "registrar",
        tuple(
            PageShot(f"empty-registrar-{name}", f"/registrar/{path}")
            for name, path in (
                ("ready", ""),
                ("terms", "terms/"),
                ("rounds", "rounds/"),
                ("ledger", "ledger/"),
                ("exports", "exports/"),
                ("roster", "roster/"),
                ("link", "link/"),
            )
        ),
    ),
    ScreenshotReader(
        "steward", (PageShot("empty-steward-rulebooks", "/rulebooks/"), PageShot("empty-notice", "/notice/"))
    ),
)

CLAIM = "main a[href*='/claims/']"
FULL = (
    ScreenshotReader("", (PageShot("sign-in", "/accounts/login/"), PageShot("nothing-here", "/nowhere/"))),
    ScreenshotReader(
        "student",
        (
            PageShot("student-home", "/student/"),
            PageShot("student-accounts", "/student/accounts/"),
            PageShot("student-contributions", "/student/contributions/", act=unfold),
            PageShot(
                "student-contribution", "/student/contributions/", "main a[href^='/student/contributions/']"
            ),
            PageShot("student-attest", "/student/attested/"),
            PageShot("student-claim-new", "/student/rounds/demo-this/claim/"),
            PageShot("student-transcript", "/student/transcript/"),
            PageShot("notice", "/notice/"),
            PageShot("not-open", "/registrar/"),
        ),
    ),
    ScreenshotReader(
        "student",
        (
            PageShot("student-claim-draft", "/student/rounds/demo-this/claim/", act=begin),
            PageShot("student-home-draft", "/student/"),
        ),
    ),
    ScreenshotReader(
        "0025015",
        (PageShot("newcomer-home", "/student/"), PageShot("newcomer-accounts", "/student/accounts/")),
    ),
    ScreenshotReader(
        "0022012",
        (PageShot("hearing-home", "/student/"), PageShot("hearing-claim", "/student/", CLAIM, unfold)),
    ),
    ScreenshotReader(
        "0022013", (PageShot("notice-home", "/student/"), PageShot("notice-claim", "/student/", CLAIM))
    ),
    ScreenshotReader(
        "0024010",
        (PageShot("waiting-home", "/student/"), PageShot("claim-trace", "/student/", CLAIM, unfold)),
    ),
    ScreenshotReader("0022002", (PageShot("recorded-transcript", "/student/transcript/"),)),
    ScreenshotReader(
        "instructor",
        (
            PageShot("instructor-queue", "/instructor/"),
            PageShot("instructor-claim", "/instructor/", "main a[href*='/instructor/claims/']"),
            PageShot(
                "instructor-claim-why", "/instructor/", "main a[href*='/instructor/claims/']", unfold_all
            ),
            PageShot(
                "instructor-claim-less", "/instructor/", "main a[href*='/instructor/claims/']", refuse_lines
            ),
            PageShot("instructor-attested", "/instructor/attested/"),
        ),
    ),
    ScreenshotReader(
        "registrar",
        (
            PageShot("registrar-ready", "/registrar/"),
            PageShot("registrar-claim", "/registrar/", CLAIM),
            PageShot("registrar-rounds", "/registrar/rounds/", act=unfold_all),
            PageShot("registrar-terms", "/registrar/terms/"),
            PageShot("registrar-term", "/registrar/terms/", "main a[href^='/registrar/terms/']"),
            PageShot("registrar-ledger", "/registrar/ledger/?verify=1"),
            PageShot("registrar-exports", "/registrar/exports/"),
            PageShot("registrar-roster", "/registrar/roster/"),
            PageShot("registrar-roster-refused", "/registrar/roster/", act=refuse_a_roster),
            PageShot("registrar-link", "/registrar/link/"),
            PageShot("registrar-link-unknown", "/registrar/link/", act=mistype_a_login),
            PageShot("registrar-transcript", "/registrar/students/0022002/transcript/"),
            PageShot("registrar-collecting", "/collecting/"),
        ),
    ),
    ScreenshotReader(
        "steward",
        (
            PageShot("steward-rulebooks", "/rulebooks/"),
            PageShot("steward-version", "/rulebooks/open-source-practice/1/"),
            PageShot("steward-version-ects", "/rulebooks/", "main a[href*=ects]", unfold_all),
            PageShot("steward-simulation", "/rulebooks/", act=simulate),
            PageShot("steward-simulations", "/rulebooks/simulations/"),
            PageShot("steward-propose", "/rulebooks/propose/?from=open-source-practice/1"),
            PageShot(
                "steward-propose-faults",
                "/rulebooks/propose/?from=open-source-practice/1",
                act=mistype_a_rulebook,
            ),
        ),
    ),
    ScreenshotReader(
        "admin",
        (
            PageShot("admin-people", "/people/"),
            PageShot("admin-people-found", "/people/?q=%E7%A4%BA%E8%8C%83"),
            PageShot("password", "/accounts/password/change/"),
        ),
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo.screenshots", description=__doc__)
    parser.add_argument("--output", type=Path, help="a folder for the pictures that README shows")
    arguments = parser.parse_args()
    browser_path = browsers.find_or_install()
    if browser_path is None:
        print(f"There is no browser to take pictures with: {browsers.ADVICE}.", file=sys.stderr)
        return 1
    if not browsers.has_chinese_font():
        print(
            "There is no Chinese font here: pictures show boxes (apt install fonts-noto-cjk).",
            file=sys.stderr,
        )
    folder = Path(os.environ.get("DATA_DIR") or PROJECT_DIR / "var").resolve() / "screenshots"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(prefix="yuanfen-") as scratch:
        switches = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
        switches += ["--disable-component-update", "--disable-sync"]
        if os.geteuid() == 0:
            switches.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=browser_path, args=switches)
        for name, command, readers in (
            ("first-day", ("-m", "demo.first_day"), EMPTY),
            ("story", ("manage.py", "demo"), FULL),
        ):
            with _serve(command, Path(scratch) / name) as address:
                for reader in readers:
                    _take_screenshots(browser, address, reader, folder)
        browser.close()
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name in README_SHOTS:
            shutil.copyfile(folder / "readme" / f"{name}.png", arguments.output / f"{name}.png")
    print(f"{sum(1 for _picture in folder.glob('*.png'))} pictures in {folder}")
    return 0


def _take_screenshots(browser: Browser, address: str, reader: ScreenshotReader, folder: Path) -> None:
    """Take every picture of a reader in each width and language, one picture at a time, because an action may change
    the next page."""
    pages: dict[str, Page] = {}
    for language, locale in LOCALES.items():
        for width, (across, down) in WIDTHS.items():
            context = browser.new_context(
                viewport={"width": across, "height": down},
                locale=locale,
                timezone_id="Asia/Shanghai",
                reduced_motion="reduce",
            )
            page = pages[f"{width}-{language}"] = context.new_page()
            if reader.username:
                _sign_in(page, address, reader.username)
    for shot in reader.shots:
        for kind, page in pages.items():
            page.goto(address + shot.address)
            if shot.first:
                page.goto(address + (page.locator(shot.first).first.get_attribute("href") or ""))
            if shot.act is not None:
                shot.act(page)
            page.wait_for_load_state("networkidle")
            name = f"{shot.name}-{kind}"
            page.screenshot(path=folder / f"{name}.png", full_page=True)
            if name in README_SHOTS:
                page.screenshot(path=folder / "readme" / f"{name}.png")
    for page in pages.values():
        page.context.close()


def _sign_in(page: Page, address: str, username: str) -> None:
    """Sign in by one click if the sign-in page offers the person, otherwise with the password that everybody in the
    demo has. Return when the address shows that it worked."""
    page.goto(f"{address}/accounts/login/")
    one_click = page.locator(f"form[action='/demo/sign-in/{username}/'] button")
    if one_click.count():
        one_click.click()
    else:
        page.fill("[name=login]", username)
        page.fill("[name=password]", people.PASSWORD)
        page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile(f"^{re.escape(address)}/(?!accounts/)"))


@contextmanager
def _serve(command: Sequence[str], data: Path) -> Iterator[str]:
    """Run the command that serves a made-up university from ``data``. Yield its address when it is ready."""
    port = _two_free_ports()
    address = f"http://{HOST}:{port}"
    environment = {**os.environ, "DATA_DIR": str(data), "PORT": str(port)}
    environment.pop("DATABASE_URL", None)
    server = subprocess.Popen(
        [sys.executable, *command], cwd=PROJECT_DIR, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _is_answering(f"{address}/health/ready"):
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{' '.join(command)} did not come up.")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=60)


def _is_answering(address: str) -> bool:
    try:
        urlopen(address, timeout=5).close()  # noqa: S310  (our own loopback address)
    except OSError:
        return False
    return True


def _two_free_ports() -> int:
    """Return a port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind((HOST, 0))
            port = int(first.getsockname()[1])
            try:
                second.bind((HOST, port + 1))
            except (OSError, OverflowError):
                continue
            return port


if __name__ == "__main__":
    sys.exit(main())
