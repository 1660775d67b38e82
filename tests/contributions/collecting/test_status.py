"""The contributions of a person, and how recently they were collected."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import ForgeAccount
from credits.contributions import queries
from credits.contributions.collecting import collect
from credits.contributions.collecting.status import AccountStatus, statuses_for_accounts, statuses_for_person
from credits.contributions.storing.store import store
from credits.errors import NotThere
from credits.forges.errors import ForgeUnavailable, RateLimited
from credits.jobs import queue
from tests.contributions.scripted_forge import ALICE, BOB, MERGED, ScriptedForge, change, page, repository
from tests.factories import NOW, enrolment, forge_account, student

pytestmark = pytest.mark.django_db


def keep(*changes, forge="github") -> None:
    with transaction.atomic():
        store(forge, changes, now=NOW)


def linked(account=ALICE, user=None, **fields) -> ForgeAccount:
    return forge_account(user, forge_user_id=account.id, login=account.login, **fields)


def test_a_person_has_what_their_linked_accounts_have_newest_first():
    """A person has the authored and co-authored work of their linked accounts, but not that of others or of an
    equal id on another forge.
    """
    user = linked().user
    keep(change(1), change(2, merged_at=MERGED + timedelta(days=1)), change(3, author=BOB))
    keep(change(4, author=BOB, co_authors=(ALICE,), merged_at=MERGED - timedelta(days=1)))
    keep(change(5), forge="gitee")
    assert [part.contribution.number for part in queries.authorships_of(user)] == ["2", "1", "4"]
    user.forge_accounts.update(unlinked_at=NOW)
    assert list(queries.authorships_of(user)) == []


def test_a_list_of_contributions_costs_one_query(django_assert_num_queries):
    """Contributions are read together with their repositories, however many there are."""
    user = linked().user
    keep(*(change(number, repository=repository(number)) for number in range(20)))
    with django_assert_num_queries(1):
        assert len({part.contribution.repository.full_name for part in queries.authorships_of(user)}) == 20


def status(account: ForgeAccount, now=NOW) -> AccountStatus:
    (found,) = statuses_for_person(account.user, now=now)
    return found


def test_invariant_9_never_collected_is_not_zero():
    """Before the first complete collection the number is unknown; after it, zero is a known number."""
    account = linked()
    assert (status(account).contribution_count, status(account).complete_at, status(account).next_due_at) == (
        None,
        None,
        None,
    )
    collect.schedule_new_accounts(now=NOW)
    keep(change(1))
    assert (status(account).contribution_count, status(account).next_due_at) == (None, NOW)
    collect.collect_due(ScriptedForge(lambda _asks: [page(ALICE)]), clock=lambda: NOW)
    found = status(account)
    assert (found.contribution_count, found.complete_at, found.error, found.running) == (1, NOW, "", False)
    other = linked(BOB, account.user)
    collect.schedule_new_accounts(now=NOW)
    collect.collect_due(ScriptedForge(lambda _asks: [page(BOB)]), clock=lambda: NOW)
    assert [status.contribution_count for status in statuses_for_person(other.user, now=NOW)] == [1, 0]


def test_a_failure_is_told_with_what_is_still_known():
    """After a failure the last success, the reason and the next attempt are shown together."""
    account = linked()
    collect.schedule_new_accounts(now=NOW)
    collect.collect_due(ScriptedForge(lambda _asks: [page(ALICE)]), clock=lambda: NOW)
    later = NOW + timedelta(days=1)
    failure = ForgeUnavailable("forge-unavailable", "The forge did not answer.", "It is tried again.")
    failing = ScriptedForge(lambda _asks: [page(ALICE, done=False, failure=failure)])
    collect.collect_due(failing, clock=lambda: later)
    found = status(account, later)
    assert (found.complete_at, found.tried_at, found.contribution_count) == (NOW, later, 0)
    assert (found.error_code, found.error) == (
        "forge-unavailable",
        "The forge did not answer. It is tried again.",
    )
    assert found.next_due_at > later


def test_a_closed_lane_is_told_to_everybody_on_that_forge():
    """An account outside the batch also shows the reason for the closed lane, and until when it lasts."""
    account = linked()
    collect.schedule_new_accounts(now=NOW)
    until = NOW + timedelta(minutes=42)
    queue.close_lane("github", until=until, error=RateLimited("rate-limited", "Later.", until=until))
    assert (status(account).error, status(account).next_due_at) == ("Later.", until)
    assert status(account, until).error == ""
    collect.collect_due(ScriptedForge(lambda _asks: [page(ALICE)]), clock=lambda: until)
    queue.close_lane("github", until=until + timedelta(minutes=1), error=ForgeUnavailable("x", "Down."))
    assert status(account, until).error == ""  # not due before the lane opens again


@pytest.mark.parametrize("after", range(1, 5))
def test_collecting_that_ends_while_its_status_is_read_never_looks_as_if_it_ended_without_success(after):
    """Wherever collecting ends between the queries, the status is complete or running, never ended without success."""
    account = linked()
    collect.schedule_new_accounts(now=NOW)
    asked = 0

    def end_after(execute, *statement):
        nonlocal asked
        answer = execute(*statement)
        asked += 1
        if asked == after:
            collect.collect_due(ScriptedForge(lambda _asks: [page(ALICE)]), clock=lambda: NOW)
        return answer

    with connection.execute_wrapper(end_after):
        found = status(account)
    assert asked > after
    assert found.complete_at or found.waiting or found.running


def test_what_was_put_back_while_the_page_was_made_is_waiting():
    """A job put back just after the caller read the clock counts as waiting."""
    account = linked()
    collect.schedule_new_accounts(now=NOW + timedelta(seconds=1))
    assert status(account).waiting
    assert not status(account, NOW - timedelta(minutes=1)).waiting


def test_running_is_shown_while_a_worker_holds_it():
    """A lease that has ended is not shown as work in progress."""
    account = linked()
    collect.schedule_new_accounts(now=NOW)
    queue.take(collect.KIND, "github", limit=1, now=NOW, lease=collect.LEASE)
    assert status(account).running
    assert not status(account, NOW + collect.LEASE).running


def test_due_and_not_begun_is_waiting():
    """An account is waiting from the due time until a worker takes it, not before."""
    account = linked()
    assert not status(account).waiting
    collect.schedule_new_accounts(now=NOW)
    assert status(account).waiting
    until = NOW + timedelta(minutes=1)
    queue.close_lane("github", until=until, error=RateLimited("rate-limited", "Later.", until=until))
    assert not status(account).waiting
    queue.take(collect.KIND, "github", limit=1, now=until, lease=collect.LEASE)
    assert not status(account, until).waiting
    assert status(account, until + collect.LEASE).waiting


def test_the_status_of_many_accounts_costs_four_queries(django_assert_num_queries):
    """States, jobs, lanes and counts are read once for all accounts."""
    accounts = [forge_account() for _ in range(5)]
    collect.schedule_new_accounts(now=NOW)
    with django_assert_num_queries(4):
        statuses_for_accounts(accounts, now=NOW)


def test_lines_have_exactly_the_fields_that_are_promised():
    """Each contribution of a person gives a line, with the student number as text and times in UTC."""
    user = student(student_number="0042")
    linked(user=user)
    keep(change(7, author=BOB, co_authors=(ALICE,), additions=None))
    assert list(queries.contribution_lines()) == [
        {
            "student_number": "0042",
            "role": "co-author",
            "forge": "github",
            "repository": "owner/project1",
            "number": "7",
            "kind": "pull_request",
            "url": "https://forge.example/owner/project1/pull/7",
            "title": "Fix part 7",
            "merged_at": "2025-03-01T08:00:00Z",
            "additions": None,
            "deletions": 4,
            "status": "merged",
        }
    ]


def test_lines_go_by_student_and_can_be_narrowed():
    """Lines are sorted by student number; a former number finds the person as well."""
    first, second = student(student_number="001"), student(student_number="002")
    enrolment(first, student_number="900", year=2024)
    linked(BOB, first)
    linked(ALICE, second)
    keep(change(1), change(2, author=BOB), change(3))
    assert [(line["student_number"], line["number"]) for line in queries.contribution_lines()] == [
        ("002", "1"),
        ("002", "3"),
        ("900", "2"),
    ]
    assert [line["number"] for line in queries.contribution_lines(["001"])] == ["2"]


def test_an_unknown_student_is_refused():
    """A number that nobody has is an error, not an empty answer."""
    with pytest.raises(NotThere) as refused:
        list(queries.contribution_lines(["no-such"]))
    assert refused.value.code == "unknown-student"
