"""What every forge must be able to do, and the facts that it returns.

An adapter is a module with one class that satisfies :class:`Forge`, plus a row in ``accounts.identity.forges``.
Adapters call the forge and translate its answers. They store nothing, and read no settings and no clock except the one
they are given. Facts are frozen and contain only what the forge said: ``None`` means that the forge did not say
(unknown), an empty tuple means that it said "none". Never confuse the two (invariant 9).

If a forge cannot do something at all, its adapter raises a :class:`ForgeError` with the code ``forge-cannot``. It
never returns an empty answer.
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
    """An account on a forge. ``id`` is the forge's immutable user id as text. ``login`` is only a label that may
    change. ``node_id`` is GitHub's GraphQL id (empty elsewhere). ``kind`` is ``user``, ``bot``, ``organisation`` or
    ``ghost``."""

    id: str
    login: str
    node_id: str = ""
    kind: str = "user"


@dataclass(frozen=True, slots=True)
class RepositoryOnForge:
    """A repository as the forge describes it now. ``id`` is immutable; ``full_name`` may change."""

    id: str
    full_name: str
    url: str
    owner: AccountOnForge | None = None
    stars: int | None = None
    licence: str | None = None
    """SPDX identifier; ``""`` if the forge says that there is no licence."""
    language: str | None = None
    is_fork: bool | None = None
    is_mirror: bool | None = None
    is_archived: bool | None = None
    is_private: bool | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of a change, with its numbers of added and deleted lines."""

    path: str
    additions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class MergedChange:
    """One merged pull request. Times are aware; ``number`` and ``id`` are text.

    The other kinds use the same fields. ``review``: ``number`` is the review's own id, ``author`` the reviewer,
    ``merged_at`` the time of submission, title and url those of the reviewed pull request. ``issue``: ``merged_at`` is
    the time at which it was closed as completed. Neither has lines, files or a commit (``None``).

    ``status`` ``landed``: the forge calls it closed, but a rule of the repository says that the work was accepted
    (``landed_by`` names the rule, ``merge_commit`` is the commit, ``raw`` has the facts that the rule used).
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
    """No more than the forge lists (GitHub 100, one page; Gitee 300). ``changed_files`` has the true count."""
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
    """GitHub's GraphQL id of the change (empty elsewhere): the cheapest way to check it again."""
    patch_id: str | None = None
    """:func:`credits.forges.patch_identity.diff_id` of the whole diff, if the forge gave it."""
    only_whitespace: bool | None = None
    """Whether only white space changed, if the forge gave the whole diff."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The forge's answer, reduced to the fields used: stored as evidence."""


@dataclass(frozen=True, slots=True)
class CollectionRequest:
    """A request for everything merged for ``account`` since ``cursor`` (the adapter's own opaque text; empty: all).

    ``repositories`` are full names to look in, for forges without a listing across repositories. ``kinds`` are the
    kinds wanted. A kind that the forge does not list is not requested, and does not fail the account.
    """

    account: AccountOnForge
    cursor: str = ""
    repositories: tuple[str, ...] = ()
    kinds: tuple[ChangeKind, ...] = ("pull_request",)


@dataclass(frozen=True, slots=True)
class CollectionPage:
    """Part of the answer for one account: store ``changes`` and move the cursor to ``cursor`` in one transaction.

    ``done``: the account is complete up to ``cursor``. ``failure``: this account failed and is not complete;
    ``changes`` (found before the failure) may be stored, and it is safe to resume from ``cursor``. ``account`` has the
    login as the forge has it now.
    """

    account: AccountOnForge
    changes: tuple[MergedChange, ...]
    cursor: str
    done: bool
    failure: ForgeError | None = None


@dataclass(frozen=True, slots=True)
class ChangeRef:
    """A change that is stored already, by what never changes: ids, and the number within the repository.
    ``full_name`` is the last known name; ``node_id`` may be empty."""

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
    """The present state of a change.

    ``change`` has the present facts (labels, names after a rename or transfer). It is None if the change is ``gone``,
    or ``unknown`` because of ``failure``. ``reverted_by`` is the URL of the merged change or commit that reverted it
    (then ``status`` is ``reverted``).
    """

    ref: ChangeRef
    status: ChangeStatus
    change: MergedChange | None = None
    reverted_by: str = ""
    failure: ForgeError | None = None


@dataclass(frozen=True, slots=True)
class CommitOnForge:
    """A commit. ``authors``: the author first, then the people named in its trailers, each by the forge's account.
    ``None`` among them: a person without a known account, who keeps a share all the same. ``files`` are known only for
    a commit that was requested by itself."""

    sha: str
    message: str
    authors: tuple[AccountOnForge | None, ...]
    committed_at: datetime | None
    url: str = ""
    files: tuple[ChangedFile, ...] | None = None


@dataclass(frozen=True, slots=True)
class CrossCheckResult:
    """The result of a cross-check of one account: ``counted`` changes in the period, and those of them that are not
    stored yet (``missed``). With a ``failure`` both may be incomplete."""

    account: AccountOnForge
    counted: int
    missed: tuple[MergedChange, ...]
    failure: ForgeError | None = None


@dataclass(slots=True)
class RequestCost:
    """What an adapter has used since it was made: HTTP requests, and GitHub's GraphQL points."""

    requests: int = 0
    points: int = 0


class Forge(Protocol):
    """A forge, used with the university's own tokens. Every method raises only subclasses of :class:`ForgeError`."""

    name: str
    spent: RequestCost
    tokens: TokenPool
    asks_at_once: int
    """How many requests to pass together, because they share the cost. A forge that is read repository by repository
    takes all of them, and then one account costs as much as all accounts."""
    lists: tuple[ChangeKind, ...]
    """The kinds of contribution that this forge can list for an account."""

    def close(self) -> None:
        """Close the connections; the adapter may be used again."""

    def find_account(self, login: str) -> AccountOnForge:
        """Return the account that has this login now. Raise :class:`MissingOnForge` if nobody has it."""

    def account(self, account_id: str) -> AccountOnForge:
        """Return the account with this immutable id and its present login. Raise :class:`MissingOnForge` if gone."""

    def find_repository(self, full_name: str) -> RepositoryOnForge:
        """Return the repository; follow renames. Raise :class:`MissingOnForge` if the token can see none."""

    def find_change(self, full_name: str, number: str) -> MergedChange:
        """Return a merged pull request by its number. Raise :class:`MissingOnForge` or :class:`NotMerged`."""

    def merged_changes(self, asks: Sequence[CollectionRequest]) -> Iterator[CollectionPage]:
        """Yield pages for every request, in any order. Each request ends with exactly one page that is ``done`` or a
        ``failure``.

        A failure of one account does not stop the others. A failure of the whole forge (rate limit, no connection,
        bad token) is raised as :class:`ForgeError` after the complete pages.
        """

    def cross_check(
        self, asks: Sequence[CollectionRequest], since: datetime, until: datetime, known_ids: Container[str]
    ) -> Iterator[CrossCheckResult]:
        """Search in another way for changes of each account merged from ``since`` to ``until``. Yield one answer for
        each request, in order.

        ``known_ids`` has the ids of the changes that are stored already. A cross-check is expensive, and a forge's
        search may know less than its lists. So use it seldom, to find more; never conclude from it that something is
        missing.
        """

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        """Yield the present state of each change, in any order. A change that cannot be checked is ``unknown`` with
        its failure; only what the forge itself calls missing is ``gone``. Raise if the whole forge fails."""

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        """Return the commits of a pull request's branch, oldest first, at most 250. Raise :class:`MissingOnForge`
        if the pull request is gone."""

    def find_commit(self, full_name: str, sha: str) -> CommitOnForge:
        """Return a commit with its files. Raise :class:`MissingOnForge` if the repository does not have it."""

    def find_closed(self, full_name: str, number: str) -> MergedChange:
        """Return a pull request that was closed and, for the forge, not merged: a change of status ``unknown``, with
        the time of closing as ``merged_at``. If it is merged or landed after all, return it as such. Raise
        :class:`NotMerged` if it is open, :class:`MissingOnForge` if it does not exist."""
