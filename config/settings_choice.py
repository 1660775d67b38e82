"""Which settings a command runs with. Light: read before Django's settings are."""

from __future__ import annotations

import importlib.util
from collections.abc import MutableMapping, Sequence
from pathlib import Path

DEMO_MARKER = "demo"
"""The file in DATA_DIR by which the demo says that the data there is its own; the port it was last run on is in it."""


def choose_settings_module(arguments: Sequence[str], environment: MutableMapping[str, str]) -> str:
    """The demo's settings for `manage.py demo`, and for every command on the data that the demo made; otherwise the
    real ones. On the demo's data PORT becomes the demo's: its forge is at the port after it."""
    if arguments[:1] == ["demo"]:
        return "demo.settings"
    if environment.get("DATABASE_URL") or importlib.util.find_spec("demo") is None:
        return "config.settings"
    folder = Path(environment.get("DATA_DIR") or Path(__file__).resolve().parent.parent / "var")
    try:
        port = (folder / DEMO_MARKER).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "config.settings"
    if port.isdecimal():
        environment["PORT"] = port
    return "demo.settings"
