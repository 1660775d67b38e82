"""How far a listing by time of update has been delivered, so that nothing is skipped and little is read twice.

Work is delivered oldest first, whatever order the forge lists it in. So one time is enough: everything updated up to
it was delivered. A forge may show an update late, or two updates within one second. Therefore the last minutes before
the mark are always read again, and the mark remembers by id and time of update what was delivered there. ``owed`` are
ids that the forge listed but did not show: the mark passes them, and they are requested again every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from credits.forges.errors import ForgeUnavailable
from credits.forges.json_reading import format_time, parse_time

OVERLAP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Watermark:
    """A mark. ``seen``: everything updated up to here is delivered (None: nothing yet). ``near``: id to time of
    update of everything delivered within :data:`OVERLAP` before ``seen``."""

    seen: datetime | None = None
    near: Mapping[str, datetime] = field(default_factory=dict)
    owed: tuple[str, ...] = ()

    @property
    def since(self) -> datetime | None:
        """The time from which the forge must be read again. None: from the beginning."""
        return None if self.seen is None else self.seen - OVERLAP

    def reached(self, updated: datetime) -> bool:
        """Return whether a listing, newest first, may stop at a row of this time."""
        return self.since is not None and updated < self.since

    def wants(self, key: str, updated: datetime) -> bool:
        """Return whether this row is still to be delivered."""
        return not self.reached(updated) and self.near.get(key) != updated

    def passed(self, key: str, updated: datetime) -> Watermark:
        """Return the mark after this row and all older rows were delivered."""
        moved = self.advanced(updated)
        near = dict(moved.near)
        if not moved.reached(updated):
            near[key] = updated
        return Watermark(moved.seen, near, tuple(owed for owed in moved.owed if owed != key))

    def advanced(self, updated: datetime) -> Watermark:
        """Return the mark after everything up to ``updated`` was read. A mark never moves back."""
        seen = updated if self.seen is None else max(self.seen, updated)
        near = {key: time for key, time in self.near.items() if time >= seen - OVERLAP}
        return Watermark(seen, near, self.owed)

    def owing(self, keys: Iterable[str]) -> Watermark:
        """Return the mark with these ids added to those to request again next time."""
        return Watermark(self.seen, self.near, tuple(dict.fromkeys((*self.owed, *keys))))

    def settled(self, key: str) -> Watermark:
        """Return the mark without an owed id that was delivered or is gone."""
        return Watermark(self.seen, self.near, tuple(owed for owed in self.owed if owed != key))

    def to_json(self) -> dict[str, Any]:
        return {
            "seen": None if self.seen is None else format_time(self.seen),
            "near": {key: format_time(time) for key, time in sorted(self.near.items())},
            "owed": list(self.owed),
        }

    @classmethod
    def from_json(cls, value: object) -> Watermark:
        """Read what :meth:`to_json` wrote. Return an empty mark for anything else: reading again is safe, skipping is
        not."""
        try:
            if not isinstance(value, dict):
                return cls()
            near, owed = value.get("near"), value.get("owed")
            if not isinstance(near, dict) or not isinstance(owed, list):
                return cls()
            if not all(isinstance(key, str) for key in (*near, *owed)):
                return cls()
            seen = None if value.get("seen") is None else parse_time(value["seen"])
            return cls(seen, {key: parse_time(time) for key, time in near.items()}, tuple(owed))
        except ForgeUnavailable:
            return cls()
