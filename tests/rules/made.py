"""Make valid things in one call: a short rulebook, the facts of a contribution, the facts of a claim."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from credits.rules.document import yaml_tree
from credits.rules.document.parser import RulebookDocument, parse
from credits.rules.facts import (
    ClaimFacts,
    ContributionData,
    ContributionFacts,
    CreditStanding,
    RepositoryData,
    StudentData,
)

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = (
    "open-source-practice",
    "innovation-credit",
    "ects-unit",
    "us-course",
    "quality-course",
    "nine-dimensions",
    "software-faculty",
)
"""The file names of the shipped rulebooks, without ``.yaml``."""
ENROLLED = datetime(2024, 8, 31, 16, tzinfo=UTC)
CLOSES = datetime(2025, 6, 30, tzinfo=UTC)


def shipped(name: str) -> str:
    """Return the text of a shipped rulebook."""
    return (ROOT / "rulebooks" / f"{name}.yaml").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def library() -> dict[tuple[str, str], str]:
    """Return the shipped rulebooks by code and label, for variants to extend."""
    texts = {}
    for name in SHIPPED:
        data = yaml_tree.plain_data(yaml_tree.read_tree(shipped(name)))
        texts[data["code"], data["label"]] = shipped(name)
    return texts


@lru_cache(maxsize=16)
def shipped_rulebook(name: str) -> RulebookDocument:
    """Return a shipped rulebook. A variant is resolved."""
    return parse(shipped(name), library())


def both(text: str) -> dict[str, str]:
    return {"zh": f"{text}（中文）", "en": text}


def shape(**changes: Any) -> dict[str, Any]:
    """Return the smallest rulebook as plain data.

    A contribution gives 5 points, 16 points give half a credit, and repositories have no limit.
    """
    return {
        "code": "least",
        "title": both("Least"),
        "source": both("Made for a test"),
        "category": {"code": "innovation", "title": both("Innovation")},
        "points": [{"id": "base", "text": both("base"), "give": "5"}],
        "caps": {"repository": {"share": "1"}},
        "conversion": {"points_per_step": "16"},
        **changes,
    }


def rulebook(**changes: Any) -> RulebookDocument:
    """Return the rulebook of :func:`shape`, read by the parser."""
    return parse(json.dumps(shape(**changes), ensure_ascii=False))


def contribution(ref: str = "1", *, lines: int = 10, day: int = 1, **changes: Any) -> ContributionFacts:
    """Return a contribution that the shipped rulebooks count.

    ``contribution`` and ``repository`` in ``changes`` change the defaults; the rest goes to :class:`ContributionFacts`.
    """
    about: dict[str, Any] = {
        "forge": "github",
        "kind": "pull_request",
        "status": "merged",
        "merged_at": datetime(2025, 3, day, tzinfo=UTC),
        "files": {"code": {"files": 1, "additions": lines, "deletions": 0}},
        **changes.pop("contribution", {}),
    }
    home: dict[str, Any] = {
        "forge": "github",
        "id": "1",
        "full_name": "a/b",
        "stars": 100,
        "licence": "MIT",
        "osi_approved": True,
        "owner_is_author": False,
        **changes.pop("repository", {}),
    }
    return ContributionFacts(ref, cast(ContributionData, about), cast(RepositoryData, home), **changes)


def claim(*contributions: ContributionFacts, **changes: Any) -> ClaimFacts:
    """Return a claim in a round that closes on 30 June 2025, by a student enrolled on 1 September 2024."""
    standing: CreditStanding = {}
    for key in ("credit", "credit_this_term", "points_carried"):
        if key in changes:
            value = changes.pop(key)
            standing[key] = None if value is None else Decimal(value)
    student: StudentData = {
        "programme": "informatics",
        "level": "bachelor",
        "year": 2024,
        "enrolled_on": ENROLLED,
    }
    return ClaimFacts(
        student=changes.pop("student", student),
        round={"closes": CLOSES},
        term={"starts": datetime(2025, 2, 23, 16, tzinfo=UTC), "ends": datetime(2025, 7, 6, 16, tzinfo=UTC)},
        standing=standing,
        contributions=contributions,
        **changes,
    )
