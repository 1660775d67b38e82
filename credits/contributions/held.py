"""What is held of a person, and how fresh that is. Zero and unknown never look alike (invariant 9)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Enrolment, ForgeAccount, User
from credits.contributions import collect
from credits.contributions.models import Authorship, CollectionState
from credits.errors import NotThere
from credits.jobs import queue
from credits.jobs.models import Job, Lane

PEOPLE_AT_ONCE = 500
A_MOMENT = timedelta(seconds=5)
"""What is due so soon is due: a worker may have put it back after the reader looked at the clock."""


def of_person(user: User) -> QuerySet[Authorship]:
    """The person's parts in contributions, newest first, of the accounts that are linked to them now."""
    linked = ForgeAccount.objects.filter(
        user=user, unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    )
    return (
        Authorship.objects.filter(Exists(linked))
        .select_related("contribution__repository")
        .order_by("-contribution__merged_at", "-pk")
    )


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """How collecting stands for one linked account.

    ``complete_at``: when everything was last known to be held (None: never yet, so that ``held`` is None too: nobody
    knows). ``error``: why the last try failed, for people to read, empty where it did not. ``next_due_at``: when the
    next try is due (None: not planned yet), which may have passed while all workers are busy: ``waiting`` then.
    ``running``: a worker is at it. ``held``: contributions in which the account has a part.
    """

    account: ForgeAccount
    complete_at: datetime | None
    tried_at: datetime | None
    error_code: str
    error: str
    next_due_at: datetime | None
    waiting: bool
    running: bool
    held: int | None


def collection_status(user: User, *, now: datetime) -> list[AccountStatus]:
    """One for each account that is linked to the person now, by forge and login. Four queries, however many."""
    return statuses(user.forge_accounts.filter(unlinked_at=None), now=now)


def statuses(accounts: Iterable[ForgeAccount], *, now: datetime) -> list[AccountStatus]:
    """The same for any accounts, in their order."""
    accounts = list(accounts)
    keys = {collect.key_of(account): account.pk for account in accounts}
    # In this order, while workers write: a job that is seen ended ended together with a state that is read after it.
    jobs = {keys[job.key]: job for job in Job.objects.filter(kind=collect.KIND, key__in=keys)}
    states = {state.account_id: state for state in CollectionState.objects.filter(account__in=keys.values())}
    closed = {lane.name: lane for lane in Lane.objects.filter(closed_until__gt=now)}
    parts = Authorship.objects.filter(_of(accounts)).values_list("forge", "forge_user_id")
    held = {(forge, user_id): count for forge, user_id, count in parts.annotate(Count("pk"))}
    return [
        _status(
            account,
            states.get(account.pk),
            jobs.get(account.pk),
            closed.get(account.forge),
            held.get((account.forge, account.forge_user_id), 0),
            now,
        )
        for account in accounts
    ]


def _status(
    account: ForgeAccount,
    state: CollectionState | None,
    job: Job | None,
    closed: Lane | None,
    held: int,
    now: datetime,
) -> AccountStatus:
    due_at = job.due_at if job else None
    code, message = (state.error_code, state.error_message) if state else ("", "")
    if closed and closed.closed_until and due_at and due_at < closed.closed_until:
        # What holds up the whole forge holds up this account as well, and is what there is to know.
        code, message = closed.error_code or code, closed.error_message or message
        due_at = closed.closed_until
    complete_at = state.complete_at if state else None
    running = bool(job and job.holder and job.leased_until and job.leased_until > now)
    return AccountStatus(
        account=account,
        complete_at=complete_at,
        tried_at=state.tried_at if state else None,
        error_code=code,
        error=queue.in_the_readers_words(message),
        next_due_at=due_at,
        waiting=not running and due_at is not None and due_at <= now + A_MOMENT,
        running=running,
        held=held if complete_at else None,
    )


def lines(student_numbers: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """What is held, a dictionary a line, by student number, then by time of merging.

    A person with several enrolments stands under the newest, or under the one that is asked for. Raises NotThere
    ``unknown-student`` for a number that nobody has.
    """
    enrolments = _enrolments(student_numbers)
    for start in range(0, len(enrolments), PEOPLE_AT_ONCE):
        people = enrolments[start : start + PEOPLE_AT_ONCE]
        numbers = {enrolment.user_id: enrolment.student_number for enrolment in people}
        accounts = list(ForgeAccount.objects.filter(user__in=numbers, unlinked_at=None))
        whose = {(account.forge, account.forge_user_id): numbers[account.user_id] for account in accounts}
        parts = list(
            Authorship.objects.filter(_of(accounts))
            .select_related("contribution__repository")
            .order_by("contribution__merged_at", "pk")
        )
        # Stable: within a number the order by time stays.
        for part in sorted(parts, key=lambda part: whose[part.forge, part.forge_user_id]):
            yield _line(whose[part.forge, part.forge_user_id], part)


def _enrolments(student_numbers: Sequence[str] | None) -> list[Enrolment]:
    """One enrolment for each person who has a linked account, or whose number is asked for, by number."""
    enrolments = Enrolment.objects.order_by("enrolled_on", "pk")
    if student_numbers is None:
        linked = ForgeAccount.objects.filter(user=OuterRef("user"), unlinked_at=None)
        enrolments = enrolments.filter(Exists(linked))
    else:
        enrolments = enrolments.filter(student_number__in=student_numbers)
    found = {enrolment.user_id: enrolment for enrolment in enrolments}
    if student_numbers is not None:
        known = {enrolment.student_number for enrolment in enrolments}
        for number in student_numbers:
            if number not in known:
                raise unknown_student(number)
    return sorted(found.values(), key=lambda enrolment: enrolment.student_number)


def linked_accounts(
    student_numbers: Sequence[str] | None = None, *, forge: str | None = None
) -> list[ForgeAccount]:
    """The accounts that are linked now, of these students (None: of everybody), on this forge (None: on all).

    Raises NotThere ``unknown-student``.
    """
    accounts = ForgeAccount.objects.filter(unlinked_at=None)
    if forge:
        accounts = accounts.filter(forge=forge)
    if student_numbers is not None:
        accounts = accounts.filter(user__in=[one.user_id for one in _enrolments(student_numbers)])
    return list(accounts)


def never_complete(accounts: Iterable[ForgeAccount]) -> int:
    """How many of the accounts were not once collected to the end: what is held of them is not all there is."""
    keys = [account.pk for account in accounts]
    complete = CollectionState.objects.filter(account__in=keys, complete_at__isnull=False)
    return len(keys) - complete.count()


def without_account(student_numbers: Sequence[str], accounts: Iterable[ForgeAccount]) -> list[str]:
    """Those of the numbers whose students own none of the accounts."""
    owners = {account.user_id for account in accounts}
    return [one.student_number for one in _enrolments(student_numbers) if one.user_id not in owners]


def unknown_student(number: str) -> NotThere:
    return NotThere(
        "unknown-student",
        _("Nobody has the student number %(number)s.") % {"number": number},
        _("Compare it with the roster; leading zeros count."),
    )


def _of(accounts: Iterable[ForgeAccount]) -> Q:
    ids: dict[str, list[str]] = {}
    for account in accounts:
        ids.setdefault(account.forge, []).append(account.forge_user_id)
    of = Q(pk__in=[])
    for forge, some in ids.items():
        of |= Q(forge=forge, forge_user_id__in=some)
    return of


def _line(student_number: str, part: Authorship) -> dict[str, Any]:
    contribution = part.contribution
    return {
        "student_number": student_number,
        "role": part.role,
        "forge": contribution.repository.forge,
        "repository": contribution.repository.full_name,
        "number": contribution.number,
        "kind": contribution.kind,
        "url": contribution.url,
        "title": contribution.title,
        "merged_at": contribution.merged_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "additions": contribution.additions,
        "deletions": contribution.deletions,
        "status": contribution.status,
    }
