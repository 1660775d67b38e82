"""Two people do the same step at the same instant, on PostgreSQL: one succeeds, the other gets an error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from threading import Barrier, Thread

import pytest
from django.db import connection

from credits.claims import rounds
from credits.claims.application.draft import add_item, open_draft
from credits.claims.application.submit import submit, withdraw
from credits.claims.models import Claim, ClaimItem, Decision, Result
from credits.claims.recording import record
from credits.claims.review import review
from credits.errors import CreditsError
from credits.ledger.models import CreditEntry
from credits.ledger.verify import verify
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(steps: Sequence[Callable[[], object]]) -> list[str]:
    """Run the steps at the same time in separate threads. Return ``done`` or the error's code for each, sorted."""
    barrier = Barrier(len(steps))
    outcomes = ["died"] * len(steps)

    def run(number: int, step: Callable[[], object]) -> None:
        try:
            barrier.wait(timeout=20)
            step()
            outcomes[number] = "done"
        except CreditsError as error:
            outcomes[number] = error.code
        except Exception as error:
            outcomes[number] = repr(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(number, step)) for number, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return sorted(outcomes)


def test_two_reviewers_at_once_make_one_decision() -> None:
    """If three reviewers approve at once, one decision is made, and the others learn that the claim has moved on."""
    claim = make.submitted_claim()
    reviewers = [make.reviewer_of(claim) for _each in range(3)]
    outcomes = at_once([lambda by=by: review.decide(claim, {}, by=by, now=NOW) for by in reviewers])  # type: ignore[misc]
    assert outcomes == ["claim-moved-on", "claim-moved-on", "done"]
    assert Decision.objects.count() == 1


def test_two_reviewers_of_one_stage_at_once_decide_in_one_stage() -> None:
    """If both stages are the instructors', the second reviewer does not decide in a stage that they never saw."""
    stages = "review: {stages: [{id: a, title: {zh: 一, en: a}}, {id: b, title: {zh: 二, en: b}}]}"
    claim = make.staged_claim(stages)
    reviewers = [make.reviewer_of(claim) for _each in range(3)]
    outcomes = at_once([lambda by=by: review.decide(claim, {}, by=by, now=NOW) for by in reviewers])  # type: ignore[misc]
    assert outcomes == ["done", "stage-moved-on", "stage-moved-on"]
    claim.refresh_from_db()
    assert (claim.status, claim.stage, Decision.objects.count()) == (Claim.Status.SUBMITTED, 2, 1)
    done = Decision.objects.get().decided_by
    rest = [reviewer for reviewer in reviewers if reviewer != done]
    outcomes = at_once([lambda by=by: review.decide(claim, {}, by=by, now=NOW) for by in rest])  # type: ignore[misc]
    assert outcomes == ["claim-moved-on", "done"]
    claim.refresh_from_db()
    assert (claim.status, Decision.objects.count()) == (Claim.Status.NOTICE, 2)


def test_approving_and_refusing_at_once_leaves_one_of_the_two() -> None:
    """The second of two reviewers sees what the first has done, so there is at most one final decision."""
    claim = make.submitted_claim()
    ref = claim.facts["contributions"][0]["ref"]  # type: ignore[index]
    first, second = make.reviewer_of(claim), make.reviewer_of(claim)
    outcomes = at_once(
        [
            lambda: review.decide(claim, {}, by=first, now=NOW),
            lambda: review.decide(claim, {ref: {"accepted": False, "reason": "x"}}, by=second, now=NOW),
        ]
    )
    assert outcomes in (["claim-moved-on", "done"], ["done", "hearing-not-over"], ["done", "done"])
    final = Decision.objects.filter(standing="final")
    claim.refresh_from_db()
    assert final.count() == (1 if claim.status == Claim.Status.NOTICE else 0)


def test_a_claim_submitted_twice_is_submitted_once() -> None:
    """Submitting several times at once freezes one set of facts and makes one assessment."""
    claim = make.claim()
    outcomes = at_once([lambda: submit(claim, by=claim.user, now=NOW)] * 3)
    assert outcomes == ["claim-moved-on", "claim-moved-on", "done"]
    claim.refresh_from_db()
    assert claim.assessments.count() == 1


def test_a_draft_begun_twice_is_one_draft() -> None:
    """Opening the round's draft several times at once makes one draft."""
    student = factories.student()
    make.authorship(student)
    round_ = make.round_()
    assert at_once([lambda: open_draft(student, round_, now=NOW)] * 3) == ["done"] * 3
    assert Claim.objects.filter(user=student).count() == 1
    assert ClaimItem.objects.count() == 1


def test_a_result_recorded_by_two_registrars_is_posted_once() -> None:
    """Recording at once makes one result and one ledger entry, and the chain is valid."""
    claim = make.decided_claim().claim
    until = claim.notice_until
    assert until is not None
    registrars = [factories.registrar() for _each in range(3)]
    outcomes = at_once([lambda by=by: record.record_result(claim, by=by, now=until) for by in registrars])  # type: ignore[misc]
    assert outcomes == ["already-recorded", "already-recorded", "done"]
    assert Result.objects.count() == CreditEntry.objects.count() == 1
    assert verify().holds


def test_overlapping_lists_recorded_at_once_are_posted_once_each() -> None:
    """Two lists that overlap in opposite order do not deadlock: one is recorded whole, the other not at all."""
    round_ = make.round_()
    claims = [make.decided_claim(make.submitted_claim(in_round=round_)).claim for _each in range(4)]
    until = claims[0].notice_until
    assert until is not None
    first, second = factories.registrar(), factories.registrar()
    outcomes = at_once(
        [
            lambda: record.record_results(claims[:3], by=first, now=until),
            lambda: record.record_results(reversed(claims[1:]), by=second, now=until),
        ]
    )
    assert outcomes == ["already-recorded", "done"]
    assert Result.objects.count() == CreditEntry.objects.count() == 3
    assert verify().holds


def test_invariant_2_mirrors_submitted_by_two_people_at_once_earn_once() -> None:
    """If two students submit the same work from two forges at once, only one submission succeeds."""
    round_ = make.round_()
    claims = []
    for forge in ("github", "gitee"):
        student = factories.student()
        make.authorship(student, make.contribution(make.repository(forge=forge), merge_commit="d" * 40))
        claims.append(open_draft(student, round_, now=NOW))
    outcomes = at_once([lambda claim=claim: submit(claim, by=claim.user, now=NOW) for claim in claims])  # type: ignore[misc]
    assert outcomes == ["already-claimed", "done"]


def test_invariant_3_a_share_added_to_two_drafts_at_once_stands_in_one() -> None:
    """The constraint lets a share into only one of a student's two drafts."""
    student = factories.student()
    drafts = [open_draft(student, make.round_(), now=NOW) for _each in range(2)]
    share = make.authorship(student)
    outcomes = at_once([lambda claim=claim: add_item(claim, share, by=student, now=NOW) for claim in drafts])  # type: ignore[misc]
    assert outcomes == ["already-claimed", "done"]
    assert ClaimItem.objects.filter(live=True).count() == 1


def test_withdrawing_while_it_is_decided_ends_in_one_of_the_two() -> None:
    """The claim is either withdrawn without a decision, or decided and on notice."""
    claim = make.submitted_claim()
    reviewer = make.reviewer_of(claim)
    outcomes = at_once(
        [
            lambda: withdraw(claim, by=claim.user, now=NOW),
            lambda: review.decide(claim, {}, by=reviewer, now=NOW),
        ]
    )
    assert outcomes == ["claim-moved-on", "done"]
    claim.refresh_from_db()
    withdrawn = claim.status == Claim.Status.WITHDRAWN
    assert Decision.objects.exists() != withdrawn
    assert claim.items.filter(live=True).exists() != withdrawn


def test_a_round_opened_twice_at_once_is_opened_once() -> None:
    """Opening the same round several times at once makes one round; the others get an error."""
    version, term, by = make.published_rulebook(), factories.term(), factories.registrar()
    opened = partial(
        rounds.open_round,
        code="spring",
        term=term,
        name_zh="批次",
        name_en="Round",
        apply_from=NOW,
        apply_until=NOW + timedelta(days=1),
        review_until=NOW + timedelta(days=2),
        record_from=NOW,
        record_until=NOW + timedelta(days=3),
        rulebooks=[version],
        by=by,
        now=NOW,
    )
    assert at_once([opened] * 3) == ["done", "round-exists", "round-exists"]
