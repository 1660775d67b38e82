"""What a forge must be able to do, and the facts it hands back.

An adapter is one module with one class that satisfies :class:`Forge`, plus a row in ``accounts.identity.forges``.
Adapters speak to the forge and translate; they store nothing, read no settings and no clock but the one they are given.
Facts are frozen and hold only what the forge said: ``None`` means that the forge did not say (unknown), an empty
tuple means that it said "none". The two are never mixed up (invariant 9).

What a forge cannot do at all, its adapter says with a :class:`ForgeError` of the code ``forge-cannot``, never with an
empty answer.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from credits.forges.errors import ForgeError
from credits.forges.tokens import TokenPool

ChangeStatus = Literal["merged", "landed", "reverted", "gone", "unknown"]
ChangeKind = Literal["pull_request", "review", "issue"]


@dataclass(frozen=True, slots=True)
class AccountOnForge:
    """An account on a forge. ``id`` is the forge's immutable user id as text; ``login`` only a label that may
    change; ``node_id`` is GitHub's GraphQL id (empty elsewhere); ``kind`` is ``user``, ``bot``, ``organisation``
    or ``ghost``."""

    id: str
    login: str
    node_id: str = ""
    kind: str = "user"


@dataclass(frozen=True, slots=True)
class RepositoryOnForge:
    """A repository as the forge describes it now. ``id`` is immutable, ``full_name`` may change."""

    id: str
    full_name: str
    url: str
    owner: AccountOnForge | None = None
    stars: int | None = None
    licence: str | None = None
    """SPDX identifier; ``""`` when the forge says that there is none."""
    language: str | None = None
    is_fork: bool | None = None
    is_mirror: bool | None = None
    is_archived: bool | None = None
    is_private: bool | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    path: str
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class MergedChange:
    """One merged pull request. Times are aware; ``number`` and ``id`` are text.

    A further kind is told in the same words. ``review``: ``number`` is the review's own id, ``author`` the reviewer,
    ``merged_at`` the time of submitting, title and url those of what was reviewed. ``issue``: ``merged_at`` is when it
    was closed as completed. Neither has lines, files or a commit (``None``).

    ``status`` ``landed``: the forge calls it closed, but the repository's own rule says that the work went in
    (``landed_by`` names the rule, ``merge_commit`` is the commit, ``raw`` holds what the rule saw).
    """

    id: str
    number: str
    repository: RepositoryOnForge
    title: str
    url: str
    author: AccountOnForge | None
    created_at: datetime
    merged_at: datetime
    updated_at: datetime
    additions: int | None
    deletions: int | None
    changed_files: int | None
    files: tuple[ChangedFile, ...] | None
    """At most what the forge lists (GitHub 100 a page here, Gitee 300); ``changed_files`` has the true count."""
    labels: tuple[str, ...] | None
    merge_commit: str | None
    merged_by: AccountOnForge | None
    co_authors: tuple[AccountOnForge, ...] | None
    found_by: str
    """How it was found: ``account``, ``watched``, ``fork``, ``event``, ``search``, ``link``."""
    kind: ChangeKind = "pull_request"
    status: ChangeStatus = "merged"
    landed_by: str = ""
    node_id: str = ""
    """GitHub's GraphQL id of it (empty elsewhere): the cheapest way to see it again."""
    patch_id: str | None = None
    """:func:`credits.forges.patch_identity.diff_id` of the whole diff, where the forge gave one."""
    only_whitespace: bool | None = None
    """Whether nothing but white space changed, where the forge gave the whole diff."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """What the forge answered, trimmed to the fields used: kept as evidence."""


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """What has been merged for ``account`` since ``cursor`` (opaque text of the adapter's own; empty: everything).

    ``repositories`` are full names to look in, for forges without a listing across repositories. ``kinds`` are asked
    for besides what costs nothing more; one that the forge does not list is not asked, and does not fail the account.
    """

    account: AccountOnForge
    cursor: str = ""
    repositories: tuple[str, ...] = ()
    kinds: tuple[ChangeKind, ...] = ("pull_request",)


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """Part of the answer for one account: store ``changes`` and move the cursor to ``cursor`` in one transaction.

    ``done``: the account is complete up to ``cursor``. ``failure``: this account failed; ``changes`` (what was got
    before) may be stored, ``cursor`` equals what is safe to resume from, and the account is not complete.
    ``account`` carries the login as the forge has it now.
    """

    account: AccountOnForge
    changes: tuple[MergedChange, ...]
    cursor: str
    done: bool
    failure: ForgeError | None = None


@dataclass(frozen=True, slots=True)
class ChangeRef:
    """A change that is held already, by what never changes: ids, and the number within the repository. ``full_name``
    is the name last seen; ``node_id`` may be empty."""

    id: str
    number: str
    repository_id: str
    full_name: str
    kind: ChangeKind = "pull_request"
    node_id: str = ""
    merged_at: datetime | None = None
    merge_commit: str | None = None


@dataclass(frozen=True, slots=True)
class RecheckAnswer:
    """How a change stands now.

    ``change`` are the facts of today (labels, names after a rename or transfer); ``None`` where it is ``gone``, or
    ``unknown`` because of ``failure``. ``reverted_by`` is the address of the merged change or commit that took it
    back (then ``status`` is ``reverted``).
    """

    ref: ChangeRef
    status: ChangeStatus
    change: MergedChange | None = None
    reverted_by: str = ""
    failure: ForgeError | None = None


@dataclass(frozen=True, slots=True)
class CommitOnForge:
    """One commit. ``authors``: the author first, then those whom its trailers name, each by the forge's own account;
    ``None`` in a place: somebody whom the forge knows no account of, who keeps a share all the same. ``files`` are
    told for a commit that was asked for by itself."""

    sha: str
    message: str
    authors: tuple[AccountOnForge | None, ...]
    committed_at: datetime | None
    url: str = ""
    files: tuple[ChangedFile, ...] | None = None


@dataclass(frozen=True, slots=True)
class CrossCheckResult:
    """What a cross-check came to for one account: ``counted`` changes in the time asked about, of which ``missed``
    are not held. With a ``failure`` both may be less than there is."""

    account: AccountOnForge
    counted: int
    missed: tuple[MergedChange, ...]
    failure: ForgeError | None = None


@dataclass(slots=True)
class RequestCost:
    """What an adapter has cost since it was made: HTTP requests, and GitHub's GraphQL points."""

    requests: int = 0
    points: int = 0


class Forge(Protocol):
    """A forge, reached with the university's own tokens. Every method raises :class:`ForgeError` subclasses only."""

    name: str
    spent: RequestCost
    tokens: TokenPool
    asks_at_once: int
    """How many asks are best handed over together: all of them share the cost. A forge that is read repository by
    repository takes as many as there are, and then costs the same for one account as for all."""
    lists: tuple[ChangeKind, ...]
    """The kinds of contribution that this forge can list for an account."""

    def close(self) -> None:
        """Close the connections; the adapter may be used again."""

    def find_account(self, login: str) -> AccountOnForge:
        """The account that has this login now; :class:`Missing` when nobody has it."""

    def account(self, account_id: str) -> AccountOnForge:
        """The account with this immutable id, whatever its login is now; :class:`Missing` when it is gone."""

    def find_repository(self, full_name: str) -> RepositoryOnForge:
        """The repository, following renames; :class:`Missing` when there is none that the token may see."""

    def find_change(self, full_name: str, number: str) -> MergedChange:
        """One pull request that a student points at; :class:`Missing`, or :class:`NotMerged` when it is not merged."""

    def merged_changes(self, asks: Sequence[CollectionRequest]) -> Iterator[CollectionPage]:
        """Pages for every ask, in any order, each ask ending with exactly one page that is ``done`` or a ``failure``.

        A failure of one account does not stop the others. A failure of the forge as a whole (rate limit, no
        connection, bad token) is raised as :class:`ForgeError` after the pages that were complete.
        """

    def cross_check(
        self, asks: Sequence[CollectionRequest], since: datetime, until: datetime, held: Container[str]
    ) -> Iterator[CrossCheckResult]:
        """Look another way for what each account got merged from ``since`` to ``until``; one answer an ask, in order.

        ``held`` has the ids of the changes that need not be told again. Dear, and a forge's search may know less than
        its lists: for now and then, to find more, and never to conclude that something is not there.
        """

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        """How these changes stand now, one answer for each, in any order. What cannot be learnt is ``unknown`` with
        its failure; only what the forge itself calls missing is ``gone``. Raises where the forge as a whole fails."""

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        """The commits of a pull request's branch, oldest first, at most 250; :class:`Missing` when it is gone."""

    def find_commit(self, full_name: str, sha: str) -> CommitOnForge:
        """One commit with its files; :class:`Missing` when the repository has none of that name."""

    def find_closed(self, full_name: str, number: str) -> MergedChange:
        """A pull request that was closed and, for the forge, not merged: told as a change of status ``unknown``, with
        the time of closing for ``merged_at``. :class:`NotMerged` where it is open, :class:`Missing` where there is
        none; one that is merged or landed after all comes as such."""
