"""The state of both forges, its indexes, and the things that happen on a forge: renames, transfers, merges, deletions.

Every reader and writer holds ``World.lock``. All listings come from an index; none walks all pull requests.
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
    Account,
    AccountKind,
    File,
    ForgeName,
    Issue,
    PullRequest,
    Repository,
    Review,
    State,
)


class World:
    """Two forges. Names are looked up without regard to case, as both forges do."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.gitee_redirects_renames = False
        """Whether Gitee answers 301 for a renamed repository; what it does is not documented, so 404 by default."""
        self._accounts: dict[tuple[ForgeName, int], Account] = {}
        self._logins: dict[tuple[ForgeName, str], Account] = {}
        self._repositories: dict[tuple[ForgeName, int], Repository] = {}
        self._names: dict[tuple[ForgeName, str], Repository] = {}
        self._old_names: dict[tuple[ForgeName, str], Repository] = {}
        self._owned: dict[tuple[ForgeName, int], list[Repository]] = defaultdict(list)
        self._of_repository: dict[tuple[ForgeName, int], dict[int, PullRequest]] = defaultdict(dict)
        self._of_author: dict[tuple[ForgeName, int], list[PullRequest]] = defaultdict(list)
        self._in_repository_of: dict[tuple[ForgeName, int, int], list[PullRequest]] = defaultdict(list)
        self._by_id: dict[tuple[ForgeName, int], PullRequest] = {}
        self._by_commit: dict[tuple[ForgeName, str], PullRequest] = {}
        self._issues: dict[tuple[ForgeName, int], Issue] = {}
        self._issues_of: dict[tuple[ForgeName, int], list[Issue]] = defaultdict(list)
        self._reviews_of: dict[tuple[ForgeName, int], list[tuple[PullRequest, Review]]] = defaultdict(list)

    # -- reading -------------------------------------------------------------------------------------------------

    def account(self, forge: ForgeName, login: str) -> Account | None:
        return self._logins.get((forge, login.lower()))

    def account_by_id(self, forge: ForgeName, account_id: int) -> Account | None:
        found = self._accounts.get((forge, account_id))
        return None if found is None or found.deleted else found

    def accounts(self, forge: ForgeName) -> list[Account]:
        return [a for (name, _), a in self._accounts.items() if name == forge and not a.deleted]

    def repository(self, forge: ForgeName, full_name: str) -> Repository | None:
        """The visible repository that has this name now."""
        found = self._names.get((forge, full_name.lower()))
        return found if found is not None and found.visible else None

    def moved(self, forge: ForgeName, full_name: str) -> Repository | None:
        """The visible repository that once had this name, unless another has taken it."""
        if (forge, full_name.lower()) in self._names:
            return None
        found = self._old_names.get((forge, full_name.lower()))
        return found if found is not None and found.visible else None

    def repository_by_id(self, forge: ForgeName, repository_id: int) -> Repository | None:
        found = self._repositories.get((forge, repository_id))
        return found if found is not None and found.visible else None

    def repositories(self, forge: ForgeName) -> list[Repository]:
        return [r for (name, _), r in self._repositories.items() if name == forge and r.visible]

    def owned_by(self, account: Account) -> list[Repository]:
        return [r for r in self._owned[account.forge, account.id] if r.visible]

    def pull(self, repository: Repository, number: int) -> PullRequest | None:
        found = self._of_repository[repository.forge, repository.id].get(number)
        return found if found is not None and found.visible else None

    def pull_by_id(self, forge: ForgeName, pull_id: int) -> PullRequest | None:
        found = self._by_id.get((forge, pull_id))
        return found if found is not None and found.visible else None

    def pull_by_commit(self, repository: Repository, commit: str) -> PullRequest | None:
        """The pull request whose merge commit, closing commit or branch commit this is."""
        found = self._by_commit.get((repository.forge, commit))
        return found if found is not None and found.visible and found.repository is repository else None

    def pulls_by(self, account: Account, repository: Repository | None = None) -> list[PullRequest]:
        """What an account opened, in one repository or everywhere."""
        if repository is None:
            found = self._of_author.get((account.forge, account.id), [])
        else:
            found = self._in_repository_of.get((account.forge, repository.id, account.id), [])
        return [pull for pull in found if pull.visible]

    def pulls_in(self, repository: Repository) -> list[PullRequest]:
        return [
            pull for pull in self._of_repository[repository.forge, repository.id].values() if pull.visible
        ]

    def pulls(self, forge: ForgeName) -> list[PullRequest]:
        """Everything on a forge: for a search that names neither an author nor a repository."""
        return [pull for (name, _), pull in self._by_id.items() if name == forge and pull.visible]

    def issues_by(self, account: Account) -> list[Issue]:
        return [issue for issue in self._issues_of[account.forge, account.id] if issue.visible]

    def issue_by_id(self, forge: ForgeName, issue_id: int) -> Issue | None:
        found = self._issues.get((forge, issue_id))
        return found if found is not None and found.visible else None

    def reviews_by(self, account: Account) -> list[tuple[PullRequest, Review]]:
        """With the pull request that each looks at."""
        return [one for one in self._reviews_of[account.forge, account.id] if one[0].visible]

    # -- accounts ------------------------------------------------------------------------------------------------

    def add_account(
        self, forge: ForgeName, login: str, account_id: int | None = None, kind: AccountKind = "User"
    ) -> Account:
        """A new account. ValueError where the login or the id is taken (a deleted account keeps its id)."""
        with self.lock:
            if account_id is None:
                account_id = 10_000_000 + invent.roll(80_000_000, forge, login.lower(), "id")
                while (forge, account_id) in self._accounts:
                    account_id += 1
            if (forge, account_id) in self._accounts or (forge, login.lower()) in self._logins:
                raise ValueError(f"{forge} has an account {login} or {account_id} already")
            account = Account(forge, account_id, login, kind, name=login.replace("-", " ").title())
            self._accounts[forge, account_id] = account
            self._logins[forge, login.lower()] = account
            return account

    def rename_account(self, forge: ForgeName, login: str, new_login: str) -> Account:
        """The old login is free for anyone at once, and leads nowhere until then."""
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
        """The account is gone with its repositories; its pull requests elsewhere stay, with a ghost for author."""
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
        parent: Repository | None = None,
        owner_kind: AccountKind = "Organization",
    ) -> Repository:
        """A new repository, its owner made where nobody has that login."""
        with self.lock:
            login, _, name = full_name.partition("/")
            owner = self.account(forge, login) or self.add_account(forge, login, kind=owner_kind)
            number = 100_000 + invent.roll(900_000_000, forge, full_name.lower(), "repository")
            while (forge, number) in self._repositories:
                number += 1
            page = invent.about(forge, parent.full_name if parent else full_name)
            repository = Repository(
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

    def _forget_name(self, repository: Repository) -> None:
        key = (repository.forge, repository.full_name.lower())
        if self._names.get(key) is repository:
            del self._names[key]
        self._old_names[key] = repository

    def rename_repository(self, forge: ForgeName, full_name: str, new_full_name: str) -> Repository:
        """Rename, or transfer where the owner differs (an unknown new owner is made). The old name redirects."""
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
        repository: Repository,
        author: Account,
        *,
        title: str,
        created_at: datetime,
        state: State = "merged",
        merged_at: datetime | None = None,
        closed_at: datetime | None = None,
        updated_at: datetime | None = None,
        number: int | None = None,
        files: Sequence[File] = (),
        additions: int | None = None,
        deletions: int | None = None,
        changed_files: int | None = None,
        merge_commit: str | None = None,
        closer: str | None = None,
        merged_by: Account | None = None,
        co_authors: Iterable[Account] = (),
        labels: Sequence[str] = (),
    ) -> PullRequest:
        """A pull request as the forge knows it from now on; a merged one needs ``merged_at``.

        Counts are taken from ``files`` where they are not given. ValueError where the number is taken.
        """
        with self.lock:
            forge = repository.forge
            held = self._of_repository[forge, repository.id]
            number = number or max(held, default=0) + 1
            if number in held:
                raise ValueError(f"{repository.full_name} has a pull request {number} already")
            if (state == "merged") != (merged_at is not None):
                raise ValueError("merged_at is for merged pull requests, and they need it")
            ended = merged_at or closed_at
            pull = PullRequest(
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
            held[number] = pull
            self._of_author[forge, author.id].append(pull)
            self._in_repository_of[forge, repository.id, author.id].append(pull)
            self._by_id[forge, pull.id] = pull
            for commit in (pull.merge_commit, pull.closer, *pull.commit_shas):
                if commit:
                    self._by_commit[forge, commit] = pull
            return pull

    def touch(self, pull: PullRequest, at: datetime) -> None:
        """Somebody comments: nothing changes but the time of the last update."""
        with self.lock:
            pull.updated_at = at

    def label(self, pull: PullRequest, labels: Sequence[str], at: datetime) -> None:
        with self.lock:
            pull.labels = list(labels)
            pull.updated_at = at

    def merge(self, pull: PullRequest, at: datetime, by: Account | None = None) -> None:
        """An open pull request is merged."""
        with self.lock:
            pull.state = "merged"
            pull.merged_at = pull.closed_at = pull.updated_at = at
            pull.merged_by = by
            pull.merge_commit = sha("merge", pull.repository.forge, pull.repository.id, pull.number)
            self._by_commit[pull.repository.forge, pull.merge_commit] = pull

    def revert(self, pull: PullRequest, at: datetime, by: Account) -> PullRequest:
        """A second pull request that takes the first back, as the forge's button makes it."""
        with self.lock:
            back = self.add_pull(
                pull.repository,
                by,
                title=f'Revert "{pull.title}"',
                created_at=at - timedelta(minutes=5),
                merged_at=at,
                merged_by=by,
                files=[File(f.path, f.deletions, f.additions) for f in pull.files],
            )
            back.body = f"Reverts {pull.repository.full_name}#{pull.number}"
            if pull.repository.forge != "github":
                back.title = f"回退 'Pull Request !{pull.number} : {pull.title}'"
                back.body = f"This reverts merge request !{pull.number}"
            pull.reverted_by.append(back)
            pull.updated_at = at
            return back

    def land(self, pull: PullRequest, at: datetime, message: str, labels: Sequence[str] = ()) -> None:
        """A bot commits the work itself and closes the pull request, which the forge then does not call merged."""
        with self.lock:
            pull.state, pull.closed_at, pull.updated_at = "closed", at, at
            pull.closer = sha("closer", pull.repository.forge, pull.repository.id, pull.number)
            pull.closer_message = message
            pull.labels = [*pull.labels, *labels]
            self._by_commit[pull.repository.forge, pull.closer] = pull

    def add_review(self, pull: PullRequest, author: Account, state: str, at: datetime) -> Review:
        with self.lock:
            review = Review(pull.id * 10 + len(pull.reviews), author, state, at)
            pull.reviews.append(review)
            pull.updated_at = max(pull.updated_at, at)
            self._reviews_of[author.forge, author.id].append((pull, review))
            return review

    # -- issues --------------------------------------------------------------------------------------------------

    def add_issue(
        self,
        repository: Repository,
        author: Account,
        *,
        title: str,
        created_at: datetime,
        closed_at: datetime | None = None,
        reason: str | None = "COMPLETED",
        labels: Sequence[str] = (),
    ) -> Issue:
        """An issue, open unless ``closed_at`` says when it was closed (for ``reason``)."""
        with self.lock:
            forge = repository.forge
            number = max(
                [*self._of_repository[forge, repository.id]]
                + [one.number for one in self._issues.values() if one.repository is repository],
                default=0,
            )
            issue = Issue(
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

    def delete_pull(self, pull: PullRequest) -> None:
        """Taken away by the site's staff; its number stays used."""
        with self.lock:
            pull.deleted = True


__all__ = ["FORGES", "World"]
