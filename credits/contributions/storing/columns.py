"""How a column is stored and merged. The row classes of :mod:`credits.contributions.storing.db_rows` carry one for each
field, so a column is written down once: the row, the temporary table and the statements follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, get_type_hints


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a row. ``merge`` is the SQL for the value to keep, ``None`` for a column that is written only once.

    In ``merge``, ``{new}`` is the incoming value, ``{old}`` the stored one, and ``{newer}`` the condition that the
    incoming answer is as recent as the stored one.
    """

    sql_type: str
    merge: str | None = None


TAKE = "CASE WHEN {newer} THEN {new} ELSE {old} END"
"""The newer answer wins."""
TAKE_KNOWN = "CASE WHEN {newer} THEN coalesce({new}, {old}) ELSE coalesce({old}, {new}) END"
"""The newer answer wins, but NULL (unknown) never replaces a value."""
TAKE_FILLED = (
    "CASE WHEN {newer} THEN coalesce(nullif({new}, ''), {old}) ELSE coalesce(nullif({old}, ''), {new}) END"
)
"""The newer answer wins, but an empty text never replaces another one."""
GREATEST = "greatest({new}, {old})"
TAKE_STATUS = (
    "CASE WHEN {old} = 'reverted' AND {new} IN ('merged', 'landed') THEN {old} "
    "WHEN {newer} THEN {new} ELSE {old} END"
)
"""The newer answer wins, but a revert stays: it is found elsewhere, and the pull request itself still says merged."""


def columns_of(row_class: type[NamedTuple]) -> Mapping[str, Column]:
    """Return the columns of a row class by name, in the order of its fields. Raise TypeError if a field has none."""
    columns: dict[str, Column] = {}
    for name, hint in get_type_hints(row_class, include_extras=True).items():
        column = next((note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Column)), None)
        if column is None:
            raise TypeError(f"{row_class.__name__}.{name} does not say how it is stored.")
        columns[name] = column
    return columns
