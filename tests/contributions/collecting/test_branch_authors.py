"""Co-authors from the commits of a branch: a worker requests it after the claim; until the answer they are unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from credits.claims.assessment.facts import ref_of
from credits.claims.review import signals
from credits.contributions import queries
from credits.contributions.collecting import branch_authors, forge_session
from credits.contributions.models import Authorship, BranchLook, Contribution
from credits.contributions.storing.store import store
from credits.forges.errors import Forbidden, ForgeError, ForgeUnavailable, MissingOnForge, RateLimited
from credits.forges.gitee.adapter import Gitee
from credits.forges.github.adapter import GitHub
from credits.forges.protocol import AccountOnForge, ChangeRef, CommitOnForge
from credits.forges.tokens import TokenPool
from credits.jobs.models import Job, Lane
from demo.forge import LocalForge
from tests import credit_factories as make
from tests import factories
from tests.contributions.scripted_forge import ALICE, BOB, change
from tests.factories import NOW

pytestmark = pytest.mark.django_db

BOT = AccountOnForge("900001", "helper[bot]", kind="bot")


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


class BranchForge:
    """A forge that returns the commits, or raises the errors, that a test gives."""

    name = "github"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.tokens = TokenPool(["token"])
        self.asked: list[ChangeRef] = []

    def commits_of(self, ref: ChangeRef) -> tuple[CommitOnForge, ...]:
        self.asked.append(ref)
        answer = self.answers.pop(0)
        if isinstance(answer, ForgeError):
            raise answer
        return answer


def commit(*authors: AccountOnForge | None, sha: str = "a" * 40) -> CommitOnForge:
    return CommitOnForge(sha, "Fix", authors, NOW)


def look(forge: Any, now=NOW) -> int:
    return branch_authors.fetch_due_branches(forge, clock=lambda: now)


@pytest.fixture
def stored() -> list[Contribution]:
    store("github", [change(1), change(2)], now=NOW)
    return list(Contribution.objects.order_by("number"))


def test_whoever_wrote_commits_has_a_part_without_a_share(stored):
    """The opener keeps the share, a bot gets no part, and an author without an account is counted as such."""
    assert branch_authors.request_branches([stored[0].pk], now=NOW) == 1
    forge = BranchForge((commit(ALICE, BOB), commit(None, BOT, sha="b" * 40)))
    assert look(forge) == 1
    assert forge.asked[0].id == stored[0].forge_id
    assert list(stored[0].authorships.order_by("pk").values_list("login", "role", "share")) == [
        ("alice", "author", 1),
        ("bob", "co-author", 0),
    ]
    branch = BranchLook.objects.get()
    assert (branch.seen_at, branch.nameless) == (NOW, 1)
    assert branch.commits[0]["authors"] == [{"id": "101", "login": "alice"}, {"id": "102", "login": "bob"}]
    bob = factories.forge_account(forge_user_id=BOB.id, login=BOB.login).user
    assert [part.contribution for part in queries.authorships_of(bob)] == [stored[0]]


def test_a_branch_costs_one_request_however_often_it_is_claimed(stored):
    """A branch is requested once, and only for a claimed pull request."""
    forge = BranchForge((commit(ALICE),))
    for _ in range(2):
        branch_authors.request_branches([stored[0].pk], now=NOW)
        look(forge)
    assert branch_authors.request_branches([stored[0].pk], now=NOW) == 0
    assert len(forge.asked) == 1
    assert branch_authors.branch_looks([contribution.pk for contribution in stored]).keys() == {stored[0].pk}


def test_what_is_no_pull_request_of_the_forges_own_has_no_branch(stored):
    """No branch is requested for reviews, issues and attested work."""
    Contribution.objects.filter(pk=stored[0].pk).update(found_by="attested")
    review = make.contribution(kind="review")
    assert branch_authors.request_branches([stored[0].pk, review.pk], now=NOW) == 0
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("error", "retried"),
    [
        (ForgeUnavailable("forge-unavailable", "Down."), True),
        (Forbidden("forge-forbidden", "Not for you."), True),
        (MissingOnForge("forge-change-missing", "Gone."), False),
        (ForgeError("forge-cannot", "Cannot."), False),
    ],
)
def test_invariant_9_a_look_that_failed_is_not_one_that_found_nobody(stored, error, retried):
    """After an error the authors stay unknown, with the reason; it is tried again later, or with the next claim."""
    branch_authors.request_branches([stored[0].pk], now=NOW)
    look(BranchForge(error))
    branch = BranchLook.objects.get()
    assert (branch.seen_at, branch.commits, branch.error_code) == (None, None, error.code)
    job = Job.objects.get()
    assert (job.due_at is not None) == retried
    assert job.holder is None
    assert not Lane.objects.exists()
    later = NOW + timedelta(hours=7)
    branch_authors.request_branches([stored[0].pk], now=later)
    assert look(BranchForge((commit(ALICE),)), later) == 1
    assert BranchLook.objects.get().why == ""


def test_a_limit_holds_up_all_of_the_forge_and_blames_nobody(stored):
    """A rate limit closes the lane until the time named; no request comes before it, and no failure is counted."""
    branch_authors.request_branches([contribution.pk for contribution in stored], now=NOW)
    until = NOW + timedelta(minutes=9)
    forge = BranchForge(
        RateLimited("forge-rate-limited", "Wait.", until=until), (commit(ALICE),), (commit(BOB),)
    )
    assert look(forge) == 0
    assert look(forge, until - timedelta(seconds=1)) == 0
    assert len(forge.asked) == 1
    assert Lane.objects.get(name="github").closed_until == until
    assert set(Job.objects.values_list("failures", "holder")) == {(0, None)}
    assert look(forge, until) == 2
    assert not BranchLook.objects.filter(seen_at=None).exists()


def test_a_forge_in_trouble_is_left_alone_until_the_next_wake(stored):
    """One failure ends the turn, because every further branch would wait for the same time-out."""
    branch_authors.request_branches([contribution.pk for contribution in stored], now=NOW)
    forge = BranchForge(ForgeUnavailable("forge-unavailable", "Down."), (commit(ALICE),))
    look(forge)
    assert len(forge.asked) == 1
    look(forge)
    assert len(forge.asked) == 2


def test_a_claim_asks_for_the_branches_of_what_it_claims():
    """Submitting requests the branches in the same transaction. The reviewer sees that further authors are unknown,
    and later who they are.
    """
    claim = make.submitted_claim()
    share = claim.items.first().authorship
    assert branch_authors.branch_looks([share.contribution_id])[share.contribution_id].seen_at is None
    assert Job.objects.filter(kind=branch_authors.KIND, lane="github").count() == claim.items.count()
    assert "co-authors" not in {hint.code for hint in signals.claim_signals(claim)[ref_of(share)]}
    look(BranchForge(*[(commit(BOB, None),)] * claim.items.count()))
    seen = {hint.code: str(hint.fact) for hint in signals.claim_signals(claim)[ref_of(share)]}
    assert seen["co-authors"] == "Without a share: bob"
    assert seen["co-authors-nameless"].endswith(": 1.")


@pytest.fixture
def local() -> Iterator[LocalForge]:
    with LocalForge([]) as serving:
        yield serving


@pytest.mark.parametrize(("name", "adapter"), [("github", GitHub), ("gitee", Gitee)])
def test_over_http_a_branch_costs_one_request(local: LocalForge, name: str, adapter: Any) -> None:
    """Through the real adapters a branch costs a point on GitHub and a request on Gitee, and finds the co-author by
    id.
    """
    world, now = local.world, timezone.now()
    made = now - timedelta(days=9)
    home = world.add_repository(name, "owner/project", created_at=made)
    opener, helper = (world.add_account(name, login, 7_000_000 + at) for at, login in enumerate("ab"))
    pull = world.add_pull(
        home, opener, title="Fix it", created_at=made, merged_at=now - timedelta(days=1), co_authors=[helper]
    )
    environment = local.environment()
    forge = adapter(
        environment[f"{name.upper()}_API_URL"], environment[f"{name.upper()}_TOKENS"].split(","), timezone.now
    )
    store(name, [forge.find_change("owner/project", str(pull.number))], now=now)
    Authorship.objects.filter(role="co-author").delete()
    held_now = Contribution.objects.get()
    local.log.reset()
    branch_authors.request_branches([held_now.pk], now=now)
    assert branch_authors.fetch_due_branches(forge, clock=timezone.now) == 1
    forge.close()
    assert local.log.requests(name) == 1
    assert local.log.points(name) == (1 if name == "github" else 0)
    assert set(held_now.authorships.values_list("forge_user_id", flat=True)) == {
        str(opener.id),
        str(helper.id),
    }


def test_how_long_a_forge_is_left_alone():
    """A lane is closed for the time that the forge named, else for a wait that depends on the error."""
    until = NOW + timedelta(hours=1)
    assert forge_session.lane_closed_until(ForgeUnavailable("x", "", until=until), NOW) == until
    assert forge_session.lane_closed_until(ForgeUnavailable("x", ""), NOW) == NOW + forge_session.DOWN_WAIT
