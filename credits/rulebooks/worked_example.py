"""A made-up claim on which a rulebook can be tried, if there is no real claim yet or the steward may not see one."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from credits.rules.facts import ClaimFacts, ContributionData, ContributionFacts, RepositoryData


def example_facts() -> ClaimFacts:
    """Return a claim with four contributions.

    A feature with tests, a small fix, a translation, and one in the student's own repository, which most rulebooks do
    not count. Words such as the kind are spelt as in the fact catalogue.
    """
    return ClaimFacts(
        student={
            "programme": "软件工程",
            "level": "本科",
            "year": 2023,
            "cohort": "2023",
            "enrolled_on": datetime(2023, 8, 31, 16, tzinfo=UTC),
        },
        round={
            "code": "2025-autumn",
            "opens": datetime(2025, 11, 30, 16, tzinfo=UTC),
            "closes": datetime(2025, 12, 31, 16, tzinfo=UTC),
        },
        term={
            "code": "2025-1",
            "starts": datetime(2025, 8, 31, 16, tzinfo=UTC),
            "ends": datetime(2026, 1, 31, 16, tzinfo=UTC),
        },
        standing={
            "credit": Decimal(0),
            "credit_this_term": Decimal(0),
            "points_carried": Decimal(0),
        },
        contributions=(
            _contribution(
                "1",
                "Read settings from the environment",
                9,
                {"code": (4, 180, 35), "tests": (2, 96, 4)},
                stars=8600,
                name="open-community/toolbox",
                reviews=3,
            ),
            _contribution(
                "2",
                "Mend a crash on empty input",
                16,
                {"code": (1, 6, 2)},
                stars=8600,
                name="open-community/toolbox",
            ),
            _contribution(
                "3",
                "补充中文译文",
                23,
                {"translation": (1, 64, 12)},
                stars=420,
                name="learn-together/handbook",
                forge="gitee",
                licence="MulanPSL-2.0",
            ),
            _contribution(
                "4",
                "First commit",
                28,
                {"code": (9, 700, 0), "generated": (2, 4000, 0)},
                stars=0,
                name="student/homework",
                own=True,
                licence="",
            ),
        ),
        as_of=datetime(2025, 12, 15, 4, tzinfo=UTC),
    )


def _contribution(
    ref: str,
    title: str,
    day: int,
    files: dict[str, tuple[int, int, int]],
    *,
    stars: int,
    name: str,
    forge: str = "github",
    licence: str = "Apache-2.0",
    own: bool = False,
    reviews: int = 1,
) -> ContributionFacts:
    counts: Any = {
        kind: {"files": count, "additions": added, "deletions": deleted}
        for kind, (count, added, deleted) in files.items()
    }
    work: ContributionData = {
        "forge": forge,
        "kind": "pull_request",
        "number": ref,
        "title": title,
        "url": "",
        "status": "merged",
        "created_at": datetime(2025, 10, day - 2, 6, tzinfo=UTC),
        "merged_at": datetime(2025, 10, day, 8, 30, tzinfo=UTC),
        "additions": sum(added for _count, added, _deleted in files.values()),
        "deletions": sum(deleted for _count, _added, deleted in files.values()),
        "changed_files": sum(count for count, _added, _deleted in files.values()),
        "files": counts,
        "labels": [],
        "landed_by": "merge",
        "merged_by_self": own,
        "first_in_repository": ref != "2",
        "share": Decimal(1),
        "reviews": 0 if own else reviews,
        "reverted": False,
        "already_credited": False,
    }
    place: RepositoryData = {
        "forge": forge,
        "id": name,
        "full_name": name,
        "owner": name.split("/")[0],
        "owner_is_author": own,
        "stars": stars,
        "licence": licence,
        "osi_approved": bool(licence),
        "is_fork": False,
        "is_mirror": False,
        "archived": False,
        "language": "Python",
        "tier": None,
    }
    return ContributionFacts(ref=f"{name}#{ref}", contribution=work, repository=place)
