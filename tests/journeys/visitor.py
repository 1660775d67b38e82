"""A person at a browser: what they press and read, and what must not happen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect

from accounts.models import User
from tests.journeys.words import Words

PASSWORD = "a long walk by the lake"
WIDTHS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
LOCALES = {"zh-hans": "zh-CN", "en": "en-GB"}
IGNORED_MESSAGES = (
    "Failed to load resource",
    "Response Status Error Code",
    "htmx:afterRequest",
    "htmx:sendAbort",
)
"""The beginnings of console messages to ignore: about a status (answers are checked directly), and about a fragment
request that a newer one replaced."""


class Visitor:
    """A person in a browser window.

    ``complaints`` collects errors in the console (violations of the content security policy are reported there),
    failed requests, and answers with a status from 400 on, except inside :meth:`expecting`.
    """

    def __init__(self, context: BrowserContext, address: str, language: str, width: str) -> None:
        self.page: Page = context.new_page()
        self.page.set_viewport_size(WIDTHS[width])
        self.words = Words(language)
        self.complaints: list[str] = []
        self.statuses: list[int] = []
        """Statuses of the pages and fragments that were answered, in their order."""
        self._address = address
        self._expected: tuple[int, ...] = ()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        self.page.on("requestfailed", self._on_failure)
        self.page.on("response", self._on_response)

    # -- going about -------------------------------------------------------------------------------------------------

    def open(self, name: str, *args: object) -> int:
        """Open a page by its URL name or its path, and return the status."""
        path = name if name.startswith("/") else reverse(name, args=args)
        answer = self.page.goto(self._address + path)
        assert answer is not None
        return answer.status

    def sign_in(self, user: User) -> None:
        """Start a new session without the sign-in page; end on the person's first page."""
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self._address}]
        )
        self.open("home")

    def sign_in_on_page(self, user: User) -> None:
        """Sign in as people do, through the sign-in page; end on the person's first page."""
        self.open("account_login")
        # These two labels are allauth's own.
        self.content.locator("[name=login]").fill(user.username)
        self.content.locator("[name=password]").fill(PASSWORD)
        self.content.get_by_role("button", name=self.words("Sign in"), exact=True).click()
        self.page.wait_for_url(lambda url: "/accounts/login/" not in url)

    def path(self) -> str:
        return self.page.url.removeprefix(self._address)

    # -- pressing and writing ----------------------------------------------------------------------------------------

    @property
    def content(self) -> Locator:
        return self.page.get_by_role("main")

    def button(self, text: str, **filled: object) -> Locator:
        return self.content.get_by_role("button", name=self.words(text, **filled))

    def press(self, text: str, **filled: object) -> None:
        self.button(text, **filled).click()

    def follow(self, text: str, **filled: object) -> None:
        self.page.get_by_role("link", name=self.words(text, **filled)).first.click()

    def field(self, label: str) -> Locator:
        """Return the field whose label begins with this text (allauth and our own pages may add to it)."""
        labelled = self.content.get_by_label(re.compile(f"^{re.escape(self.words(label))}"))
        return labelled.and_(self.page.locator("input, select, textarea"))

    def write(self, label: str, text: str) -> None:
        self.field(label).fill(text)

    # -- reading -----------------------------------------------------------------------------------------------------

    def sees(self, text: str, **filled: object) -> None:
        """Wait until the page shows the text."""
        expect(self.content.get_by_text(self.words(text, **filled)).first).to_be_visible()

    def sees_heading(self, text: str, **filled: object) -> None:
        name = self.words(text, **filled)
        expect(self.content.get_by_role("heading", name=name).first).to_be_visible()

    def alert(self) -> Locator:
        return self.content.get_by_role("alert")

    def section(self, heading: str, **filled: object) -> Locator:
        """Return the part of the page that has this heading or label."""
        return self.content.get_by_role("region", name=self.words(heading, **filled))

    # -- what must not happen ----------------------------------------------------------------------------------------

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Expect answers with these statuses inside the block, each at least once."""
        before, self._expected = len(self.statuses), statuses
        try:
            yield
            # This delivers messages that the browser has sent and we have not received yet.
            self.page.evaluate("0")
        finally:
            self._expected = ()
        missed = set(statuses) - set(self.statuses[before:])
        assert not missed, f"not answered: {missed}"

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(IGNORED_MESSAGES):
            self.complaints.append(f"console: {message.text}")

    def _on_failure(self, request: Request) -> None:
        # A page that is left before its fragments have come, and a download, end requests too.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url} {request.failure}")

    def _on_response(self, response: Response) -> None:
        if not response.url.startswith(self._address):
            return
        if response.request.resource_type in {"document", "xhr", "fetch"}:
            self.statuses.append(response.status)
        if response.status >= 400 and response.status not in self._expected:
            self.complaints.append(f"{response.status}: {response.request.method} {response.url}")


def options(language: str, **more: Any) -> dict[str, Any]:
    """Return the options of a browser context for a reader of this language."""
    return {
        "viewport": WIDTHS["wide"],
        "locale": LOCALES[language],
        "timezone_id": "Asia/Shanghai",
        "accept_downloads": True,
        "reduced_motion": "reduce",
        **more,
    }
