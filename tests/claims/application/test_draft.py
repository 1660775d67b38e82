"""Gathering contributions into a claim, and what its facts say."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.identity import linking
from credits.claims.application.draft import add_item, draft_candidates, open_draft, read_choice, remove_item
from credits.claims.application.submit import submit
from credits.claims.assessment.estimate import current_enrolment, estimate_outcome, estimate_round
from credits.claims.assessment.facts import claim_facts
from credits.claims.assessment.stored import submitted_outcome
from credits.claims.models import Claim
from credits.claims.rounds import RulebookInForce
from credits.contributions.models import CollectionState
from credits.errors import Conflict, NotAllowed, NotThere
from credits.rules import facts
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def test_a_draft_is_prefilled_with_what_counts() -> None:
    """Own work under an open licence is in; the rest is there to choose, with the reason why it does not count."""
    student = factories.student()
    good = make.authorship(student)
    make.authorship(student, make.contribution(make.repository(licence="")))
    make.authorship()  # somebody else's
    claim = open_draft(student, make.round_(), now=NOW)
    assert [item.authorship for item in claim.items.all()] == [good]
    shown = {one.outcome.status: one for one in draft_candidates(claim, now=NOW)}
    assert set(shown) == {"counts", "does-not-count"}
    assert shown["counts"].item is not None
    said = [line.text["en"] for line in shown["does-not-count"].outcome.lines]
    assert any("licence" in text for text in said)


def test_what_is_unknown_is_undecided_and_not_refused() -> None:
    """A licence that the forge did not name is unknown: the contribution is not in, and not out for good."""
    student = factories.student()
    make.authorship(student, make.contribution(make.repository(licence=None)))
    claim = open_draft(student, make.round_(), now=NOW)
    assert claim.items.count() == 0
    assert [one.outcome.status for one in draft_candidates(claim, now=NOW)] == ["undecided"]


def test_an_existing_draft_is_refilled_only_when_asked() -> None:
    """What the student took out stays out; refreshing brings in all that counts again."""
    claim = make.claim()
    student = claim.user
    remove_item(claim.items.all()[0], by=student, now=NOW)
    make.authorship(student)
    assert open_draft(student, claim.round, now=NOW).items.count() == 1
    assert open_draft(student, claim.round, now=NOW, refresh=True).items.count() == 3


def test_a_submitted_claim_is_returned_as_it_is() -> None:
    """Asking for the draft of a round in which one has applied shows what was handed in."""
    claim = make.submitted_claim()
    make.authorship(claim.user)
    again = open_draft(claim.user, claim.round, now=NOW, refresh=True)
    assert (again, again.items.count()) == (claim, 2)


def test_a_draft_that_was_never_submitted_lets_go() -> None:
    """In the next round, what lies in an old draft is free again."""
    old = make.claim()
    later = old.round.apply_until
    new = open_draft(old.user, make.round_(apply_from=later), now=later)
    assert new.items.count() == 2
    old.refresh_from_db()
    assert old.status == Claim.Status.WITHDRAWN


def test_only_ones_own_work_into_ones_own_claim() -> None:
    """Neither another's contribution, nor another's claim, nor work of an account that is no longer linked."""
    claim = make.claim()
    theirs = make.authorship()
    with pytest.raises(NotAllowed) as error:
        add_item(claim, theirs, by=claim.user, now=NOW)
    assert error.value.code == "not-your-contribution"
    somebody = factories.student()
    for step in (
        lambda: add_item(claim, theirs, by=somebody, now=NOW),
        lambda: remove_item(claim.items.all()[0], by=somebody, now=NOW),
        lambda: submit(claim, by=somebody, now=NOW),
    ):
        with pytest.raises(NotAllowed) as error:
            step()
        assert error.value.code == "not-your-claim"
    linking.unlink(claim.user.forge_accounts.get(), by=claim.user, now=NOW)
    with pytest.raises(Conflict) as refused:
        submit(claim, by=claim.user, now=NOW)
    assert refused.value.code == "not-your-contribution"


def test_a_claim_in_which_nothing_counts_is_not_taken() -> None:
    """An empty draft, or one of work that does not count, is answered with the reason."""
    student = factories.student()
    claim = open_draft(student, make.round_(), now=NOW)
    unlicensed = make.authorship(student, make.contribution(make.repository(licence="")))
    for _each in range(2):
        with pytest.raises(Conflict) as error:
            submit(claim, by=student, now=NOW)
        assert error.value.code == "nothing-counts"
        add_item(claim, unlicensed, by=student, now=NOW)


def test_an_open_claim_in_the_same_category_comes_first() -> None:
    """What the first gives decides what the second may add, so the second waits; another category does not."""
    student = make.submitted_claim().user
    second = make.claim(student, contributions=1)
    with pytest.raises(Conflict) as error:
        submit(second, by=student, now=NOW)
    assert error.value.code == "earlier-claim-open"
    other = make.round_(rulebooks=[make.published_rulebook(category="electives")])
    make.submitted_claim(student, other, contributions=1)


def test_a_person_without_an_enrolment_has_nothing_to_claim_for() -> None:
    """Staff, students who have left, and those whose enrolment is still to come are told so."""
    round_ = make.round_()
    gone = factories.enrolment(left_on=date(2025, 3, 10)).user
    coming = factories.enrolment(enrolled_on=date(2025, 9, 1), year=2025).user
    for user in (factories.instructor(), gone, coming):
        with pytest.raises(NotThere) as error:
            open_draft(user, round_, now=NOW)
        assert error.value.code == "not-enrolled"


def test_the_newest_enrolment_claims() -> None:
    """After a change of programme, the claim stands under the new student number."""
    student = factories.student(year=2021)
    new = factories.enrolment(student, year=2024, level="硕士")
    assert current_enrolment(student, now=NOW) == new


def test_the_facts_of_a_contribution() -> None:
    """What is known is said as it is held, what is not is None, and times and shares are exact."""
    student = factories.student(year=2023)
    account = make.linked_account(student)
    repository = make.repository(owner_id_on_forge=account.forge_user_id, stars=None, licence="NOASSERTION")
    share = make.authorship(
        student,
        make.contribution(repository, merged_by_id_on_forge=account.forge_user_id, labels=None, files=None),
    )
    share.share = Decimal("0.25")
    share.save()
    other = make.authorship(student, make.contribution(repository, merged_by_id_on_forge=None))
    frozen = claim_facts(
        enrolment=student.enrolments.get(),
        round_=make.round_(),
        authorships=[share, other],
        category="innovation",
        now=NOW,
    )
    first, second = frozen.contributions
    assert first.contribution["share"] == Decimal("0.25")
    assert first.contribution["merged_by_self"] is True
    assert first.contribution["first_in_repository"] is True
    assert first.contribution["labels"] is first.contribution["files"] is None
    assert first.repository["owner_is_author"] is True
    assert first.repository["osi_approved"] is first.repository["stars"] is first.repository["tier"] is None
    assert second.contribution["merged_by_self"] is None
    assert second.contribution["first_in_repository"] is False
    written = facts.to_json(frozen)
    assert written["student"]["enrolled_on"] == "2023-08-31T16:00:00Z"
    assert facts.facts_from_json(written) == frozen or facts.digest(
        facts.facts_from_json(written)
    ) == facts.digest(frozen)


def test_whether_it_is_the_first_is_unknown_until_all_is_collected() -> None:
    """An earlier one may still turn up, so nobody is called a first-timer too soon."""
    student = factories.student()
    share = make.authorship(student)
    CollectionState.objects.update(complete_at=None)
    frozen = claim_facts(
        enrolment=student.enrolments.get(),
        round_=make.round_(),
        authorships=[share],
        category="innovation",
        now=NOW,
    )
    assert frozen.contributions[0].contribution["first_in_repository"] is None


def test_an_estimate_stores_nothing_and_leaves_out_what_is_claimed_elsewhere() -> None:
    """Two contributions in another live claim are not promised twice."""
    claim = make.submitted_claim()
    make.authorship(claim.user)
    other = make.round_()
    before = Claim.objects.count()
    assert estimate_outcome(claim.user, other, now=NOW).points == 8
    assert estimate_outcome(claim.user, claim.round, now=NOW).points == 16
    assert Claim.objects.count() == before


def test_estimates_of_a_round() -> None:
    """Everyone with a linked account, by student number, or those who are named; an unknown number is said."""
    round_ = make.round_()
    students = [factories.student(student_number=number) for number in ("0002", "0001", "0003")]
    for student in students[:2]:
        make.authorship(student)
    gone = factories.enrolment(left_on=date(2025, 1, 10)).user
    make.linked_account(gone)
    found = [
        (one.student_number, found.outcome.points) for one, found in estimate_round(round_, None, now=NOW)
    ]
    assert found == [("0001", 8), ("0002", 8)]
    named = [one.student_number for one, _outcome in estimate_round(round_, ["0003", "0001"], now=NOW)]
    assert named == ["0003", "0001"]
    with pytest.raises(NotThere):
        estimate_round(round_, ["9999"], now=NOW)


def test_a_draft_costs_few_queries_however_much_is_held(django_assert_max_num_queries: object) -> None:
    """Forty contributions take no more queries than four."""
    student = factories.student()
    repository = make.repository()
    for _each in range(40):
        make.authorship(student, make.contribution(repository))
    round_ = make.round_()
    with django_assert_max_num_queries(32):  # type: ignore[operator]
        claim = open_draft(student, round_, now=NOW)
    with django_assert_max_num_queries(16):  # type: ignore[operator]
        assert len(draft_candidates(claim, now=NOW + timedelta(days=1))) == 40
    with django_assert_max_num_queries(32):  # type: ignore[operator]
        submit(claim, by=student, now=NOW)


def test_who_begins_to_study_something_else_meanwhile_is_estimated_and_frozen_alike() -> None:
    """A draft begun as a bachelor and handed in as a master stays the bachelor's, and the estimate tells what it gives
    under that enrolment: work from before the new one counts."""
    student = factories.student()
    master = factories.programme()
    generous = make.published_rulebook(points="  - {id: more, text: {zh: 多, en: more}, give: 8}\n")
    round_ = make.round_(rulebooks=[make.published_rulebook(), RulebookInForce(generous, programme=master)])
    make.authorship(student)
    claim = open_draft(student, round_, now=NOW)
    begins = NOW + timedelta(days=5)
    new = factories.enrolment(student, programme=master, enrolled_on=begins.date())
    later = begins + timedelta(days=1)
    shares = [item.authorship for item in claim.items.all()]
    told = estimate_outcome(student, round_, now=later, authorships=shares)
    shown = read_choice(claim, now=later).estimate.outcome
    claim = submit(claim, by=student, now=later)
    frozen = submitted_outcome(claim)
    assert told.points == shown.points == frozen.points == 8
    assert claim.enrolment != new
    assert [one for one, _estimate in estimate_round(round_, None, now=later)] == [claim.enrolment]
