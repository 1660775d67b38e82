"""The local forge, with the application's forge addresses set to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.identity import forges
from demo.forge import LocalForge


@pytest.fixture(scope="module")
def local_forge() -> Iterator[LocalForge]:
    with LocalForge() as forge:
        yield forge


@pytest.fixture
def forge(local_forge: LocalForge, settings: Settings) -> LocalForge:
    """Return a local forge whose accounts can be linked and looked up."""
    environment = local_forge.environment()
    settings.FORGES = {
        name: {
            "url": environment[f"{name.upper()}_URL"],
            "api_url": environment[f"{name.upper()}_API_URL"],
            "tokens": tuple(environment[f"{name.upper()}_TOKENS"].split(",")),
            "client_id": environment[f"{name.upper()}_CLIENT_ID"],
            "client_secret": environment[f"{name.upper()}_CLIENT_SECRET"],
        }
        for name in forges.forge_names()
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        name: settings.SOCIALACCOUNT_PROVIDERS[name]
        | {"APP": {"client_id": forge["client_id"], "secret": forge["client_secret"]}}
        for name, forge in settings.FORGES.items()
    }
    return local_forge


@pytest.fixture
def browser() -> Client:
    """Return a browser that prefers English."""
    return Client(headers={"accept-language": "en"})
