"""Collect: fetch what linked accounts got merged, and store it page by page, each page together with its cursor.

One job of the queue stands for one linked account, in the lane of its forge. :func:`collect_due` takes a batch and
requests all of it from the forge at once, alone in its lane: forges ask for one request at a time, and a rate limit
that one worker receives holds for all. Each page is stored in one transaction with the cursor that stands for it and
with the check that the job is still ours. So rows and cursor agree wherever a worker dies (invariants 9 and 10).

If one account fails, only that account waits, longer each time. If the forge as a whole fails, its lane is closed. A
rate limit or a refused token counts as a failure of no account. If the forge does not answer, the accounts of that
request wait longer too, because they may be the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast
from django.utils.translation import gettext_lazy as _

from accounts.models import ForgeAccount
from credits.contributions.collecting import forge_session
from credits.contributions.collecting.forge_session import (
    lane_closed_until,
    missing_token_error,
    open_session,
)
from credits.contributions.collecting.report import CollectionReport, FailedCollection, ProgressCallback
from credits.contributions.models import CatalogueEntry, CollectionState
from credits.contributions.storing.store import StoredCounts, store
from credits.forges.errors import ForgeError, ForgeUnavailable, RateLimited, TokenRefused
from credits.forges.protocol import AccountOnForge, CollectionPage, CollectionRequest, Forge
from credits.jobs import queue, retry
from credits.jobs.heartbeat import keep_leases_alive
from credits.jobs.models import Job
from credits.jobs.wake import wake_workers

KIND = "collect"
LEASE = timedelta(minutes=1)
"""The lease of a job. It is renewed while the worker lives, however slow a request is. After a worker's death, its jobs
are free when the lease ends, or earlier."""
TURN = timedelta(minutes=1)
"""How long a batch may take. Then accounts that have received pages give way to those that wait."""
COLLECT_EVERY = timedelta(hours=6)
"""The time from a complete collection to the next. Up to a tenth is added, so that not all are due at once."""
IDLE_BATCH = 500
"""The most accounts without anything new that are finished in one transaction."""
LANE_CHECK_EVERY = timedelta(seconds=1)
"""How often a worker checks whether its lane was closed."""

Clock = Callable[[], datetime]


def job_key(account: ForgeAccount) -> str:
    """Return the key of the account's job in the queue."""
    return str(account.pk)


def schedule_new_accounts(*, now: datetime) -> int:
    """Create a job, due now, for every linked account that has none. Return how many were created."""
    linked = ForgeAccount.objects.filter(unlinked_at=None).annotate(key=Cast("pk", CharField()))
    without = linked.exclude(Exists(Job.objects.filter(kind=KIND, key=OuterRef("key"))))
    return queue.ensure_many(KIND, without.order_by("pk").values_list("key", "forge"), due_at=now)


def request_collection(
    accounts: Iterable[ForgeAccount], *, now: datetime, full: bool = False, wake: bool = True
) -> int:
    """Make these accounts due now and, with ``wake``, wake the workers. Return how many are due.

    ``full`` resets the cursors, so everything is read from the beginning. Nothing that is stored is lost.
    """
    keys = {job_key(account): account.forge for account in accounts}
    with transaction.atomic():
        queue.ensure_many(KIND, keys.items(), due_at=now)
        # First take the job from a worker that is collecting now: it would write the old cursor back.
        asked = queue.ask_now(KIND, keys, now=now, anew=full)
        if full:
            CollectionState.objects.filter(account__in=[int(key) for key in keys]).update(cursor="")
        if wake:
            wake_workers()
    return asked


def due_forges(*, now: datetime) -> list[str]:
    """Return the names of the forges with an account that could be collected now."""
    return forge_session.due_forges(KIND, now=now)


def collect_all_due(
    forge: Forge,
    *,
    clock: Clock,
    limit: int | None = None,
    budget: timedelta | None = None,
    keys: Sequence[str] | None = None,
    progress: ProgressCallback | None = None,
) -> CollectionReport:
    """Collect batches until nothing is due, the lane is closed or taken, or the time budget is used up."""
    report = CollectionReport(forge.name)
    begun = clock()
    while not report.closed_by:
        batch = collect_due(forge, clock=clock, limit=limit, keys=keys, progress=progress)
        report.add(batch)
        if not batch.taken + batch.unlinked:
            break
        if budget is not None and clock() - begun >= budget:
            report.more = True
            break
    return report


def collect_due(
    forge: Forge,
    *,
    clock: Clock,
    limit: int | None = None,
    keys: Sequence[str] | None = None,
    progress: ProgressCallback | None = None,
) -> CollectionReport:
    """Collect one batch of accounts that are due on this forge, and return a report.

    ``limit`` is the most accounts (None: as many as the forge prefers). ``keys`` restricts the batch to these jobs.
    Errors of the forge go into the report. Errors of the database are raised; the leases then end by themselves.

    A process without a token takes no job and closes no lane, because another process may have one.
    """
    report = CollectionReport(forge.name)
    report.closed_by = missing_token_error(forge)
    if report.closed_by:
        return report
    with open_session(forge, KIND, clock=clock) as alone:
        if not alone:
            report.busy = True
            return report
        most = forge.asks_at_once if limit is None else limit
        jobs = queue.take(KIND, forge.name, limit=most, now=clock(), lease=LEASE, keys=keys)
        report.taken = len(jobs)
        if not jobs:
            return report
        requests, points = forge.spent.requests, forge.spent.points
        try:
            with keep_leases_alive(jobs, clock=clock, lease=LEASE):
                _CollectionBatch(forge, jobs, clock, progress, report).run()
        finally:
            report.requests = forge.spent.requests - requests
            report.points = forge.spent.points - points
    return report


class _CollectionBatch:
    """The accounts of a batch while they are collected. ``open`` has those not finished yet, by id on the forge."""

    def __init__(
        self,
        forge: Forge,
        jobs: Sequence[Job],
        clock: Clock,
        progress: ProgressCallback | None,
        report: CollectionReport,
    ) -> None:
        self.forge = forge
        self.clock = clock
        self.progress = progress
        self.report = report
        self.open: dict[str, tuple[Job, ForgeAccount]] = {}
        self.pages: dict[int, int] = {}
        self.idle: dict[str, CollectionPage] = {}
        """Last pages without changes. Most last pages are, so these accounts are finished together."""
        self.begun_at = self.renewed_at = self.lane_checked_at = clock()
        self._open(jobs)

    def run(self) -> None:
        try:
            for page in self.forge.merged_changes(self._requests()) if self.open else ():
                self._keep_leases()
                if page.account.id in self.open:
                    self._store_page(page)
                if len(self.idle) >= min(len(self.open), IDLE_BATCH):
                    self._finish_idle()
                if not self.open or self._is_closed():
                    break
                # Stop only between pages that are not last. If the forge reads many accounts at once, all their last
                # pages come at the end, and stopping among them would waste the whole reading.
                last = page.done or page.failure is not None
                if not last and self.clock() - self.begun_at >= TURN:
                    self._give_way()
                    break
        except (RateLimited, TokenRefused) as error:
            self._close_lane(error, lane_closed_until(error, self.clock()))
        except ForgeError as error:
            until = lane_closed_until(error, self.clock())
            self._fail_all(error, until)
            self._close_lane(error, until)
        except (OperationalError, InterfaceError):
            # The database went away, which is no account's fault. The jobs are free as soon as it is back.
            raise
        except Exception:
            self._fail_all(_broke_off_error(), self.clock())
            raise
        except BaseException:
            # The worker is asked to stop: put the jobs back, so that the next worker need not wait for the leases.
            self._finish_idle()
            queue.put_back([job for job, _account in self.open.values()])
            raise
        # The protocol promises a last page for each account; without one, it does not count as complete.
        self._fail_all(_broke_off_error(), self.clock())

    def _open(self, jobs: Sequence[Job]) -> None:
        now = self.clock()
        accounts = {
            job_key(account): account
            for account in ForgeAccount.objects.filter(
                pk__in=[int(job.key) for job in jobs], unlinked_at=None
            )
        }
        for job in jobs:
            account = accounts.get(job.key)
            if account is None:
                # Unlinked meanwhile. Linking it again makes a new account and a new job.
                self._write_if_ours(partial(queue.finish, job, now=now, due_at=None))
                self.report.taken -= 1
                self.report.unlinked += 1
            else:
                self.open[account.forge_user_id] = (job, account)
        pks = [account.pk for account in accounts.values()]
        CollectionState.objects.bulk_create(
            [CollectionState(account_id=pk) for pk in pks], ignore_conflicts=True
        )
        CollectionState.objects.filter(account__in=pks).update(tried_at=now)
        self.cursors = dict(CollectionState.objects.filter(account__in=pks).values_list("account", "cursor"))

    def _requests(self) -> list[CollectionRequest]:
        watched = tuple(
            CatalogueEntry.objects.filter(forge=self.forge.name)
            .order_by("full_name")
            .values_list("full_name", flat=True)
        )
        return [
            CollectionRequest(
                account=AccountOnForge(account.forge_user_id, account.login, account.node_id),
                cursor=self.cursors[account.pk],
                repositories=watched,
            )
            for _job, account in self.open.values()
        ]

    def _store_page(self, page: CollectionPage) -> None:
        """Store a page with its cursor, if the job is still ours. Finish the account if the page is its last."""
        if page.done and not page.changes:
            self.idle[page.account.id] = page
            return
        job, account = self.open[page.account.id]
        try:
            with transaction.atomic():
                stored = self._write_page(job, account, page)
        except queue.LeaseLost:
            del self.open[page.account.id]
            self.report.lost += 1
            return
        except (DataError, IntegrityError):
            self._fail(page.account.id, _not_storable_error())
            return
        self.report.stored += stored
        if page.failure:
            del self.open[page.account.id]
            self.report.failed.append(FailedCollection(account, page.failure))
        elif page.done:
            del self.open[page.account.id]
            self.report.complete += 1
        if self.progress:
            self.progress(account, page, stored)

    def _finish_idle(self) -> None:
        """Finish the accounts without anything new, all in one transaction."""
        idle = {account_id: page for account_id, page in self.idle.items() if account_id in self.open}
        self.idle = {}
        if not idle:
            return
        now = self.clock()
        page_of = {self.open[account_id][0]: page for account_id, page in idle.items()}
        with transaction.atomic():
            done = queue.finish_all({job: _next_collection(job, now) for job in page_of}, now=now)
            cursors = {int(job.key): page_of[job].cursor for job in done}
            states = list(CollectionState.objects.filter(account__in=cursors))
            for state in states:
                state.cursor, state.complete_at = cursors[state.account_id], now
                state.error_code = state.error_message = ""
            CollectionState.objects.bulk_update(
                states, ["cursor", "complete_at", "error_code", "error_message"], batch_size=IDLE_BATCH
            )
            for account_id, page in idle.items():
                job, account = self.open[account_id]
                if job in done:
                    _update_login(account, page.account)
        for account_id, page in idle.items():
            job, account = self.open.pop(account_id)
            self.report.complete += job in done
            self.report.lost += job not in done
            if self.progress and job in done:
                self.progress(account, page, StoredCounts())

    def _write_page(self, job: Job, account: ForgeAccount, page: CollectionPage) -> StoredCounts:
        now = self.clock()
        if page.failure:
            queue.fail(job, page.failure, now=now, due_at=_next_retry(job, page.failure, now))
        elif page.done:
            queue.finish(job, now=now, due_at=_next_collection(job, now))
        else:
            self.pages[job.pk] = self.pages.get(job.pk, 0) + 1
            queue.hold(job, now=now, lease=LEASE, progress={"pages": self.pages[job.pk]})
        stored = store(self.forge.name, page.changes, now=now) if page.changes else StoredCounts()
        state: dict[str, object] = {"cursor": page.cursor}
        if page.failure:
            state |= queue.told(page.failure)
        elif page.done:
            state |= {"complete_at": now, "error_code": "", "error_message": ""}
        CollectionState.objects.filter(account=account).update(**state)
        _update_login(account, page.account)
        return stored

    def _keep_leases(self) -> None:
        """Renew the leases of the open jobs each time a third of the lease is over."""
        now = self.clock()
        if now - self.renewed_at < LEASE / 3:
            return
        self.renewed_at = now
        kept = {
            job.pk for job in queue.keep([job for job, _account in self.open.values()], now=now, lease=LEASE)
        }
        for account_id, (job, _account) in list(self.open.items()):
            if job.pk not in kept:
                del self.open[account_id]
                self.report.lost += 1

    def _is_closed(self) -> bool:
        """Return whether somebody closed the lane meanwhile. If so, put all open jobs back at once."""
        now = self.clock()
        if now - self.lane_checked_at < LANE_CHECK_EVERY:
            return False
        self.lane_checked_at = now
        lane = queue.lane_closed(self.forge.name, now=now)
        if lane is None or lane.closed_until is None:
            return False
        message, _, hint = lane.error_message.partition("\n")
        self._close_lane(
            ForgeError(lane.error_code, message, hint, until=lane.closed_until), lane.closed_until
        )
        return True

    def _give_way(self) -> None:
        """Put accounts that have received pages at the end of the queue; the others keep their place.

        So an account with thousands of pull requests does not block the others. It continues from its cursor.
        """
        self._finish_idle()
        jobs = [job for job, _account in self.open.values()]
        queue.give_way([job for job in jobs if job.pk in self.pages], now=self.clock())
        queue.put_back([job for job in jobs if job.pk not in self.pages])
        self.open.clear()

    def _close_lane(self, error: ForgeError, until: datetime) -> None:
        self._finish_idle()
        queue.close_lane(self.forge.name, until=until, error=error)
        queue.put_back([job for job, _account in self.open.values()], error)
        accounts = [account.pk for _job, account in self.open.values()]
        CollectionState.objects.filter(account__in=accounts).update(**queue.told(error))
        self.open.clear()
        self.report.closed_by, self.report.closed_until = error, until

    def _fail_all(self, error: ForgeError, not_before: datetime) -> None:
        self._finish_idle()
        for account_id in list(self.open):
            self._fail(account_id, error, not_before)

    def _fail(self, account_id: str, error: ForgeError, not_before: datetime | None = None) -> None:
        job, account = self.open.pop(account_id)
        now = self.clock()
        due_at = max(_next_retry(job, error, now), not_before or now)
        with transaction.atomic():
            if self._write_if_ours(lambda: queue.fail(job, error, now=now, due_at=due_at)):
                CollectionState.objects.filter(account=account).update(**queue.told(error))
                self.report.failed.append(FailedCollection(account, error))

    def _write_if_ours(self, write: Callable[[], None]) -> bool:
        """Run ``write`` on a job, and return whether the job was still ours."""
        try:
            write()
        except queue.LeaseLost:
            self.report.lost += 1
            return False
        return True


def _next_collection(job: Job, now: datetime) -> datetime:
    return now + COLLECT_EVERY * (1 + retry.spread(job.key) / 10)


def _next_retry(job: Job, error: ForgeError, now: datetime) -> datetime:
    return max(now + retry.delay(job.failures + 1, job.key), error.until or now)


def _update_login(account: ForgeAccount, shown: AccountOnForge) -> None:
    """Update the login to the one that the forge shows now. It is only a label; the id stays the same."""
    login, node_id = shown.login or account.login, account.node_id or shown.node_id
    if (login, node_id) != (account.login, account.node_id):
        account.login, account.node_id = login, node_id
        account.save(update_fields=["login", "node_id"])


def _broke_off_error() -> ForgeUnavailable:
    return ForgeUnavailable(
        "collecting-broke-off",
        _("Collecting stopped before this account was complete."),
        _("It will be tried again automatically. What was found so far is kept."),
    )


def _not_storable_error() -> ForgeUnavailable:
    return ForgeUnavailable(
        "answer-not-storable",
        _("The platform returned something that cannot be stored."),
        _("It will be tried again automatically. If the problem continues, tell the administrator."),
    )
