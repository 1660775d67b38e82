"""Make forge answers in one call each, and a forge whose answers a test scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from credits.forges.errors import MissingOnForge
from credits.forges.protocol import (
    AccountOnForge,
    ChangedFile,
    CollectionPage,
    CollectionRequest,
    MergedChange,
    RepositoryOnForge,
    RequestCost,
)
from credits.forges.tokens import TokenPool

MERGED = datetime(2025, 3, 1, 8, 0, tzinfo=UTC)
ALICE = AccountOnForge("101", "alice", "U_101")
BOB = AccountOnForge("102", "bob", "U_102")
MAINTAINER = AccountOnForge("900", "maintainer")


def repository(number: int = 1, **replaced: Any) -> RepositoryOnForge:
    """Return a repository with every fact known; ``replaced`` gives some other values."""
    facts = {
        "id": str(number),
        "full_name": f"owner/project{number}",
        "url": f"https://forge.example/owner/project{number}",
        "owner": AccountOnForge("500", "owner"),
        "stars": 1200,
        "licence": "Apache-2.0",
        "language": "Python",
        "is_fork": False,
        "is_mirror": False,
        "is_archived": False,
    }
    return RepositoryOnForge(**{**facts, **replaced})


def change(number: int = 1, **replaced: Any) -> MergedChange:
    """Return a merged pull request by Alice with every fact known; ``raw`` follows title and time unless given."""
    home = replaced.get("repository") or repository()
    facts: dict[str, Any] = {
        "id": f"PR_{home.id}_{number}",
        "number": str(number),
        "repository": home,
        "title": f"Fix part {number}",
        "url": f"{home.url}/pull/{number}",
        "author": ALICE,
        "created_at": MERGED - timedelta(days=2),
        "merged_at": MERGED,
        "updated_at": MERGED,
        "additions": 30,
        "deletions": 4,
        "changed_files": 2,
        "files": (ChangedFile("src/part.py", 25, 4), ChangedFile("tests/test_part.py", 5, 0)),
        "labels": ("bug",),
        "merge_commit": f"{number:040x}",
        "merged_by": MAINTAINER,
        "co_authors": (),
        "found_by": "account",
    }
    facts |= replaced
    facts.setdefault("raw", {"title": facts["title"], "updatedAt": facts["updated_at"].isoformat()})
    return MergedChange(**facts)


def page(
    account: AccountOnForge, *changes: MergedChange, cursor: str = "end", done: bool = True, **more: Any
) -> CollectionPage:
    """Return a page for an account; it is the last one unless ``done`` is false."""
    return CollectionPage(account, tuple(changes), cursor, done, **more)


Script = Callable[[Sequence[CollectionRequest]], Iterable[CollectionPage]]


class ScriptedForge:
    """A forge that returns the pages of a script and records the requests."""

    def __init__(self, script: Script, name: str = "github", changes: Iterable[MergedChange] = ()) -> None:
        self.name = name
        self.spent = RequestCost()
        self.tokens = TokenPool(["token"])
        self.asks_at_once = 100
        self.asked: list[Sequence[CollectionRequest]] = []
        self._script = script
        self._changes = {(change.repository.full_name, change.number): change for change in changes}

    def merged_changes(self, asks: Sequence[CollectionRequest]) -> Iterator[CollectionPage]:
        self.asked.append(asks)
        self.spent.requests += 1
        yield from self._script(asks)

    def find_change(self, full_name: str, number: str) -> MergedChange:
        self.spent.requests += 1
        try:
            return self._changes[full_name, number]
        except KeyError:
            raise MissingOnForge("change-missing", "The forge has no such pull request.") from None

    def find_account(self, login: str) -> AccountOnForge:
        raise NotImplementedError

    def account(self, account_id: str) -> AccountOnForge:
        raise NotImplementedError

    def find_repository(self, full_name: str) -> RepositoryOnForge:
        raise NotImplementedError
