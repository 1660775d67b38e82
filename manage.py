#!/usr/bin/env python
"""Django's command line. `manage.py demo` runs with the demo's own settings, everything else with the real ones."""

import os
import sys


def main() -> None:
    settings = "demo.settings" if sys.argv[1:2] == ["demo"] else "config.settings"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    from django.core.management import execute_from_command_line

    from config.postgres import CannotStart

    try:
        execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
