"""What a rulebook gives for a claim's facts: a pure function, the same bytes in any order of input (invariant 4).

The order of steps is fixed, and each stands where it does for a reason:

1. requirements   only what counts may influence anything that follows
2. points         what one contribution is worth by itself
3. factors        weigh that worth before it is divided
4. share          the student's part of it
5. caps           on one contribution, then one repository, then one kind: from the narrow to the wide, so that a
                  wide cap sees what the narrow ones left
6. selection      the best of what the caps left, so that a place is not wasted on capped points
7. conversion     points to credit once, on the total: rounding single contributions would lose small ones
8. term cap, degree cap   on credit, with what already stands

Within a cap, what was merged first keeps its points first. Texts in both languages are in ``trace``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from credits.rules import facts as fact_book
from credits.rules import trace
from credits.rules.convert import convert
from credits.rules.decimals import ZERO, exactly, to_text
from credits.rules.facts import ClaimFacts
from credits.rules.outcome import ContributionOutcome, Outcome, Step, TraceLine
from credits.rules.schema import digest
from credits.rules.shapes import Rulebook
from credits.rules.worth import Worth, worth

__all__ = ["ContributionOutcome", "Outcome", "TraceLine", "evaluate"]

_LAST = datetime.max.replace(tzinfo=UTC)


def evaluate(rulebook: Rulebook, facts: ClaimFacts) -> Outcome:
    """The outcome with its trace.

    Raises :class:`credits.errors.CreditsError`: ``facts-invalid`` for facts of the wrong type, ``award-unknown`` and
    ``award-out-of-range`` for what a reviewer gave against the rulebook. A fact that is unknown raises nothing: the
    rule that needs it is undecided.
    """
    known = fact_book.digest(facts)
    with exactly():
        items = [worth(rulebook, facts, one) for one in sorted(facts.contributions, key=lambda one: one.ref)]
        lines = _total(rulebook, items)
        points = lines[-1].after
        credit, carried, more = convert(rulebook, facts, points)
    return Outcome(
        rulebook=digest(rulebook),
        facts=known,
        points=points,
        credit=credit,
        carried=carried,
        contributions=tuple(item.outcome() for item in items),
        lines=(*lines, *more),
    )


def _total(rulebook: Rulebook, items: list[Worth]) -> list[TraceLine]:
    counting = [item for item in items if item.status == "counts"]
    total = sum((item.points for item in counting), ZERO)
    unit = rulebook.units.points
    text = trace.say("sum", count=len(counting), total=total, points=unit)
    lines = [TraceLine("sum", "sum", text, {}, ZERO, total, total)]
    _repositories(rulebook, counting, lines)
    for cap in rulebook.caps.kinds:
        of_kind = [item for item in counting if item.facts.contribution.get("kind") == cap.kind]
        limit_text = trace.kind_limit(cap.kind, cap.points)
        _cap(rulebook, lines, of_kind, "kind-cap", cap.kind, (cap.kind, cap.kind), cap.points, limit_text)
    _select(rulebook, counting, lines)
    return lines


def _repositories(rulebook: Rulebook, counting: list[Worth], lines: list[TraceLine]) -> None:
    cap = rulebook.caps.repository
    groups = _grouped(counting, lambda item: item.repository)
    total = lines[-1].after
    earning = sum(1 for group in groups.values() if any(item.points > 0 for item in group))
    by_share = total * cap.share if earning >= 2 and cap.share < 1 else None
    for key in sorted(groups):
        group = groups[key]
        if by_share is not None and (cap.points is None or by_share < cap.points):
            limit, share = by_share, cap.share
        elif cap.points is not None:
            limit, share = cap.points, None
        else:
            continue
        name = group[0].facts.repository.get("full_name") or key
        limit_text = trace.repository_limit(limit, share, total)
        _cap(rulebook, lines, group, "repository-cap", key, (name, name), limit, limit_text)


def _cap(
    rulebook: Rulebook,
    lines: list[TraceLine],
    group: list[Worth],
    step: Step,
    rule: str,
    name: tuple[str, str],
    limit: Decimal,
    limit_text: tuple[str, str],
) -> None:
    """Takes what ``group`` has above ``limit`` from what was merged last."""
    had = sum((item.points for item in group), ZERO)
    excess = had - limit
    if excess <= 0:
        return
    unit = rulebook.units.points
    room = limit
    for item in sorted(group, key=_merged):
        kept = min(item.points, room)
        room -= kept
        if kept < item.points:
            taken = item.points - kept
            item.add(
                step,
                rule,
                trace.say("group-own", limit_text=limit_text, taken=taken, points=unit),
                {},
                -taken,
            )
    text = trace.say("group", limit_text=limit_text, group=name, had=had, taken=excess, points=unit)
    before = lines[-1].after
    saw = {"limit": to_text(limit), "had": to_text(had)}
    lines.append(TraceLine(step, rule, text, saw, before, -excess, before - excess))


def _select(rulebook: Rulebook, counting: list[Worth], lines: list[TraceLine]) -> None:
    best = rulebook.selection.best
    ranked = sorted(counting, key=lambda item: (-item.points, *_merged(item)))
    out = [item for item in ranked[best:] if item.points > 0] if best is not None else []
    if best is None or not out:
        return
    unit = rulebook.units.points
    lost = sum((item.points for item in out), ZERO)
    for item in out:
        text = trace.say("selection-own", best=best, taken=item.points, points=unit)
        item.add("selection", "selection", text, {}, -item.points)
    before = lines[-1].after
    text = trace.say("selection", best=best, count=len(out), taken=lost, points=unit)
    lines.append(TraceLine("selection", "selection", text, {}, before, -lost, before - lost))


def _grouped(items: list[Worth], key: Callable[[Worth], str]) -> dict[str, list[Worth]]:
    groups: dict[str, list[Worth]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _merged(item: Worth) -> tuple[datetime, str]:
    return item.facts.contribution.get("merged_at") or _LAST, item.facts.ref
