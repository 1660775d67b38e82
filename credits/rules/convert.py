"""Points to credit: once, on the total, rounded down; then the caps of the term and of the degree."""

from __future__ import annotations

from decimal import Decimal

from credits.rules import trace
from credits.rules.decimals import ZERO, to_text
from credits.rules.facts import ClaimFacts, standing_of
from credits.rules.outcome import Seen, Step, Texts, TraceLine, Unit
from credits.rules.shapes import Rulebook


class _Chain:
    """Lines of one unit, each beginning where the one before ended."""

    def __init__(self, lines: list[TraceLine], unit: Unit, value: Decimal) -> None:
        self._lines, self._unit, self.value = lines, unit, value

    def add(self, step: Step, rule: str, text: Texts, saw: dict[str, Seen], change: Decimal) -> None:
        before = self.value
        self.value = before + change
        self._lines.append(TraceLine(step, rule, text, saw, before, change, self.value, self._unit))


def convert(
    rulebook: Rulebook, facts: ClaimFacts, points: Decimal
) -> tuple[Decimal, Decimal, tuple[TraceLine, ...]]:
    """Credit, points carried to the next assessment, and the lines that lead there from ``points``.

    Where it is unknown what already stands, nothing is converted and no point is lost.
    """
    lines: list[TraceLine] = []
    had = _Chain(lines, "points", points)
    credit = _Chain(lines, "credit", ZERO)
    names, rules = rulebook.units, rulebook.conversion
    _carry_in(had, facts, rulebook)
    unknown = [f"standing.{key}" for key in ("credit", "credit_this_term") if standing_of(facts, key) is None]
    if unknown:
        labels = trace.named(f"{name}_hundredths" for name in unknown)
        text = trace.say("standing-unknown", unknown=labels)
        had.add("conversion", "conversion", text, dict.fromkeys(unknown), ZERO)
        return ZERO, had.value, tuple(lines)

    steps = had.value // rules.points_per_step
    gained = steps * rules.step
    used = steps * rules.points_per_step
    fate = trace.KEPT if rules.remainder == "carry" else trace.DROPPED
    if steps and gained < rules.minimum:
        text = trace.say(
            "below-minimum",
            value=gained,
            credit=names.credit,
            minimum=rules.minimum,
            had=had.value,
            points=names.points,
            fate=fate,
        )
        had.add("conversion", "conversion", text, {"minimum": to_text(rules.minimum)}, ZERO)
        gained = ZERO
    else:
        text = trace.say(
            "converted-points",
            per=rules.points_per_step,
            points=names.points,
            step=rules.step,
            credit=names.credit,
            had=had.value,
            used=used,
            rest=had.value - used,
            fate=fate,
        )
        saw: dict[str, Seen] = {
            "points_per_step": to_text(rules.points_per_step),
            "step": to_text(rules.step),
        }
        had.add("conversion", "conversion", text, saw, -used)
    if gained:
        text = trace.say("converted", steps=steps, step=rules.step, credit=names.credit, after=gained)
        credit.add("conversion", "conversion", text, {"steps": to_text(steps)}, gained)
        _limit(
            credit, "term-cap", rulebook.term_cap, standing_of(facts, "credit_this_term") or ZERO, rulebook
        )
        _limit(credit, "degree-cap", rulebook.degree_cap, standing_of(facts, "credit") or ZERO, rulebook)
    carried = had.value if rules.remainder == "carry" else ZERO
    return credit.value, carried, tuple(lines)


def _carry_in(had: _Chain, facts: ClaimFacts, rulebook: Rulebook) -> None:
    unit = rulebook.units.points
    carried = standing_of(facts, "points_carried")
    if carried is None:
        text = trace.say("carried-in-unknown", points=unit)
        had.add("conversion", "points-carried", text, {"standing.points_carried": None}, ZERO)
    elif carried:
        text = trace.say("carried-in", value=carried, points=unit)
        had.add("conversion", "points-carried", text, {"standing.points_carried": to_text(carried)}, carried)


def _limit(credit: _Chain, step: Step, limit: Decimal, standing: Decimal, rulebook: Rulebook) -> None:
    room = max(ZERO, limit - standing)
    after = min(credit.value, room)
    text = trace.say(
        "term-cap" if step == "term-cap" else "degree-cap",
        limit=limit,
        credit=rulebook.units.credit,
        standing=standing,
        before=credit.value,
        effect=trace.cut_to(after) if after < credit.value else trace.WITHIN,
    )
    saw: dict[str, Seen] = {"limit": to_text(limit), "standing": to_text(standing)}
    credit.add(step, step, text, saw, after - credit.value)
