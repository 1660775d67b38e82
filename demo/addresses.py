"""Where the demo's servers listen. Light: read before Django's settings are."""

from __future__ import annotations

import os

from demo.forge.credentials import environment

HOST = "127.0.0.1"
PAGES = "YUANFEN_DEMO_PAGES"
"""The environment variable that the demo sets for its own web server, and for nothing else."""


def web_port() -> int:
    return int(os.environ.get("PORT") or 8000)


def forge_port() -> int:
    """The local forge's port, next to the web server's: the same each time, since contributions keep their address."""
    return web_port() + 1


def forge_environment() -> dict[str, str]:
    """The environment variables that point everything at the local forge."""
    return environment(f"http://{HOST}:{forge_port()}")
