"""Hints for a reviewer: what to look at twice, each with the fact behind it. Never a verdict, and no points.

A pure function over facts. An unknown fact gives no hint, and no hint says that anything is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

FIRST_HOUR = timedelta(hours=1)
NEW_REPOSITORY = timedelta(days=7)
TINY_LINES = 5
"""A pull request with at most so many changed lines is tiny."""
MANY_TINY = 5
"""So many tiny pull requests in one repository, or more, give a hint."""
TELLING_LABELS = frozenset({"spam", "invalid"})


@dataclass(frozen=True, slots=True)
class WorkElsewhere:
    """Another contribution with the same work, or another claim with the same text.

    ``owner`` names whose it is, as far as the reviewer may know. ``same_person``: it belongs to the claimant.
    """

    where: str
    url: str
    owner: str
    same_person: bool


@dataclass(frozen=True, slots=True)
class ReviewHintFacts:
    """The facts behind the hints of one contribution. ``None`` is unknown and gives no hint.

    ``files`` are the counts of files and lines by category, as a contribution stores them. ``in_repository`` is the
    number of the person's contributions in this repository, ``tiny_in_repository`` of those with at most TINY_LINES
    changed lines. ``shareless`` are the co-authors without a share. ``nameless_commits`` is the number of commits of
    the branch with an author who has no account on the forge.
    """

    created_at: datetime
    merged_at: datetime
    merged_by_self: bool | None = None
    merged_by: str = ""
    owner_is_author: bool | None = None
    owner: str = ""
    files: dict[str, Any] | None = None
    only_whitespace: bool | None = None
    lines: int | None = None
    tiny_in_repository: int = 0
    in_repository: int = 0
    repository_created_at: datetime | None = None
    labels: tuple[str, ...] = ()
    login: str = ""
    is_bot: bool | None = None
    same_text: tuple[WorkElsewhere, ...] = ()
    same_work: tuple[WorkElsewhere, ...] = ()
    shareless: tuple[str, ...] = ()
    nameless_commits: int = 0


@dataclass(frozen=True, slots=True)
class ReviewHint:
    """A hint. ``code`` is stable; ``text`` (what to look at) and ``fact`` (the fact behind it) are for people."""

    code: str
    text: object
    fact: object
    url: str = field(default="")


def hints_for(facts: ReviewHintFacts) -> tuple[ReviewHint, ...]:
    """Return the hints that these facts give, in a fixed order."""
    return tuple(_hints(facts))


def _hints(facts: ReviewHintFacts) -> Iterator[ReviewHint]:
    for twin in facts.same_work:
        if twin.same_person:
            yield ReviewHint(
                "same-work-own",
                _("also found in another place"),
                _("The same work by the same person is also at %(where)s; it counts once.")
                % {"where": twin.where},
                twin.url,
            )
        else:
            yield ReviewHint(
                "same-work",
                _("the same work under another account"),
                _("%(where)s, by %(whose)s.") % {"where": twin.where, "whose": twin.owner},
                twin.url,
            )
    for twin in facts.same_text:
        yield ReviewHint(
            "same-text",
            _("same text as another student's work"),
            _("%(where)s, by %(whose)s.") % {"where": twin.where, "whose": twin.owner},
            twin.url,
        )
    if facts.shareless:
        yield ReviewHint(
            "co-authors",
            _("co-authors without a share"),
            _("Without a share: %(logins)s") % {"logins": ", ".join(facts.shareless)},
        )
    if facts.nameless_commits:
        yield ReviewHint(
            "co-authors-nameless",
            _("authors without an account"),
            _("Commits on its branch whose author has no account on the platform: %(count)s.")
            % {"count": facts.nameless_commits},
        )
    if facts.merged_by_self:
        yield ReviewHint(
            "merged-by-self", _("merged by the author"), _("Merged by %(who)s.") % {"who": facts.merged_by}
        )
    if facts.owner_is_author:
        yield ReviewHint(
            "own-repository",
            _("own repository"),
            _("The repository belongs to %(owner)s.") % {"owner": facts.owner},
        )
    yield from _timing_hints(facts)
    yield from _size_hints(facts)
    named = [label for label in facts.labels if label.strip().casefold() in TELLING_LABELS]
    if named:
        yield ReviewHint(
            "label", _("labelled as spam or invalid"), _("Labels: %(labels)s.") % {"labels": ", ".join(named)}
        )
    if facts.is_bot or facts.login.casefold().endswith("[bot]"):
        yield ReviewHint("bot", _("opened by a bot"), _("The account is %(login)s.") % {"login": facts.login})


def _timing_hints(facts: ReviewHintFacts) -> Iterator[ReviewHint]:
    open_for = facts.merged_at - facts.created_at
    if timedelta() <= open_for <= FIRST_HOUR:
        yield ReviewHint(
            "first-hour",
            _("merged within an hour"),
            _("It was open for %(minutes)s minutes.") % {"minutes": int(open_for.total_seconds()) // 60},
        )
    made = facts.repository_created_at
    if made is not None and facts.merged_at - made <= NEW_REPOSITORY:
        yield ReviewHint(
            "new-repository",
            _("new repository"),
            _("The repository was %(days)s days old when this was merged.")
            % {"days": max((facts.merged_at - made).days, 0)},
        )


def _size_hints(facts: ReviewHintFacts) -> Iterator[ReviewHint]:
    if facts.files and set(facts.files) == {"generated"}:
        yield ReviewHint(
            "generated",
            _("only generated files"),
            _("All of its %(count)s files are generated.") % {"count": facts.files["generated"]["files"]},
        )
    if facts.only_whitespace:
        yield ReviewHint("whitespace", _("only whitespace"), _("Ignoring whitespace, no line is changed."))
    tiny = facts.lines is not None and facts.lines <= TINY_LINES
    if tiny and facts.tiny_in_repository >= MANY_TINY:
        yield ReviewHint(
            "many-tiny",
            _("many tiny pull requests"),
            _("%(tiny)s of %(all)s in this repository change at most %(lines)s lines.")
            % {"tiny": facts.tiny_in_repository, "all": facts.in_repository, "lines": TINY_LINES},
        )
