"""Work that landed under another name: fetched, compared, confirmed once by a maintainer, and decided by a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.identity import linking
from accounts.models import AuditEntry, User
from credits.contributions import attested_work, queries
from credits.contributions.collecting import recheck
from credits.contributions.models import AttestedWork, Contribution, MaintainerWord
from credits.contributions.storing.store import store
from credits.errors import CreditsError, NotAllowed
from credits.forges.errors import MissingOnForge, NotMerged
from credits.forges.protocol import ChangedFile, CommitOnForge, MergedChange
from tests import factories
from tests.contributions.scripted_forge import (
    ALICE,
    BOB,
    MAINTAINER,
    MERGED,
    ScriptedForge,
    change,
    repository,
)
from tests.factories import NOW, forge_account

pytestmark = pytest.mark.django_db
SHA = "ab" * 20
ADDRESS = "https://github.example/owner/project1/pull/{}"
COMMIT = f"https://github.example/owner/project1/commit/{SHA}"
SQUASHED = CommitOnForge(
    sha=SHA,
    message="Fix part 1 (squashed)\n\nThanks.",
    authors=(MAINTAINER,),
    committed_at=MERGED,
    url=COMMIT,
    files=(ChangedFile("src/part.py", 25, 2), ChangedFile("NEWS", 1, 0)),
)


class ClosingForge(ScriptedForge):
    """A forge with closed pull requests and one commit."""

    def __init__(self, *closed: MergedChange, commit: CommitOnForge = SQUASHED) -> None:
        super().__init__(lambda _asks: (), changes=closed)
        self.commit = commit

    def find_closed(self, full_name: str, number: str) -> MergedChange:
        found = ScriptedForge.find_change(self, full_name, number)
        if found.title == "open":
            raise NotMerged("forge-change-open", "It is open.")
        return found

    def find_commit(self, full_name: str, sha: str) -> CommitOnForge:
        if sha != self.commit.sha:
            raise MissingOnForge("forge-commit-missing", "There is no such commit.")
        return self.commit


CLOSED = change(1, status="unknown", merge_commit=None, merged_by=None)
KNOWN = (
    CLOSED,
    change(2, status="unknown", author=BOB),
    change(3, status="unknown", author=BOB, co_authors=(ALICE,)),
    change(4, title="open"),
    change(5),
    change(6, status="unknown", created_at=MERGED + timedelta(days=1)),
)


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.FORGES = {
        name: forge | {"url": f"https://{name}.example"} for name, forge in settings.FORGES.items()
    }


@pytest.fixture
def alice() -> User:
    return forge_account(factories.student(), forge_user_id=ALICE.id, login=ALICE.login).user


@pytest.fixture
def reviewer(alice) -> User:
    return factories.instructor(alice.enrolments.get().programme.department)


def offer(user: User, number: int = 1, commit: str = COMMIT) -> Any:
    forge = ClosingForge(*KNOWN)
    return attested_work.submit_work(user, ADDRESS.format(number), commit, now=NOW, forges={"github": forge})  # type: ignore[dict-item]


def code(verb) -> str:
    with pytest.raises(CreditsError) as refused:
        verb()
    assert refused.value.message
    return refused.value.code


@pytest.mark.parametrize("commit", [COMMIT, SHA, f"  {SHA.upper()} ", f"{COMMIT}?diff=split"])
def test_a_closed_pull_request_is_kept_with_how_alike_the_commit_is(alice, commit) -> None:
    """Pull request and commit are both fetched; nothing is a contribution before a reviewer accepts it."""
    work = offer(alice, commit=commit)
    assert (work.status, work.commit, work.committed_as) == ("waiting", SHA, "maintainer")
    assert (work.lines_alike, work.files_alike) == (79, 50)
    assert work.commit_headline == "Fix part 1 (squashed)"
    assert not Contribution.objects.exists()
    assert code(lambda: offer(alice)) == "already-offered"


def test_what_was_told_at_the_offer_replaces_nothing_that_was_told_since(alice, reviewer) -> None:
    """On acceptance the answer from the time of submitting is stored, and it replaces no newer answer."""
    work = offer(alice)
    renamed = repository(full_name="owner/renamed", licence="MIT")
    store("github", [change(5, repository=renamed)], now=NOW + timedelta(days=1))
    attested_work.decide_work(work, accept=True, reason="", by=reviewer, now=NOW + timedelta(days=20))
    made = Contribution.objects.select_related("repository").get(number="1")
    assert (made.repository.full_name, made.repository.licence) == ("owner/renamed", "MIT")
    assert made.evidence.get().fetched_at == made.collected_at == NOW
    assert recheck.unseen_since([made.pk], NOW + timedelta(days=1)) == [made]


def test_an_account_that_is_linked_anew_offers_nothing_twice(alice, reviewer) -> None:
    """Linking again makes a new row for the same account on the forge: work that waits or was accepted stays so,
    and cannot be submitted again.
    """
    first = offer(alice)
    linking.unlink(alice.forge_accounts.get(unlinked_at=None), by=alice, now=NOW)
    linking.link(alice, "github", ALICE, proof="oauth", now=NOW)
    assert code(lambda: offer(alice)) == "already-offered"
    attested_work.decide_work(first, accept=True, reason="", by=reviewer, now=NOW)
    assert code(lambda: offer(alice)) == "already-offered"
    assert AttestedWork.objects.count() == 1


@pytest.mark.parametrize(
    ("number", "commit", "why"),
    [
        (2, COMMIT, "not-your-account"),
        (3, COMMIT, "not-the-opener"),
        (4, COMMIT, "forge-change-open"),
        (6, COMMIT, "commit-too-early"),
        (99, COMMIT, "change-missing"),
        (1, "cd" * 20, "forge-commit-missing"),
        (1, "abc123", "commit-unreadable"),
        (1, f"https://github.example/owner/other/commit/{SHA}", "commit-elsewhere"),
    ],
)
def test_what_cannot_be_attested_is_told_why(alice, number, commit, why) -> None:
    """Each reason has its own code and sentence, and nothing is stored."""
    assert code(lambda: offer(alice, number, commit)) == why
    assert not AttestedWork.objects.exists()


def test_what_is_merged_after_all_is_stored_at_once(alice) -> None:
    """Work that the forge itself calls merged needs no attestation."""
    assert isinstance(offer(alice, 5), Contribution)


def test_unknown_files_are_unknown_likeness(alice) -> None:
    """If a forge lists no files of the commit, the similarity is unknown, not zero."""
    forge = ClosingForge(CLOSED, commit=replace(SQUASHED, files=None))
    work = attested_work.submit_work(alice, ADDRESS.format(1), COMMIT, now=NOW, forges={"github": forge})  # type: ignore[dict-item]
    assert isinstance(work, AttestedWork)
    assert (work.lines_alike, work.files_alike) == (None, None)


def test_a_maintainers_link_works_once(alice) -> None:
    """Only the digest of the token is stored; a newer link ends it, it expires, and its answer cannot be changed."""
    work = offer(alice)
    old = attested_work.make_maintainer_link(work, by=alice, now=NOW)
    later = NOW + timedelta(hours=1)
    token = attested_work.make_maintainer_link(work, by=alice, now=later)
    assert token not in str(list(MaintainerWord.objects.values()))
    assert code(lambda: attested_work.open_maintainer_link(old, now=later)) == "link-expired"
    assert code(lambda: attested_work.open_maintainer_link("guessed", now=later)) == "no-such-link"
    assert (
        code(lambda: attested_work.open_maintainer_link(token, now=later + attested_work.LINK_VALID_FOR))
        == "link-expired"
    )
    say = lambda login="maint", text="Yes.": attested_work.answer_maintainer_link(  # noqa: E731
        token, login=login, confirms=True, text=text, now=later
    )
    assert code(lambda: say(login=" ")) == "word-unreadable"
    assert code(lambda: say(text="x" * 2001)) == "word-unreadable"
    assert say().confirms
    assert code(say) == "link-used"
    with pytest.raises(DatabaseError), transaction.atomic():
        MaintainerWord.objects.filter(used_at__isnull=False).update(confirms=False)
    with pytest.raises(NotAllowed):
        attested_work.make_maintainer_link(work, by=factories.student(), now=later)
    entry = AuditEntry.objects.get(action="maintainer-answered")
    assert (entry.actor, entry.details["login"]) == (None, "maint")


def test_an_accepted_work_is_a_contribution_that_landed(alice, reviewer) -> None:
    """It is stored with the commit, its time, the whole share and how it was found; it is decided once."""
    work = offer(alice)
    assert list(attested_work.works_awaiting(reviewer)) == [work]
    made = attested_work.decide_work(work, accept=True, reason="", by=reviewer, now=NOW).contribution
    assert (made.status, made.found_by, made.landed_by) == ("landed", "attested", "attested")
    assert (made.merge_commit, made.merged_at) == (SHA, MERGED)
    assert [(part.login, part.share) for part in queries.authorships_of(alice)] == [("alice", 1)]
    assert list(attested_work.works_awaiting(reviewer)) == []
    assert (
        code(lambda: attested_work.decide_work(work, accept=False, reason="No.", by=reviewer, now=NOW))
        == "work-decided"
    )
    assert code(lambda: attested_work.make_maintainer_link(work, by=alice, now=NOW)) == "work-decided"
    with pytest.raises(DatabaseError), transaction.atomic():
        AttestedWork.objects.update(reason="else")


def test_what_is_not_accepted_has_a_reason_and_may_be_offered_again(alice, reviewer) -> None:
    """A refusal needs a reason; after it a better commit may be submitted."""
    work = offer(alice)
    assert (
        code(lambda: attested_work.decide_work(work, accept=False, reason=" ", by=reviewer, now=NOW))
        == "reason-needed"
    )
    attested_work.decide_work(work, accept=False, reason="Another's work.", by=reviewer, now=NOW)
    assert not Contribution.objects.exists()
    assert offer(alice).status == "waiting"


def test_invariant_8_nobody_decides_on_their_own_or_outside_their_scope(alice) -> None:
    """Neither the student, even as an instructor, nor an instructor of another college can decide."""
    work = offer(alice)
    alice.staff_roles.create(role="instructor")
    outside = factories.instructor(factories.department())
    for by in (alice, outside, factories.registrar()):
        with pytest.raises(NotAllowed):
            attested_work.decide_work(work, accept=True, reason="", by=by, now=NOW)
    assert code(lambda: attested_work.open_work(outside, work.public_id, now=NOW)) == "no-such-work"
    assert list(attested_work.works_awaiting(outside)) == []
