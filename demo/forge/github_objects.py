"""What GraphQL shows beside the records of the world: commits, events, signatures, pages of lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.forge import github_shapes as shapes
from demo.forge.model import Account, Issue, PullRequest, Repository, Review


class Refusal(Exception):
    """An entry of ``errors`` with GitHub's ``type`` beside the message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Commit:
    pull: PullRequest
    sha: str

    @property
    def landed(self) -> bool:
        return self.sha in (self.pull.merge_commit, self.pull.closer)

    @property
    def at(self) -> datetime:
        return (self.pull.closed_at if self.landed else None) or self.pull.created_at

    @property
    def message(self) -> str:
        return shapes.message(self.pull, self.sha) if self.landed else self.pull.title

    @property
    def authors(self) -> tuple[Account, ...]:
        """Author first, then those named in trailers."""
        if self.landed:
            return (self.pull.author, *self.pull.co_authors)
        return (shapes.commit_author(self.pull, self.sha),)


@dataclass(frozen=True, slots=True)
class BranchCommit:
    commit: Commit


@dataclass(frozen=True, slots=True)
class Event:
    """A closing or a merge on a pull request's timeline."""

    pull: PullRequest
    merged: bool


@dataclass(frozen=True, slots=True)
class Mention:
    """Another pull request that names this one."""

    pull: PullRequest
    source: PullRequest


@dataclass(frozen=True, slots=True)
class Contributions:
    """What an account did from one time to another."""

    account: Account
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A label, licence or language: all that it is, is its name."""

    kind: str
    name: str
    of: Repository


@dataclass(frozen=True, slots=True)
class Signature:
    account: Account
    at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """A page of a list. ``total`` counts all of it; ``keys`` are the positions that cursors stand for."""

    items: Sequence[Any]
    keys: Sequence[Any]
    total: int
    before: bool
    after: bool


def type_name(value: Any) -> str | None:
    """The GraphQL type of an object behind an interface or a union."""
    match value:
        case Account():
            return value.kind
        case Repository():
            return "Repository"
        case Issue():
            return "Issue"
        case (PullRequest(), Review()):
            return "PullRequestReview"
        case Mention():
            return "CrossReferencedEvent"
        case PullRequest():
            return "PullRequest"
        case Commit():
            return "Commit"
        case BranchCommit():
            return "PullRequestCommit"
        case Event():
            return "MergedEvent" if value.merged else "ClosedEvent"
        case Named():
            return {"L": "License", "LAN": "Language", "LA": "Label"}[value.kind]
    return None
