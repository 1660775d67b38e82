"""Choosing contributions for a draft, and the facts of a claim."""

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
    """A new draft has the work that counts; other work is a candidate with the reason why it does not count."""
    student = factories.student()
    good = make.authorship(student)
    make.authorship(student, make.contribution(make.repository(licence="")))
    make.authorship()  # another student's
    claim = open_draft(student, make.round_(), now=NOW)
    assert [item.authorship for item in claim.items.all()] == [good]
    shown = {candidate.outcome.status: candidate for candidate in draft_candidates(claim, now=NOW)}
    assert set(shown) == {"counts", "does-not-count"}
    assert shown["counts"].item is not None
    reasons = [line.text["en"] for line in shown["does-not-count"].outcome.lines]
    assert any("licence" in text for text in reasons)


def test_what_is_unknown_is_undecided_and_not_refused() -> None:
    """A contribution whose licence is unknown is not in the draft, and is undecided, not refused."""
    student = factories.student()
    make.authorship(student, make.contribution(make.repository(licence=None)))
    claim = open_draft(student, make.round_(), now=NOW)
    assert claim.items.count() == 0
    assert [candidate.outcome.status for candidate in draft_candidates(claim, now=NOW)] == ["undecided"]


def test_an_existing_draft_is_refilled_only_when_asked() -> None:
    """A contribution that the student removed stays out until they ask to fill the draft again."""
    claim = make.claim()
    student = claim.user
    remove_item(claim.items.all()[0], by=student, now=NOW)
    make.authorship(student)
    assert open_draft(student, claim.round, now=NOW).items.count() == 1
    assert open_draft(student, claim.round, now=NOW, refresh=True).items.count() == 3


def test_a_submitted_claim_is_returned_as_it_is() -> None:
    """Opening the draft of a round with a submitted claim returns that claim unchanged."""
    claim = make.submitted_claim()
    make.authorship(claim.user)
    again = open_draft(claim.user, claim.round, now=NOW, refresh=True)
    assert (again, again.items.count()) == (claim, 2)


def test_a_draft_that_was_never_submitted_lets_go() -> None:
    """In the next round, the contributions of a draft that was not submitted in time are free."""
    old = make.claim()
    later = old.round.apply_until
    new = open_draft(old.user, make.round_(apply_from=later), now=later)
    assert new.items.count() == 2
    old.refresh_from_db()
    assert old.status == Claim.Status.WITHDRAWN


def test_only_ones_own_work_into_ones_own_claim() -> None:
    """A student cannot use another's contribution, another's claim, or work of an account that is no longer linked."""
    claim = make.claim()
    foreign_share = make.authorship()
    with pytest.raises(NotAllowed) as error:
        add_item(claim, foreign_share, by=claim.user, now=NOW)
    assert error.value.code == "not-your-contribution"
    other_student = factories.student()
    for step in (
        lambda: add_item(claim, foreign_share, by=other_student, now=NOW),
        lambda: remove_item(claim.items.all()[0], by=other_student, now=NOW),
        lambda: submit(claim, by=other_student, now=NOW),
    ):
        with pytest.raises(NotAllowed) as error:
            step()
        assert error.value.code == "not-your-claim"
    linking.unlink(claim.user.forge_accounts.get(), by=claim.user, now=NOW)
    with pytest.raises(Conflict) as refused:
        submit(claim, by=claim.user, now=NOW)
    assert refused.value.code == "not-your-contribution"


def test_a_claim_in_which_nothing_counts_is_not_taken() -> None:
    """A draft that is empty, or whose work does not count, cannot be submitted."""
    student = factories.student()
    claim = open_draft(student, make.round_(), now=NOW)
    unlicensed = make.authorship(student, make.contribution(make.repository(licence="")))
    for _each in range(2):
        with pytest.raises(Conflict) as error:
            submit(claim, by=student, now=NOW)
        assert error.value.code == "nothing-counts"
        add_item(claim, unlicensed, by=student, now=NOW)


def test_an_open_claim_in_the_same_category_comes_first() -> None:
    """A second claim in the same category cannot be submitted while the first is open; one in another category can."""
    student = make.submitted_claim().user
    second = make.claim(student, contributions=1)
    with pytest.raises(Conflict) as error:
        submit(second, by=student, now=NOW)
    assert error.value.code == "earlier-claim-open"
    other = make.round_(rulebooks=[make.published_rulebook(category="electives")])
    make.submitted_claim(student, other, contributions=1)


def test_a_person_without_an_enrolment_has_nothing_to_claim_for() -> None:
    """Staff, students who left and students who have not started cannot open a draft."""
    round_ = make.round_()
    former = factories.enrolment(left_on=date(2025, 3, 10)).user
    coming = factories.enrolment(enrolled_on=date(2025, 9, 1), year=2025).user
    for user in (factories.instructor(), former, coming):
        with pytest.raises(NotThere) as error:
            open_draft(user, round_, now=NOW)
        assert error.value.code == "not-enrolled"


def test_the_newest_enrolment_claims() -> None:
    """After a change of programme, a new claim uses the newest enrolment."""
    student = factories.student(year=2021)
    new = factories.enrolment(student, year=2024, level="硕士")
    assert current_enrolment(student, now=NOW) == new


def test_the_facts_of_a_contribution() -> None:
    """Known facts are as stored, unknown facts are None, and times and shares are exact."""
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
    """Until an account is collected completely, it is unknown whether a contribution is the first."""
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
    """Contributions in another live claim are not in the estimate, and the estimate creates no claim."""
    claim = make.submitted_claim()
    make.authorship(claim.user)
    other = make.round_()
    before = Claim.objects.count()
    assert estimate_outcome(claim.user, other, now=NOW).points == 8
    assert estimate_outcome(claim.user, claim.round, now=NOW).points == 16
    assert Claim.objects.count() == before


def test_estimates_of_a_round() -> None:
    """Estimates are for everyone with a linked account, or for the given numbers; an unknown number is an error."""
    round_ = make.round_()
    students = [factories.student(student_number=number) for number in ("0002", "0001", "0003")]
    for student in students[:2]:
        make.authorship(student)
    former = factories.enrolment(left_on=date(2025, 1, 10)).user
    make.linked_account(former)
    points = [
        (enrolment.student_number, estimate.outcome.points)
        for enrolment, estimate in estimate_round(round_, None, now=NOW)
    ]
    assert points == [("0001", 8), ("0002", 8)]
    numbers = [
        enrolment.student_number for enrolment, _estimate in estimate_round(round_, ["0003", "0001"], now=NOW)
    ]
    assert numbers == ["0003", "0001"]
    with pytest.raises(NotThere):
        estimate_round(round_, ["9999"], now=NOW)


def test_a_draft_costs_few_queries_however_much_is_held(django_assert_max_num_queries: object) -> None:
    """Opening, reading and submitting a draft with forty contributions stays within a fixed number of queries."""
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
    """A draft keeps the enrolment that it was started with after a change of programme, and its estimates use that
    enrolment."""
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
    estimated = estimate_outcome(student, round_, now=later, authorships=shares)
    shown = read_choice(claim, now=later).estimate.outcome
    claim = submit(claim, by=student, now=later)
    frozen = submitted_outcome(claim)
    assert estimated.points == shown.points == frozen.points == 8
    assert claim.enrolment != new
    assert [enrolment for enrolment, _estimate in estimate_round(round_, None, now=later)] == [
        claim.enrolment
    ]
