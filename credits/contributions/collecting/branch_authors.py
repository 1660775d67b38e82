"""Who wrote the commits of a pull request's branch: asked of the forge once the pull request is claimed.

A branch costs a request (on GitHub a point) of its own, so nobody's is asked for before somebody claims it; until then
the co-authors are those whom the merge commit names. Whoever is found gets a part without a share: what it is worth is
for the opener and them to agree on (:mod:`credits.contributions.shares`), and for a reviewer to see. A look that fails
leaves it unknown who else wrote it, and says so.
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
from credits.contributions.models import Authorship, BranchLook, Contribution
from credits.errors import CreditsError
from credits.forges.errors import Forbidden, ForgeError, ForgeUnavailable, MissingOnForge, malformed_answer
from credits.forges.protocol import AccountOnForge, ChangeRef, CommitOnForge, Forge
from credits.jobs import queue, retry
from credits.jobs.models import Job
from credits.jobs.wake import wake_workers
from credits.text import clean

KIND = "co-authors"
LEASE = timedelta(minutes=5)
ATTESTED = "attested"


def request_branches(contributions: Iterable[int], *, now: datetime) -> int:
    """See to it that the forge is asked for the branches of those of these keys that are pull requests and were not
    looked at yet; how many. In the caller's transaction; a worker asks."""
    wanted = list(
        Contribution.objects.filter(pk__in=set(contributions), kind=Contribution.Kind.PULL_REQUEST)
        .exclude(found_by=ATTESTED)
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
    """The names of the forges on which branches are to be looked at now."""
    return forge_session.due_forges(KIND, now=now)


def fetch_due_branches(
    forge: Forge, *, clock: Callable[[], datetime], budget: timedelta | None = None
) -> int:
    """Look at one branch after another, until none is due, the forge wants to be left alone, or the time is used up;
    how many were looked at. Raises nothing for what a forge does."""
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
    """By contribution, how far that is known; nothing for what was never asked for."""
    return {
        one.contribution_id: one for one in BranchLook.objects.filter(contribution__in=set(contributions))
    }


def _fetch_branch(job: Job, forge: Forge, clock: Callable[[], datetime]) -> bool:
    """Ask for one branch; whether to go on with the next."""
    held = Contribution.objects.filter(pk=int(job.key)).select_related("repository").first()
    error: ForgeError
    try:
        if held is None:
            queue.finish(job, now=clock(), due_at=None)
        else:
            commits = forge.commits_of(_change_ref(held))
            _store_authors(job, held, commits, clock())
        return True
    except queue.LeaseLost:
        return True
    except (DataError, IntegrityError):
        error = malformed_answer()
    except ForgeError as told:
        error = told
    now = clock()
    if isinstance(error, MissingOnForge | ForgeUnavailable | Forbidden) or error.code == "forge-cannot":
        # What is missing stays so, until it is claimed anew; the rest may be better later.
        later = now + retry.delay(job.failures + 1, job.key)
        due_at = later if isinstance(error, ForgeUnavailable | Forbidden) else None
        # Where another worker has taken over meanwhile, it is that one's to tell.
        with contextlib.suppress(queue.LeaseLost), transaction.atomic():
            queue.fail(job, error, now=now, due_at=due_at)
            _store_error(job, error)
        # Whether that one or the whole forge is in trouble is not known: the next is asked at the next wake.
        return not isinstance(error, ForgeUnavailable)
    queue.close_lane(forge.name, until=lane_closed_until(error, now), error=error)
    queue.put_back([job], error)
    _store_error(job, error)
    return False


def _store_authors(job: Job, held: Contribution, commits: tuple[CommitOnForge, ...], now: datetime) -> None:
    with transaction.atomic():
        queue.finish(job, now=now, due_at=None)
        Authorship.objects.bulk_create(
            [
                Authorship(
                    contribution=held,
                    forge=held.repository.forge,
                    forge_user_id=one.id,
                    login=clean(one.login),
                    role=Authorship.Role.CO_AUTHOR,
                    share=0,
                )
                for one in _account_holders(commits)
            ],
            ignore_conflicts=True,
        )
        BranchLook.objects.filter(contribution=held).update(
            seen_at=now,
            commits=[
                {"sha": clean(one.sha), "authors": [_author_json(author) for author in one.authors]}
                for one in commits
            ],
            error_code="",
            error_message="",
        )


def _account_holders(commits: Iterable[CommitOnForge]) -> Iterator[AccountOnForge]:
    """Everybody whom the forge knows by account, once; a bot writes for somebody, and has no share."""
    seen: dict[str, AccountOnForge] = {}
    for commit in commits:
        for author in commit.authors:
            if author is not None and author.kind == "user":
                seen.setdefault(author.id, author)
    return iter(sorted(seen.values(), key=lambda one: one.id))


def _author_json(author: AccountOnForge | None) -> dict[str, str] | None:
    return None if author is None else {"id": clean(author.id), "login": clean(author.login)}


def _store_error(job: Job, error: CreditsError) -> None:
    BranchLook.objects.filter(contribution=int(job.key)).update(**queue.told(error))


def _change_ref(held: Contribution) -> ChangeRef:
    return ChangeRef(
        id=held.forge_id,
        number=held.number,
        repository_id=held.repository.forge_id,
        full_name=held.repository.full_name,
        node_id=held.node_id,
    )
