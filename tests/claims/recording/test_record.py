"""Recording looks at everything again."""

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
    """Where triggers were switched off and frozen facts changed, recording stops and says that data was altered."""
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
    """Credit that was posted from elsewhere after submission fills the cap: the result is not recorded over it."""
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
    """Scope holds for registrars as it does for reviewers, in the list as in the act."""
    claim = approved()
    stranger = factories.registrar(factories.department())
    until = claim.notice_until
    assert until is not None
    assert list(record.ready_to_record(now=until, by=stranger)) == []
    assert list(record.ready_to_record(now=until, by=factories.registrar())) == [claim]
    with pytest.raises(NotAllowed):
        record.record_result(claim, by=stranger, now=until)


def test_only_a_registrar_records() -> None:
    """A reviewer's decision alone posts nothing, and neither do a steward or an administrator."""
    claim = approved()
    for by in (make.reviewer_of(claim), factories.steward(), factories.admin(), claim.user):
        with pytest.raises(NotAllowed):
            record.record_result(claim, by=by, now=claim.notice_until)  # type: ignore[arg-type]
    assert not entries.of_person(claim.user).exists()


def test_several_are_recorded_all_or_none() -> None:
    """One that is still on notice stops the list, and nothing of it is posted."""
    ready, waiting = approved(), make.decided_claim(now=NOW + timedelta(days=1)).claim
    until = ready.notice_until
    assert until is not None
    with pytest.raises(Conflict) as error:
        record.record_results([ready, waiting], by=factories.registrar(), now=until)
    assert error.value.code == "notice-not-over"
    assert Result.objects.count() == 0


def test_the_entry_says_what_it_rests_on() -> None:
    """Rulebook, version, digests, grade and titles in both languages are in the ledger; no name is."""
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
    """Scheme, label and mark are in the ledger; the scheme stands beside the result."""
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
    """With two of three contributions it cannot be submitted; with a third it can."""
    mix = "mix: [{id: three, text: {zh: 三项, en: three}, at_least: 3}]"
    in_round = make.round_(rulebooks=[make.published_rulebook(more=mix)])
    with pytest.raises(Conflict) as error:
        make.submitted_claim(in_round=in_round)
    assert error.value.code == "nothing-counts"
    assert make.recorded_claim(make.submitted_claim(in_round=in_round, contributions=3)).credit > 0


def test_an_undecided_contribution_is_free_again_once_the_result_is_recorded() -> None:
    """What earned nothing may be claimed in the next round; what counted may not."""
    student = factories.student()
    make.authorship(student, make.contribution(make.repository(licence=None)))
    claim = make.claim(student)
    for one in draft_candidates(claim, now=NOW):
        add_item(claim, one.authorship, by=student, now=NOW)
    make.recorded_claim(submit(claim, by=student, now=NOW))
    assert sorted(claim.items.values_list("live", flat=True)) == [False, True, True]
