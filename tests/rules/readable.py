"""Write an outcome as a page that a person can review: each line with its sums, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable

from credits.rules.decimals import signed_text, to_text
from credits.rules.evaluation.outcome import Outcome, TraceLine


def readable(outcome: Outcome) -> str:
    """Return the whole outcome as text, with its digest at the end."""
    page: list[str] = []
    for contribution in outcome.contributions:
        page.append(f"{contribution.ref}: {contribution.status}, {to_text(contribution.points)}")
        page.extend(_lines(contribution.lines))
        page.append("")
    page.append(
        f"claim: points {to_text(outcome.points)}, credit {to_text(outcome.credit)}, "
        f"carried {to_text(outcome.carried)}"
    )
    page.extend(_lines(outcome.lines))
    page += ["", f"outcome {outcome.digest}", ""]
    return "\n".join(page)


def _lines(lines: Iterable[TraceLine]) -> list[str]:
    page = []
    for line in lines:
        page.append(
            f"  {line.step} {line.rule} [{line.unit}] "
            f"{to_text(line.before)} {signed_text(line.change)} = {to_text(line.after)}"
        )
        page += [f"    {line.text['en']}", f"    {line.text['zh']}"]
    return page
