"""Simulations: a rulebook tried on a round's claims in the background, without deciding anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, StaffRole
from credits.claims.models import Assessment, Claim, Decision, Round, Simulation
from credits.claims.simulation import anonymised_traces, runs, trial
from credits.errors import Conflict, NotAllowed, NotThere
from credits.jobs.models import Job
from credits.rules.document.parser import RulebookDocument, parse
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.facts import facts_from_json
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def rulebook(more: str = "", give: str = "8") -> RulebookDocument:
    text = make.RULEBOOK.format(code="tried", category="innovation", points="", more=more)
    return parse(text.replace("give: 8", f"give: {give}"))


@pytest.fixture
def claimed_round() -> Round:
    """Return a round with three claims of two, four and one contributions: half a credit, one credit, none."""
    round_ = make.round_(rulebooks=[make.published_rulebook()])
    for contributions in (2, 4, 1):
        make.submitted_claim(in_round=round_, contributions=contributions)
    return round_


def clock() -> datetime:
    return NOW


def simulate(tried: RulebookDocument, round_: Round, **options: object) -> Simulation:
    simulation = runs.request_simulation(tried, round_=round_, by=factories.steward(), now=NOW, **options)  # type: ignore[arg-type]
    assert not runs.run_due(clock=clock)
    simulation.refresh_from_db()
    return simulation


def test_who_gains_who_loses_and_what_it_costs(claimed_round: Round) -> None:
    """Twice the points give everyone more; sums, distribution and changes show it."""
    simulation = simulate(rulebook(give="16"), claimed_round)
    tally = trial.SimulationTally.from_json(simulation.tally)
    assert (simulation.status, simulation.total) == ("done", 3)
    assert (tally.claims, tally.gain, tally.lose, tally.same) == (3, 3, 0, 0)
    assert (tally.before, tally.after, tally.cost) == (Decimal("1.5"), Decimal("3.5"), 2)
    assert tally.spread_before == {"0.5": 1, "1": 1, "0": 1}
    assert tally.spread_after == {"1": 1, "2": 1, "0.5": 1}
    first = runs.largest_changes(simulation)[0]
    assert (first.credit_before, first.credit_after, first.credit_change) == (1, 2, 1)


def test_a_tighter_cap_takes_credit_and_less_points_alone_are_told_apart(claimed_round: Round) -> None:
    """A lower term cap takes credit from one claim; another point value changes only points."""
    assert simulate(rulebook("term_cap: 0.5"), claimed_round).tally["lose"] == 1
    tally = trial.SimulationTally.from_json(simulate(rulebook(give="9"), claimed_round).tally)
    assert (tally.gain, tally.lose, tally.gain_points, tally.lose_points) == (0, 0, 3, 0)


def test_it_is_what_the_evaluation_gives(claimed_round: Round) -> None:
    """Each change has exactly the numbers of the full evaluation of the same frozen facts."""
    tried = rulebook(give="7")
    simulation = simulate(tried, claimed_round)
    assert simulation.changes.count() == 3
    for change in simulation.changes.all():
        _facts, before, after = trial.evaluate_both(change.assessment, rulebook(give="8"), tried)
        assert (change.credit_before, change.credit_after) == (before.credit, after.credit)
        assert (change.points_before, change.points_after) == (before.points, after.points)


def test_nothing_that_was_decided_is_touched(claimed_round: Round) -> None:
    """A simulation does not change claims, assessments or decisions."""
    claim = Claim.objects.filter(round=claimed_round).first()
    assert claim is not None
    make.decided_claim(claim)
    before = [list(model.objects.order_by("pk").values()) for model in (Claim, Assessment, Decision)]
    simulate(rulebook(give="1"), claimed_round)
    assert before == [list(model.objects.order_by("pk").values()) for model in (Claim, Assessment, Decision)]


def test_a_reviewers_awards_count_where_the_rulebook_has_a_place_for_them() -> None:
    """The facts of the final decision are used; an award without a criterion in the tried rulebook is left out and
    counted."""
    version = make.published_rulebook(points=make.JUDGED)
    round_ = make.round_(rulebooks=[version])
    claim = make.submitted_claim(in_round=round_, contributions=2)
    refs = [contribution["ref"] for contribution in claim.facts["contributions"]]  # type: ignore[index]
    make.decided_claim(claim, {ref: {"awarded": {"difficulty": "5"}} for ref in refs})
    simulation = simulate(rulebook(), round_)
    assert simulation.tally["left_out"] == 2
    (change,) = simulation.changes.all()
    assert (change.points_before, change.points_after) == (26, 16)
    text = make.RULEBOOK.format(code="tried", category="innovation", points=make.JUDGED, more="term_cap: 1")
    assert simulate(parse(text), round_).tally["left_out"] == 0


def test_a_named_version_is_held_against_instead_of_each_claims_own(claimed_round: Round) -> None:
    """Compared with a version that has the same text, nothing changes."""
    other = make.published_rulebook(more="term_cap: 1")
    same = parse(other.canonical)
    assert simulate(same, claimed_round, against=other).tally["gain_points"] == 0
    assert simulate(same, claimed_round, against=other).changes.count() == 0


def test_only_a_programme_and_only_what_was_submitted_and_stands() -> None:
    """Drafts and withdrawn claims are not tried; a programme and the steward's departments limit the claims."""
    round_ = make.round_()
    claim = make.submitted_claim(in_round=round_)
    make.submitted_claim(in_round=round_)
    make.claim(in_round=round_)
    Claim.objects.filter(pk=make.submitted_claim(in_round=round_).pk).update(status="withdrawn")
    assert simulate(rulebook(), round_).total == 2
    assert simulate(rulebook(), round_, programme=claim.enrolment.programme).total == 1
    steward = factories.steward()
    StaffRole.objects.filter(user=steward).update(department=claim.enrolment.programme.department)
    limited = runs.request_simulation(rulebook("hearing_days: 6"), round_=round_, by=steward, now=NOW)
    runs.run_due(clock=clock)
    limited.refresh_from_db()
    assert limited.total == 1
    assert list(runs.visible_simulations(steward)) == [limited]
    other = Simulation.objects.filter(departments__isnull=True).first()
    assert other is not None
    with pytest.raises(NotThere):
        runs.find_simulation(steward, other.public_id)


@pytest.mark.parametrize("role", ["student", "instructor", "registrar", "admin"])
def test_only_stewards_simulate(role: str, claimed_round: Round) -> None:
    """Nobody but a steward can request, see or stop a simulation."""
    person = getattr(factories, role)()
    simulation = simulate(rulebook(), claimed_round)
    with pytest.raises(NotAllowed):
        runs.request_simulation(rulebook(), round_=claimed_round, by=person, now=NOW)
    with pytest.raises(NotAllowed):
        runs.find_simulation(person, simulation.public_id)
    with pytest.raises(NotAllowed):
        runs.stop(simulation, by=person, now=NOW)


def test_a_second_click_is_the_same_simulation(claimed_round: Round) -> None:
    """A waiting simulation is returned instead of a second one; after it is done, a new one can be requested."""
    steward = factories.steward()
    first = runs.request_simulation(rulebook(), round_=claimed_round, by=steward, now=NOW)
    assert runs.request_simulation(rulebook(), round_=claimed_round, by=steward, now=NOW) == first
    runs.run_due(clock=clock)
    assert runs.request_simulation(rulebook(), round_=claimed_round, by=steward, now=NOW) != first
    assert AuditEntry.objects.filter(action="simulation-asked").count() == 2


def test_it_is_stopped_between_two_batches_and_keeps_what_it_found(claimed_round: Round) -> None:
    """A steward stops it while a worker runs it: the worker ends, and the findings so far stay."""
    simulation = runs.request_simulation(
        rulebook(give="16"), round_=claimed_round, by=factories.steward(), now=NOW
    )
    times = iter([NOW] * 3)

    def stopping() -> datetime:
        if next(times, None) is None and Simulation.objects.get(pk=simulation.pk).tally:
            Simulation.objects.filter(pk=simulation.pk, status="running").update(status="stopped")
        return NOW

    assert not runs.run_due(clock=stopping, limit=1)
    simulation.refresh_from_db()
    assert simulation.status == "stopped"
    assert 1 <= simulation.tally["claims"] < 3
    assert Job.objects.get(kind="simulate").due_at is None
    with pytest.raises(Conflict):
        runs.stop(simulation, by=factories.steward(), now=NOW)


def test_invariant_10_a_worker_that_dies_is_followed_by_another(
    claimed_round: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker dies in its second batch; the next one continues, and no claim is counted twice."""
    simulation = runs.request_simulation(
        rulebook(give="16"), round_=claimed_round, by=factories.steward(), now=NOW
    )
    unbroken = runs.try_batch
    batches = iter([0, 1])

    def dying(*arguments: object) -> Iterator[trial.TriedClaim]:
        if next(batches):
            raise KeyboardInterrupt
        return unbroken(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "try_batch", dying)
    with pytest.raises(KeyboardInterrupt):
        runs.run_due(clock=clock, limit=1)
    simulation.refresh_from_db()
    assert (simulation.status, simulation.tally["claims"]) == ("running", 1)
    monkeypatch.setattr(runs, "try_batch", unbroken)
    assert not runs.run_due(clock=clock, limit=1)
    simulation.refresh_from_db()
    assert (simulation.status, simulation.tally["claims"]) == ("done", 3)
    assert sorted(simulation.changes.values_list("ordinal", flat=True)) == [1, 2, 3]


def test_a_worker_gives_way_when_its_time_is_up(claimed_round: Round) -> None:
    """After its time budget a worker puts the job back, still due, and returns that there is more."""
    simulation = runs.request_simulation(
        rulebook(give="16"), round_=claimed_round, by=factories.steward(), now=NOW
    )
    assert runs.run_due(clock=clock, limit=1, budget=timedelta(0))
    assert runs.is_due(now=NOW)
    assert not runs.run_due(clock=clock, limit=1)
    simulation.refresh_from_db()
    assert simulation.status == "done"


def test_one_that_breaks_again_and_again_ends_as_failed(
    claimed_round: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three tries a simulation is marked as failed, with the error."""
    simulation = runs.request_simulation(rulebook(), round_=claimed_round, by=factories.steward(), now=NOW)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "try_batch", broken)
    for day in range(3):
        with pytest.raises(ZeroDivisionError):
            runs.run_due(clock=lambda day=day: NOW + timedelta(days=day))  # type: ignore[misc]
    simulation.refresh_from_db()
    assert (simulation.status, simulation.error_code) == ("failed", "simulation-broke-off")
    assert not runs.is_due(now=NOW + timedelta(days=9))


def test_facts_that_cannot_be_read_are_counted_and_stop_nothing(claimed_round: Round) -> None:
    """A claim whose stored facts cannot be read is counted as failed; the others are evaluated."""
    assessment = Assessment.objects.first()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE credits_assessment SET facts = '{}' WHERE id = %s", [assessment.pk])  # type: ignore[union-attr]
        cursor.execute("SET LOCAL session_replication_role = origin")
    simulation = simulate(rulebook(), claimed_round)
    assert (simulation.tally["claims"], simulation.tally["failed"], simulation.status) == (2, 1, "done")


def test_queries_grow_with_batches_and_not_with_claims(claimed_round: Round) -> None:
    """Three claims in one batch need no more queries than one claim."""

    def queries(**options: object) -> int:
        runs.request_simulation(
            rulebook(give="16"), round_=claimed_round, by=factories.steward(), now=NOW, **options
        )  # type: ignore[arg-type]
        with CaptureQueriesContext(connection) as captured:
            runs.run_due(clock=clock)
        return len(captured)

    queries()
    claim = Claim.objects.filter(round=claimed_round).first()
    assert claim is not None
    assert queries() <= queries(programme=claim.enrolment.programme)


def test_masked_traces_name_nobody(claimed_round: Round) -> None:
    """No repository, number, ref or title is in a masked text, and the numbers are the same."""
    text = make.RULEBOOK.format(
        code="tried", category="innovation", points="", more="selection: {best: 1}"
    ).replace("repository.osi_approved", "repository.full_name != 'x/y' && contribution.title != ''")
    assessment = Assessment.objects.order_by("-points").first()
    assert assessment is not None
    facts = facts_from_json(assessment.facts)  # type: ignore[arg-type]
    outcome = evaluate(parse(text), facts)
    hidden = anonymised_traces.anonymise(facts, outcome)
    text_shown = str(hidden.to_json())
    assert facts.contributions
    for contribution in facts.contributions:
        full_name = contribution.repository["full_name"]
        assert str(full_name) in str(outcome.to_json())
        for secret in (contribution.ref, full_name, contribution.contribution["title"]):
            assert str(secret) not in text_shown
    assert "contribution 1" in text_shown
    assert (hidden.points, hidden.credit) == (outcome.points, outcome.credit)
