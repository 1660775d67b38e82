"""Pages of lists: filters, orders and cursors of GraphQL connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from demo.forge.github_objects import ConnectionPage, QueryRefusal
from demo.forge.ids import read_cursor
from demo.forge.model import LocalIssue, LocalPullRequest


def cut(
    items: list[Any],
    *,
    first: int | None = None,
    last: int | None = None,
    after: str | None = None,
    before: str | None = None,
    key: Callable[[Any], Any] | None = None,
    total: int | None = None,
    **_: Any,
) -> ConnectionPage:
    """Return a page. With ``key`` the list is in descending order of it and cursors are keys (they stay correct while
    the list changes); without it, cursors are positions."""
    keys = [key(item) for item in items] if key else list(range(len(items)))
    try:
        low = read_cursor(after) if after else None
        high = read_cursor(before) if before else None
    except ValueError as error:
        raise QueryRefusal("INVALID_CURSOR_ARGUMENTS", str(error)) from None
    if any(
        isinstance(position, list) != (key is not None) for position in (low, high) if position is not None
    ):
        raise QueryRefusal(
            "INVALID_CURSOR_ARGUMENTS", f"`{after or before}` is no cursor of this connection."
        )
    start, end = 0, len(items)
    if low is not None:
        start = _place(keys, low, falling=key is not None, past=True)
    if high is not None:
        end = _place(keys, high, falling=key is not None, past=False)
    if first is not None:
        end = min(end, start + first)
    elif last is not None:
        start = max(start, end - last)
    count = len(items) if total is None else total
    return ConnectionPage(items[start:end], keys[start:end], count, start > 0, end < len(items))


def _place(keys: list[Any], position: Any, *, falling: bool, past: bool) -> int:
    """Return the index where the keys pass (``past``) or reach a position."""
    for at, key in enumerate(keys):
        reached = key <= position if falling else key >= position
        if reached and not (past and key == position):
            return at
    return len(keys)


def ordered(
    pulls: Sequence[LocalPullRequest | LocalIssue], order: dict[str, str] | None, **arguments: Any
) -> ConnectionPage:
    """Sort. GitHub's default is ascending by number of creation."""
    by = "updated_at" if (order or {}).get("field") == "UPDATED_AT" else "created_at"
    sign = -1 if (order or {}).get("direction") != "DESC" else 1

    def key(pull: LocalPullRequest | LocalIssue) -> list[float]:
        return [sign * getattr(pull, by).timestamp(), sign * pull.id]

    return cut(sorted(pulls, key=key, reverse=True), key=key, **arguments)


def chosen_pulls(
    pulls: Iterable[LocalPullRequest],
    *,
    states: list[str] | None = None,
    labels: list[str] | None = None,
    order_by: dict[str, str] | None = None,
    base_ref_name: str | None = None,
    head_ref_name: str | None = None,
    **paging: Any,
) -> ConnectionPage:
    chosen = [
        pull
        for pull in pulls
        if (states is None or pull.state.upper() in states)
        and (labels is None or set(labels) & set(pull.labels))
        and (base_ref_name is None or pull.repository.default_branch == base_ref_name)
        and (head_ref_name is None or pull.head_branch == head_ref_name)
    ]
    return ordered(chosen, order_by, **paging)
