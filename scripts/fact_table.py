"""The table of facts in rulebooks/README.md, written from the fact catalogue: `python -m scripts.fact_table`."""

from __future__ import annotations

import sys
from pathlib import Path

from credits.rules.fact_catalogue import CONDITION_FACTS, CatalogueFact

PAGE = Path(__file__).resolve().parent.parent / "rulebooks" / "README.md"
BEGIN, END = "<!-- facts: begin -->\n", "<!-- facts: end -->\n"
KINDS = {
    "text": "text",
    "whole": "whole number",
    "yes-no": "yes or no",
    "time": "time",
    "texts": "list of texts",
}


def table() -> str:
    """Return the table as Markdown, one fact a row, in the order of the catalogue."""
    rows = [
        "| fact | type | meaning | 含义 |",
        "|---|---|---|---|",
        *(_row(fact) for fact in CONDITION_FACTS.values()),
    ]
    return "\n".join(rows) + "\n"


def page_with_table(page: str) -> str:
    """Return the page with the table between its two marks. Raises ValueError if a mark is missing."""
    before, begin, rest = page.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The page needs the lines {BEGIN.strip()} and {END.strip()}.")
    return f"{before}{begin}\n{table()}\n{end}{after}"


def _row(fact: CatalogueFact) -> str:
    return f"| `{fact.name}` | {KINDS[fact.kind]} | {fact.en} | {fact.zh} |"


def main() -> int:
    PAGE.write_text(page_with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
