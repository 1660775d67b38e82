"""A rulebook tried on what was claimed: who gains, who loses; in the background, and deciding nothing."""

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
def held() -> Round:
    """Three claims of two, four and one contributions: half a credit, a whole one, none."""
    round_ = make.round_(rulebooks=[make.published_rulebook()])
    for contributions in (2, 4, 1):
        make.submitted_claim(in_round=round_, contributions=contributions)
    return round_


def clock() -> datetime:
    return NOW


def done(tried: RulebookDocument, round_: Round, **options: object) -> Simulation:
    made = runs.request_simulation(tried, round_=round_, by=factories.steward(), now=NOW, **options)  # type: ignore[arg-type]
    assert not runs.run_due(clock=clock)
    made.refresh_from_db()
    return made


def test_who_gains_who_loses_and_what_it_costs(held: Round) -> None:
    """Twice the points give everybody more; the sums, the distribution and the changes say so."""
    made = done(rulebook(give="16"), held)
    tally = trial.SimulationTally.from_json(made.tally)
    assert (made.status, made.total) == ("done", 3)
    assert (tally.claims, tally.gain, tally.lose, tally.same) == (3, 3, 0, 0)
    assert (tally.before, tally.after, tally.cost) == (Decimal("1.5"), Decimal("3.5"), 2)
    assert tally.spread_before == {"0.5": 1, "1": 1, "0": 1}
    assert tally.spread_after == {"1": 1, "2": 1, "0.5": 1}
    first = runs.largest_changes(made)[0]
    assert (first.credit_before, first.credit_after, first.credit_change) == (1, 2, 1)


def test_a_tighter_cap_takes_credit_and_less_points_alone_are_told_apart(held: Round) -> None:
    """A cap of half a credit a term takes from one; a point less costs two of them nothing but points."""
    assert done(rulebook("term_cap: 0.5"), held).tally["lose"] == 1
    tally = trial.SimulationTally.from_json(done(rulebook(give="9"), held).tally)
    assert (tally.gain, tally.lose, tally.gain_points, tally.lose_points) == (0, 0, 3, 0)


def test_it_is_what_the_evaluation_gives(held: Round) -> None:
    """Each change has exactly the numbers of the full evaluation on the same frozen facts."""
    tried = rulebook(give="7")
    made = done(tried, held)
    assert made.changes.count() == 3
    for change in made.changes.all():
        _facts, before, after = trial.evaluate_both(change.assessment, rulebook(give="8"), tried)
        assert (change.credit_before, change.credit_after) == (before.credit, after.credit)
        assert (change.points_before, change.points_after) == (before.points, after.points)


def test_nothing_that_was_decided_is_touched(held: Round) -> None:
    """Claims, assessments, decisions and the queue of reviewers are the same rows afterwards."""
    claim = Claim.objects.filter(round=held).first()
    assert claim is not None
    make.decided_claim(claim)
    before = [list(model.objects.order_by("pk").values()) for model in (Claim, Assessment, Decision)]
    done(rulebook(give="1"), held)
    assert before == [list(model.objects.order_by("pk").values()) for model in (Claim, Assessment, Decision)]


def test_a_reviewers_awards_count_where_the_rulebook_has_a_place_for_them() -> None:
    """Facts are those of the final decision; an award that the tried rulebook does not know is left out and counted."""
    version = make.published_rulebook(points=make.JUDGED)
    round_ = make.round_(rulebooks=[version])
    claim = make.submitted_claim(in_round=round_, contributions=2)
    refs = [one["ref"] for one in claim.facts["contributions"]]  # type: ignore[index]
    make.decided_claim(claim, {ref: {"awarded": {"difficulty": "5"}} for ref in refs})
    made = done(rulebook(), round_)
    assert made.tally["left_out"] == 2
    (change,) = made.changes.all()
    assert (change.points_before, change.points_after) == (26, 16)
    text = make.RULEBOOK.format(code="tried", category="innovation", points=make.JUDGED, more="term_cap: 1")
    assert done(parse(text), round_).tally["left_out"] == 0


def test_a_named_version_is_held_against_instead_of_each_claims_own(held: Round) -> None:
    """Against a version that gives nothing more, the same text changes nothing."""
    other = make.published_rulebook(more="term_cap: 1")
    same = parse(other.canonical)
    assert done(same, held, against=other).tally["gain_points"] == 0
    assert done(same, held, against=other).changes.count() == 0


def test_only_a_programme_and_only_what_was_submitted_and_stands() -> None:
    """Drafts and withdrawn claims are not tried; a programme narrows it, and so do a steward's departments."""
    round_ = make.round_()
    one = make.submitted_claim(in_round=round_)
    make.submitted_claim(in_round=round_)
    make.claim(in_round=round_)
    Claim.objects.filter(pk=make.submitted_claim(in_round=round_).pk).update(status="withdrawn")
    assert done(rulebook(), round_).total == 2
    assert done(rulebook(), round_, programme=one.enrolment.programme).total == 1
    steward = factories.steward()
    StaffRole.objects.filter(user=steward).update(department=one.enrolment.programme.department)
    made = runs.request_simulation(rulebook("hearing_days: 6"), round_=round_, by=steward, now=NOW)
    runs.run_due(clock=clock)
    made.refresh_from_db()
    assert made.total == 1
    assert list(runs.visible_simulations(steward)) == [made]
    other = Simulation.objects.filter(departments__isnull=True).first()
    assert other is not None
    with pytest.raises(NotThere):
        runs.find_simulation(steward, other.public_id)


@pytest.mark.parametrize("role", ["student", "instructor", "registrar", "admin"])
def test_only_stewards_simulate(role: str, held: Round) -> None:
    """Nobody else asks for one, sees one or stops one."""
    person = getattr(factories, role)()
    made = done(rulebook(), held)
    with pytest.raises(NotAllowed):
        runs.request_simulation(rulebook(), round_=held, by=person, now=NOW)
    with pytest.raises(NotAllowed):
        runs.find_simulation(person, made.public_id)
    with pytest.raises(NotAllowed):
        runs.stop(made, by=person, now=NOW)


def test_a_second_click_is_the_same_simulation(held: Round) -> None:
    """What is waiting already is handed back; once it is done, it can be asked for again."""
    steward = factories.steward()
    first = runs.request_simulation(rulebook(), round_=held, by=steward, now=NOW)
    assert runs.request_simulation(rulebook(), round_=held, by=steward, now=NOW) == first
    runs.run_due(clock=clock)
    assert runs.request_simulation(rulebook(), round_=held, by=steward, now=NOW) != first
    assert AuditEntry.objects.filter(action="simulation-asked").count() == 2


def test_it_is_stopped_between_two_batches_and_keeps_what_it_found(held: Round) -> None:
    """A steward stops it while a worker is at it: the worker lets go, and a third of it is there to read."""
    made = runs.request_simulation(rulebook(give="16"), round_=held, by=factories.steward(), now=NOW)
    times = iter([NOW] * 3)

    def stopping() -> datetime:
        if next(times, None) is None and Simulation.objects.get(pk=made.pk).tally:
            Simulation.objects.filter(pk=made.pk, status="running").update(status="stopped")
        return NOW

    assert not runs.run_due(clock=stopping, limit=1)
    made.refresh_from_db()
    assert made.status == "stopped"
    assert 1 <= made.tally["claims"] < 3
    assert Job.objects.get(kind="simulate").due_at is None
    with pytest.raises(Conflict):
        runs.stop(made, by=factories.steward(), now=NOW)


def test_invariant_10_a_worker_that_dies_is_followed_by_another(
    held: Round, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in its second batch, it leaves one batch's work; the next worker goes on, and nobody is counted twice."""
    made = runs.request_simulation(rulebook(give="16"), round_=held, by=factories.steward(), now=NOW)
    whole = runs.try_batch
    batches = iter([0, 1])

    def dying(*arguments: object) -> Iterator[trial.TriedClaim]:
        if next(batches):
            raise KeyboardInterrupt
        return whole(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "try_batch", dying)
    with pytest.raises(KeyboardInterrupt):
        runs.run_due(clock=clock, limit=1)
    made.refresh_from_db()
    assert (made.status, made.tally["claims"]) == ("running", 1)
    monkeypatch.setattr(runs, "try_batch", whole)
    assert not runs.run_due(clock=clock, limit=1)
    made.refresh_from_db()
    assert (made.status, made.tally["claims"]) == ("done", 3)
    assert sorted(made.changes.values_list("ordinal", flat=True)) == [1, 2, 3]


def test_a_worker_gives_way_when_its_time_is_up(held: Round) -> None:
    """After its budget it puts the job back, still due, and says that there is more."""
    made = runs.request_simulation(rulebook(give="16"), round_=held, by=factories.steward(), now=NOW)
    assert runs.run_due(clock=clock, limit=1, budget=timedelta(0))
    assert runs.is_due(now=NOW)
    assert not runs.run_due(clock=clock, limit=1)
    made.refresh_from_db()
    assert made.status == "done"


def test_one_that_breaks_again_and_again_ends_as_failed(held: Round, monkeypatch: pytest.MonkeyPatch) -> None:
    """After three tries it is given up, and its page can say why."""
    made = runs.request_simulation(rulebook(), round_=held, by=factories.steward(), now=NOW)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(runs, "try_batch", broken)
    for day in range(3):
        with pytest.raises(ZeroDivisionError):
            runs.run_due(clock=lambda day=day: NOW + timedelta(days=day))  # type: ignore[misc]
    made.refresh_from_db()
    assert (made.status, made.error_code) == ("failed", "simulation-broke-off")
    assert not runs.is_due(now=NOW + timedelta(days=9))


def test_facts_that_cannot_be_read_are_counted_and_stop_nothing(held: Round) -> None:
    """A claim whose stored facts are of another shape is told as not computed; the others are."""
    assessment = Assessment.objects.first()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE credits_assessment SET facts = '{}' WHERE id = %s", [assessment.pk])  # type: ignore[union-attr]
        cursor.execute("SET LOCAL session_replication_role = origin")
    made = done(rulebook(), held)
    assert (made.tally["claims"], made.tally["failed"], made.status) == (2, 1, "done")


def test_queries_grow_with_batches_and_not_with_claims(held: Round) -> None:
    """Three claims in one batch need no more queries than one."""

    def queries(**options: object) -> int:
        runs.request_simulation(rulebook(give="16"), round_=held, by=factories.steward(), now=NOW, **options)  # type: ignore[arg-type]
        with CaptureQueriesContext(
            connection,
        ) as seen:
            runs.run_due(clock=clock)
        return len(seen)

    queries()
    one = Claim.objects.filter(round=held).first()
    assert one is not None
    assert queries() <= queries(programme=one.enrolment.programme)


def test_masked_traces_name_nobody(held: Round) -> None:
    """No repository, number, ref or address is left in any sentence, and the numbers are the same."""
    text = make.RULEBOOK.format(
        code="tried", category="innovation", points="", more="selection: {best: 1}"
    ).replace("repository.osi_approved", "repository.full_name != 'x/y' && contribution.title != ''")
    assessment = Assessment.objects.order_by("-points").first()
    assert assessment is not None
    facts = facts_from_json(assessment.facts)  # type: ignore[arg-type]
    outcome = evaluate(parse(text), facts)
    hidden = anonymised_traces.anonymise(facts, outcome)
    said = str(hidden.to_json())
    for one in facts.contributions:
        assert str(one.repository["full_name"]) in str(outcome.to_json())
        for secret in (one.ref, one.repository["full_name"], one.contribution["title"]):
            assert str(secret) not in said
    assert "contribution 1" in said
    assert (hidden.points, hidden.credit) == (outcome.points, outcome.credit)
