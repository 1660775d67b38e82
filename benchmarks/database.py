"""A separate database for a measurement, deleted afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import django


@contextmanager
def empty_database(environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Set up Django (with ``environment``, if it is not set up yet) on an empty migrated database."""
    os.environ.update(environment or {})
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection

    usual = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = "bench_yuanfen"
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(usual, verbosity=0)
