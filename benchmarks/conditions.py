"""The speed of the included rulebook: its conditions alone, and a whole claim with its trace."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

from benchmarks.clock import per_second
from credits.forges.file_categories import classify
from credits.rules import evaluate, parse
from credits.rules.expressions import cel
from credits.rules.facts import (
    ClaimFacts,
    ContributionData,
    ContributionFacts,
    CreditStanding,
    RepositoryData,
    StudentData,
    bind,
)

ROOT = Path(__file__).resolve().parents[1]
CLAIM_SIZE = 40
"""Contributions in the measured claim."""


def main() -> list[tuple[str, str]]:
    """Return measured figures as (name, value) pairs."""
    rulebook = parse((ROOT / "rulebooks" / "open-source-practice.yaml").read_text(encoding="utf-8"))
    expressions = [
        expression
        for requirement in rulebook.requirements
        if isinstance(expression := cel.check(requirement.when, "yes-no"), cel.CheckedExpression)
    ]
    claim = claim_of_carried_rows()
    bound_facts = [cel.BoundFacts(bind(claim, contribution)) for contribution in claim.contributions]

    def conditions() -> int:
        for facts in bound_facts:
            for expression in expressions:
                expression.value(facts)
        return len(bound_facts) * len(expressions)

    def claims() -> int:
        evaluate(rulebook, claim)
        return 1

    claims_per_second = per_second(claims)
    return [
        ("conditions a second", f"{per_second(conditions):,.0f}"),
        (f"claims of {CLAIM_SIZE} contributions a second, with traces", f"{claims_per_second:,.0f}"),
        ("contributions assessed a second, with traces", f"{claims_per_second * CLAIM_SIZE:,.0f}"),
    ]


def claim_of_carried_rows(count: int = CLAIM_SIZE) -> ClaimFacts:
    """Return a claim of the first ``count`` rows of the demo's data (all rows if there are fewer)."""
    with (ROOT / "demo" / "data" / "changes.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in islice(file, count)]
    merged = [datetime.fromisoformat(row["merged_at"]).astimezone(UTC) for row in rows]
    return ClaimFacts(
        student=StudentData(enrolled_on=min(merged)),
        round={"code": "bench", "closes": max(merged) + timedelta(days=30)},
        term={"code": "bench"},
        standing=CreditStanding(credit=Decimal(0), credit_this_term=Decimal(0), points_carried=Decimal(0)),
        contributions=tuple(_facts(row, at) for row, at in zip(rows, merged, strict=True)),
    )


def _facts(row: dict[str, object], merged_at: datetime) -> ContributionFacts:
    files: dict[str, dict[str, int]] = {}
    for file in row["files"]:  # type: ignore[attr-defined]
        count = files.setdefault(classify(file["path"]), {"files": 0, "additions": 0, "deletions": 0})
        count["files"] += 1
        count["additions"] += file["additions"]
        count["deletions"] += file["deletions"]
    about = ContributionData(
        forge=str(row["forge"]),
        kind="pull_request",
        number=str(row["number"]),
        status="merged",
        merged_at=merged_at,
        files=files,  # type: ignore[typeddict-item]
        share=Decimal(1),
        already_credited=False,
    )
    home = RepositoryData(
        forge=str(row["forge"]),
        id=str(row["repo"]),
        full_name=str(row["repo"]),
        licence="Apache-2.0",
        osi_approved=True,
        owner_is_author=False,
    )
    return ContributionFacts(f"{row['forge']}:{row['repo']}:{row['number']}", about, home)
