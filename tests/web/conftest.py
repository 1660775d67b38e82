"""Fixtures for tests of pages: a clock that stands still, people who are signed in, and the text of a page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.factories import NOW

INLINE = re.compile(
    r'\s(style|on[a-z]+)\s*=|<style|<script(?![^>]*\ssrc=)|(href|src|action)="?\s*javascript:', re.IGNORECASE
)
TAGS = re.compile(r"<[a-zA-Z][^>]*>")


class Clock:
    """The time that pages read. Set ``at`` to change it."""

    def __init__(self) -> None:
        self.at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(timezone, "now", made)
    return made


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """Return a function that opens a browser for a signed-in person, in English by default."""

    def sign_in(user: User, language: str = "en") -> Client:
        client = Client(headers={"accept-language": language})
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return sign_in


@pytest.fixture
def html() -> Callable[[HttpResponse], str]:
    """Return a function that reads a page's text, with white space collapsed as in a browser.

    It fails if the page has inline scripts or styles.
    """

    def read(answer: Any) -> str:
        text: str = answer.content.decode()
        for tag in TAGS.findall(text):
            assert not INLINE.search(tag), f"inline script or style: {tag}"
        return " ".join(text.split())

    return read
