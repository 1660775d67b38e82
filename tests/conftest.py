"""What every test stands on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections
from django.db.backends.postgresql.operations import DatabaseOperations
from django.utils import translation


@pytest.fixture(autouse=True, scope="session")
def _empty_tables_between_tests() -> Iterator[None]:
    """Tests that commit are followed by a TRUNCATE, which the triggers of the ledger and of the audit log refuse.

    In that one place, and nowhere in the program, the triggers are off.
    """
    flush = DatabaseOperations.execute_sql_flush

    def flush_without_triggers(self: DatabaseOperations, sql_list: list[str]) -> Any:
        return flush(
            self,
            ["SET session_replication_role = replica;", *sql_list, "SET session_replication_role = origin;"],
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush_without_triggers)
        yield
    for connection in connections.all():
        connection.close()


@pytest.fixture(autouse=True)
def _language_ends_with_the_test() -> Iterator[None]:
    """A page that was read in Chinese leaves Chinese behind in its thread; the next test begins as the first did."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True, scope="session")
def _this_machine_only() -> Iterator[None]:
    """A test that reaches for another machine fails, rather than passing where there is a network."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise PermissionError(f"Tests stay on this machine, and this one asked for {address[0]}.")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield
