"""Put rulebooks in force in a round, for all or some students, and remove them, before a claim is submitted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from accounts.models import AuditEntry, User
from credits.claims import rounds
from credits.claims.application.submit import submit, withdraw
from credits.claims.models import RoundRulebook
from credits.claims.rounds import RulebookInForce
from credits.errors import CreditsError, NotAllowed
from credits.rulebooks import versions
from tests import credit_factories as make
from tests import factories
from tests.claims.test_races import at_once
from tests.factories import NOW


def code_of(step: Callable[[], object]) -> str:
    """Return the code of the error that the step raises."""
    with pytest.raises(CreditsError) as error:
        step()
    return error.value.code


@pytest.mark.django_db
def test_a_rulebook_for_some_is_theirs_and_the_others_keep_theirs() -> None:
    """Each student gets the most specific rulebook: for programme and year, programme, year, or everyone; the log names
    it."""
    registrar = factories.registrar()
    round_ = make.round_()
    for_all = round_.rulebooks.get().version
    software = factories.programme("软件工程")
    for_programme, for_year, for_both = (make.published_rulebook() for _each in range(3))
    for rulebook in (
        RulebookInForce(for_programme, software),
        RulebookInForce(for_year, year=2024),
        RulebookInForce(for_both, software, 2024),
    ):
        row = rounds.put_in_force(round_, rulebook, by=registrar, now=NOW)
    other = factories.programme("数学")

    def version(programme: object, year: int) -> object:
        return rounds.version_for(round_, factories.enrolment(programme=programme, year=year))

    assert version(software, 2024) == for_both
    assert version(software, 2023) == for_programme
    assert version(other, 2024) == for_year
    assert version(other, 2023) == for_all
    rounds.take_out_of_force(row, by=registrar, now=NOW)
    assert version(software, 2024) == for_programme
    put, removed = (
        AuditEntry.objects.filter(action=action).latest("pk").details
        for action in ("rulebook-put-in-force", "rulebook-taken-out-of-force")
    )
    assert put == removed
    assert put == {"round": round_.code, "version": str(for_both), "programme": "软件工程", "year": 2024}


@pytest.mark.django_db
def test_what_cannot_be_in_force_is_refused() -> None:
    """A proposal, a second rulebook for the same students, and removing the last or a removed rulebook are refused."""
    registrar = factories.registrar()
    round_ = make.round_()
    row = round_.rulebooks.get()
    text = make.RULEBOOK.format(code="other", category="c", points="", more="")
    proposal = versions.propose(text, by=factories.steward(), now=NOW)

    def put(rulebook: RulebookInForce) -> RoundRulebook:
        return rounds.put_in_force(round_, rulebook, by=registrar, now=NOW)

    def take(row: RoundRulebook) -> None:
        rounds.take_out_of_force(row, by=registrar, now=NOW)

    assert code_of(lambda: put(RulebookInForce(proposal, year=2024))) == "rulebook-not-published"
    assert code_of(lambda: put(RulebookInForce(make.published_rulebook()))) == "rulebook-in-force"
    assert code_of(lambda: take(row)) == "last-rulebook"
    added = put(RulebookInForce(row.version, year=2024))
    stale = RoundRulebook.objects.get(pk=added.pk)
    take(added)
    assert code_of(lambda: take(stale)) == "rulebook-not-in-force"
    assert round_.rulebooks.get() == row


@pytest.mark.django_db
def test_only_a_registrar_for_the_whole_university_changes_what_is_in_force() -> None:
    """A college's registrar, a steward and an administrator cannot change the rulebooks in force."""
    round_ = make.round_()
    rulebook = RulebookInForce(make.published_rulebook(), year=2024)
    row = rounds.put_in_force(round_, rulebook, by=factories.registrar(), now=NOW)
    people: list[User] = [
        factories.registrar(factories.department()),
        factories.steward(),
        factories.admin(),
    ]
    for person in people:
        with pytest.raises(NotAllowed):
            rounds.put_in_force(round_, RulebookInForce(rulebook.version, year=2023), by=person, now=NOW)
        with pytest.raises(NotAllowed):
            rounds.take_out_of_force(row, by=person, now=NOW)
    assert round_.rulebooks.count() == 2


@pytest.mark.django_db
def test_from_the_first_submission_on_what_is_in_force_stays() -> None:
    """After a submission, even a withdrawn one, changing the round's rulebooks is refused; other rounds are free."""
    registrar = factories.registrar()
    round_, other_round = make.round_(), make.round_()
    row = round_.rulebooks.get()
    make.claim(in_round=round_)
    added = rounds.put_in_force(round_, RulebookInForce(row.version, year=2020), by=registrar, now=NOW)
    claim = make.submitted_claim(in_round=round_)
    rulebook = RulebookInForce(row.version, year=2024)
    for _submitted_or_withdrawn in range(2):
        assert (
            code_of(lambda: rounds.put_in_force(round_, rulebook, by=registrar, now=NOW))
            == "round-has-claims"
        )
        assert code_of(lambda: rounds.take_out_of_force(added, by=registrar, now=NOW)) == "round-has-claims"
        if claim.status != "withdrawn":
            claim = withdraw(claim, by=claim.user, now=NOW)
    assert rounds.put_in_force(other_round, rulebook, by=registrar, now=NOW).round == other_round
    assert round_.rulebooks.count() == 2


@pytest.mark.django_db
def test_a_terms_first_and_last_day_stay_while_rounds_are_in_it() -> None:
    """A term with a round keeps its first and last day, but its names and holidays can change."""
    registrar = factories.registrar()
    term = factories.term()

    def change(**fields: object) -> object:
        unchanged = {
            "name_zh": "学期",
            "name_en": "A term",
            "starts_on": term.starts_on,
            "ends_on": term.ends_on,
            "days_off": [],
            "days_worked": [],
        }
        return rounds.change_term(term, **(unchanged | fields), by=registrar, now=NOW)  # type: ignore[arg-type]

    later = term.ends_on + timedelta(days=7)
    change(ends_on=later)
    term.refresh_from_db()
    assert term.ends_on == later
    make.round_(term=term)
    assert code_of(lambda: change(ends_on=later + timedelta(days=1))) == "term-has-rounds"
    assert code_of(lambda: change(starts_on=term.starts_on - timedelta(days=1))) == "term-has-rounds"
    change(name_en="Another name", days_off=[term.starts_on])
    term.refresh_from_db()
    assert (term.name_en, term.ends_on, len(term.days_off)) == ("Another name", later, 1)


@pytest.mark.django_db(transaction=True)
def test_a_submission_and_another_rulebook_at_once_are_one_after_the_other() -> None:
    """If both happen at once, the claim has the version that is in force for its student in the end."""
    registrar = factories.registrar()
    for _turn in range(8):
        claim = make.claim()
        rulebook = RulebookInForce(make.published_rulebook(), year=claim.enrolment.year)
        outcomes = at_once(
            [
                lambda claim=claim: submit(claim, by=claim.user, now=NOW),  # type: ignore[misc]
                lambda claim=claim, rulebook=rulebook: rounds.put_in_force(  # type: ignore[misc]
                    claim.round, rulebook, by=registrar, now=NOW
                ),
            ]
        )
        assert outcomes in (["done", "done"], ["done", "round-has-claims"])
        claim.refresh_from_db()
        assert claim.version == rounds.version_for(claim.round, claim.enrolment)
