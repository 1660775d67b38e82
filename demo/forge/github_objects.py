"""What GraphQL shows beside the records of the world: commits, events, signatures, pages of lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.forge import github_shapes as shapes
from demo.forge.model import LocalAccount, LocalIssue, LocalPullRequest, LocalRepository, LocalReview


class QueryRefusal(Exception):
    """An entry of ``errors`` with GitHub's ``type`` beside the message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class ShownCommit:
    pull: LocalPullRequest
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
    def authors(self) -> tuple[LocalAccount, ...]:
        """Return the author first, then those named in trailers."""
        if self.landed:
            return (self.pull.author, *self.pull.co_authors)
        return (shapes.commit_author(self.pull, self.sha),)


@dataclass(frozen=True, slots=True)
class BranchCommit:
    commit: ShownCommit


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """A closing or a merge on a pull request's timeline."""

    pull: LocalPullRequest
    merged: bool


@dataclass(frozen=True, slots=True)
class PullRequestMention:
    """Another pull request that mentions this one."""

    pull: LocalPullRequest
    source: LocalPullRequest


@dataclass(frozen=True, slots=True)
class AccountContributions:
    """An account's activity from one time to another."""

    account: LocalAccount
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class NamedNode:
    """A label, licence or language: an object with nothing but a name."""

    kind: str
    name: str
    of: LocalRepository


@dataclass(frozen=True, slots=True)
class CommitSignature:
    account: LocalAccount
    at: datetime


@dataclass(frozen=True, slots=True)
class ConnectionPage:
    """A page of a list. ``total`` counts the whole list; ``keys`` are the positions that cursors refer to."""

    items: Sequence[Any]
    keys: Sequence[Any]
    total: int
    before: bool
    after: bool


def type_name(value: Any) -> str | None:
    """Return the GraphQL type of an object behind an interface or a union."""
    match value:
        case LocalAccount():
            return value.kind
        case LocalRepository():
            return "Repository"
        case LocalIssue():
            return "Issue"
        case (LocalPullRequest(), LocalReview()):
            return "PullRequestReview"
        case PullRequestMention():
            return "CrossReferencedEvent"
        case LocalPullRequest():
            return "PullRequest"
        case ShownCommit():
            return "Commit"
        case BranchCommit():
            return "PullRequestCommit"
        case TimelineEvent():
            return "MergedEvent" if value.merged else "ClosedEvent"
        case NamedNode():
            return {"L": "License", "LAN": "Language", "LA": "Label"}[value.kind]
    return None
