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


class RecheckForge:
    """A forge that answers rechecks by what a test gives for each id."""

    name = "github"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.tokens = TokenPool(["token"])
        self.asked: list[ChangeRef] = []

    def recheck(self, refs: Sequence[ChangeRef]) -> Iterator[RecheckAnswer]:
        self.asked += refs
        for ref in refs:
            answer = self.answers.get(f"n{ref.number}", "merged")
            if isinstance(answer, RateLimited):
                raise answer
            if isinstance(answer, Exception):
                yield RecheckAnswer(ref, "unknown", failure=answer)  # type: ignore[arg-type]
            elif isinstance(answer, RecheckAnswer):
                yield answer
            elif answer == "gone":
                yield RecheckAnswer(ref, "gone")
            else:
                home = repository(int(ref.repository_id), full_name=f"renamed/project{ref.repository_id}")
                changed = change(int(ref.number), repository=home, labels=("spam",))
                reverted = REVERT if answer == "reverted" else ""
                yield RecheckAnswer(ref, answer, change=changed, reverted_by=reverted)

    def find_commit(self, full_name: str, sha: str) -> object:
        if self.answers.get("commit") == "gone":
            raise MissingOnForge("forge-commit-missing", "")
        return object()


@pytest.fixture
def stored() -> list[Contribution]:
    store("github", [change(number) for number in range(1, 6)], now=NOW)
    return list(Contribution.objects.select_related("repository").order_by("number"))


def look(stored: list[Contribution], **answers: Any) -> recheck.RecheckReport:
    return recheck.recheck_contributions(stored, forge=RecheckForge(**answers), now=LATER)  # type: ignore[arg-type]


def statuses() -> list[str]:
    return list(Contribution.objects.order_by("number").values_list("status", flat=True))


def test_labels_renames_reverts_and_deletions_are_seen_again(stored) -> None:
    """Changed facts are stored; reverted and deleted work is marked as such."""
    report = look(stored, n2="reverted", n3="gone", n4=ForgeUnavailable("forge-unavailable", "No answer."))
    assert (report.seen, report.found, report.failed) == (4, 2, 1)
    assert statuses() == ["merged", "reverted", "gone", "merged", "merged"]
    first = Contribution.objects.select_related("repository").get(number="1")
    assert (first.labels, first.repository.full_name) == (["spam"], "renamed/project1")
    found = {row.contribution.number: row for row in Recheck.objects.select_related("contribution")}
    assert (found["2"].finding, found["2"].fact) == ("reverted", REVERT)
    assert (found["3"].finding, found["1"].finding) == ("gone", "")
    assert (found["4"].seen_at, found["4"].error_code) == (None, "forge-unavailable")


def test_invariant_9_a_look_that_fails_leaves_what_was_known(stored) -> None:
    """A failure changes neither the finding nor the time of the last successful recheck."""
    look(stored, n2="reverted")
    again = recheck.recheck_contributions(
        stored,
        forge=RecheckForge(n2=ForgeUnavailable("down", "Down.")),
        now=LATER + timedelta(days=1),  # type: ignore[arg-type]
    )
    assert again.failed == 1
    seen = Recheck.objects.get(contribution__number="2")
    assert (seen.finding, seen.seen_at, seen.error_code) == ("reverted", LATER, "down")


def test_what_comes_back_is_there_again(stored) -> None:
    """Work in a repository that was private for a day is merged again, not gone for good."""
    look(stored, n1="gone")
    assert statuses()[0] == "gone"
    look(stored)
    assert statuses()[0] == "merged"
    assert Recheck.objects.get(contribution__number="1").finding == ""


def test_what_was_put_in_again_counts_as_merged_again(stored) -> None:
    """After a reverted revert neither finding nor URL remains."""
    look(stored, n1="reverted")
    assert statuses()[0] == "reverted"
    look(stored)
    assert statuses()[0] == "merged"
    assert Recheck.objects.get(contribution__number="1").finding == ""


def test_attested_work_is_looked_at_by_its_commit(stored) -> None:
    """The forge never called it merged, so the recheck looks for the commit that brought it in."""
    Contribution.objects.filter(number="1").update(found_by="attested", status="landed")
    first = Contribution.objects.select_related("repository").get(number="1")
    assert look([first]).found == 0
    assert look([first], commit="gone").findings == {first.pk: "gone"}


def test_a_thousand_things_that_happen_store_nothing_twice() -> None:
    """After hundreds of renames, transfers, reverts and deletions every contribution is stored once, with its share."""
    changes = [change(number, repository=repository(number % 7 + 1)) for number in range(1, 101)]
    store("github", changes, now=NOW)
    stored = list(Contribution.objects.select_related("repository"))
    kinds = ("merged", "reverted", "gone", "merged")
    for step in range(3):
        answers = {f"n{number}": kinds[(number + step) % 4] for number in range(1, 101)}
        recheck.recheck_contributions(stored, forge=RecheckForge(**answers), now=LATER + timedelta(days=step))  # type: ignore[arg-type]
    assert Contribution.objects.count() == 100
    assert {contribution.authorships.count() for contribution in Contribution.objects.all()} == {1}


def test_workers_take_it_from_the_queue(stored) -> None:
    """A recheck requested twice is done once; a failure is retried; a rate limit closes the lane without a failure."""
    assert recheck.request_rechecks(stored, now=NOW) == 5
    assert recheck.request_rechecks(stored, now=NOW) == 0
    forge = RecheckForge(n1=ForgeUnavailable("forge-unavailable", "No answer."))
    report = recheck.recheck_all_due(forge, clock=lambda: LATER)  # type: ignore[arg-type]
    assert (report.seen, report.failed, len(forge.asked)) == (4, 1, 5)
    assert Job.objects.filter(due_at=None).count() == 4
    failed = Job.objects.get(due_at__isnull=False)
    assert (failed.error_code, failed.failures) == ("forge-unavailable", 1)
    assert recheck.request_rechecks(stored, now=LATER) == 4
    until = LATER + timedelta(hours=2)
    limited = RecheckForge(n2=RateLimited("forge-rate-limited", "Wait.", until=until))
    assert recheck.recheck_all_due(limited, clock=lambda: LATER + timedelta(minutes=1)).closed_by  # type: ignore[arg-type]
    assert Lane.objects.get().closed_until == until
    assert not Job.objects.filter(holder__isnull=False).exists()


def test_a_process_without_a_token_looks_at_nothing_and_closes_nothing(stored) -> None:
    """The jobs stay due for a process with a token."""
    recheck.request_rechecks(stored, now=NOW)
    poor = RecheckForge()
    poor.tokens = TokenPool([])
    assert recheck.recheck_all_due(poor, clock=lambda: LATER).closed_by.code == "forge-token-absent"  # type: ignore[arg-type,union-attr]
    assert (poor.asked, Lane.objects.exists()) == ([], False)
    assert recheck.recheck_all_due(RecheckForge(), clock=lambda: LATER).seen == 5  # type: ignore[arg-type]


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
    make.store_rechecks(claim, now=LATER - timedelta(days=1))
    assert flags.request_due_rechecks(now=LATER) == 0
    assert record_result(claim, by=factories.registrar(), now=LATER).credit


def test_what_was_found_holds_up_the_record_before_it_is_flagged() -> None:
    """Between finding and flag a worker may be slow or die: nothing is recorded meanwhile, and the next wake flags
    the claim.
    """
    claim = decided()
    make.store_rechecks(claim, now=LATER, finding="reverted", fact=REVERT)
    with pytest.raises(CreditsError) as refused:
        record_result(claim, by=factories.registrar(), now=LATER)
    assert refused.value.code == "flag-open"
    tasks.wake()
    assert claim.flags.count() == 2


@pytest.mark.parametrize("finding", ["reverted", "gone"])
def test_invariant_8_what_is_found_only_flags(finding: str) -> None:
    """A finding leaves the decision as it was; the result waits only for a reviewer's explanation."""
    claim = decided()
    make.store_rechecks(claim, now=LATER, finding=finding, fact=REVERT)
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
    make.store_rechecks(claim, now=NOW, finding="reverted", fact=REVERT)
    flags.flag_findings(now=NOW)
    reviewer = make.reviewer_of(claim)
    lines = {row["ref"]: {"accepted": False, "reason": "copied"} for row in claim.facts["contributions"]}
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
