"""A fresh local forge for each test, and sessions with the university's tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from demo.forge import LocalForge
from demo.forge.credentials import GITEE_TOKENS, GITHUB_TOKENS

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)


class Clock:
    """The forge's time, which a test may change."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def forge(clock: Clock) -> Iterator[LocalForge]:
    with LocalForge(clock=clock) as local:
        yield local


@pytest.fixture
def github() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"token {GITHUB_TOKENS[0]}"
        yield session


@pytest.fixture
def gitee() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {GITEE_TOKENS[0]}"
        yield session


Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(forge: LocalForge, github: requests.Session) -> Ask:
    """Return a function that sends a GraphQL text with variables and returns the decoded answer."""

    def send(text: str, **variables: Any) -> dict[str, Any]:
        body = {"query": text, "variables": variables}
        answer = github.post(f"{forge.github_url}/api/graphql", json=body, timeout=20)
        assert answer.status_code == 200, answer.text
        decoded: dict[str, Any] = answer.json()
        return decoded

    return send
