"""Collecting: what a forge tells of linked accounts, stored page by page, each page together with its cursor.

One job of the queue stands for one linked account, in the lane of its forge. :func:`collect_due` takes a batch and
asks the forge for all of it at once, alone in its lane: forges ask their callers to speak one at a time, and what one
worker is told to wait for, all wait for. Each page that comes is stored, with the cursor that stands for it and with
the check that the job is still ours, in one transaction: whatever instruction a worker dies at, the rows and the
cursor agree (invariants 9 and 10).

A failure of one account is that account's own: it waits longer each time. A failure of the forge as a whole closes the
lane. A limit or a refused token lays blame on nobody; where the forge does not answer, those who were asked for wait
longer as well, since it may be they whom it cannot answer.
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
"""Renewed for as long as the worker lives, however slow a request is; when it dies, its jobs are free at the latest
when this is over."""
TURN = timedelta(minutes=1)
"""How long a batch may take before those who have been served give way to those who wait."""
COLLECT_EVERY = timedelta(hours=6)
"""How long after a complete collection the next is due, and up to a tenth more, so that not all come at once."""
IDLE_BATCH = 500
"""Accounts without anything new that are ended in one transaction at most."""
LANE_CHECK_EVERY = timedelta(seconds=1)
"""How often a worker looks whether its lane was closed."""

Clock = Callable[[], datetime]


def job_key(account: ForgeAccount) -> str:
    return str(account.pk)


def schedule_new_accounts(*, now: datetime) -> int:
    """See to it that there is a job, due now, for every linked account that has none. How many were made."""
    linked = ForgeAccount.objects.filter(unlinked_at=None).annotate(key=Cast("pk", CharField()))
    without = linked.exclude(Exists(Job.objects.filter(kind=KIND, key=OuterRef("key"))))
    return queue.ensure_many(KIND, without.order_by("pk").values_list("key", "forge"), due_at=now)


def request_collection(
    accounts: Iterable[ForgeAccount], *, now: datetime, full: bool = False, wake: bool = True
) -> int:
    """Make these accounts due at once and wake the workers (``wake``); how many. ``full`` forgets how far collecting
    had come, so that everything is read anew (nothing stored is lost by it).
    """
    keys = {job_key(account): account.forge for account in accounts}
    with transaction.atomic():
        queue.ensure_many(KIND, keys.items(), due_at=now)
        # A worker in the middle would write back the cursor that is forgotten here: its lease goes first.
        asked = queue.ask_now(KIND, keys, now=now, anew=full)
        if full:
            CollectionState.objects.filter(account__in=[int(key) for key in keys]).update(cursor="")
        if wake:
            wake_workers()
    return asked


def due_forges(*, now: datetime) -> list[str]:
    """The names of the forges from which something could be collected now."""
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
    """Batch after batch until nothing is due, the lane is closed or another's, or the time budget is used up."""
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
    """Collect one batch of what is due on this forge: at most ``limit`` accounts (None: as many as the forge likes
    best), of ``keys`` where given.

    Raises nothing for what a forge does; the report tells. What the database does is raised: the leases then run out
    by themselves.

    A process without a token takes nothing and closes nothing: another may have one.
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
    """The accounts of one batch while they are collected; what is still open stands in ``open``, by the id on the
    forge."""

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
        """Last pages with nothing in them, which most are: they are ended together."""
        self.begun_at = self.renewed_at = self.looked_at = clock()
        self._begin(jobs)

    def run(self) -> None:
        try:
            for page in self.forge.merged_changes(self._asks()) if self.open else ():
                self._keep_leases()
                if page.account.id in self.open:
                    self._take_in(page)
                if len(self.idle) >= min(len(self.open), IDLE_BATCH):
                    self._end_idle()
                if not self.open or self._is_closed():
                    break
                # Whose last page came holds up nobody. Where many are read at once, all of theirs come at the end, and
                # to stop between them would throw away what the whole look has cost.
                last = page.done or page.failure is not None
                if not last and self.clock() - self.begun_at >= TURN:
                    self._give_way()
                    break
        except (RateLimited, TokenRefused) as error:
            self._close(error, lane_closed_until(error, self.clock()))
        except ForgeError as error:
            until = lane_closed_until(error, self.clock())
            self._fail_all(error, until)
            self._close(error, until)
        except (OperationalError, InterfaceError):
            # The database went away, through nobody's fault: what is held here is free as soon as it is back.
            raise
        except Exception:
            self._fail_all(_broke_off_error(), self.clock())
            raise
        except BaseException:
            # Told to stop: whoever starts next need not wait for the leases to run out.
            self._end_idle()
            queue.put_back([job for job, _account in self.open.values()])
            raise
        # The protocol promises a last page for each; one without is not taken for complete.
        self._fail_all(_broke_off_error(), self.clock())

    def _begin(self, jobs: Sequence[Job]) -> None:
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
                # Unlinked since: nothing to do until it is linked again, which makes a new account and job.
                self._let_go(partial(queue.finish, job, now=now, due_at=None))
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

    def _asks(self) -> list[CollectionRequest]:
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

    def _take_in(self, page: CollectionPage) -> None:
        """Store one page with its cursor, if the job is still ours; end the account where the page is its last."""
        if page.done and not page.changes:
            self.idle[page.account.id] = page
            return
        job, account = self.open[page.account.id]
        try:
            with transaction.atomic():
                stored = self._store(job, account, page)
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

    def _end_idle(self) -> None:
        """End those of whom the forge had nothing new to tell, all in one transaction."""
        idle = {name: page for name, page in self.idle.items() if name in self.open}
        self.idle = {}
        if not idle:
            return
        now = self.clock()
        of = {self.open[name][0]: page for name, page in idle.items()}
        with transaction.atomic():
            done = queue.finish_all({job: _next_collection(job, now) for job in of}, now=now)
            cursors = {int(job.key): of[job].cursor for job in done}
            states = list(CollectionState.objects.filter(account__in=cursors))
            for state in states:
                state.cursor, state.complete_at = cursors[state.account_id], now
                state.error_code = state.error_message = ""
            CollectionState.objects.bulk_update(
                states, ["cursor", "complete_at", "error_code", "error_message"], batch_size=IDLE_BATCH
            )
            for name, page in idle.items():
                job, account = self.open[name]
                if job in done:
                    _update_login(account, page.account)
        for name, page in idle.items():
            job, account = self.open.pop(name)
            self.report.complete += job in done
            self.report.lost += job not in done
            if self.progress and job in done:
                self.progress(account, page, StoredCounts())

    def _store(self, job: Job, account: ForgeAccount, page: CollectionPage) -> StoredCounts:
        now = self.clock()
        if page.failure:
            queue.fail(job, page.failure, now=now, due_at=_next_retry(job, page.failure, now))
        elif page.done:
            queue.finish(job, now=now, due_at=_next_collection(job, now))
        else:
            self.pages[job.pk] = self.pages.get(job.pk, 0) + 1
            queue.hold(job, now=now, lease=LEASE, progress={"pages": self.pages[job.pk]})
        stored = store(self.forge.name, page.changes, now=now) if page.changes else StoredCounts()
        known: dict[str, object] = {"cursor": page.cursor}
        if page.failure:
            known |= queue.told(page.failure)
        elif page.done:
            known |= {"complete_at": now, "error_code": "", "error_message": ""}
        CollectionState.objects.filter(account=account).update(**known)
        _update_login(account, page.account)
        return stored

    def _keep_leases(self) -> None:
        """Renew what is still open before a third of the lease is over."""
        now = self.clock()
        if now - self.renewed_at < LEASE / 3:
            return
        self.renewed_at = now
        kept = {
            job.pk for job in queue.keep([job for job, _account in self.open.values()], now=now, lease=LEASE)
        }
        for name, (job, _account) in list(self.open.items()):
            if job.pk not in kept:
                del self.open[name]
                self.report.lost += 1

    def _is_closed(self) -> bool:
        """Whether somebody closed the lane meanwhile: what is open is put back at once, in the middle of its pages."""
        now = self.clock()
        if now - self.looked_at < LANE_CHECK_EVERY:
            return False
        self.looked_at = now
        lane = queue.lane_closed(self.forge.name, now=now)
        if lane is None or lane.closed_until is None:
            return False
        said, _, hint = lane.error_message.partition("\n")
        self._close(ForgeError(lane.error_code, said, hint, until=lane.closed_until), lane.closed_until)
        return True

    def _give_way(self) -> None:
        """Those whose pages came go behind the others in the queue, and go on from there; who has had nothing yet
        keeps its place. So an account with thousands of pull requests holds up nobody."""
        self._end_idle()
        jobs = [job for job, _account in self.open.values()]
        queue.give_way([job for job in jobs if job.pk in self.pages], now=self.clock())
        queue.put_back([job for job in jobs if job.pk not in self.pages])
        self.open.clear()

    def _close(self, error: ForgeError, until: datetime) -> None:
        self._end_idle()
        queue.close_lane(self.forge.name, until=until, error=error)
        queue.put_back([job for job, _account in self.open.values()], error)
        accounts = [account.pk for _job, account in self.open.values()]
        CollectionState.objects.filter(account__in=accounts).update(**queue.told(error))
        self.open.clear()
        self.report.closed_by, self.report.closed_until = error, until

    def _fail_all(self, error: ForgeError, not_before: datetime) -> None:
        self._end_idle()
        for name in list(self.open):
            self._fail(name, error, not_before)

    def _fail(self, name: str, error: ForgeError, not_before: datetime | None = None) -> None:
        job, account = self.open.pop(name)
        now = self.clock()
        due_at = max(_next_retry(job, error, now), not_before or now)
        with transaction.atomic():
            if self._let_go(lambda: queue.fail(job, error, now=now, due_at=due_at)):
                CollectionState.objects.filter(account=account).update(**queue.told(error))
                self.report.failed.append(FailedCollection(account, error))

    def _let_go(self, write: Callable[[], None]) -> bool:
        """Whether the job was still ours to write to."""
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


def _update_login(account: ForgeAccount, told: AccountOnForge) -> None:
    """Take over the login that the forge shows now; it is a label, the id stays."""
    login, node_id = told.login or account.login, account.node_id or told.node_id
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
