"""GitHub: reviews and issues besides pull requests, the cross-check by search, and the budget of points."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from credits.forges.adaptive_batch import SLOW, AdaptiveBatch
from credits.forges.errors import RateLimited, forge_unavailable
from credits.forges.github.adapter import GitHub
from credits.forges.protocol import AccountOnForge, ChangeKind, ChangeRef, CollectionRequest
from demo.forge import LocalForge
from demo.forge import search as forge_search
from demo.forge.model import LocalFile, LocalPullRequest, LocalRepository
from tests.forges.collecting import Clock, Store

ALL: tuple[ChangeKind, ...] = ("pull_request", "review", "issue")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def local(clock: Clock) -> Iterator[LocalForge]:
    with LocalForge(rows=[], clock=clock) as local:
        yield local


@pytest.fixture
def github(local: LocalForge, clock: Clock) -> Iterator[GitHub]:
    adapter = GitHub(local.github_api_url, local.environment()["GITHUB_TOKENS"].split(","), clock)
    yield adapter
    adapter.close()


class Place:
    """A repository with a student and a maintainer."""

    def __init__(self, local: LocalForge, clock: Clock) -> None:
        self.world, self.clock = local.world, clock
        self.student = local.world.add_account("github", "student")
        self.maintainer = local.world.add_account("github", "maintainer")
        self.repository: LocalRepository = local.world.add_repository(
            "github", "some/where", created_at=clock.now
        )

    def account(self, node_id: str = "") -> AccountOnForge:
        return AccountOnForge(str(self.student.id), self.student.login, node_id)

    def pull(self, by: Any = None, **more: Any) -> LocalPullRequest:
        given = {
            "created_at": self.clock.now,
            "merged_at": self.clock.now,
            "files": [LocalFile("a.py", 1, 0)],
        }
        return self.world.add_pull(self.repository, by or self.student, title="Work", **{**given, **more})


@pytest.fixture
def place(local: LocalForge, clock: Clock) -> Place:
    return Place(local, clock)


def _collect(github: GitHub, store: Store, place: Place, kinds: tuple[ChangeKind, ...] = ALL) -> list[str]:
    """Collect, and return the kinds and numbers of the changes delivered, in order."""
    account = store.accounts.get(str(place.student.id), place.account())
    came, ends = [], 0
    for page in github.merged_changes(
        [CollectionRequest(account, store.cursors.get(account.id, ""), (), kinds)]
    ):
        store.keep(page)
        came += [f"{change.kind} {change.number}" for change in page.changes]
        ends += page.done
    assert ends == 1
    return came


def test_reviews_and_issues_come_when_they_are_wanted(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """Reviews of others' work and issues closed as completed are delivered once; afterwards only what is new."""
    theirs, own = place.pull(by=place.maintainer), place.pull()
    clock.pass_by(minutes=1)
    review = local.world.add_review(theirs, place.student, "APPROVED", clock.now)
    local.world.add_review(own, place.student, "COMMENTED", clock.now)
    issue = local.world.add_issue(
        place.repository,
        place.student,
        title="It breaks",
        created_at=clock.now,
        closed_at=clock.now,
        labels=["bug"],
    )
    local.world.add_issue(
        place.repository,
        place.student,
        title="No",
        created_at=clock.now,
        closed_at=clock.now,
        reason="NOT_PLANNED",
    )
    local.world.add_issue(place.repository, place.student, title="Open", created_at=clock.now)
    store = Store()
    wanted = {f"pull_request {own.number}", f"review {review.id}", f"issue {issue.number}"}
    came = _collect(github, store, place)
    assert sorted(came) == sorted(wanted)
    by_kind = {change.kind: change for change in store.changes.values()}
    assert by_kind["review"].author is not None
    assert by_kind["review"].author.id == str(place.student.id)
    assert (by_kind["review"].title, by_kind["review"].additions) == ("Work", None)
    assert (by_kind["issue"].labels, by_kind["issue"].merged_at) == (("bug",), clock.now)
    clock.pass_by(hours=2)
    local.log.reset()
    assert _collect(github, store, place) == []
    assert local.log.requests("github") == 1
    later = local.world.add_review(theirs, place.student, "CHANGES_REQUESTED", clock.now)
    clock.pass_by(minutes=1)
    assert _collect(github, store, place) == [f"review {later.id}"]


def test_a_kind_that_is_not_asked_for_costs_nothing_and_keeps_its_place(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """A kind that is switched off and on again continues from where it was."""
    theirs, store = place.pull(by=place.maintainer), Store()
    review = local.world.add_review(theirs, place.student, "APPROVED", clock.now)
    assert _collect(github, store, place, ("pull_request",)) == []
    assert _collect(github, store, place) == [f"review {review.id}"]
    clock.pass_by(days=1)
    assert _collect(github, store, place, ("pull_request",)) == []
    assert _collect(github, store, place) == []


def test_reviews_of_many_years_are_read_year_by_year(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """GitHub lists reviews a year at a time; all are delivered, and the years are not read again."""
    wanted = set()
    theirs = place.pull(by=place.maintainer)
    for years in range(6):
        at = clock.now - timedelta(days=365 * years + 100)
        wanted.add(f"review {local.world.add_review(theirs, place.student, 'APPROVED', at).id}")
    store = Store()
    assert set(_collect(github, store, place)) == wanted
    local.log.reset()
    clock.pass_by(days=1)
    assert _collect(github, store, place) == []
    assert local.log.requests("github") == 1


def test_further_kinds_are_seen_again(local: LocalForge, clock: Clock, github: GitHub, place: Place) -> None:
    """Reviews and issues can be rechecked; a review without its node id is unknown, with a reason."""
    theirs = place.pull(by=place.maintainer)
    local.world.add_review(theirs, place.student, "APPROVED", clock.now)
    local.world.add_issue(
        place.repository, place.student, title="x", created_at=clock.now, closed_at=clock.now
    )
    store = Store()
    _collect(github, store, place)
    refs = [
        ChangeRef(c.id, c.number, c.repository.id, c.repository.full_name, c.kind, c.node_id)
        for c in store.changes.values()
    ]
    assert {(s.ref.kind, s.status) for s in github.recheck(refs)} == {
        ("review", "merged"),
        ("issue", "merged"),
    }
    nameless = [
        ChangeRef(r.id, r.number, r.repository_id, r.full_name, r.kind) for r in refs if r.kind == "review"
    ]
    (answer,) = github.recheck(nameless)
    assert answer.status == "unknown"
    assert answer.failure is not None
    assert answer.failure.code == "forge-cannot"


def test_seen_again_after_a_rename_and_a_transfer(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """A recheck finds the change under its new name by immutable ids, although the old name is taken."""
    pull = place.pull()
    change = github.find_change("some/where", str(pull.number))
    with_node = ChangeRef(
        change.id, change.number, change.repository.id, "some/where", node_id=change.node_id
    )
    without = ChangeRef(change.id, change.number, change.repository.id, "some/where")
    local.world.transfer_repository("github", "some/where", "new/home")
    taken = local.world.add_repository("github", "some/where", created_at=clock.now)
    local.world.add_pull(
        taken, place.maintainer, title="Other", created_at=clock.now, merged_at=clock.now, number=pull.number
    )
    answers = list(github.recheck([with_node, without]))
    assert len(answers) == 2
    for answer in answers:
        assert answer.change is not None
        assert (answer.status, answer.change.title) == ("merged", "Work")
        assert answer.change.repository.full_name == "new/home"
    local.world.delete_repository("github", "new/home")
    assert [answer.status for answer in github.recheck([with_node, without])] == ["gone", "gone"]


def test_work_of_a_deleted_account_stands_without_an_author(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """Work of a deleted account is not gone; it only has no author."""
    pull = place.pull()
    change = github.find_change("some/where", str(pull.number))
    local.world.delete_account("github", "student")
    ref = ChangeRef(change.id, change.number, change.repository.id, "some/where", node_id=change.node_id)
    (answer,) = github.recheck([ref])
    assert answer.status == "merged"
    assert answer.change is not None
    assert answer.change.author is None


def test_a_hundred_are_seen_again_in_few_requests(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """A recheck of a hundred changes costs two requests and at most eight points."""
    for _ in range(100):
        place.pull()
    store = Store()
    _collect(github, store, place, ("pull_request",))
    refs = [
        ChangeRef(c.id, c.number, c.repository.id, c.repository.full_name, c.kind, c.node_id)
        for c in store.changes.values()
    ]
    local.log.reset()
    assert {answer.status for answer in github.recheck(refs)} == {"merged"}
    assert local.log.requests("github") == 2
    assert local.log.points("github") <= 8


def test_work_put_in_again_is_not_taken_back(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """Work that was reverted and later reapplied by a pull request that says so counts as merged."""
    pull = place.pull()
    change = github.find_change("some/where", str(pull.number))
    ref = ChangeRef(change.id, change.number, change.repository.id, "some/where", node_id=change.node_id)
    clock.pass_by(hours=1)
    local.world.revert(pull, clock.now, place.maintainer)
    assert [answer.status for answer in github.recheck([ref])] == ["reverted"]
    clock.pass_by(hours=1)
    again = place.pull(by=place.maintainer)
    again.title = 'Reapply "Work"'
    pull.reverted_by.append(again)
    assert [answer.status for answer in github.recheck([ref])] == ["merged"]


def test_a_revert_is_found_behind_hundreds_of_later_mentions(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """If many others mention a pull request, older mentions are read too, and the revert among them is found."""
    pull = place.pull()
    change = github.find_change("some/where", str(pull.number))
    ref = ChangeRef(change.id, change.number, change.repository.id, "some/where", node_id=change.node_id)
    clock.pass_by(hours=1)
    local.world.revert(pull, clock.now, place.maintainer)
    for _ in range(170):
        clock.pass_by(minutes=1)
        pull.reverted_by.append(place.pull())
    local.log.reset()
    assert [answer.status for answer in github.recheck([ref])] == ["reverted"]
    assert local.log.requests("github") <= 4


def test_slices_are_halved_until_a_search_shows_all(
    local: LocalForge, clock: Clock, github: GitHub, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a search counts more than it shows, the period is halved, and nothing is missed at any edge."""
    monkeypatch.setattr(forge_search, "MOST", 20)
    monkeypatch.setattr("credits.forges.github.search.MAX_RESULTS", 20)
    since, pulls = clock.now, []
    for at in range(90):
        clock.pass_by(seconds=(at * 37) % 900)
        pulls.append(place.pull())
    (checked,) = github.cross_check([CollectionRequest(place.account())], since, clock.now, set())
    assert checked.failure is None
    assert {change.id for change in checked.missed} == {str(pull.id) for pull in pulls}
    assert checked.counted == 90


def test_a_second_look_goes_by_the_present_login(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """After a rename, when another account has the old login, only the account's own work is found; an account that is
    gone fails alone."""
    since, own = clock.now, place.pull()
    local.world.rename_account("github", "student", "renamed")
    place.pull(by=local.world.add_account("github", "student"))
    found = list(
        github.cross_check(
            [
                CollectionRequest(AccountOnForge(str(place.student.id), "student")),
                CollectionRequest(AccountOnForge("999", "nobody")),
            ],
            since,
            clock.now,
            set(),
        )
    )
    assert [change.id for change in found[0].missed] == [str(own.id)]
    assert found[0].account.login == "renamed"
    assert found[1].failure is not None


def test_a_private_profile_is_collected_though_a_search_does_not_know_it(
    local: LocalForge, clock: Clock, github: GitHub, place: Place
) -> None:
    """A search does not find a private profile, but the sweep by node id still finds its public work."""
    place.student.hidden = True
    pull, store = place.pull(), Store()
    assert _collect(github, store, place, ("pull_request",)) == [f"pull_request {pull.number}"]
    (checked,) = github.cross_check(
        [CollectionRequest(place.account())], clock.now - timedelta(days=1), clock.now, set()
    )
    assert (checked.counted, checked.missed) == (0, ())


def test_a_token_rests_before_its_points_run_out(local: LocalForge, clock: Clock, place: Place) -> None:
    """Each answer says how many points are left, and the token rests in time: GitHub never has to refuse."""
    local.limits.limits["graphql"] = (3, timedelta(hours=1))
    place.pull()
    tokens = local.environment()["GITHUB_TOKENS"].split(",")[:1]
    github, store = GitHub(local.github_api_url, tokens, clock), Store()
    _collect(github, store, place, ("pull_request",))
    _collect(github, store, place, ("pull_request",))
    with pytest.raises(RateLimited) as limited:
        _collect(github, store, place, ("pull_request",))
    assert limited.value.until is not None
    assert limited.value.until <= clock.now + timedelta(hours=1, seconds=2)
    assert local.log.points("github") == 3
    entries = local.log.entries("github")
    assert entries
    assert all(entry.not_before is None for entry in entries)
    clock.pass_by(hours=1, seconds=2)
    _collect(github, store, place, ("pull_request",))
    github.close()


def test_a_batch_shrinks_with_time_and_strain_and_grows_again() -> None:
    """Failures and partial answers halve the batch, successes grow it up to its maximum, slow answers do not."""
    batch = AdaptiveBatch(100)
    batch.failed(100, forge_unavailable())
    assert batch.size == 50
    batch.strained(50)
    assert batch.size == 25
    batch.worked(SLOW)
    assert batch.size == 25
    batch.worked()
    assert batch.size == 37
    for _ in range(9):
        batch.worked()
    assert batch.size == 100
