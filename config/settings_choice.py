"""Choose the settings that a command runs with. Imports little, because it runs before Django's settings are read."""

from __future__ import annotations

import importlib.util
from collections.abc import MutableMapping, Sequence
from pathlib import Path

DEMO_MARKER = "demo"
"""The file in DATA_DIR that marks the data as the demo's. It contains the port of the demo's last run."""


def choose_settings_module(arguments: Sequence[str], environment: MutableMapping[str, str]) -> str:
    """Return ``demo.settings`` for `manage.py demo` and for commands on the demo's data, otherwise ``config.settings``.

    On the demo's data also set PORT in ``environment`` to the demo's port, because its local forge is at the next one.
    """
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
