"""Make valid objects of the credits app, one call each. Omitted arguments get generated values that are never
repeated."""

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
"""A time so long before :data:`NOW` that the maturing time is over."""

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
"""A rulebook by which two contributions give half a credit, without other limits."""

JUDGED = """\
  - id: difficulty
    text: {zh: 难度, en: difficulty}
    reviewer: {at_least: 0, at_most: 5, step: 1}
"""
"""A criterion for the reviewer, to be added under ``points``."""

STAGED = """\
review:
  stages:
    - {id: first, title: {zh: 导师初审, en: First look}}
    - {id: college, title: {zh: 学院认定小组, en: College panel}, by: college-committee}
"""
"""Two stages of review, to be added as ``more``: by an instructor, then by the college's committee."""

_numbers = count(1)


def repository(*, forge: str = "github", **fields: Any) -> Repository:
    """Store a repository with an open licence, whose owner is nobody of the university."""
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


def contribution(in_repository: Repository | None = None, **fields: Any) -> Contribution:
    """Store a pull request merged at :data:`MERGED`, with all its facts and evidence."""
    in_repository = in_repository or repository()
    number = str(next(_numbers))
    merged_at: datetime = fields.setdefault("merged_at", MERGED)
    fields.setdefault("kind", Contribution.Kind.PULL_REQUEST)
    fields.setdefault("number", number)
    fields.setdefault("forge_id", f"PR_{number}")
    fields.setdefault("status", Contribution.Status.MERGED)
    fields.setdefault("title", f"Fix thing {number}")
    fields.setdefault("url", f"{in_repository.url}/pull/{number}")
    fields.setdefault("created_at", merged_at - timedelta(days=2))
    fields.setdefault("updated_at", merged_at)
    fields.setdefault("additions", 40)
    fields.setdefault("deletions", 10)
    fields.setdefault("changed_files", 2)
    fields.setdefault("files", {"code": {"files": 2, "additions": 40, "deletions": 10}})
    fields.setdefault("labels", [])
    fields.setdefault("merge_commit", hashlib.sha1(number.encode()).hexdigest())
    fields.setdefault("merged_by_id_on_forge", in_repository.owner_id_on_forge)
    fields.setdefault("found_by", "account")
    fields.setdefault("collected_at", NOW)
    stored = Contribution.objects.create(repository=in_repository, **fields)
    Evidence.objects.create(
        contribution=stored,
        digest=hashlib.sha256(stored.url.encode()).hexdigest(),
        payload={"number": stored.number},
        fetched_at=NOW,
    )
    return stored


def linked_account(user: User | None = None, *, forge: str = "github", **fields: Any) -> ForgeAccount:
    """Store a linked account whose collection is complete."""
    account = factories.forge_account(user, forge=forge, **fields)
    CollectionState.objects.create(account=account, complete_at=NOW)
    return account


def authorship(
    user: User | None = None,
    in_contribution: Contribution | None = None,
    *,
    role: str = Authorship.Role.AUTHOR,
    **fields: Any,
) -> Authorship:
    """Store a person's part in a contribution. Give them a linked account on its forge if they have none."""
    in_contribution = in_contribution or contribution()
    user = user or factories.student()
    forge = in_contribution.repository.forge
    account = ForgeAccount.objects.filter(user=user, forge=forge, unlinked_at=None).first()
    account = account or linked_account(user, forge=forge)
    fields.setdefault("share", Decimal(role == Authorship.Role.AUTHOR))
    return Authorship.objects.create(
        contribution=in_contribution,
        forge=forge,
        forge_user_id=account.forge_user_id,
        login=account.login,
        role=role,
        **fields,
    )


def published_rulebook(
    code: str = "", *, category: str = "innovation", points: str = "", more: str = "", text: str = ""
) -> RulebookVersion:
    """Store a version that one steward proposed and another published. ``text`` replaces the generated rulebook."""
    text = text or RULEBOOK.format(
        code=code or f"rulebook-{next(_numbers)}", category=category, points=points, more=more
    )
    proposed = versions.propose(text, by=factories.steward(), now=NOW)
    return versions.publish(proposed.rulebook.code, by=factories.steward(), now=NOW)


def round_(
    code: str = "", *, rulebooks: Sequence[RulebookVersion | rounds.RulebookInForce] = (), **dates: Any
) -> Round:
    """Store a round that takes applications from the day before :data:`NOW` for four weeks. Recording begins at the
    same time."""
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
    """Store a draft with ``contributions`` new contributions of the student."""
    user = user or factories.student()
    for _each in range(contributions):
        authorship(user)
    return open_draft(user, in_round or round_(), now=now)


def submitted_claim(
    user: User | None = None, in_round: Round | None = None, *, contributions: int = 2, now: datetime = NOW
) -> Claim:
    """Store a claim that the student has submitted."""
    draft = claim(user, in_round, contributions=contributions, now=now)
    return submit(draft, by=draft.user, now=now)


def reviewer_of(claim: Claim) -> User:
    """Store a new instructor of the claim's department."""
    return factories.instructor(claim.enrolment.programme.department)


def staged_claim(more: str = STAGED, *, contributions: int = 2, points: str = "") -> Claim:
    """Store a submitted claim under a rulebook with several stages of review."""
    staged_round = round_(rulebooks=[published_rulebook(more=more, points=points)])
    return submitted_claim(in_round=staged_round, contributions=contributions)


def committee_of(claim: Claim) -> User:
    """Store a new member of the committee of the claim's college."""
    return factories.committee(claim.enrolment.programme.department)


def decided_claim(
    claim: Claim | None = None,
    lines: Mapping[str, Any] | None = None,
    *,
    by: User | None = None,
    reason: str = "",
    now: datetime = NOW,
) -> Decision:
    """Decide on the claim, or on a new submitted one. It is approved unless ``lines`` say otherwise."""
    claim = claim or submitted_claim(now=now)
    return review.decide(claim, lines or {}, by=by or reviewer_of(claim), reason=reason, now=now)


def recorded_claim(claim: Claim | None = None, *, by: User | None = None, now: datetime = NOW) -> Result:
    """Record the result of the claim, or of a new approved one, at the first possible moment."""
    decision = decided_claim(claim, now=now)
    decision.claim.refresh_from_db()
    return record_result(
        decision.claim, by=by or factories.registrar(), now=decision.claim.notice_until or now
    )


def store_rechecks(claim: Claim, *, now: datetime, finding: str = "", fact: str = "") -> None:
    """Store the same recheck answer for all contributions of a claim: nothing new, or this finding."""
    for item in claim.items.select_related("authorship__contribution"):
        Recheck.objects.update_or_create(
            contribution=item.authorship.contribution,
            defaults={"seen_at": now, "tried_at": now, "finding": finding, "fact": fact},
        )


def at(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a time in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
