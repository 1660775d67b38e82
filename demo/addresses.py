"""Addresses where the demo's servers listen. Imports little, because it is read before Django's settings."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

from demo.forge.credentials import environment

HOST = "127.0.0.1"
PAGES_VARIABLE = "YUANFEN_DEMO_PAGES"
"""The environment variable that the demo sets for its own web server, and for no other process."""


def web_port() -> int:
    """Return the port of the web pages, from PORT. Raise ImproperlyConfigured if PORT is not a usable number."""
    port = os.environ.get("PORT") or "8000"
    if not (port.isascii() and port.isdecimal() and len(port) < 6 and 0 < int(port) < 65_535):
        raise ImproperlyConfigured(
            f"PORT is {port[:20]}: name a number from 1 to 65534 (the next port is used too)."
        )
    return int(port)


def forge_port() -> int:
    """Return the local forge's port. It is always the one after the web server's, so that stored addresses stay
    valid."""
    return web_port() + 1


def forge_environment() -> dict[str, str]:
    """Return the environment variables that point all processes at the local forge."""
    return environment(f"http://{HOST}:{forge_port()}")
