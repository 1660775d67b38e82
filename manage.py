#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    from config.settings_choice import choose_settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", choose_settings_module(sys.argv[1:], os.environ))
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError
    from psycopg_pool import PoolTimeout

    from embedded_postgres import CannotStart

    try:
        execute_from_command_line(sys.argv)
    except (CannotStart, ImproperlyConfigured) as error:
        sys.exit(str(error))
    except OperationalError as error:
        if not isinstance(error.__cause__, PoolTimeout):
            raise
        sys.exit(
            "The database does not answer; the reason is above. "
            "Check that it is running and that DATABASE_URL is right."
        )


if __name__ == "__main__":
    main()
