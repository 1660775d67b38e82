#!/usr/bin/env python
"""Django's command line. It runs with the demo's own settings for `manage.py demo`, and for every command on the data
that the demo made; with the real ones otherwise."""

import importlib.util
import os
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

MARKER = "demo"
"""The file in DATA_DIR by which the demo says that the data there is its own; the port it was last run on is in it."""


def settings_module(arguments: Sequence[str], environment: MutableMapping[str, str]) -> str:
    """The settings for a command. On the demo's data PORT becomes the demo's: its forge is at the port after it."""
    if arguments[:1] == ["demo"]:
        return "demo.settings"
    if environment.get("DATABASE_URL") or importlib.util.find_spec("demo") is None:
        return "config.settings"
    folder = Path(environment.get("DATA_DIR") or Path(__file__).resolve().parent / "var")
    try:
        port = (folder / MARKER).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return "config.settings"
    if port.isdecimal():
        environment["PORT"] = port
    return "demo.settings"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(sys.argv[1:], os.environ))
    from django.core.management import execute_from_command_line

    from config.postgres import CannotStart

    try:
        execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
