#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    from config.chosen import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module(sys.argv[1:], os.environ))
    from django.core.management import execute_from_command_line

    from config.postgres import CannotStart

    try:
        execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
