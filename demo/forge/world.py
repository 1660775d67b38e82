"""The state of all forges, its indexes, and the events on a forge: renames, transfers, merges, deletions.

Every reader and writer holds ``ForgeWorld.lock``. All listings come from an index; none walks all pull requests.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from demo.forge import invent
from demo.forge.ids import sha
from demo.forge.model import (
    FORGES,
    AccountKind,
    ForgeName,
    LocalAccount,
    LocalFile,
    LocalIssue,
    LocalPullRequest,
    LocalRepository,
    LocalReview,
    State,
)


class ForgeWorld:
    """Several forges. Names are compared without case, as on the real forges."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.gitee_redirects_renames = False
        """Whether Gitee answers 301 for a renamed repository. Its real answer is not documented, so 404 by default."""
        self._accounts: dict[tuple[ForgeName, int], LocalAccount] = {}
        self._logins: dict[tuple[ForgeName, str], LocalAccount] = {}
        self._repositories: dict[tuple[ForgeName, int], LocalRepository] = {}
        self._names: dict[tuple[ForgeName, str], LocalRepository] = {}
        self._old_names: dict[tuple[ForgeName, str], LocalRepository] = {}
        self._owned: dict[tuple[ForgeName, int], list[LocalRepository]] = defaultdict(list)
        self._of_repository: dict[tuple[ForgeName, int], dict[int, LocalPullRequest]] = defaultdict(dict)
        self._of_author: dict[tuple[ForgeName, int], list[LocalPullRequest]] = defaultdict(list)
        self._in_repository_of: dict[tuple[ForgeName, int, int], list[LocalPullRequest]] = defaultdict(list)
        self._by_id: dict[tuple[ForgeName, int], LocalPullRequest] = {}
        self._by_commit: dict[tuple[ForgeName, str], LocalPullRequest] = {}
        self._issues: dict[tuple[ForgeName, int], LocalIssue] = {}
        self._issues_of: dict[tuple[ForgeName, int], list[LocalIssue]] = defaultdict(list)
        self._reviews_of: dict[tuple[ForgeName, int], list[tuple[LocalPullRequest, LocalReview]]] = (
            defaultdict(list)
        )

    # -- reading -------------------------------------------------------------------------------------------------

    def account(self, forge: ForgeName, login: str) -> LocalAccount | None:
        return self._logins.get((forge, login.lower()))

    def account_by_id(self, forge: ForgeName, account_id: int) -> LocalAccount | None:
        found = self._accounts.get((forge, account_id))
        return None if found is None or found.deleted else found

    def accounts(self, forge: ForgeName) -> list[LocalAccount]:
        return [a for (name, _), a in self._accounts.items() if name == forge and not a.deleted]

    def repository(self, forge: ForgeName, full_name: str) -> LocalRepository | None:
        """Return the visible repository that has this name now."""
        found = self._names.get((forge, full_name.lower()))
        return found if found is not None and found.visible else None

    def moved(self, forge: ForgeName, full_name: str) -> LocalRepository | None:
        """Return the visible repository that once had this name, unless another has taken it."""
        if (forge, full_name.lower()) in self._names:
            return None
        found = self._old_names.get((forge, full_name.lower()))
        return found if found is not None and found.visible else None

    def repository_by_id(self, forge: ForgeName, repository_id: int) -> LocalRepository | None:
        found = self._repositories.get((forge, repository_id))
        return found if found is not None and found.visible else None

    def repositories(self, forge: ForgeName) -> list[LocalRepository]:
        return [r for (name, _), r in self._repositories.items() if name == forge and r.visible]

    def owned_by(self, account: LocalAccount) -> list[LocalRepository]:
        return [r for r in self._owned[account.forge, account.id] if r.visible]

    def pull(self, repository: LocalRepository, number: int) -> LocalPullRequest | None:
        found = self._of_repository[repository.forge, repository.id].get(number)
        return found if found is not None and found.visible else None

    def pull_by_id(self, forge: ForgeName, pull_id: int) -> LocalPullRequest | None:
        found = self._by_id.get((forge, pull_id))
        return found if found is not None and found.visible else None

    def pull_by_commit(self, repository: LocalRepository, commit: str) -> LocalPullRequest | None:
        """Return the pull request with this merge commit, closing commit or branch commit."""
        found = self._by_commit.get((repository.forge, commit))
        return found if found is not None and found.visible and found.repository is repository else None

    def pulls_by(
        self, account: LocalAccount, repository: LocalRepository | None = None
    ) -> list[LocalPullRequest]:
        """Return the pull requests that an account opened, in one repository or everywhere."""
        if repository is None:
            found = self._of_author.get((account.forge, account.id), [])
        else:
            found = self._in_repository_of.get((account.forge, repository.id, account.id), [])
        return [pull for pull in found if pull.visible]

    def pulls_in(self, repository: LocalRepository) -> list[LocalPullRequest]:
        return [
            pull for pull in self._of_repository[repository.forge, repository.id].values() if pull.visible
        ]

    def pulls(self, forge: ForgeName) -> list[LocalPullRequest]:
        """Return all pull requests on a forge, for a search that names neither an author nor a repository."""
        return [pull for (name, _), pull in self._by_id.items() if name == forge and pull.visible]

    def issues_by(self, account: LocalAccount) -> list[LocalIssue]:
        return [issue for issue in self._issues_of[account.forge, account.id] if issue.visible]

    def issue_by_id(self, forge: ForgeName, issue_id: int) -> LocalIssue | None:
        found = self._issues.get((forge, issue_id))
        return found if found is not None and found.visible else None

    def reviews_by(self, account: LocalAccount) -> list[tuple[LocalPullRequest, LocalReview]]:
        """Return the account's reviews, each with the pull request that it reviews."""
        return [
            (pull, review) for pull, review in self._reviews_of[account.forge, account.id] if pull.visible
        ]

    # -- accounts ------------------------------------------------------------------------------------------------

    def add_account(
        self, forge: ForgeName, login: str, account_id: int | None = None, kind: AccountKind = "User"
    ) -> LocalAccount:
        """Add an account. Raise ValueError if the login or the id is taken (a deleted account keeps its id)."""
        with self.lock:
            if account_id is None:
                account_id = 10_000_000 + invent.roll(80_000_000, forge, login.lower(), "id")
                while (forge, account_id) in self._accounts:
                    account_id += 1
            if (forge, account_id) in self._accounts or (forge, login.lower()) in self._logins:
                raise ValueError(f"{forge} has an account {login} or {account_id} already")
            account = LocalAccount(forge, account_id, login, kind, name=login.replace("-", " ").title())
            self._accounts[forge, account_id] = account
            self._logins[forge, login.lower()] = account
            return account

    def rename_account(self, forge: ForgeName, login: str, new_login: str) -> LocalAccount:
        """Rename an account. The old login is free for anyone at once, and does not redirect."""
        with self.lock:
            if (forge, new_login.lower()) in self._logins:
                raise ValueError(f"{forge} has an account {new_login} already")
            account = self._logins.pop((forge, login.lower()))
            repositories = self._owned[forge, account.id]
            for repository in repositories:
                self._forget_name(repository)
            account.login = new_login
            self._logins[forge, new_login.lower()] = account
            for repository in repositories:
                self._names[forge, repository.full_name.lower()] = repository
            return account

    def delete_account(self, forge: ForgeName, login: str) -> None:
        """Delete the account and its repositories. Its pull requests elsewhere stay, with a ghost as author."""
        with self.lock:
            account = self._logins.pop((forge, login.lower()))
            account.deleted = True
            for repository in self._owned[forge, account.id]:
                repository.deleted = True

    # -- repositories --------------------------------------------------------------------------------------------

    def add_repository(
        self,
        forge: ForgeName,
        full_name: str,
        *,
        created_at: datetime,
        parent: LocalRepository | None = None,
        owner_kind: AccountKind = "Organization",
    ) -> LocalRepository:
        """Add a repository. Its owner is created if nobody has that login."""
        with self.lock:
            login, _, name = full_name.partition("/")
            owner = self.account(forge, login) or self.add_account(forge, login, kind=owner_kind)
            number = 100_000 + invent.roll(900_000_000, forge, full_name.lower(), "repository")
            while (forge, number) in self._repositories:
                number += 1
            page = invent.about(forge, parent.full_name if parent else full_name)
            repository = LocalRepository(
                forge,
                number,
                owner,
                name,
                created_at,
                licence=page.licence,
                stars=0 if parent else page.stars,
                language=page.language,
                description=page.description,
                default_branch=page.default_branch,
                parent=parent,
            )
            self._repositories[forge, number] = repository
            self._names[forge, full_name.lower()] = repository
            self._owned[forge, owner.id].append(repository)
            return repository

    def _forget_name(self, repository: LocalRepository) -> None:
        key = (repository.forge, repository.full_name.lower())
        if self._names.get(key) is repository:
            del self._names[key]
        self._old_names[key] = repository

    def rename_repository(self, forge: ForgeName, full_name: str, new_full_name: str) -> LocalRepository:
        """Rename, or transfer if the owner differs (an unknown new owner is created). The old name redirects."""
        with self.lock:
            if (forge, new_full_name.lower()) in self._names:
                raise ValueError(f"{forge} has a repository {new_full_name} already")
            repository = self._names[forge, full_name.lower()]
            self._forget_name(repository)
            login, _, name = new_full_name.partition("/")
            owner = self.account(forge, login) or self.add_account(forge, login, kind="Organization")
            self._owned[forge, repository.owner.id].remove(repository)
            self._owned[forge, owner.id].append(repository)
            repository.owner, repository.name = owner, name
            self._names[forge, repository.full_name.lower()] = repository
            self._old_names.pop((forge, repository.full_name.lower()), None)
            return repository

    transfer_repository = rename_repository

    def delete_repository(self, forge: ForgeName, full_name: str) -> None:
        with self.lock:
            self._names.pop((forge, full_name.lower())).deleted = True

    # -- pull requests -------------------------------------------------------------------------------------------

    def add_pull(
        self,
        repository: LocalRepository,
        author: LocalAccount,
        *,
        title: str,
        created_at: datetime,
        state: State = "merged",
        merged_at: datetime | None = None,
        closed_at: datetime | None = None,
        updated_at: datetime | None = None,
        number: int | None = None,
        files: Sequence[LocalFile] = (),
        additions: int | None = None,
        deletions: int | None = None,
        changed_files: int | None = None,
        merge_commit: str | None = None,
        closer: str | None = None,
        merged_by: LocalAccount | None = None,
        co_authors: Iterable[LocalAccount] = (),
        labels: Sequence[str] = (),
    ) -> LocalPullRequest:
        """Add a pull request. A merged one needs ``merged_at``.

        Counts are computed from ``files`` if they are not given. Raise ValueError if the number is taken.
        """
        with self.lock:
            forge = repository.forge
            pulls_by_number = self._of_repository[forge, repository.id]
            number = number or max(pulls_by_number, default=0) + 1
            if number in pulls_by_number:
                raise ValueError(f"{repository.full_name} has a pull request {number} already")
            if (state == "merged") != (merged_at is not None):
                raise ValueError("merged_at is for merged pull requests, and they need it")
            ended = merged_at or closed_at
            pull = LocalPullRequest(
                repository,
                number,
                repository.id * 100_000 + number,
                title,
                author,
                state,
                created_at,
                updated_at or ended or created_at,
                closed_at=ended,
                merged_at=merged_at,
                merge_commit=merge_commit
                or (sha("merge", forge, repository.id, number) if state == "merged" else None),
                closer=closer,
                merged_by=merged_by,
                additions=sum(f.additions for f in files) if additions is None else additions,
                deletions=sum(f.deletions for f in files) if deletions is None else deletions,
                changed_files=len(files) if changed_files is None else changed_files,
                files=tuple(files),
                co_authors=tuple(co_authors),
                labels=list(labels),
            )
            pulls_by_number[number] = pull
            self._of_author[forge, author.id].append(pull)
            self._in_repository_of[forge, repository.id, author.id].append(pull)
            self._by_id[forge, pull.id] = pull
            for commit in (pull.merge_commit, pull.closer, *pull.commit_shas):
                if commit:
                    self._by_commit[forge, commit] = pull
            return pull

    def touch(self, pull: LocalPullRequest, at: datetime) -> None:
        """Change only the time of the last update, as a comment does."""
        with self.lock:
            pull.updated_at = at

    def label(self, pull: LocalPullRequest, labels: Sequence[str], at: datetime) -> None:
        with self.lock:
            pull.labels = list(labels)
            pull.updated_at = at

    def merge(self, pull: LocalPullRequest, at: datetime, by: LocalAccount | None = None) -> None:
        """Merge an open pull request."""
        with self.lock:
            pull.state = "merged"
            pull.merged_at = pull.closed_at = pull.updated_at = at
            pull.merged_by = by
            pull.merge_commit = sha("merge", pull.repository.forge, pull.repository.id, pull.number)
            self._by_commit[pull.repository.forge, pull.merge_commit] = pull

    def revert(self, pull: LocalPullRequest, at: datetime, by: LocalAccount) -> LocalPullRequest:
        """Add a second pull request that reverts the first, as the forge's button does."""
        with self.lock:
            back = self.add_pull(
                pull.repository,
                by,
                title=f'Revert "{pull.title}"',
                created_at=at - timedelta(minutes=5),
                merged_at=at,
                merged_by=by,
                files=[LocalFile(f.path, f.deletions, f.additions) for f in pull.files],
            )
            back.body = f"Reverts {pull.repository.full_name}#{pull.number}"
            if pull.repository.forge != "github":
                back.title = f"回退 'Pull Request !{pull.number} : {pull.title}'"
                back.body = f"This reverts merge request !{pull.number}"
            pull.reverted_by.append(back)
            pull.updated_at = at
            return back

    def land(self, pull: LocalPullRequest, at: datetime, message: str, labels: Sequence[str] = ()) -> None:
        """Let a bot commit the work itself and close the pull request, which the forge then does not call merged."""
        with self.lock:
            pull.state, pull.closed_at, pull.updated_at = "closed", at, at
            pull.closer = sha("closer", pull.repository.forge, pull.repository.id, pull.number)
            pull.closer_message = message
            pull.labels = [*pull.labels, *labels]
            self._by_commit[pull.repository.forge, pull.closer] = pull

    def add_review(
        self, pull: LocalPullRequest, author: LocalAccount, state: str, at: datetime
    ) -> LocalReview:
        with self.lock:
            review = LocalReview(pull.id * 10 + len(pull.reviews), author, state, at)
            pull.reviews.append(review)
            pull.updated_at = max(pull.updated_at, at)
            self._reviews_of[author.forge, author.id].append((pull, review))
            return review

    # -- issues --------------------------------------------------------------------------------------------------

    def add_issue(
        self,
        repository: LocalRepository,
        author: LocalAccount,
        *,
        title: str,
        created_at: datetime,
        closed_at: datetime | None = None,
        reason: str | None = "COMPLETED",
        labels: Sequence[str] = (),
    ) -> LocalIssue:
        """Add an issue, open unless ``closed_at`` says when it was closed (for ``reason``)."""
        with self.lock:
            forge = repository.forge
            number = max(
                [*self._of_repository[forge, repository.id]]
                + [issue.number for issue in self._issues.values() if issue.repository is repository],
                default=0,
            )
            issue = LocalIssue(
                repository,
                number + 1,
                repository.id * 100_000 + 50_000 + number + 1,
                title,
                author,
                created_at,
                closed_at or created_at,
                closed_at,
                reason if closed_at else None,
                list(labels),
            )
            self._issues[forge, issue.id] = issue
            self._issues_of[forge, author.id].append(issue)
            return issue

    def delete_pull(self, pull: LocalPullRequest) -> None:
        """Delete, as the site's staff can. The number stays used."""
        with self.lock:
            pull.deleted = True


__all__ = ["FORGES", "ForgeWorld"]
