"""Merged work: what was merged, by whom, and how it is known (invariants 1, 2, 3 and 9).

``collecting`` fetches it from the forges, ``storing`` writes it, ``queries`` reads it. ``catalogue`` has the
repositories that the university recognises, ``same_work`` finds the same work in other places, ``shares`` divides a
contribution among its authors, ``review_hints`` says what a reviewer should check, and ``attested_work`` accepts work
that landed under another name. Other rooms import these modules; contracts in ``pyproject.toml`` protect the internal
ones.
"""
