"""Read the contributions and linked accounts of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Enrolment, ForgeAccount, User
from credits.contributions.models import Authorship
from credits.errors import NotThere

PEOPLE_AT_ONCE = 500


def authorships_of(user: User) -> QuerySet[Authorship]:
    """Return the person's parts in contributions, newest first, through the accounts that are linked to them now."""
    linked = ForgeAccount.objects.filter(
        user=user, unlinked_at=None, forge=OuterRef("forge"), forge_user_id=OuterRef("forge_user_id")
    )
    return (
        Authorship.objects.filter(Exists(linked))
        .select_related("contribution__repository")
        .order_by("-contribution__merged_at", "-pk")
    )


def contribution_lines(student_numbers: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield a dictionary for each contribution of these students (None: of all), by student number, then by merge time.

    A person with several enrolments appears under the newest, or under the one asked for. Raise NotThere
    ``unknown-student`` if nobody has a number.
    """
    enrolments = _enrolments(student_numbers)
    for start in range(0, len(enrolments), PEOPLE_AT_ONCE):
        people = enrolments[start : start + PEOPLE_AT_ONCE]
        numbers = {enrolment.user_id: enrolment.student_number for enrolment in people}
        accounts = list(ForgeAccount.objects.filter(user__in=numbers, unlinked_at=None))
        number_of = {(account.forge, account.forge_user_id): numbers[account.user_id] for account in accounts}
        parts = list(
            Authorship.objects.filter(authorship_filter(accounts))
            .select_related("contribution__repository")
            .order_by("contribution__merged_at", "pk")
        )
        # The sort is stable, so within a number the order by time stays.
        for part in sorted(parts, key=lambda part: number_of[part.forge, part.forge_user_id]):
            yield _contribution_line(number_of[part.forge, part.forge_user_id], part)


def _enrolments(student_numbers: Sequence[str] | None) -> list[Enrolment]:
    """Return one enrolment for each person with a linked account, or for each number asked for, sorted by number."""
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
    """Return the accounts that are linked now, of these students (None: of everybody), on this forge (None: on all).

    Raise NotThere ``unknown-student`` if nobody has a number.
    """
    accounts = ForgeAccount.objects.filter(unlinked_at=None)
    if forge:
        accounts = accounts.filter(forge=forge)
    if student_numbers is not None:
        accounts = accounts.filter(user__in=[enrolment.user_id for enrolment in _enrolments(student_numbers)])
    return list(accounts)


def numbers_without_account(student_numbers: Sequence[str], accounts: Iterable[ForgeAccount]) -> list[str]:
    """Return those of the student numbers number_of students own none of the accounts."""
    owners = {account.user_id for account in accounts}
    return [
        enrolment.student_number
        for enrolment in _enrolments(student_numbers)
        if enrolment.user_id not in owners
    ]


def unknown_student(number: str) -> NotThere:
    """Return the error for a student number that nobody has."""
    return NotThere(
        "unknown-student",
        _("There is no student with the number %(number)s.") % {"number": number},
        _("Check it against the roster; leading zeros matter."),
    )


def authorship_filter(accounts: Iterable[ForgeAccount]) -> Q:
    """Return the condition for authorships of these accounts. Without accounts it matches nothing."""
    ids: dict[str, list[str]] = {}
    for account in accounts:
        ids.setdefault(account.forge, []).append(account.forge_user_id)
    condition = Q(pk__in=[])
    for forge, user_ids in ids.items():
        condition |= Q(forge=forge, forge_user_id__in=user_ids)
    return condition


def _contribution_line(student_number: str, part: Authorship) -> dict[str, Any]:
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
