"""公示: what members of the university see during the days of public notice.

It shows masked names, college and credit. It shows no student number and no number or link of a pull request, because
these would reveal the person (design: defaults of the rulebook).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from credits.claims.models import CLAIM_RELATIONS, Claim, Decision, Round
from credits.rulebooks.versions import rulebook_of

_DOUBLE_SURNAMES = frozenset(
    """
    欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 宇文
    长孙 司徒 夏侯 端木 百里 呼延 南宫 轩辕 独孤 闻人 申屠
    """.split()
)


@dataclass(frozen=True, slots=True)
class NoticeEntry:
    """An entry of the public notice."""

    name: str
    college: str
    credit: Decimal
    round: Round
    notice_from: datetime
    notice_until: datetime


def notice_entries(*, now: datetime) -> list[NoticeEntry]:
    """Return the entries on notice at ``now``, by round and college. Claims without credit are not included."""
    decisions = (
        Decision.objects.filter(
            standing=Decision.Standing.FINAL,
            stage=F("claim__stage"),
            assessment__credit__gt=0,
            claim__notice_from__lte=now,
            claim__notice_until__gt=now,
        )
        .select_related("assessment", *(f"claim__{relation}" for relation in CLAIM_RELATIONS))
        .defer("claim__facts", "assessment__facts", "assessment__outcome")
        .order_by(
            "-claim__round__apply_from", "claim__enrolment__programme__department__name", "claim__public_id"
        )
    )
    return [_notice_entry(decision.claim, decision.assessment.credit) for decision in decisions]


def _notice_entry(claim: Claim, credit: Decimal) -> NoticeEntry:
    assert claim.version is not None
    assert claim.notice_from is not None
    assert claim.notice_until is not None
    return NoticeEntry(
        name=mask_name(claim.user.name, rulebook_of(claim.version).notice.mask),
        college=claim.enrolment.programme.department.name,
        credit=credit,
        round=claim.round,
        notice_from=claim.notice_from,
        notice_until=claim.notice_until,
    )


def mask_name(name: str, mask: str) -> str:
    """Return a name as the notice shows it.

    ``surname`` gives 张* (欧阳* for a double surname, the first letter for another script), ``initials`` gives Z. S.,
    ``full-name`` leaves it unchanged.
    """
    name = name.strip()
    if mask == "full-name":
        return name
    if mask == "initials":
        return " ".join(f"{part[0]}." for part in name.split()) if name else "*"
    surname = name[:2] if name[:2] in _DOUBLE_SURNAMES and len(name) > 2 else name[:1]
    return f"{surname}*"
