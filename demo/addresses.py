"""Where the demo's servers listen. Light: read before Django's settings are."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured

from demo.forge.credentials import environment

HOST = "127.0.0.1"
PAGES_VARIABLE = "YUANFEN_DEMO_PAGES"
"""The environment variable that the demo sets for its own web server, and for nothing else."""


def web_port() -> int:
    """The pages' port, from PORT; raises ImproperlyConfigured where that is none."""
    said = os.environ.get("PORT") or "8000"
    if not (said.isascii() and said.isdecimal() and len(said) < 6 and 0 < int(said) < 65_535):
        raise ImproperlyConfigured(
            f"PORT is {said[:20]}: name a number from 1 to 65534 (the next port is used too)."
        )
    return int(said)


def forge_port() -> int:
    """The local forge's port, next to the web server's: the same each time, since contributions keep their address."""
    return web_port() + 1


def forge_environment() -> dict[str, str]:
    """The environment variables that point everything at the local forge."""
    return environment(f"http://{HOST}:{forge_port()}")
