"""Apply caps on several contributions together: of one repository, one period, one kind, one tier.

Within a cap, what was merged first keeps its points first, so that a contribution's points never depend on a later
one. Each line says how much was taken and which contributions kept their points.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from credits.rules.decimals import ZERO, to_text
from credits.rules.document.field_types import RulebookText
from credits.rules.document.rulebook_model import RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.contribution_points import ContributionScore, merged_first
from credits.rules.evaluation.outcome import Seen, Step, TraceLine
from credits.text import BilingualText


def cap_groups(rulebook: RulebookDocument, counting: list[ContributionScore], lines: list[TraceLine]) -> None:
    """Take the points above the caps, narrow caps first.

    ``lines`` are those of the claim; the last of them ends at the total so far.
    """
    unit = rulebook.units.points
    _repositories(rulebook, counting, lines)
    for period in sorted(rulebook.caps.periods, key=lambda cap: ("day", "week", "month").index(cap.each)):
        limit = _GroupLimit(
            "period-cap", period.points, trace_texts.period_limit(period.each, period.points, unit), unit
        )
        groups = group_by(counting, partial(_period, each=period.each))
        for name in sorted(groups):
            limit.apply(lines, groups[name], name, trace_texts.period_name(name))
    for kind in rulebook.caps.kinds:
        limit = _GroupLimit(
            "kind-cap", kind.points, trace_texts.kind_limit(kind.kind, kind.points, unit), unit
        )
        of_kind = [item for item in counting if item.facts.contribution.get("kind") == kind.kind]
        limit.apply(lines, of_kind, kind.kind, trace_texts.word("contribution.kind", kind.kind))
    for tier in rulebook.caps.tiers:
        limit = _GroupLimit(
            "tier-cap", tier.points, trace_texts.tier_limit(tier.tier, tier.points, unit), unit
        )
        of_tier = [item for item in counting if item.facts.repository.get("tier") == tier.tier]
        limit.apply(lines, of_tier, tier.tier, (f"“{tier.tier}”级仓库", tier.tier))


def group_by(
    items: list[ContributionScore], key: Callable[[ContributionScore], str]
) -> dict[str, list[ContributionScore]]:
    groups: dict[str, list[ContributionScore]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


@dataclass(frozen=True, slots=True)
class _GroupLimit:
    step: Step
    most: Decimal
    text: tuple[str, str]
    unit: RulebookText

    def apply(
        self,
        lines: list[TraceLine],
        group: list[ContributionScore],
        rule: str,
        name: tuple[str, str],
        also: BilingualText | None = None,
    ) -> None:
        """Take what ``group`` has above the limit from what was merged last. ``also`` is a further sentence."""
        had = sum((item.points for item in group), ZERO)
        excess = had - self.most
        if excess <= 0:
            return
        room = self.most
        kept: list[ContributionScore] = []
        cut: list[tuple[ContributionScore, Decimal]] = []
        for item in sorted(group, key=merged_first):
            keeps = min(item.points, room)
            room -= keeps
            if keeps > 0:
                kept.append(item)
            if keeps < item.points:
                cut.append((item, item.points - keeps))
        for item, taken in cut:
            others = [other.name for other in kept[:4] if other is not item]
            favoured = trace_texts.in_favour_of(others)
            own = trace_texts.sentence(
                "group-own", limit_text=self.text, taken=taken, points=self.unit, favoured=favoured
            )
            item.add(self.step, rule, own, {}, -taken)
        before = lines[-1].after
        more = also or {"zh": "", "en": ""}
        text = trace_texts.sentence(
            "group",
            limit_text=self.text,
            group=name,
            had=had,
            taken=excess,
            points=self.unit,
            kept=trace_texts.first_names([item.name for item in kept], 5),
            also=(more["zh"], more["en"]),
        )
        saw: dict[str, Seen] = {
            "limit": to_text(self.most),
            "had": to_text(had),
            "kept": [item.facts.ref for item in kept],
            "cut": [item.facts.ref for item, _ in cut],
        }
        lines.append(TraceLine(self.step, rule, text, saw, before, -excess, before - excess))


def _repositories(
    rulebook: RulebookDocument, counting: list[ContributionScore], lines: list[TraceLine]
) -> None:
    cap = rulebook.caps.repository
    groups = group_by(counting, lambda item: item.repository)
    total = lines[-1].after
    earning = [key for key in sorted(groups) if any(item.points > 0 for item in groups[key])]
    by_share = total * cap.share if len(earning) >= 2 and cap.share < 1 else None
    sums = [sum((item.points for item in groups[key]), ZERO) for key in earning]
    # What is left after all repositories are cut, not only the first.
    left = ZERO if by_share is None else sum((min(points, by_share) for points in sums), ZERO)
    for key in sorted(groups):
        group = groups[key]
        name = _repository_name(groups, key)
        if by_share is not None and (cap.points is None or by_share < cap.points):
            text = trace_texts.repository_limit(by_share, cap.share, total, rulebook.units.points)
            limit = _GroupLimit("repository-cap", by_share, text, rulebook.units.points)
            others = [_repository_name(groups, other) for other in earning if other != key]
            limit.apply(
                lines,
                group,
                key,
                (f"{name} ", name),
                _effect_of_others(rulebook.units.points, group, name, others, cap.points, left),
            )
        elif cap.points is not None:
            text = trace_texts.repository_limit(cap.points, None, total, rulebook.units.points)
            _GroupLimit("repository-cap", cap.points, text, rulebook.units.points).apply(
                lines, group, key, (f"{name} ", name)
            )


def _effect_of_others(
    unit: RulebookText,
    group: Sequence[ContributionScore],
    name: str,
    others: list[str],
    most: Decimal | None,
    after: Decimal,
) -> BilingualText:
    """Return the sentence about the other repositories.

    Among the default rules, only this cap can give fewer points for more work, so the line says it.
    """
    alone = sum((item.points for item in group), ZERO)
    alone = alone if most is None else min(alone, most)
    return trace_texts.sentence(
        "fewer-than-alone" if after < alone else "others-too",
        others=trace_texts.first_names(others),
        group=name,
        alone=alone,
        after=after,
        points=unit,
    )


def _repository_name(groups: dict[str, list[ContributionScore]], key: str) -> str:
    return groups[key][0].facts.repository.get("full_name") or key


def _period(item: ContributionScore, each: str) -> str:
    """Return the day, ISO week or month of merging, in the rulebook's time zone."""
    merged = item.facts.contribution.get("merged_at")
    if not isinstance(merged, datetime):
        # It is undecided already (see contribution_points), and has no points to take.
        return ""
    day = merged.astimezone(ZoneInfo(item.zone)).date()
    if each == "day":
        return day.isoformat()
    if each == "month":
        return f"{day.year:04}-{day.month:02}"
    week = day.isocalendar()
    return f"{week.year:04}-W{week.week:02}"
