"""Recording repeats every check."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection

from credits.claims.application.draft import add_item, draft_candidates
from credits.claims.application.submit import submit
from credits.claims.models import Claim, Result
from credits.claims.recording import record
from credits.errors import Conflict, NotAllowed
from credits.ledger import entries
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def approved(contributions: int = 2) -> Claim:
    return make.decided_claim(make.submitted_claim(contributions=contributions)).claim


def test_what_was_altered_behind_our_back_is_not_recorded() -> None:
    """If frozen facts were changed while triggers were off, recording stops and says that data was altered."""
    claim = approved()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE credits_assessment SET facts = jsonb_set(facts, '{standing,points_carried}', '\"64\"')"
        )
        cursor.execute("SET session_replication_role = origin")
    with pytest.raises(Conflict) as error:
        record.record_result(claim, by=factories.registrar(), now=claim.notice_until)  # type: ignore[arg-type]
    assert (error.value.code, error.value.status) == ("assessment-differs", 500)
    assert Result.objects.count() == 0


def test_caps_follow_the_person_to_the_last_moment() -> None:
    """Credit posted after submission fills the cap, so the result is not recorded."""
    claim = approved()
    entries.post(
        person=claim.user,
        student_number="0001",
        category="innovation",
        term=claim.round.term.code,
        credit=Decimal(2),
        reference="imported:1",
        details={},
        by=factories.registrar(),
        now=NOW,
    )
    with pytest.raises(Conflict) as error:
        record.record_result(claim, by=factories.registrar(), now=claim.notice_until)  # type: ignore[arg-type]
    assert error.value.code == "over-the-cap"
    assert Result.objects.count() == 0


def test_a_registrar_of_another_department_records_nothing_here() -> None:
    """A registrar of another department neither sees the claim in the list nor can record it."""
    claim = approved()
    stranger = factories.registrar(factories.department())
    until = claim.notice_until
    assert until is not None
    assert list(record.ready_to_record(now=until, by=stranger)) == []
    assert list(record.ready_to_record(now=until, by=factories.registrar())) == [claim]
    with pytest.raises(NotAllowed):
        record.record_result(claim, by=stranger, now=until)


def test_only_a_registrar_records() -> None:
    """A reviewer, a steward, an administrator and the student cannot record."""
    claim = approved()
    for by in (make.reviewer_of(claim), factories.steward(), factories.admin(), claim.user):
        with pytest.raises(NotAllowed):
            record.record_result(claim, by=by, now=claim.notice_until)  # type: ignore[arg-type]
    assert not entries.of_person(claim.user).exists()


def test_several_are_recorded_all_or_none() -> None:
    """If one claim of a list is still on notice, nothing of the list is recorded."""
    ready, waiting = approved(), make.decided_claim(now=NOW + timedelta(days=1)).claim
    until = ready.notice_until
    assert until is not None
    with pytest.raises(Conflict) as error:
        record.record_results([ready, waiting], by=factories.registrar(), now=until)
    assert error.value.code == "notice-not-over"
    assert Result.objects.count() == 0


def test_the_entry_says_what_it_rests_on() -> None:
    """The ledger entry has rulebook, version, digests, grade and titles in both languages, and no name."""
    result = make.recorded_claim()
    claim = result.claim
    entry = entries.of_person(claim.user).get()
    assert entry.details["facts_digest"] == claim.facts_digest
    assert entry.details["outcome_digest"] == result.decision.assessment.outcome_digest
    assert entry.details["rulebook_digest"] == claim.version.digest  # type: ignore[union-attr]
    assert entry.details["grade"]["label"] == {"zh": "通过", "en": "Pass"}
    assert set(entry.details["title"]) == {"zh", "en"}
    assert claim.user.name not in str(entry.details)


def test_the_grade_that_the_rulebook_gives_is_recorded() -> None:
    """Scheme, label and mark are in the ledger; the result has the scheme."""
    version = make.published_rulebook(more="grade: {scheme: percentage, fixed: 85, in_average: true}")
    result = make.recorded_claim(make.submitted_claim(in_round=make.round_(rulebooks=[version])))
    entry = entries.of_person(result.claim.user).get()
    assert result.grade == "percentage"
    assert entry.details["grade"] == {
        "scheme": "percentage",
        "label": {"zh": "85", "en": "85"},
        "mark": "85",
        "in_average": True,
    }


def test_a_claim_whose_mix_is_not_met_waits_for_more() -> None:
    """A claim with two of three needed contributions cannot be submitted; with a third it can."""
    mix = "mix: [{id: three, text: {zh: 三项, en: three}, at_least: 3}]"
    in_round = make.round_(rulebooks=[make.published_rulebook(more=mix)])
    with pytest.raises(Conflict) as error:
        make.submitted_claim(in_round=in_round)
    assert error.value.code == "nothing-counts"
    assert make.recorded_claim(make.submitted_claim(in_round=in_round, contributions=3)).credit > 0


def test_an_undecided_contribution_is_free_again_once_the_result_is_recorded() -> None:
    """After recording, a contribution that did not count can be claimed again; those that counted cannot."""
    student = factories.student()
    make.authorship(student, make.contribution(make.repository(licence=None)))
    claim = make.claim(student)
    for candidate in draft_candidates(claim, now=NOW):
        add_item(claim, candidate.authorship, by=student, now=NOW)
    make.recorded_claim(submit(claim, by=student, now=NOW))
    assert sorted(claim.items.values_list("live", flat=True)) == [False, True, True]
