"""Journeys: a real browser, a real server, a real worker, and the local forge."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.identity import forges
from config.celery import app
from demo.forge import LocalForge
from scripts import browser as browsers
from tests.journeys.visitor import Visitor, options
from tests.workers import Workers

SECONDS = 20
"""How long a page may take on a busy machine before a journey gives up."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test in this folder as a journey: it needs the browser, commits, and is slow."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of all journeys.

    Playwright runs an event loop in this thread, and Django would refuse database access because of it.
    """
    path = os.environ.get("BROWSER_PATH") or browsers.find()
    if path is None:
        pytest.skip(f"there is no browser: {browsers.ADVICE}")
    words = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    words += ["--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        words.append("--no-sandbox")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        expect.set_options(timeout=SECONDS * 1000)
        started = playwright.chromium.launch(executable_path=path, args=words)
        yield started
        started.close()


class Clock:
    """The server's clock: the machine's clock, moved. Only edges read it, and they all read ``timezone.now``."""

    def __init__(self) -> None:
        self._real = timezone.now
        self._moved = timedelta(0)

    def now(self) -> datetime:
        return self._real() + self._moved

    def set(self, at: datetime) -> None:
        """Set the time to ``at``; it continues from there."""
        self._moved = at - self._real()

    def pass_to(self, at: datetime | None) -> None:
        """Wait until just after ``at``."""
        assert at is not None
        self.set(at + timedelta(minutes=1))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", made.now)
    return made


@pytest.fixture(scope="package")
def local_forge() -> Iterator[LocalForge]:
    with LocalForge() as serving:
        yield serving


@pytest.fixture
def forge(local_forge: LocalForge, settings: Settings) -> LocalForge:
    """Point the server's forges to the local one, as the environment would."""
    environment = local_forge.environment()
    settings.FORGES = {
        name: {
            key: environment[f"{name.upper()}_{key.upper()}"]
            for key in ("url", "api_url", "client_id", "client_secret")
        }
        | {"tokens": tuple(environment[f"{name.upper()}_TOKENS"].split(","))}
        for name in forges.forge_names()
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        name: settings.SOCIALACCOUNT_PROVIDERS[name]
        | {"APP": {"client_id": one["client_id"], "secret": one["client_secret"]}}
        for name, one in settings.FORGES.items()
    }
    policy = deepcopy(settings.CONTENT_SECURITY_POLICY)
    policy["DIRECTIVES"]["form-action"] = ["'self'", local_forge.url]
    settings.CONTENT_SECURITY_POLICY = policy
    return local_forge


@pytest.fixture(scope="module")
def _worker(
    django_db_setup: None, local_forge: LocalForge, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    made = Workers(tmp_path_factory.mktemp("worker"), local_forge)
    made.start()
    yield made
    made.close()


@pytest.fixture
def worker(_worker: Workers, forge: LocalForge) -> Iterator[Workers]:
    """A worker process that receives the server's messages, and a beat in case a message comes too late."""
    before = app.conf.broker_transport_options
    _send_by(_worker.broker)
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(_worker, over))
    beat.start()
    yield _worker
    over.set()
    beat.join()
    _send_by(before)


def _beat(worker: Workers, over: threading.Event) -> None:
    while not over.wait(20):
        worker.wake()


def _send_by(broker: dict[str, str]) -> None:
    app.conf.broker_transport_options = broker
    app._pool = None
    app.amqp._producer_pool = None


@pytest.fixture(scope="package")
def _server(django_db_setup: None) -> Iterator[LiveServer]:
    """Replaces pytest-django's fixture, which empties the tables after each test: here the tests decide that."""
    started = LiveServer("localhost")
    started._live_server_modified_settings.enable()
    yield started
    started._live_server_modified_settings.disable()
    started.stop()


@pytest.fixture
def server(_server: LiveServer, settings: Settings, tmp_path: Path, forge: LocalForge) -> str:
    """The server's address."""
    settings.EXPORTS_DIR = tmp_path / "exports"
    return _server.url


class Windows:
    """Browser windows that are reused, because opening a window takes half a second of computing.

    Each window is a separate context: its visitor shares nothing with the others. After each test a window has no
    cookies, stored data or pages.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[BrowserContext]] = defaultdict(list)

    def take(self, language: str, **more: object) -> BrowserContext:
        free = self._free[_key(language, more)]
        context = free.pop() if free else self._browser.new_context(**options(language, **more))
        context.set_default_timeout(SECONDS * 1000)
        return context

    def give_back(self, context: BrowserContext, address: str, language: str, **more: object) -> None:
        page = context.new_page()
        origin = {"origin": address, "storageTypes": "all"}
        context.new_cdp_session(page).send("Storage.clearDataForOrigin", origin)
        context.clear_cookies()
        for opened in context.pages:
            opened.close()
        self._free[_key(language, more)].append(context)


def _key(language: str, more: dict[str, object]) -> str:
    return f"{language} {sorted(more.items())}"


@pytest.fixture(scope="package")
def windows(chromium: Browser) -> Windows:
    return Windows(chromium)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(windows: Windows, server: str) -> Iterator[Visit]:
    """``visit(language, width, **options)`` returns a visitor with a separate browser. At the end of the test no
    browser may have complaints."""
    visitors: list[Visitor] = []
    give_back: list[Callable[[], None]] = []

    def begin(language: str = "en", width: str = "wide", **more: object) -> Visitor:
        context = windows.take(language, **more)
        give_back.append(partial(windows.give_back, context, server, language, **more))
        visitors.append(Visitor(context, server, language, width))
        return visitors[-1]

    yield begin
    for give in give_back:
        give()
    assert [said for visitor in visitors for said in visitor.complaints] == []
