"""Collecting batches from a scripted forge: rows and cursor agree, and each failure stays where it belongs."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Thread

import pytest
from django.db import connection

from accounts.models import ForgeAccount
from credits.contributions.collecting import collect, forge_session
from credits.contributions.collecting.report import CollectionReport
from credits.contributions.models import Authorship, CatalogueEntry, CollectionState, Contribution
from credits.contributions.storing import store as storing
from credits.contributions.storing.store import StoredCounts
from credits.forges.errors import ForgeError, ForgeUnavailable, RateLimited, TokenRefused
from credits.forges.protocol import AccountOnForge
from credits.forges.tokens import TokenPool
from credits.jobs import queue
from credits.jobs.models import Job, Lane
from tests.contributions.scripted_forge import ALICE, BOB, ScriptedForge, change, page
from tests.factories import NOW, forge_account

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Raised where a worker dies: it does nothing more after that."""


class Clock:
    """A time that stands still unless a test moves it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def linked(account: AccountOnForge = ALICE) -> ForgeAccount:
    made = forge_account(forge_user_id=account.id, login=account.login, node_id=account.node_id)
    collect.schedule_new_accounts(now=NOW)
    return made


def state(account: ForgeAccount) -> CollectionState:
    return CollectionState.objects.get(account=account)


def job(account: ForgeAccount) -> Job:
    return Job.objects.get(kind=collect.KIND, key=collect.job_key(account))


def raising(*pages, error: BaseException):
    def script(_asks):
        yield from pages
        raise error

    return ScriptedForge(script)


def telling(*pages):
    return ScriptedForge(lambda _asks: pages)


def test_new_accounts_are_due_at_once():
    """A newly linked account is due at once, and only once; an unlinked account is not."""
    made, gone = forge_account(), forge_account(unlinked_at=NOW)
    assert collect.schedule_new_accounts(now=NOW) == 1
    assert collect.schedule_new_accounts(now=NOW + timedelta(hours=1)) == 0
    assert job(made).due_at == NOW
    assert not Job.objects.filter(key=collect.job_key(gone)).exists()
    assert collect.due_forges(now=NOW) == ["github"]


def test_pages_are_stored_and_the_account_is_complete(clock):
    """Each page is stored, the cursor is that of the last page, and the next collection is planned."""
    account = linked()
    forge = telling(page(ALICE, change(1), cursor="one", done=False), page(ALICE, change(2), cursor="two"))
    report = collect.collect_due(forge, clock=clock)
    assert (report.taken, report.complete, report.stored, report.requests) == (1, 1, StoredCounts(new=2), 1)
    assert (state(account).cursor, state(account).complete_at, state(account).error_code) == ("two", NOW, "")
    planned = job(account).due_at - NOW
    assert collect.COLLECT_EVERY <= planned <= collect.COLLECT_EVERY * 1.1
    assert collect.collect_due(forge, clock=clock).taken == 0


def test_the_forge_is_asked_for_what_is_new_in_the_watched_repositories(clock):
    """The second request has the cursor of the first; both have the catalogue's repositories on this forge."""
    account = linked()
    CatalogueEntry.objects.create(forge="github", full_name="owner/watched", tier="A")
    CatalogueEntry.objects.create(forge="gitee", full_name="owner/elsewhere", tier="A")
    forge = telling(page(ALICE, cursor="one"))
    collect.collect_due(forge, clock=clock)
    collect.request_collection([account], now=NOW, wake=False)
    collect.collect_due(forge, clock=clock)
    (first,), (second,) = forge.asked
    assert (first.account, first.cursor, first.repositories) == (ALICE, "", ("owner/watched",))
    assert second.cursor == "one"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("statement", "mark", "turn"),
    [
        ("UPDATE", "credits_job", 4),  # the first two free the jobs of dead workers and take this one
        ("CREATE", "incoming_contribution", 2),
        ("SELECT", "incoming_answer", 2),
        ("SELECT", "nextval", 2),
        ("COPY", "credits_contribution", 2),
        ("COPY", "credits_authorship", 2),
        ("COPY", "credits_evidence", 2),
        ("UPDATE", '"cursor"', 2),
    ],
)
def test_invariant_9_the_cursor_moves_only_together_with_its_rows(monkeypatch, clock, statement, mark, turn):
    """Whichever statement of a page the worker dies at, neither the cursor nor any row of that page is stored.
    Earlier pages stay, and the next worker stores the rest.
    """
    account = linked()
    forge = telling(page(ALICE, change(1), cursor="one", done=False), page(ALICE, change(2), cursor="two"))
    seen: list[str] = []

    def dies(execute, sql, params, many, context):
        if statement in sql.split()[:1] and mark in sql:
            seen.append(sql)
        if len(seen) >= turn:
            raise Killed
        return execute(sql, params, many, context)

    def dies_after(cursor, table, *rest):
        copy(cursor, table, *rest)
        if statement == "COPY" and table == mark:
            seen.append(table)
            if len(seen) >= turn:
                raise Killed

    copy = storing._copy_rows
    with monkeypatch.context() as patch, connection.execute_wrapper(dies), pytest.raises(Killed):
        patch.setattr(storing, "_copy_rows", dies_after)
        collect.collect_due(forge, clock=clock)
    assert state(account).cursor == "one"
    assert list(Contribution.objects.values_list("number", flat=True)) == ["1"]
    assert (job(account).holder is None, state(account).complete_at) == (False, None)

    clock.now += collect.LEASE
    report = collect.collect_due(telling(page(ALICE, change(2), cursor="two")), clock=clock)
    assert (report.complete, state(account).cursor) == (1, "two")
    assert Contribution.objects.count() == 2


def test_invariant_9_an_account_that_fails_is_not_complete(clock):
    """Pages before the failure are kept; the account stays incomplete with its reason, and only it waits."""
    alice, bob = linked(), linked(BOB)
    failure = ForgeUnavailable("forge-unavailable", "The forge did not answer.")
    forge = telling(
        page(ALICE, change(1), cursor="one", done=False, failure=failure),
        page(BOB, change(2, author=BOB), cursor="two"),
    )
    report = collect.collect_due(forge, clock=clock)
    assert [failed.account for failed in report.failed] == [alice]
    assert (state(alice).complete_at, state(alice).error_code) == (None, "forge-unavailable")
    assert (state(alice).cursor, Contribution.objects.count()) == ("one", 2)
    assert (job(alice).failures, job(alice).due_at > NOW) == (1, True)
    assert state(bob).complete_at == NOW


def test_failures_in_a_row_wait_longer_and_success_forgets_them(clock):
    """Each failure doubles the wait; a complete collection resets it."""
    account = linked()
    failing = telling(page(ALICE, done=False, failure=ForgeUnavailable("forge-unavailable", "No answer.")))
    waits = []
    for _ in range(4):
        collect.collect_due(failing, clock=clock)
        waits.append(job(account).due_at - clock.now)
        clock.now = job(account).due_at
    assert waits == sorted(set(waits))
    collect.collect_due(telling(page(ALICE)), clock=clock)
    assert (job(account).failures, state(account).error_code) == (0, "")


def test_a_failure_waits_for_the_time_that_the_forge_names(clock):
    """An account is not requested again before the time that the forge named."""
    account = linked()
    until = NOW + timedelta(days=1)
    collect.collect_due(
        telling(page(ALICE, done=False, failure=ForgeError("x", "X.", until=until))), clock=clock
    )
    assert job(account).due_at == until


def test_a_process_without_a_token_leaves_the_lane_and_its_jobs_as_they_were(clock, caplog):
    """Its report and its log say why; a process with a token collects at once."""
    account = linked()
    before = Job.objects.values().get()
    poor = telling(page(ALICE))
    poor.tokens = TokenPool([])
    report = collect.collect_all_due(poor, clock=clock)
    assert (report.taken, report.closed_by.code, report.closed_until) == (0, "forge-token-absent", None)
    assert "no access token" in caplog.text
    assert (Job.objects.values().get(), Lane.objects.exists(), poor.asked) == (before, False, [])
    assert collect.collect_all_due(telling(page(ALICE)), clock=clock).complete == 1
    assert state(account).complete_at == NOW


@pytest.mark.parametrize(
    ("error", "rest"),
    [
        (RateLimited("rate-limited", "Later.", until=NOW + timedelta(minutes=42)), timedelta(minutes=42)),
        (RateLimited("rate-limited", "Later."), forge_session.LIMIT_WAIT),
        (TokenRefused("token-refused", "The token does not work."), forge_session.TOKEN_WAIT),
    ],
)
def test_what_stops_the_whole_forge_closes_its_lane(clock, error, rest):
    """Finished accounts stay finished; the others are put back without a failure, due when the lane opens."""
    alice, bob = linked(), linked(BOB)
    report = collect.collect_due(raising(page(ALICE, change(1)), error=error), clock=clock)
    assert (report.complete, report.failed, report.closed_by) == (1, [], error)
    assert state(alice).complete_at == NOW
    assert (state(bob).complete_at, state(bob).error_code, job(bob).failures) == (None, error.code, 0)
    assert Lane.objects.get().closed_until == NOW + rest
    forge = telling(page(BOB))
    assert collect.collect_all_due(forge, clock=clock).taken == 0
    assert forge.asked == []
    clock.now = NOW + rest
    assert collect.collect_all_due(forge, clock=clock).complete == 1


def test_a_forge_that_does_not_answer_rests_and_is_tried_again(clock):
    """Without a connection, each account of the batch waits longer each time, and the lane is closed for a moment."""
    account = linked()
    report = collect.collect_all_due(
        raising(error=ForgeUnavailable("forge-unavailable", "No answer.")), clock=clock
    )
    assert [failed.account for failed in report.failed] == [account]
    assert report.closed_until == NOW + forge_session.DOWN_WAIT
    assert job(account).due_at > NOW + forge_session.DOWN_WAIT


def test_an_account_without_a_last_page_is_not_complete(clock):
    """If the forge stops without a last page, it has not said that there is nothing more."""
    account = linked()
    report = collect.collect_due(telling(page(ALICE, change(1), done=False)), clock=clock)
    assert [failed.error.code for failed in report.failed] == ["collecting-broke-off"]
    assert state(account).complete_at is None


def test_an_unforeseen_error_is_not_hidden_and_holds_nothing(clock):
    """A fault in an adapter is raised; the accounts are freed and wait."""
    account = linked()
    with pytest.raises(ZeroDivisionError):
        collect.collect_due(
            raising(page(ALICE, change(1), done=False), error=ZeroDivisionError()), clock=clock
        )
    assert (job(account).holder, job(account).failures) == (None, 1)
    assert Contribution.objects.count() == 1


def test_a_worker_that_is_told_to_stop_lets_go(clock):
    """After Ctrl-C the next worker can begin at once, and no failure is counted."""
    account = linked()
    with pytest.raises(KeyboardInterrupt):
        collect.collect_due(
            raising(page(ALICE, change(1), done=False), error=KeyboardInterrupt()), clock=clock
        )
    assert (job(account).holder, job(account).failures, job(account).due_at) == (None, 0, NOW)
    assert collect.collect_due(telling(page(ALICE)), clock=clock).complete == 1


def test_what_cannot_be_stored_fails_its_own_account_only(clock):
    """An answer that cannot be stored leaves its account's cursor in place and the other account complete."""
    alice, bob = linked(), linked(BOB)
    forge = telling(page(ALICE, change(1, url="x" * 600), cursor="one"), page(BOB, change(2, author=BOB)))
    report = collect.collect_due(forge, clock=clock)
    assert [(failed.account, failed.error.code) for failed in report.failed] == [
        (alice, "answer-not-storable")
    ]
    assert (state(alice).cursor, state(alice).complete_at) == ("", None)
    assert state(bob).complete_at == NOW


def test_invariant_10_a_worker_that_lost_its_lease_writes_nothing(clock):
    """A page that arrives after another worker took over is dropped, with its cursor."""
    account = linked()

    def script(_asks):
        clock.now += collect.LEASE
        assert queue.take(collect.KIND, "github", limit=9, now=clock.now, lease=collect.LEASE)
        yield page(ALICE, change(1), cursor="late")

    report = collect.collect_due(ScriptedForge(script), clock=clock)
    assert (report.lost, report.complete) == (1, 0)
    assert (state(account).cursor, Contribution.objects.count()) == ("", 0)


def test_leases_are_renewed_while_pages_come(monkeypatch, clock):
    """A batch that takes longer than a lease stays with its worker, including accounts that are still waiting."""
    monkeypatch.setattr(collect, "TURN", timedelta(hours=1))
    linked()
    linked(BOB)

    def script(_asks):
        for number in range(6):
            clock.now += collect.LEASE / 2
            yield page(ALICE, change(number), cursor=str(number), done=number == 5)
            assert not queue.take(collect.KIND, "github", limit=9, now=clock.now, lease=collect.LEASE)
        yield page(BOB, change(9, author=BOB))

    report = collect.collect_due(ScriptedForge(script), clock=clock)
    assert (report.complete, report.lost) == (2, 0)


def test_an_account_that_was_unlinked_sleeps(clock):
    """After unlinking nothing is requested for the account; linking again makes a new account that starts anew."""
    account = linked()
    account.unlinked_at = NOW
    account.save()
    forge = telling()
    assert collect.collect_due(forge, clock=clock).taken == 0
    assert (forge.asked, job(account).due_at) == ([], None)


def test_labels_follow_the_forge(clock):
    """A changed login and a missing node id are taken over; the id stays."""
    account = linked(AccountOnForge("101", "alice"))
    collect.collect_due(telling(page(AccountOnForge("101", "alice-new", "U_101"))), clock=clock)
    account.refresh_from_db()
    assert (account.login, account.node_id, account.forge_user_id) == ("alice-new", "U_101", "101")


def test_collecting_in_full_forgets_the_cursor(clock):
    """Everything is read from the beginning, also if a worker is collecting now: its later writes are refused."""
    account = linked()
    collect.collect_due(telling(page(ALICE, change(1), cursor="one")), clock=clock)

    def script(_asks):
        yield page(ALICE, change(2), cursor="two", done=False)
        collect.request_collection([account], now=clock.now, full=True, wake=False)
        yield page(ALICE, change(3), cursor="three")

    collect.request_collection([account], now=NOW, wake=False)
    assert collect.collect_due(ScriptedForge(script), clock=clock).lost == 1
    assert state(account).cursor == ""
    forge = telling(page(ALICE, change(1), change(3), cursor="three"))
    assert collect.collect_due(forge, clock=clock).stored == StoredCounts(new=1, unchanged=1)
    assert forge.asked[0][0].cursor == ""


def test_batches_follow_each_other_until_the_budget_is_used_up(monkeypatch, clock):
    """After its time budget a long round stops and says that there is more."""
    monkeypatch.setattr(collect, "TURN", timedelta(hours=1))
    people = [AccountOnForge(str(number), f"person{number}") for number in range(5)]
    for person in people:
        linked(person)

    def script(asks):
        clock.now += timedelta(minutes=1)
        return [page(ask.account) for ask in asks]

    forge = ScriptedForge(script)
    report = collect.collect_all_due(forge, clock=clock, limit=2, budget=timedelta(minutes=2))
    assert (report.taken, report.more) == (4, True)
    report = collect.collect_all_due(forge, clock=clock, limit=2, budget=timedelta(minutes=2))
    assert (report.taken, report.more) == (1, False)


def test_idle_accounts_cost_a_fixed_number_of_queries(clock, django_assert_max_num_queries):
    """If nothing is new, a batch of fifty accounts takes as many statements as a batch of one."""
    people = [AccountOnForge(str(number), f"person{number}", f"U_{number}") for number in range(50)]
    for person in people:
        linked(person)
    forge: ScriptedForge = ScriptedForge(lambda asks: [page(ask.account) for ask in asks])
    with django_assert_max_num_queries(24):
        assert collect.collect_due(forge, clock=clock).complete == len(people)
    assert not Job.objects.filter(holder__isnull=False).exists()


def test_idle_accounts_that_were_lost_or_asked_for_meanwhile_are_not_taken_for_done(clock):
    """Of many accounts that are finished together, one that another worker took over is left to it, and one that
    was requested meanwhile is due again at once.
    """
    alice, bob = linked(), linked(BOB)
    asked = NOW + timedelta(seconds=1)

    def script(_asks):
        queue.ask_now(collect.KIND, [collect.job_key(alice)], now=NOW, anew=True)
        queue.ask_now(collect.KIND, [collect.job_key(bob)], now=asked)
        yield page(ALICE, cursor="lost")
        yield page(BOB, cursor="new")

    report = collect.collect_due(ScriptedForge(script), clock=clock)
    assert (report.complete, report.lost) == (1, 1)
    assert (state(alice).cursor, state(alice).complete_at) == ("", None)
    assert (state(bob).cursor, job(bob).due_at) == ("new", asked)


def test_invariant_2_a_contribution_found_by_two_accounts_is_stored_once(clock):
    """If the lists of opener and co-author both have a pull request, it is stored once with two parts."""
    linked()
    linked(BOB)
    shared = change(1, co_authors=(BOB,))
    report = collect.collect_due(telling(page(ALICE, shared), page(BOB, shared)), clock=clock)
    assert report.stored == StoredCounts(new=1, unchanged=1)
    assert Contribution.objects.count() == 1
    assert Authorship.objects.count() == 2


def test_a_long_account_gives_way_to_those_who_wait(clock):
    """An account with many pull requests gets its turn, goes to the end of the queue and continues later; no
    account is passed over twice.
    """
    long = linked()

    def script(asks):
        for ask in asks:
            for number in range(int(ask.cursor or 0), 9 if ask.account == ALICE else 1):
                clock.now += collect.TURN / 3
                yield page(
                    ask.account, change(number, author=ask.account), cursor=str(number + 1), done=False
                )
            yield page(ask.account, cursor="end")

    forge = ScriptedForge(script)
    first = collect.collect_due(forge, clock=clock, limit=2)
    assert (first.complete, first.stored.new, job(long).holder) == (0, 3, None)
    short = linked(BOB)
    Job.objects.filter(key=collect.job_key(short)).update(due_at=clock.now - timedelta(seconds=1))
    second = collect.collect_due(forge, clock=clock, limit=2)
    assert state(short).complete_at is not None
    assert (second.complete, state(long).complete_at, state(long).cursor) == (1, None, "5")
    while state(long).complete_at is None:
        collect.collect_due(forge, clock=clock, limit=2)
    assert Contribution.objects.count() == 9


def test_a_long_look_that_found_nothing_ends_every_account_of_it(clock):
    """If a forge reads all accounts at once and takes longer than a turn, all last pages at its end are stored, not
    one for each turn.
    """
    people = [AccountOnForge(str(number), f"person{number}") for number in range(5)]
    for person in people:
        linked(person)

    def script(asks):
        clock.now += collect.TURN * 2
        return [page(ask.account, cursor="end") for ask in asks]

    forge = ScriptedForge(script)
    report = collect.collect_all_due(forge, clock=clock)
    assert (report.complete, len(forge.asked)) == (5, 1)


def test_a_lane_that_somebody_closes_stops_who_is_in_the_middle(clock):
    """A worker stops at the next page, keeps the earlier pages, and counts no failure."""
    account = linked()
    until = NOW + timedelta(hours=1)

    def script(_asks):
        yield page(ALICE, change(1), cursor="one", done=False)
        queue.close_lane("github", until=until, error=RateLimited("forge-rate-limited", "Later."))
        clock.now += collect.LANE_CHECK_EVERY
        yield page(ALICE, change(2), cursor="two", done=False)
        raise AssertionError("asked for more")

    report = collect.collect_due(ScriptedForge(script), clock=clock)
    assert (report.closed_until, report.closed_by.code) == (until, "forge-rate-limited")
    assert (state(account).cursor, job(account).holder, job(account).failures) == ("two", None, 0)


@pytest.mark.django_db(transaction=True)
def test_two_workers_are_never_on_one_forge_at_once(clock):
    """While one worker is on a forge, a second one begins nothing there but can use the other forge."""
    account = linked()
    forge_account(forge="gitee", forge_user_id="201", login="gitee-person")
    collect.schedule_new_accounts(now=NOW)
    others: list[CollectionReport] = []

    def beside() -> None:
        try:
            assert collect.due_forges(now=clock()) == ["gitee"]
            others.append(collect.collect_due(telling(page(ALICE)), clock=clock))
            others.append(
                collect.collect_due(
                    ScriptedForge(lambda _asks: [page(AccountOnForge("201", "x"))], "gitee"), clock=clock
                )
            )
        finally:
            connection.close()

    def script(_asks):
        yield page(ALICE, change(1), cursor="one", done=False)
        other = Thread(target=beside)
        other.start()
        other.join()
        assert job(account).holder is not None, "the living keep what they hold"
        yield page(ALICE, cursor="two")

    assert collect.collect_due(ScriptedForge(script), clock=clock).complete == 1
    assert [(report.busy, report.complete) for report in others] == [(True, 0), (False, 1)]


@pytest.mark.django_db(transaction=True)
def test_invariant_10_jobs_of_a_dead_worker_are_free_at_once(clock):
    """If a worker's database session is gone, the next worker need not wait for the lease."""
    account = linked()

    def dies() -> None:
        try:
            collect.collect_due(
                raising(page(ALICE, change(1), cursor="one", done=False), error=KeyboardInterrupt()),
                clock=clock,
            )
        except KeyboardInterrupt:
            # The worker dies before it can release the lane.
            queue.take(collect.KIND, "github", limit=9, now=clock(), lease=collect.LEASE)
        finally:
            connection.close()

    worker = Thread(target=dies)
    worker.start()
    worker.join()
    assert job(account).holder is not None
    # A dead worker has every job of this forge, and a worker is sent there nevertheless.
    assert collect.due_forges(now=clock()) == ["github"]
    assert collect.collect_due(telling(page(ALICE, cursor="two")), clock=clock).complete == 1
    assert state(account).cursor == "two"


def test_what_a_forge_asks_of_one_token_counts_for_every_worker(clock):
    """A rate limit that one process received is respected by a second process."""
    linked()
    until = NOW + timedelta(minutes=10)
    first, second = telling(page(ALICE)), telling(page(ALICE))

    def script(_asks):
        first.tokens.slow(first.tokens.take(clock()), until)
        first.tokens.exhaust(first.tokens.take(until), until + timedelta(minutes=1), "graphql")
        yield page(ALICE)

    first._script = script
    collect.collect_due(first, clock=clock)
    linked(BOB)
    collect.collect_due(second, clock=clock)
    with pytest.raises(RateLimited) as refused:
        second.tokens.take(clock())
    assert refused.value.until == until
    with pytest.raises(RateLimited):
        second.tokens.take(until, "graphql")
    assert collect.due_forges(now=NOW) == []
