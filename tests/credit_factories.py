"""Valid things of the credits app in one call each. Each argument left out is made up, no two alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import ForgeAccount, User
from credits.claims import rounds
from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.models import Claim, Decision, Result, Round
from credits.claims.recording.record import record_result
from credits.claims.review import review
from credits.contributions.models import (
    Authorship,
    CollectionState,
    Contribution,
    Evidence,
    Recheck,
    Repository,
)
from credits.rulebooks import versions
from credits.rulebooks.models import RulebookVersion
from tests import factories
from tests.factories import NOW

MERGED = NOW - timedelta(days=60)
"""Long enough ago to be mature at :data:`NOW`."""

RULEBOOK = """
language: "1"
code: {code}
title: {{zh: 测试认定办法, en: A rulebook for tests}}
source: {{zh: 测试, en: tests}}
category: {{code: {category}, title: {{zh: 创新创业实践, en: Innovation practice}}}}
requirements:
  - id: licence
    text: {{zh: 开源许可证, en: an OSI-approved licence}}
    when: repository.osi_approved
points:
  - id: base
    text: {{zh: 基础分, en: base}}
    give: 8
{points}
caps: {{repository: {{share: 1}}}}
conversion: {{points_per_step: 16, step: 0.5}}
{more}
"""
"""Two contributions are half a credit; nothing else is in the way."""

JUDGED = """\
  - id: difficulty
    text: {zh: 难度, en: difficulty}
    reviewer: {at_least: 0, at_most: 5, step: 1}
"""
"""A criterion for the reviewer, to stand under ``points``."""

STAGED = """\
review:
  stages:
    - {id: first, title: {zh: 导师初审, en: First look}}
    - {id: college, title: {zh: 学院认定小组, en: College panel}, by: college-committee}
"""
"""Two stages of review, to stand under ``more``: an instructor's, and the college's committee's."""

_numbers = count(1)


def repository(*, forge: str = "github", **fields: Any) -> Repository:
    """A repository under an open licence, owned by nobody here."""
    number = next(_numbers)
    fields.setdefault("forge_id", str(900_000 + number))
    fields.setdefault("full_name", f"owner{number}/repository{number}")
    fields.setdefault("url", f"https://{forge}.example/{fields['full_name']}")
    fields.setdefault("owner_id_on_forge", str(500_000 + number))
    fields.setdefault("owner_login", fields["full_name"].split("/")[0])
    fields.setdefault("licence", "Apache-2.0")
    fields.setdefault("stars", 100)
    fields.setdefault("is_fork", False)
    fields.setdefault("seen_at", NOW)
    return Repository.objects.create(forge=forge, **fields)


def contribution(of: Repository | None = None, **fields: Any) -> Contribution:
    """A pull request merged at :data:`MERGED`, fully known, with evidence."""
    of = of or repository()
    number = str(next(_numbers))
    merged_at: datetime = fields.setdefault("merged_at", MERGED)
    fields.setdefault("kind", Contribution.Kind.PULL_REQUEST)
    fields.setdefault("number", number)
    fields.setdefault("forge_id", f"PR_{number}")
    fields.setdefault("status", Contribution.Status.MERGED)
    fields.setdefault("title", f"Mend thing {number}")
    fields.setdefault("url", f"{of.url}/pull/{number}")
    fields.setdefault("created_at", merged_at - timedelta(days=2))
    fields.setdefault("updated_at", merged_at)
    fields.setdefault("additions", 40)
    fields.setdefault("deletions", 10)
    fields.setdefault("changed_files", 2)
    fields.setdefault("files", {"code": {"files": 2, "additions": 40, "deletions": 10}})
    fields.setdefault("labels", [])
    fields.setdefault("merge_commit", hashlib.sha1(number.encode()).hexdigest())
    fields.setdefault("merged_by_id_on_forge", of.owner_id_on_forge)
    fields.setdefault("found_by", "account")
    fields.setdefault("collected_at", NOW)
    made = Contribution.objects.create(repository=of, **fields)
    Evidence.objects.create(
        contribution=made,
        digest=hashlib.sha256(made.url.encode()).hexdigest(),
        payload={"number": made.number},
        fetched_at=NOW,
    )
    return made


def linked_account(user: User | None = None, *, forge: str = "github", **fields: Any) -> ForgeAccount:
    """A linked account whose collection is complete."""
    account = factories.forge_account(user, forge=forge, **fields)
    CollectionState.objects.create(account=account, complete_at=NOW)
    return account


def authorship(
    user: User | None = None,
    of: Contribution | None = None,
    *,
    role: str = Authorship.Role.AUTHOR,
    **fields: Any,
) -> Authorship:
    """A person's part in a contribution; they get a linked account on its forge, where they have none."""
    of = of or contribution()
    user = user or factories.student()
    forge = of.repository.forge
    account = ForgeAccount.objects.filter(user=user, forge=forge, unlinked_at=None).first()
    account = account or linked_account(user, forge=forge)
    fields.setdefault("share", Decimal(role == Authorship.Role.AUTHOR))
    return Authorship.objects.create(
        contribution=of,
        forge=forge,
        forge_user_id=account.forge_user_id,
        login=account.login,
        role=role,
        **fields,
    )


def published_rulebook(
    code: str = "", *, category: str = "innovation", points: str = "", more: str = "", text: str = ""
) -> RulebookVersion:
    """A version proposed by one steward and published by another; ``text`` instead of the made-up one."""
    text = text or RULEBOOK.format(
        code=code or f"rulebook-{next(_numbers)}", category=category, points=points, more=more
    )
    proposed = versions.propose(text, by=factories.steward(), now=NOW)
    return versions.publish(proposed.rulebook.code, by=factories.steward(), now=NOW)


def round_(
    code: str = "", *, rulebooks: Sequence[RulebookVersion | rounds.RulebookInForce] = (), **dates: Any
) -> Round:
    """A round that takes applications from the day before :data:`NOW` for four weeks; recording begins with it."""
    dates.setdefault("apply_from", NOW - timedelta(days=1))
    dates.setdefault("apply_until", dates["apply_from"] + timedelta(days=28))
    dates.setdefault("review_until", dates["apply_until"] + timedelta(days=14))
    dates.setdefault("record_from", dates["apply_from"])
    dates.setdefault("record_until", dates["apply_until"] + timedelta(days=60))
    dates.setdefault("term", None)
    return rounds.open_round(
        code=code or f"round-{next(_numbers)}",
        term=dates.pop("term") or factories.term(),
        name_zh="认定批次",
        name_en="A round",
        rulebooks=list(rulebooks) or [published_rulebook()],
        by=factories.registrar(),
        now=NOW,
        **dates,
    )


def claim(
    user: User | None = None, in_round: Round | None = None, *, contributions: int = 2, now: datetime = NOW
) -> Claim:
    """A draft prefilled with as many new contributions of the student as asked for."""
    user = user or factories.student()
    for _each in range(contributions):
        authorship(user)
    return open_draft(user, in_round or round_(), now=now)


def submitted_claim(
    user: User | None = None, in_round: Round | None = None, *, contributions: int = 2, now: datetime = NOW
) -> Claim:
    made = claim(user, in_round, contributions=contributions, now=now)
    return submit(made, by=made.user, now=now)


def reviewer_of(of: Claim) -> User:
    """A new instructor for the claim's department."""
    return factories.instructor(of.enrolment.programme.department)


def staged_claim(more: str = STAGED, *, contributions: int = 2, points: str = "") -> Claim:
    """A submitted claim under a rulebook with several stages of review."""
    round_of = round_(rulebooks=[published_rulebook(more=more, points=points)])
    return submitted_claim(in_round=round_of, contributions=contributions)


def committee_of(of: Claim) -> User:
    """A new member of the committee of the claim's college."""
    return factories.committee(of.enrolment.programme.department)


def decided_claim(
    of: Claim | None = None,
    lines: Mapping[str, Any] | None = None,
    *,
    by: User | None = None,
    reason: str = "",
    now: datetime = NOW,
) -> Decision:
    """The decision on a (new) submitted claim: approved, where no lines say otherwise."""
    of = of or submitted_claim(now=now)
    return review.decide(of, lines or {}, by=by or reviewer_of(of), reason=reason, now=now)


def recorded_claim(of: Claim | None = None, *, by: User | None = None, now: datetime = NOW) -> Result:
    """The result of a (new) approved claim, recorded at the first instant at which it can be."""
    decision = decided_claim(of, now=now)
    decision.claim.refresh_from_db()
    return record_result(
        decision.claim, by=by or factories.registrar(), now=decision.claim.notice_until or now
    )


def seen_again(of: Claim, *, now: datetime, finding: str = "", fact: str = "") -> None:
    """A second look at all contributions of a claim that found all as before, or the same in each."""
    for item in of.items.select_related("authorship__contribution"):
        Recheck.objects.update_or_create(
            contribution=item.authorship.contribution,
            defaults={"seen_at": now, "tried_at": now, "finding": finding, "fact": fact},
        )


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
