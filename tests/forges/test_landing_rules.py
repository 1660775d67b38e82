"""Work accepted although the forge calls its pull request closed: only by a rule for the repository."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from credits.forges.errors import NotMerged
from credits.forges.github.adapter import GitHub
from credits.forges.landing_rules import LANDING_RULES, LandingRule, rules_for_repository
from credits.forges.protocol import AccountOnForge
from demo.forge import LocalForge
from demo.forge.model import LocalFile, LocalPullRequest
from tests.forges.collecting import Clock, Store

RULES = {rule.name: rule for rule in LANDING_RULES}


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


def _opened(
    local: LocalForge, clock: Clock, full_name: str, title: str = "Make it faster"
) -> LocalPullRequest:
    world = local.world
    repository = world.repository("github", full_name) or world.add_repository(
        "github", full_name, created_at=clock.now
    )
    author = world.account("github", "student") or world.add_account("github", "student")
    return world.add_pull(
        repository, author, title=title, created_at=clock.now, state="open", files=[LocalFile("a.py", 3, 1)]
    )


def _account(local: LocalForge) -> AccountOnForge:
    found = local.world.account("github", "student")
    assert found is not None
    return AccountOnForge(str(found.id), found.login)


@pytest.mark.parametrize(
    ("rule", "title", "labels", "message", "holds"),
    [
        (
            "pytorch",
            "x",
            ["Merged"],
            "x\n\nPull Request resolved: https://github.com/o/r/pull/7\nApproved",
            True,
        ),
        ("pytorch", "x", ["Merged"], "Pull Request resolved: https://github.com/o/r/pull/71", False),
        ("pytorch", "x", ["Merged"], "Pull Request resolved: https://github.com/o/other/pull/7", False),
        ("pytorch", "x", ["Reverted"], "Pull Request resolved: https://github.com/o/r/pull/7", False),
        ("pytorch", "x", ["Merged"], None, False),
        ("spark", "x", [], "[SPARK-1] x\n\nCloses #7 from someone/branch.\n", True),
        ("spark", "x", [], "Closes #77 from someone/branch.", False),
        ("spark", "x", [], "I do not think this Closes #7 from anywhere", False),
        ("bors", "[Merged by Bors] - feat: x", [], None, True),
        ("bors", "feat: x [Merged by Bors] - ", [], None, False),
    ],
)
def test_what_each_rule_asks_for(
    rule: str, title: str, labels: list[str], message: str | None, holds: bool
) -> None:
    """Label, closing commit and title must match exactly this pull request of this repository."""
    assert RULES[rule].holds("o/r", "7", title, labels, message) is holds


def test_a_rule_counts_in_its_repositories_only() -> None:
    """In a repository without a rule, closed means closed, with any title and message."""
    assert [rule.name for rule in rules_for_repository(LANDING_RULES, "PyTorch/pytorch")] == ["pytorch"]
    assert rules_for_repository(LANDING_RULES, "somebody/pytorch") == ()


@pytest.mark.parametrize(
    ("full_name", "title", "label", "message", "rule"),
    [
        (
            "pytorch/pytorch",
            "x",
            "Merged",
            "x\n\nPull Request resolved: {web}/pytorch/pytorch/pull/{n}",
            "pytorch",
        ),
        ("apache/spark", "[SPARK-1] x", "", "[SPARK-1] x\n\nCloses #{n} from student/branch.", "spark"),
        ("bors-ng/bors-ng", "[Merged by Bors] - x", "", "x (#{n})", "bors"),
    ],
)
def test_landed_work_is_collected_as_a_class_of_its_own(
    local: LocalForge,
    clock: Clock,
    github: GitHub,
    full_name: str,
    title: str,
    label: str,
    message: str,
    rule: str,
) -> None:
    """Landed work is delivered with its status, rule and commit, and is the same by link and in a recheck; work that
    was only closed is not delivered."""
    landed = _opened(local, clock, full_name, title)
    _rejected = [_opened(local, clock, full_name, "Not wanted"), _opened(local, clock, "else/where", title)]
    clock.pass_by(hours=1)
    text = message.format(web=local.github_url, n=landed.number)
    local.world.land(landed, clock.now, text, [label] if label else [])
    local.world.land(_rejected[0], clock.now, "Closed for want of interest")
    local.world.land(_rejected[1], clock.now, text, [label] if label else [])
    store = Store()
    pages = store.collect(github, [_account(local)], [])
    assert pages[-1].done
    (change,) = store.changes.values()
    assert (change.id, change.status, change.landed_by) == (str(landed.id), "landed", rule)
    assert change.merge_commit == landed.closer
    assert change.merged_at == clock.now
    assert change.raw["closing"]["nodes"]
    linked = github.find_change(full_name, str(landed.number))
    assert (linked.status, linked.landed_by, linked.merge_commit) == ("landed", rule, landed.closer)
    with pytest.raises(NotMerged):
        github.find_change("else/where", str(_rejected[1].number))
    local.log.reset()
    assert store.collect(github, [_account(local)], [])[-1].done
    assert local.log.requests("github") == 1


def test_a_label_that_comes_later_is_noticed(local: LocalForge, clock: Clock, github: GitHub) -> None:
    """A closed pull request that the bot marks later is found in the next round."""
    pull, store = _opened(local, clock, "pytorch/pytorch"), Store()
    local.world.land(
        pull, clock.now, f"x\n\nPull Request resolved: {local.github_url}/pytorch/pytorch/pull/1"
    )
    store.collect(github, [_account(local)], [])
    assert store.changes == {}
    clock.pass_by(hours=1)
    local.world.label(pull, ["Merged"], clock.now)
    store.collect(github, [_account(local)], [])
    assert [change.status for change in store.changes.values()] == ["landed"]


def test_a_university_may_add_a_rule(local: LocalForge, clock: Clock) -> None:
    """The rules are data that the adapter gets as an argument."""
    pull, store = _opened(local, clock, "own/project", "[landed] x"), Store()
    local.world.land(pull, clock.now, "x")
    rule = LandingRule("own", ("own/project",), title=r"\[landed\]")
    tokens = local.environment()["GITHUB_TOKENS"].split(",")
    adapter = GitHub(local.github_api_url, tokens, clock, landing_rules=[rule])
    store.collect(adapter, [_account(local)], [])
    assert [change.landed_by for change in store.changes.values()] == ["own"]
    adapter.close()
