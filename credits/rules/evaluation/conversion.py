"""Convert points to credit, once and on the total; then apply the caps of term and degree, and give the grade."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from credits.rules.decimals import ZERO, steps_of, to_text
from credits.rules.document.grades import grade_for
from credits.rules.document.rulebook_model import ExchangeRow, RulebookDocument
from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.outcome import RecordedGrade, Seen, Step, TraceLine, Unit
from credits.rules.facts import ClaimFacts, standing_of
from credits.text import BilingualText


class _RunningTotal:
    """The lines of one unit; each begins with the value at which the line before it ended."""

    def __init__(self, lines: list[TraceLine], unit: Unit, value: Decimal) -> None:
        self._lines, self._unit, self.value = lines, unit, value

    def add(self, step: Step, rule: str, text: BilingualText, saw: dict[str, Seen], change: Decimal) -> None:
        before = self.value
        self.value = before + change
        self._lines.append(TraceLine(step, rule, text, saw, before, change, self.value, self._unit))


@dataclass(frozen=True, slots=True)
class ConversionResult:
    """Credit, points carried to the next assessment, the lines of the conversion, and the grade (None: no credit)."""

    credit: Decimal
    carried: Decimal
    lines: tuple[TraceLine, ...]
    grade: RecordedGrade | None = None


def convert(rulebook: RulebookDocument, facts: ClaimFacts, points: Decimal) -> ConversionResult:
    """Convert ``points`` and the points carried in.

    If the credit already recognised is unknown, nothing is converted and no point is lost.
    """
    lines: list[TraceLine] = []
    had = _RunningTotal(lines, "points", points)
    credit = _RunningTotal(lines, "credit", ZERO)
    rules = rulebook.conversion
    _carry_in(had, facts, rulebook)
    unknown = [f"standing.{key}" for key in ("credit", "credit_this_term") if standing_of(facts, key) is None]
    if unknown:
        labels = trace_texts.fact_labels(f"{name}_hundredths" for name in unknown)
        text = trace_texts.sentence("standing-unknown", unknown=labels)
        had.add("conversion", "conversion", text, dict.fromkeys(unknown), ZERO)
        return ConversionResult(ZERO, had.value, tuple(lines))

    converted = had.value
    gained = _exchange(had, credit, rulebook)
    if gained:
        if rulebook.selection.pay == "difference":
            _deduct(credit, standing_of(facts, "credit") or ZERO, rulebook)
        _limit(
            credit, "term-cap", rulebook.term_cap, standing_of(facts, "credit_this_term") or ZERO, rulebook
        )
        _limit(credit, "degree-cap", rulebook.degree_cap, standing_of(facts, "credit") or ZERO, rulebook)
    carried = had.value if rules.remainder == "carry" else ZERO
    grade = _grade(credit, converted, rulebook) if credit.value > 0 else None
    return ConversionResult(credit.value, carried, tuple(lines), grade)


def _exchange(had: _RunningTotal, credit: _RunningTotal, rulebook: RulebookDocument) -> Decimal:
    """Add the lines of the conversion in both units, take the used points, and return the credit."""
    names, rules = rulebook.units, rulebook.conversion
    exchange = exchange_points(rulebook, had.value)
    fate = trace_texts.KEPT if rules.remainder == "carry" else trace_texts.DROPPED
    if exchange.gained and exchange.gained < rules.minimum:
        text = trace_texts.sentence(
            "below-minimum",
            value=exchange.gained,
            credit=names.credit,
            minimum=rules.minimum,
            left=trace_texts.remainder_text(had.value, fate, names.points),
        )
        had.add("conversion", "conversion", text, {"minimum": to_text(rules.minimum)}, ZERO)
        return ZERO
    slots: dict[str, trace_texts.Slot] = {
        "points": names.points,
        "credit": names.credit,
        "had": had.value,
        "used": exchange.used,
        "left": trace_texts.remainder_text(had.value - exchange.used, fate, names.points),
    }
    saw: dict[str, Seen]
    if rules.points_per_step is None:
        row = exchange.row
        saw = {"table": [f"{to_text(row.at_least)}: {to_text(row.credit)}" for row in rules.table]}
        if row is None:
            text = trace_texts.sentence("table-below", first=rules.table[0].at_least, **slots)
        else:
            text = trace_texts.sentence("table-points", at_least=row.at_least, gained=row.credit, **slots)
        had.add("conversion", "conversion", text, saw, -exchange.used)
        if row is not None:
            text = trace_texts.sentence("table", at_least=row.at_least, gained=row.credit, **slots)
            credit.add("conversion", "conversion", text, {"at_least": to_text(row.at_least)}, exchange.gained)
        return exchange.gained
    key = "converted-points" if rules.rounding == "down" else f"converted-points-{rules.rounding}"
    text = trace_texts.sentence(
        key, per=rules.points_per_step, step=rules.step, steps=exchange.steps, **slots
    )
    saw = {"points_per_step": to_text(rules.points_per_step), "step": to_text(rules.step)}
    had.add("conversion", "conversion", text, saw, -exchange.used)
    if exchange.gained:
        text = trace_texts.sentence(
            "converted", steps=exchange.steps, step=rules.step, credit=names.credit, after=exchange.gained
        )
        credit.add("conversion", "conversion", text, {"steps": to_text(exchange.steps)}, exchange.gained)
    return exchange.gained


@dataclass(frozen=True, slots=True)
class PointsExchange:
    """The credit ``gained`` for the points ``used``: by a number of ``steps``, or by a ``row`` of the table."""

    gained: Decimal
    used: Decimal
    steps: Decimal = ZERO
    row: ExchangeRow | None = None


def exchange_points(rulebook: RulebookDocument, points: Decimal) -> PointsExchange:
    """Return what the points give by the rulebook's steps or table, before its minimum and caps."""
    rules = rulebook.conversion
    if rules.points_per_step is None:
        row = next((row for row in reversed(rules.table) if row.at_least <= points), None)
        return (
            PointsExchange(ZERO, ZERO) if row is None else PointsExchange(row.credit, row.at_least, row=row)
        )
    steps = steps_of(points, rules.points_per_step, rules.rounding)
    # With rounding up, the last step can use fewer points than a full step needs.
    return PointsExchange(steps * rules.step, min(points, steps * rules.points_per_step), steps)


def _deduct(credit: _RunningTotal, standing: Decimal, rulebook: RulebookDocument) -> None:
    taken = min(credit.value, standing)
    text = trace_texts.sentence(
        "difference",
        standing=standing,
        before=credit.value,
        after=credit.value - taken,
        credit=rulebook.units.credit,
    )
    credit.add("conversion", "difference", text, {"standing": to_text(standing)}, -taken)


def _grade(credit: _RunningTotal, points: Decimal, rulebook: RulebookDocument) -> RecordedGrade | None:
    rules = rulebook.grade
    found = grade_for(rules, points)
    if found is None:
        return None
    label, mark = found
    average = trace_texts.IN_AVERAGE if rules.in_average else trace_texts.OUTSIDE_AVERAGE
    text = trace_texts.sentence(
        "grade" if rules.scheme == "pass" or rules.fixed is not None else "grade-by-points",
        label=label,
        value=points,
        points=rulebook.units.points,
        average=average,
    )
    saw: dict[str, Seen] = {"points": to_text(points)}
    credit.add("grade", rules.scheme, text, saw, ZERO)
    return RecordedGrade(rules.scheme, {"en": label.en, "zh": label.zh}, mark, rules.in_average)


def _carry_in(had: _RunningTotal, facts: ClaimFacts, rulebook: RulebookDocument) -> None:
    unit = rulebook.units.points
    carried = standing_of(facts, "points_carried")
    if carried is None:
        text = trace_texts.sentence("carried-in-unknown", points=unit)
        had.add("conversion", "points-carried", text, {"standing.points_carried": None}, ZERO)
    elif carried:
        text = trace_texts.sentence("carried-in", value=carried, points=unit)
        had.add("conversion", "points-carried", text, {"standing.points_carried": to_text(carried)}, carried)


def _limit(
    credit: _RunningTotal, step: Step, limit: Decimal, standing: Decimal, rulebook: RulebookDocument
) -> None:
    room = max(ZERO, limit - standing)
    after = min(credit.value, room)
    text = trace_texts.sentence(
        "term-cap" if step == "term-cap" else "degree-cap",
        limit=limit,
        credit=rulebook.units.credit,
        standing=standing,
        before=credit.value,
        effect=trace_texts.credit_cap_text(after, rulebook.units.credit)
        if after < credit.value
        else trace_texts.WITHIN,
    )
    saw: dict[str, Seen] = {"limit": to_text(limit), "standing": to_text(standing)}
    credit.add(step, step, text, saw, after - credit.value)
