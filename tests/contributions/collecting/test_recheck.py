"""A recheck stores and flags what the forge says; a failed one changes nothing; nothing is decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from credits import tasks
from credits.claims.models import ClaimFlag
from credits.claims.recording.record import record_result
from credits.claims.review import flags, review
from credits.contributions.collecting import recheck
from credits.contributions.models import Contribution, Recheck
from credits.contributions.storing.store import store
from credits.errors import CreditsError, NotAllowed
from credits.forges.errors import ForgeUnavailable, MissingOnForge, RateLimited
from credits.forges.protocol import ChangeRef, RecheckAnswer
from credits.forges.tokens import TokenPool
from credits.jobs.models import Job, Lane
from tests import credit_factories as make
from tests import factories
from tests.contributions.scripted_forge import change, repository
from tests.factories import NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=20)
REVERT = "https://forge.example/owner/project1/pull/99"


class LookingForge:
    """A forge that answers rechecks by what a test gives for each id."""

    name = "github"

    def __init__(self, **says: Any) -> None:
        self.says = says
        self.tokens = TokenPool(["token"])
        self.asked: list[ChangeRef] = []

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        self.asked += refs
        for ref in refs:
            said = self.says.get(f"n{ref.number}", "merged")
            if isinstance(said, RateLimited):
                raise said
            if isinstance(said, Exception):
                yield RecheckAnswer(ref, "unknown", failure=said)  # type: ignore[arg-type]
            elif isinstance(said, RecheckAnswer):
                yield said
            elif said == "gone":
                yield RecheckAnswer(ref, "gone")
            else:
                of = repository(int(ref.repository_id), full_name=f"renamed/project{ref.repository_id}")
                one = change(int(ref.number), repository=of, labels=("spam",))
                reverted = REVERT if said == "reverted" else ""
                yield RecheckAnswer(ref, said, change=one, reverted_by=reverted)

    def find_commit(self, full_name: str, sha: str) -> object:
        if self.says.get("commit") == "gone":
            raise MissingOnForge("forge-commit-missing", "")
        return object()


@pytest.fixture
def held() -> list[Contribution]:
    store("github", [change(number) for number in range(1, 6)], now=NOW)
    return list(Contribution.objects.select_related("repository").order_by("number"))


def look(held: list[Contribution], **says: Any) -> recheck.RecheckReport:
    return recheck.recheck_contributions(held, forge=LookingForge(**says), now=LATER)  # type: ignore[arg-type]


def statuses() -> list[str]:
    return list(Contribution.objects.order_by("number").values_list("status", flat=True))


def test_labels_renames_reverts_and_deletions_are_seen_again(held) -> None:
    """Changed facts are stored; reverted and deleted work is marked as such."""
    report = look(held, n2="reverted", n3="gone", n4=ForgeUnavailable("forge-unavailable", "No answer."))
    assert (report.seen, report.found, report.failed) == (4, 2, 1)
    assert statuses() == ["merged", "reverted", "gone", "merged", "merged"]
    first = Contribution.objects.select_related("repository").get(number="1")
    assert (first.labels, first.repository.full_name) == (["spam"], "renamed/project1")
    found = {one.contribution.number: one for one in Recheck.objects.select_related("contribution")}
    assert (found["2"].finding, found["2"].fact) == ("reverted", REVERT)
    assert (found["3"].finding, found["1"].finding) == ("gone", "")
    assert (found["4"].seen_at, found["4"].error_code) == (None, "forge-unavailable")


def test_invariant_9_a_look_that_fails_leaves_what_was_known(held) -> None:
    """A failure changes neither the finding nor the time of the last successful recheck."""
    look(held, n2="reverted")
    again = recheck.recheck_contributions(
        held,
        forge=LookingForge(n2=ForgeUnavailable("down", "Down.")),
        now=LATER + timedelta(days=1),  # type: ignore[arg-type]
    )
    assert again.failed == 1
    seen = Recheck.objects.get(contribution__number="2")
    assert (seen.finding, seen.seen_at, seen.error_code) == ("reverted", LATER, "down")


def test_what_comes_back_is_there_again(held) -> None:
    """Work in a repository that was private for a day is merged again, not gone for good."""
    look(held, n1="gone")
    assert statuses()[0] == "gone"
    look(held)
    assert statuses()[0] == "merged"
    assert Recheck.objects.get(contribution__number="1").finding == ""


def test_what_was_put_in_again_counts_as_merged_again(held) -> None:
    """After a reverted revert neither finding nor URL remains."""
    look(held, n1="reverted")
    assert statuses()[0] == "reverted"
    look(held)
    assert statuses()[0] == "merged"
    assert Recheck.objects.get(contribution__number="1").finding == ""


def test_attested_work_is_looked_at_by_its_commit(held) -> None:
    """The forge never called it merged, so the recheck looks for the commit that brought it in."""
    Contribution.objects.filter(number="1").update(found_by="attested", status="landed")
    first = Contribution.objects.select_related("repository").get(number="1")
    assert look([first]).found == 0
    assert look([first], commit="gone").findings == {first.pk: "gone"}


def test_a_thousand_things_that_happen_store_nothing_twice() -> None:
    """After hundreds of renames, transfers, reverts and deletions every contribution is stored once, with its share."""
    changes = [change(number, repository=repository(number % 7 + 1)) for number in range(1, 101)]
    store("github", changes, now=NOW)
    held = list(Contribution.objects.select_related("repository"))
    kinds = ("merged", "reverted", "gone", "merged")
    for step in range(3):
        says = {f"n{number}": kinds[(number + step) % 4] for number in range(1, 101)}
        recheck.recheck_contributions(held, forge=LookingForge(**says), now=LATER + timedelta(days=step))  # type: ignore[arg-type]
    assert Contribution.objects.count() == 100
    assert {one.authorships.count() for one in Contribution.objects.all()} == {1}


def test_workers_take_it_from_the_queue(held) -> None:
    """A recheck requested twice is done once; a failure is retried; a rate limit closes the lane without a failure."""
    assert recheck.request_rechecks(held, now=NOW) == 5
    assert recheck.request_rechecks(held, now=NOW) == 0
    forge = LookingForge(n1=ForgeUnavailable("forge-unavailable", "No answer."))
    report = recheck.recheck_all_due(forge, clock=lambda: LATER)  # type: ignore[arg-type]
    assert (report.seen, report.failed, len(forge.asked)) == (4, 1, 5)
    assert Job.objects.filter(due_at=None).count() == 4
    failed = Job.objects.get(due_at__isnull=False)
    assert (failed.error_code, failed.failures) == ("forge-unavailable", 1)
    assert recheck.request_rechecks(held, now=LATER) == 4
    until = LATER + timedelta(hours=2)
    limited = LookingForge(n2=RateLimited("forge-rate-limited", "Wait.", until=until))
    assert recheck.recheck_all_due(limited, clock=lambda: LATER + timedelta(minutes=1)).closed_by  # type: ignore[arg-type]
    assert Lane.objects.get().closed_until == until
    assert not Job.objects.filter(holder__isnull=False).exists()


def test_a_process_without_a_token_looks_at_nothing_and_closes_nothing(held) -> None:
    """The jobs stay due for a process with a token."""
    recheck.request_rechecks(held, now=NOW)
    poor = LookingForge()
    poor.tokens = TokenPool([])
    assert recheck.recheck_all_due(poor, clock=lambda: LATER).closed_by.code == "forge-token-absent"  # type: ignore[arg-type,union-attr]
    assert (poor.asked, Lane.objects.exists()) == ([], False)
    assert recheck.recheck_all_due(LookingForge(), clock=lambda: LATER).seen == 5  # type: ignore[arg-type]


def decided():
    return make.decided_claim(make.submitted_claim()).claim


def test_nothing_is_recorded_on_a_look_that_is_too_old() -> None:
    """Without a recheck in two weeks a result cannot be recorded, unless the registrar gives a reason."""
    claim = decided()
    registrar = factories.registrar()
    assert flags.request_due_rechecks(now=LATER) == 2
    with pytest.raises(CreditsError) as refused:
        record_result(claim, by=registrar, now=LATER)
    assert refused.value.code == "recheck-due"
    assert record_result(claim, by=registrar, now=LATER, despite="The forge was closed down.").credit


def test_a_fresh_look_lets_it_be_recorded() -> None:
    """After a recent recheck a result is recorded without a reason."""
    claim = decided()
    make.seen_again(claim, now=LATER - timedelta(days=1))
    assert flags.request_due_rechecks(now=LATER) == 0
    assert record_result(claim, by=factories.registrar(), now=LATER).credit


def test_what_was_found_holds_up_the_record_before_it_is_flagged() -> None:
    """Between finding and flag a worker may be slow or die: nothing is recorded meanwhile, and the next wake flags
    the claim.
    """
    claim = decided()
    make.seen_again(claim, now=LATER, finding="reverted", fact=REVERT)
    with pytest.raises(CreditsError) as refused:
        record_result(claim, by=factories.registrar(), now=LATER)
    assert refused.value.code == "flag-open"
    tasks.wake()
    assert claim.flags.count() == 2


@pytest.mark.parametrize("finding", ["reverted", "gone"])
def test_invariant_8_what_is_found_only_flags(finding: str) -> None:
    """A finding leaves the decision as it was; the result waits only for a reviewer's explanation."""
    claim = decided()
    make.seen_again(claim, now=LATER, finding=finding, fact=REVERT)
    assert flags.flag_findings(now=LATER) == 2
    assert flags.flag_findings(now=LATER) == 0
    claim.refresh_from_db()
    assert claim.status == "notice"
    with pytest.raises(CreditsError) as refused:
        record_result(claim, by=factories.registrar(), now=LATER)
    assert refused.value.code == "flag-open"
    reviewer = make.reviewer_of(claim)
    assert list(flags.flagged_claims(reviewer)) == [claim]
    with pytest.raises(NotAllowed):
        flags.answer_flag(claim.flags.first(), "It stands.", by=claim.user, now=LATER)
    for flag in claim.flags.all():
        flags.answer_flag(flag, "Reverted for a release; it came back.", by=reviewer, now=LATER)
    assert list(flags.flagged_claims(reviewer)) == []
    with pytest.raises(DatabaseError), transaction.atomic():
        ClaimFlag.objects.update(answer="else")
    assert record_result(claim, by=factories.registrar(), now=LATER).credit


def test_a_flag_on_a_refused_claim_reaches_its_reviewer() -> None:
    """The result of a refused claim also waits for a reviewer's explanation, and the reviewer sees that."""
    claim = make.submitted_claim()
    make.seen_again(claim, now=NOW, finding="reverted", fact=REVERT)
    flags.flag_findings(now=NOW)
    reviewer = make.reviewer_of(claim)
    lines = {one["ref"]: {"accepted": False, "reason": "copied"} for one in claim.facts["contributions"]}
    review.decide(claim, lines, by=reviewer, now=NOW)
    claim.refresh_from_db()
    review.confirm_proposal(claim, by=reviewer, now=claim.hearing_until)
    with pytest.raises(CreditsError) as refused:
        record_result(claim, by=factories.registrar(), now=LATER)
    assert refused.value.code == "flag-open"
    assert list(flags.flagged_claims(reviewer)) == [claim]
    for flag in claim.flags.all():
        flags.answer_flag(flag, "It was refused anyway.", by=reviewer, now=LATER)
    record_result(claim, by=factories.registrar(), now=LATER)
    assert list(flags.flagged_claims(reviewer)) == []
