"""Review hints: each with the fact behind it, none for an unknown fact, and never a verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import translation

from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.review import signals
from credits.contributions.models import Evidence
from credits.contributions.review_hints import ReviewHintFacts, WorkElsewhere, hints_for
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

PLAIN = ReviewHintFacts(created_at=NOW - timedelta(days=3), merged_at=NOW)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("facts", "code", "fact"),
    [
        ({"merged_by_self": True, "merged_by": "alice"}, "merged-by-self", "alice"),
        ({"owner_is_author": True, "owner": "alice"}, "own-repository", "alice"),
        ({"created_at": NOW - timedelta(minutes=7)}, "first-hour", "7 minutes"),
        ({"files": {"generated": {"files": 3}}}, "generated", "3 files"),
        ({"only_whitespace": True}, "whitespace", "Ignoring whitespace"),
        ({"lines": 2, "tiny_in_repository": 9, "in_repository": 11}, "many-tiny", "9 of 11"),
        ({"repository_created_at": NOW - timedelta(days=2)}, "new-repository", "2 days"),
        ({"labels": ("bug", "Spam")}, "label", "Spam"),
        ({"login": "tidy[bot]"}, "bot", "tidy[bot]"),
        ({"is_bot": True, "login": "tidy"}, "bot", "tidy"),
        ({"shareless": ("bob", "carol")}, "co-authors", "bob, carol"),
        ({"nameless_commits": 3}, "co-authors-nameless", "3"),
        ({"same_text": (WorkElsewhere("o/r #1", "u", "bob", False),)}, "same-text", "bob"),
        ({"same_work": (WorkElsewhere("o/r #1", "u", "bob", False),)}, "same-work", "bob"),
        ({"same_work": (WorkElsewhere("o/r #1", "u", "alice", True),)}, "same-work-own", "o/r #1"),
    ],
)
def test_each_signal_names_its_fact(facts, code, fact) -> None:
    """One fact gives student hint, and the hint contains the fact."""
    (found,) = hints_for(replace(PLAIN, **facts))
    assert found.code == code
    assert fact in str(found.fact)
    assert str(found.text)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"merged_by_self": False, "owner_is_author": False, "only_whitespace": False, "is_bot": False},
        {"created_at": NOW - timedelta(hours=2)},
        {"created_at": NOW + timedelta(hours=1)},
        {"files": {"generated": {"files": 1}, "code": {"files": 1}}},
        {"files": {}},
        {"lines": 2, "tiny_in_repository": 2},
        {"lines": 900, "tiny_in_repository": 50},
        {"repository_created_at": NOW - timedelta(days=90)},
        {"labels": ("valid", "anti-spam")},
    ],
)
def test_what_is_unknown_or_usual_gives_none(facts) -> None:
    """Neither an unknown fact nor a value within the usual bounds gives a hint."""
    assert hints_for(replace(PLAIN, **facts)) == ()


@pytest.mark.django_db
def test_the_facts_come_from_what_is_held() -> None:
    """A claim full of oddities shows each hint beside its own line, in a bounded number of queries."""
    student, other = factories.student(), factories.student()
    account = make.linked_account(student)
    mine = make.repository(
        owner_id_on_forge=account.forge_user_id, owner_login=account.login, created_at=make.MERGED
    )
    odd = make.contribution(mine, title="Improve the documentation", labels=["invalid"])
    make.authorship(student, odd)
    by_bot = make.contribution(merged_by_id_on_forge=account.forge_user_id, merged_by_login=account.login)
    make.authorship(student, by_bot)
    Evidence.objects.create(
        contribution=by_bot, digest="0" * 64, payload={"author": {"__typename": "Bot"}}, fetched_at=NOW
    )
    make.authorship(other, make.contribution(title="improve  the Documentation"))
    make.authorship(other)
    round_ = make.round_()
    claims = [open_draft(person, round_, now=NOW) for person in (student, other)]
    for claim in claims:
        submit(claim, by=claim.user, now=NOW)
    found = {
        ref.split(":")[3]: {hint.code for hint in hints}
        for ref, hints in signals.claim_signals(claims[0]).items()
    }
    assert found[odd.number] == {"own-repository", "new-repository", "label", "same-text"} | (
        {"merged-by-self"} if odd.merged_by_id_on_forge == account.forge_user_id else set()
    )
    assert found[by_bot.number] == {"merged-by-self", "bot"}


@pytest.mark.django_db
def test_what_another_student_has_not_claimed_is_not_told() -> None:
    """The same work of another student gives a hint only after that student has claimed it."""
    student, other = factories.student(), factories.student()
    make.authorship(student, make.contribution(files_id="files:9"))
    twin = make.authorship(other, make.contribution(files_id="files:9", title="Something quite else"))
    make.authorship(student)
    make.authorship(other)
    round_ = make.round_()
    claim = submit(open_draft(student, round_, now=NOW), by=student, now=NOW)
    codes = lambda: {hint.code for hints in signals.claim_signals(claim).values() for hint in hints}  # noqa: E731
    assert codes() == set()
    submit(open_draft(other, round_, now=NOW), by=other, now=NOW)
    assert codes() == {"same-work"}
    assert twin.claim_items.get().live
