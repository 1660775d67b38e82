"""Find out who wrote the commits of a pull request's branch, once the pull request is claimed.

Reading a branch costs a separate request (on GitHub a point), so it is not read before somebody claims the pull
request. Until then the co-authors are those that the merge commit names. Every author found gets a part without a
share: the opener and the co-authors agree on shares (:mod:`credits.contributions.shares`), and a reviewer sees the
authors. If a request fails, further authors are unknown, and the branch says so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from django.db import DataError, IntegrityError, transaction

from credits.contributions.collecting import forge_session
from credits.contributions.collecting.forge_session import (
    lane_closed_until,
    missing_token_error,
    open_session,
)
from credits.contributions.models import FOUND_BY_ATTESTATION, Authorship, BranchLook, Contribution
from credits.errors import CreditsError
from credits.forges.errors import Forbidden, ForgeError, ForgeUnavailable, MissingOnForge, malformed_answer
from credits.forges.protocol import AccountOnForge, ChangeRef, CommitOnForge, Forge
from credits.jobs import queue, retry
from credits.jobs.models import Job
from credits.jobs.wake import wake_workers
from credits.text import clean

KIND = "co-authors"
LEASE = timedelta(minutes=5)


def request_branches(contributions: Iterable[int], *, now: datetime) -> int:
    """Request the branches of these contributions that are pull requests and were not read yet. Return how many.

    This runs in the caller's transaction; a worker sends the requests to the forge.
    """
    wanted = list(
        Contribution.objects.filter(pk__in=set(contributions), kind=Contribution.Kind.PULL_REQUEST)
        .exclude(found_by=FOUND_BY_ATTESTATION)
        .exclude(branch__seen_at__isnull=False)
        .order_by("pk")
        .values_list("pk", "repository__forge")
    )
    if not wanted:
        return 0
    BranchLook.objects.bulk_create(
        [BranchLook(contribution_id=pk, asked_at=now) for pk, _forge in wanted], ignore_conflicts=True
    )
    keys = {str(pk): forge for pk, forge in wanted}
    if queue.ensure_many(KIND, keys.items(), due_at=now) < len(keys):
        asleep = Job.objects.filter(kind=KIND, key__in=keys, due_at=None).values_list("key", flat=True)
        queue.ask_now(KIND, list(asleep), now=now)
    wake_workers()
    return len(wanted)


def due_forges(*, now: datetime) -> list[str]:
    """Return the names of the forges with a branch that is due now."""
    return forge_session.due_forges(KIND, now=now)


def fetch_due_branches(
    forge: Forge, *, clock: Callable[[], datetime], budget: timedelta | None = None
) -> int:
    """Fetch branches one by one until none is due, the forge asks for a pause, or the time is used up.

    Return how many were fetched. Errors of the forge are stored, not raised.
    """
    if missing_token_error(forge):
        return 0
    begun, seen = clock(), 0
    with open_session(forge, KIND, clock=clock) as alone:
        while alone and (budget is None or clock() - begun < budget):
            jobs = queue.take(KIND, forge.name, limit=1, now=clock(), lease=LEASE)
            if not jobs or not _fetch_branch(jobs[0], forge, clock):
                break
            seen += 1
    return seen


def branch_looks(contributions: Iterable[int]) -> dict[int, BranchLook]:
    """Return the branch of each contribution by its key. A branch that was never requested is left out."""
    looks = BranchLook.objects.filter(contribution__in=set(contributions))
    return {look.contribution_id: look for look in looks}


def _fetch_branch(job: Job, forge: Forge, clock: Callable[[], datetime]) -> bool:
    """Fetch one branch and store its authors. Return whether to go on with the next one."""
    contribution = Contribution.objects.filter(pk=int(job.key)).select_related("repository").first()
    error: ForgeError
    try:
        if contribution is None:
            queue.finish(job, now=clock(), due_at=None)
        else:
            commits = forge.commits_of(_change_ref(contribution))
            _store_authors(job, contribution, commits, clock())
        return True
    except queue.LeaseLost:
        return True
    except (DataError, IntegrityError):
        error = malformed_answer()
    except ForgeError as raised:
        error = raised
    now = clock()
    if isinstance(error, MissingOnForge | ForgeUnavailable | Forbidden) or error.code == "forge-cannot":
        # A missing branch is not tried again until the next claim. The other errors may go away.
        later = now + retry.delay(job.failures + 1, job.key)
        due_at = later if isinstance(error, ForgeUnavailable | Forbidden) else None
        # If another worker has taken over meanwhile, that worker stores its own result.
        with contextlib.suppress(queue.LeaseLost), transaction.atomic():
            queue.fail(job, error, now=now, due_at=due_at)
            _store_error(job, error)
        # If the forge is unavailable, the cause may be this branch or the whole forge: stop until the next wake.
        return not isinstance(error, ForgeUnavailable)
    queue.close_lane(forge.name, until=lane_closed_until(error, now), error=error)
    queue.put_back([job], error)
    _store_error(job, error)
    return False


def _store_authors(
    job: Job, contribution: Contribution, commits: tuple[CommitOnForge, ...], now: datetime
) -> None:
    with transaction.atomic():
        queue.finish(job, now=now, due_at=None)
        Authorship.objects.bulk_create(
            [
                Authorship(
                    contribution=contribution,
                    forge=contribution.repository.forge,
                    forge_user_id=account.id,
                    login=clean(account.login),
                    role=Authorship.Role.CO_AUTHOR,
                    share=0,
                )
                for account in _account_holders(commits)
            ],
            ignore_conflicts=True,
        )
        BranchLook.objects.filter(contribution=contribution).update(
            seen_at=now,
            commits=[
                {"sha": clean(commit.sha), "authors": [_author_json(author) for author in commit.authors]}
                for commit in commits
            ],
            error_code="",
            error_message="",
        )


def _account_holders(commits: Iterable[CommitOnForge]) -> Iterator[AccountOnForge]:
    """Yield each author with an account once, by id. Bots write on behalf of others and are left out."""
    seen: dict[str, AccountOnForge] = {}
    for commit in commits:
        for author in commit.authors:
            if author is not None and author.kind == "user":
                seen.setdefault(author.id, author)
    return iter(sorted(seen.values(), key=lambda account: account.id))


def _author_json(author: AccountOnForge | None) -> dict[str, str] | None:
    return None if author is None else {"id": clean(author.id), "login": clean(author.login)}


def _store_error(job: Job, error: CreditsError) -> None:
    BranchLook.objects.filter(contribution=int(job.key)).update(**queue.told(error))


def _change_ref(contribution: Contribution) -> ChangeRef:
    return ChangeRef(
        id=contribution.forge_id,
        number=contribution.number,
        repository_id=contribution.repository.forge_id,
        full_name=contribution.repository.full_name,
        node_id=contribution.node_id,
    )
