"""A forge's data: accounts, repositories, pull requests. Plain records; `ForgeWorld` stores and indexes them.

Numbers and ids are the forge's own integers. Times are aware. A ``deleted`` record stays in its index, because a forge
never gives a number again, but nobody sees it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from demo.forge.ids import sha

ForgeName = Literal["github", "gitee", "atomgit"]
FORGES: tuple[ForgeName, ...] = ("github", "gitee", "atomgit")
AccountKind = Literal["User", "Organization", "Bot", "Mannequin"]
State = Literal["open", "closed", "merged"]


@dataclass(slots=True, eq=False)
class LocalAccount:
    """A person, organisation or bot. ``id`` never changes, ``login`` may.

    ``keys`` and ``signing_keys`` are public SSH keys, one line each; None: the invented one (see `keys.py`).
    ``hidden``: a private profile; a search does not know its name although the pull requests are public.
    """

    forge: ForgeName
    id: int
    login: str
    kind: AccountKind = "User"
    name: str = ""
    created_at: datetime | None = None
    keys: list[str] | None = None
    signing_keys: list[str] = field(default_factory=list)
    hidden: bool = False
    deleted: bool = False


@dataclass(slots=True, eq=False)
class LocalRepository:
    """``licence`` is an SPDX identifier, or None if the repository has no licence."""

    forge: ForgeName
    id: int
    owner: LocalAccount
    name: str
    created_at: datetime
    licence: str | None = None
    stars: int = 0
    language: str | None = None
    description: str = ""
    default_branch: str = "main"
    parent: LocalRepository | None = None
    archived: bool = False
    private: bool = False
    mirror_of: str | None = None
    deleted: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    @property
    def visible(self) -> bool:
        return not (self.deleted or self.private)


@dataclass(frozen=True, slots=True)
class LocalFile:
    path: str
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class LocalReview:
    """``state`` with GitHub's names: APPROVED, CHANGES_REQUESTED, COMMENTED."""

    id: int
    author: LocalAccount
    state: str
    submitted_at: datetime


@dataclass(slots=True, eq=False)
class LocalIssue:
    """``reason`` is why it was closed, with GitHub's names: COMPLETED, NOT_PLANNED."""

    repository: LocalRepository
    number: int
    id: int
    title: str
    author: LocalAccount
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    reason: str | None = None
    labels: list[str] = field(default_factory=list)
    deleted: bool = False

    @property
    def visible(self) -> bool:
        return self.repository.visible and not self.deleted


@dataclass(slots=True, eq=False)
class LocalPullRequest:
    """``merge_commit`` is the commit on the base branch; ``closer`` is the commit that closed a pull request which the
    forge does not call merged (landed by a bot or by hand), with the message ``closer_message``. ``changed_files`` may
    exceed ``len(files)``. ``reverted_by`` are pull requests that revert this one."""

    repository: LocalRepository
    number: int
    id: int
    title: str
    author: LocalAccount
    state: State
    created_at: datetime
    updated_at: datetime
    body: str = ""
    closed_at: datetime | None = None
    merged_at: datetime | None = None
    merge_commit: str | None = None
    closer: str | None = None
    closer_message: str = ""
    merged_by: LocalAccount | None = None
    additions: int = 0
    deletions: int = 0
    changed_files: int = 0
    files: tuple[LocalFile, ...] = ()
    co_authors: tuple[LocalAccount, ...] = ()
    labels: list[str] = field(default_factory=list)
    reviews: list[LocalReview] = field(default_factory=list)
    reverted_by: list[LocalPullRequest] = field(default_factory=list)
    head: LocalRepository | None = None
    head_branch: str = "patch-1"
    draft: bool = False
    deleted: bool = False

    @property
    def visible(self) -> bool:
        return self.repository.visible and not self.deleted

    @property
    def head_sha(self) -> str:
        return self.commit_shas[-1]

    @property
    def commit_shas(self) -> tuple[str, ...]:
        """The commits on the contributor's branch, oldest first: one, and one more for each co-author."""
        return tuple(sha("branch", self.id, index) for index in range(1 + len(self.co_authors)))
