"""Rounds and licences."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from accounts.models import AuditEntry
from credits.claims import rounds
from credits.claims.assessment.osi_licences import osi_approved
from credits.claims.models import Round
from credits.claims.review import review
from credits.errors import CreditsError, NotAllowed, NotThere
from credits.rulebooks import versions
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW


@pytest.mark.django_db
def test_rounds_are_found_by_code_by_date_and_by_being_the_newest() -> None:
    """Without a code the newest round is found; an unknown code raises an error."""
    assert rounds.newest_round() is None
    with pytest.raises(NotThere):
        rounds.find_round(None)
    old = make.round_("old", apply_from=NOW - timedelta(days=90))
    new = make.round_("new", apply_from=NOW)
    assert rounds.newest_round() == rounds.find_round(None) == rounds.find_round("new") == new
    assert rounds.find_round("old") == old
    with pytest.raises(NotThere) as error:
        rounds.find_round("none")
    assert error.value.code == "no-such-round"
    assert list(rounds.rounds_open_now(now=NOW)) == [new]
    assert list(rounds.rounds_open_now(now=NOW - timedelta(days=89))) == [old]
    assert list(rounds.rounds_open_now(now=new.apply_until)) == []


@pytest.mark.django_db
def test_the_newest_round_is_one_that_has_begun() -> None:
    """A round that is only announced is the newest only if no other round has begun."""
    coming = make.round_("coming", apply_from=NOW + timedelta(days=30))
    assert rounds.newest_round(now=NOW) == rounds.find_round(None, now=NOW) == coming
    begun = make.round_("begun", apply_from=NOW - timedelta(days=90))
    assert rounds.newest_round(now=NOW) == rounds.find_round(None, now=NOW) == begun


@pytest.mark.django_db
def test_a_students_round_is_first_the_one_that_waits_for_them() -> None:
    """A due answer comes first, then a claim under way, then an open round, then the newest begun."""
    student = factories.student()
    assert rounds.current_round(student, now=NOW) is None
    coming = make.round_("coming", apply_from=NOW + timedelta(days=30))
    assert rounds.current_round(student, now=NOW) == coming
    closed = make.round_("closed", apply_from=NOW - timedelta(days=90))
    assert rounds.current_round(student, now=NOW) == closed
    other_category = make.published_rulebook(category="another-category")
    older = make.round_("older", apply_from=NOW - timedelta(days=3), rulebooks=[other_category])
    old = make.round_("old", apply_from=NOW - timedelta(days=2))
    open_now = make.round_("open", apply_from=NOW - timedelta(days=1))
    assert rounds.current_round(student, now=NOW) == open_now
    waiting = make.submitted_claim(student, old)
    assert rounds.current_round(student, now=NOW) == old
    heard = make.submitted_claim(student, older)
    refs = [contribution["ref"] for contribution in heard.facts["contributions"]]
    decision = make.decided_claim(heard, {refs[0]: {"accepted": False}}, reason="Not yours.")
    make.decided_claim(waiting)
    assert rounds.current_round(student, now=NOW) == older
    assert rounds.current_round(factories.student(), now=NOW) == open_now
    heard.refresh_from_db()
    review.confirm_proposal(heard, by=decision.decided_by, now=heard.hearing_until)
    assert rounds.current_round(student, now=NOW) == old


@pytest.mark.django_db
@pytest.mark.parametrize("year", [1, 25, 1999, 2101, 9999])
@pytest.mark.parametrize("first", [True, False])
def test_a_round_lies_in_years_that_can_be_meant(year: int, first: bool) -> None:
    """A mistyped year in the first or last date of a round is refused with a sentence."""
    day = NOW.replace(year=year)
    with pytest.raises(CreditsError) as error:
        make.round_(
            apply_from=day if first else NOW,
            apply_until=NOW + timedelta(days=1),
            record_until=NOW + timedelta(days=60) if first else day,
        )
    assert error.value.code == "round-dates"
    assert {"2000", "2100"} <= set(re.findall(r"\d+", str(error.value)))
    assert not Round.objects.exists()


@pytest.mark.django_db
def test_only_a_registrar_opens_a_round_and_it_is_logged() -> None:
    """An administrator cannot open a round; the audit log names the rulebooks of an opened round."""
    make.round_("mine")
    line = AuditEntry.objects.get(action="round-opened")
    assert line.details["code"] == "mine"
    assert len(line.details["rulebooks"]) == 1
    old = Round.objects.get()
    with pytest.raises(NotAllowed):
        rounds.open_round(
            code="theirs",
            term=old.term,
            name_zh="批次",
            name_en="A round",
            apply_from=NOW,
            apply_until=NOW + timedelta(days=1),
            review_until=NOW + timedelta(days=2),
            record_from=NOW,
            record_until=NOW + timedelta(days=3),
            rulebooks=[make.published_rulebook()],
            by=factories.admin(),
            now=NOW,
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "dates",
    [
        {"apply_until": NOW - timedelta(days=2)},
        {"review_until": NOW},
        {"record_from": NOW - timedelta(days=30)},
        {"record_until": NOW - timedelta(days=2)},
    ],
)
def test_dates_of_a_round_follow_each_other(dates: dict[str, object]) -> None:
    """A round whose dates are out of order is refused with a sentence."""
    with pytest.raises(CreditsError) as error:
        make.round_(**dates)
    assert error.value.code == "round-dates"
    assert not Round.objects.exists()


@pytest.mark.django_db
def test_a_round_takes_published_versions_once_for_the_same_students() -> None:
    """A proposal, two rulebooks for everyone and a used code are refused."""
    version = make.published_rulebook()
    text = make.RULEBOOK.format(code="other", category="c", points="", more="")
    proposal = versions.propose(text, by=factories.steward(), now=NOW)
    existing = make.round_("taken", rulebooks=[version])
    for code, rulebooks, name in (
        ("rulebook-not-published", [proposal], "a"),
        ("rulebook-twice", [version, version], "b"),
        ("round-exists", [version], existing.code),
    ):
        with pytest.raises(CreditsError) as error:
            make.round_(name, rulebooks=rulebooks)
        assert error.value.code == code


@pytest.mark.django_db
def test_a_round_without_a_rulebook_for_a_student_says_so() -> None:
    """A student for whose year no rulebook is in force gets an error that says whom to ask."""
    round_ = make.round_(rulebooks=[rounds.RulebookInForce(make.published_rulebook(), year=2024)])
    with pytest.raises(NotThere) as error:
        rounds.version_for(round_, factories.enrolment(year=2020))
    assert error.value.code == "no-rulebook-in-force"


@pytest.mark.parametrize(
    ("licence", "answer"),
    [
        ("Apache-2.0", True),
        ("apache-2.0", True),
        ("MulanPSL-2.0", True),
        ("GPL-3.0", True),
        ("CC-BY-NC-4.0", False),
        ("SSPL-1.0", False),
        ("", False),
        (None, None),
        ("NOASSERTION", None),
        ("Other", None),
    ],
)
def test_which_licences_are_osi_approved(licence: str | None, answer: bool | None) -> None:
    """A licence is approved, not approved, or unknown if the forge cannot identify it."""
    assert osi_approved(licence) is answer
