"""Versions of rulebooks: proposed by one, published by another, never changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import propose, publish, retire, rulebook_of
from credits.rules.document.parser import RulebookFaults
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def text(code: str = "mine", **parts: str) -> str:
    return make.RULEBOOK.format(**{"code": code, "category": "innovation", "points": "", "more": "", **parts})


def refused_by_the_database(sql: str) -> None:
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_proposed_by_one_and_published_by_another() -> None:
    """Both are named in the version and in the audit log."""
    one, other = factories.steward(), factories.steward()
    version = propose(text(), by=one, now=NOW)
    assert (str(version), version.status) == ("mine v1", "proposed")
    version = publish("mine", by=other, now=NOW + timedelta(days=1))
    assert (version.proposed_by, version.published_by, version.status) == (one, other, "published")
    line = AuditEntry.objects.get(action="rulebook-published")
    assert (line.actor, line.details["proposed_by"]) == (other, one.username)
    assert line.details["digest"] == version.digest


def test_the_proposer_does_not_publish() -> None:
    """The proposer cannot publish, not even by SQL; the last person who changed the proposal is its proposer."""
    one, other = factories.steward(), factories.steward()
    propose(text(), by=one, now=NOW)
    with pytest.raises(NotAllowed) as error:
        publish("mine", by=one, now=NOW)
    assert error.value.code == "second-person-needed"
    refused_by_the_database(
        "UPDATE credits_rulebookversion SET status = 'published', published_by_id = proposed_by_id,"
        " published_at = now()"
    )
    propose(text(more="term_cap: 1"), by=other, now=NOW)
    with pytest.raises(NotAllowed):
        publish("mine", by=other, now=NOW)
    assert publish("mine", by=one, now=NOW).number == 1


@pytest.mark.parametrize("role", ["student", "instructor", "registrar", "admin"])
def test_only_stewards_write_rulebooks(role: str) -> None:
    """Other roles cannot propose, publish or retire, not even an administrator."""
    by = getattr(factories, role)()
    with pytest.raises(NotAllowed):
        propose(text(), by=by, now=NOW)
    with pytest.raises(NotAllowed):
        publish("mine", by=by, now=NOW)
    version = make.published_rulebook()
    with pytest.raises(NotAllowed):
        retire(version, by=by, now=NOW)


def test_faults_are_said_with_their_place_and_nothing_is_kept() -> None:
    """A typo in a condition comes back with line, column and the name that was meant."""
    broken = text().replace("repository.osi_approved", "repository.osi_aproved")
    with pytest.raises(RulebookFaults) as error:
        propose(broken, by=factories.steward(), now=NOW)
    (fault,) = error.value.faults
    assert "osi_approved" in fault.suggestion
    assert broken.splitlines()[fault.line - 1][fault.column - 1 :].startswith(
        ("osi_aproved", "repository", ".")
    )
    assert not RulebookVersion.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("term_cap: 1.125", "credit-has-two-decimals"),
        ("degree_cap: 4.005", "credit-has-two-decimals"),
    ],
)
def test_what_cannot_be_carried_out_is_not_promised(change: str, code: str) -> None:
    """Credit with more than two decimals is refused when the rulebook is proposed."""
    with pytest.raises(CreditsError) as error:
        propose(text(more=change), by=factories.steward(), now=NOW)
    assert error.value.code == code


def test_invariant_6_a_published_version_never_changes() -> None:
    """Not its text, canonical form, digest, number or people; it is not unpublished and not deleted, even by SQL."""
    make.published_rulebook("mine")
    for change in (
        "text = 'x'",
        "canonical = 'x'",
        "digest = 'x'",
        "number = 7",
        "title_en = 'x'",
        "published_at = now()",
        "status = 'proposed', published_by_id = NULL, published_at = NULL",
    ):
        refused_by_the_database(f"UPDATE credits_rulebookversion SET {change}")
    refused_by_the_database("DELETE FROM credits_rulebookversion")
    refused_by_the_database("TRUNCATE credits_rulebookversion CASCADE")


def test_a_next_version_leaves_the_one_before_as_it_is() -> None:
    """Numbers go up, each version says what it said, and the same again is not a new version."""
    first = make.published_rulebook("mine")
    with pytest.raises(Conflict) as error:
        propose(first.text, by=factories.steward(), now=NOW)
    assert error.value.code == "rulebook-unchanged"
    second = make.published_rulebook("mine", more="term_cap: 1")
    assert (first.number, second.number) == (1, 2)
    assert (rulebook_of(first).term_cap, rulebook_of(second).term_cap) == (2, 1)


def test_a_retired_version_still_says_what_it_said_and_stays_retired() -> None:
    """Retiring is the only change of a published version, and it is final."""
    version = retire(make.published_rulebook(), by=factories.steward(), now=NOW)
    assert version.status == "retired"
    assert rulebook_of(version).maturing_days == 7
    with pytest.raises(Conflict):
        retire(version, by=factories.steward(), now=NOW)
    refused_by_the_database("UPDATE credits_rulebookversion SET status = 'published'")


def test_nothing_to_publish() -> None:
    """An unknown rulebook and a rulebook without a proposal give different errors."""
    with pytest.raises(NotThere):
        publish("none", by=factories.steward(), now=NOW)
    make.published_rulebook("mine")
    with pytest.raises(Conflict) as error:
        publish("mine", by=factories.steward(), now=NOW)
    assert error.value.code == "nothing-proposed"


def test_defaults_are_written_out_into_what_is_published() -> None:
    """The canonical text names every default, so that a later release changes nothing."""
    version = make.published_rulebook()
    assert "maturing_days" not in version.text
    assert "maturing_days" in version.canonical
    assert "hearing_days" in version.canonical


def test_an_altered_canonical_text_is_not_evaluated() -> None:
    """A canonical text that no longer has its digest raises an error."""
    version = make.published_rulebook()
    version.canonical = version.canonical.replace("16", "1")
    with pytest.raises(Conflict) as error:
        rulebook_of(version)
    assert error.value.code == "rulebook-altered"


@pytest.mark.parametrize("name", ["open-source-practice", "ects-unit"])
def test_the_shipped_rulebooks_can_be_published(name: str) -> None:
    """Both are proposed and published as they are."""
    shipped = (Path(settings.BASE_DIR) / "rulebooks" / f"{name}.yaml").read_text(encoding="utf-8")
    assert make.published_rulebook(text=shipped).rulebook.code
