"""Facts that git history does not have, invented so that they are the same on every run and every machine.

Invented, never from the data: labels, reviews, stars, licences as the hosting site shows them, who pressed the merge
button if the data do not say it, when a squashed pull request was opened, when it was updated after its merge, forks,
SSH keys, file entries beyond the hundred that a row lists, and a few pull requests that were closed or are still open.
Each is a function of a digest of stable names, so that an added row changes nothing about the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from demo.forge.model import LocalFile


def roll(sides: int, *names: object) -> int:
    """Return a number from 0 to ``sides - 1`` that depends only on the names."""
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % sides


class RepositoryAbout(NamedTuple):
    """The data on a repository's page. ``licence`` is SPDX."""

    licence: str | None
    stars: int
    language: str
    default_branch: str
    description: str


_ABOUT = {
    ("github", "InternLM/lmdeploy"): RepositoryAbout(
        "Apache-2.0", 7600, "Python", "main", "Compress, deploy and serve large language models"
    ),
    ("github", "dromara/hutool"): RepositoryAbout(
        "MulanPSL-2.0", 30100, "Java", "v5-master", "A set of Java tools"
    ),
    ("gitee", "dromara/hutool"): RepositoryAbout(
        "MulanPSL-2.0", 9700, "Java", "v5-master", "小而全的 Java 工具库"
    ),
    ("gitee", "mindspore/models"): RepositoryAbout("Apache-2.0", 410, "Python", "master", "MindSpore 模型库"),
}

MAINTAINERS = {("github", "InternLM/lmdeploy"): ("fjord-finch-9174", "karst-tiger-9961", "karst-hare-7187")}
"""Who merges if the data name nobody: those who wrote most in the whole history."""


def about(forge: str, full_name: str) -> RepositoryAbout:
    """Return the page of a repository. A repository outside the included data gets a small Apache-licensed one."""
    known = _ABOUT.get((forge, full_name))
    return known or RepositoryAbout(
        "Apache-2.0", roll(900, forge, full_name, "stars"), "Python", "main", full_name
    )


def labels(title: str, files: Sequence[LocalFile]) -> list[str]:
    """Return labels as a bot would give them from the title and the paths."""
    found = []
    lowered = title.lower()
    if "fix" in lowered or "修复" in title:
        found.append("bug")
    elif "feat" in lowered or "support" in lowered or "add" in lowered or "新增" in title:
        found.append("enhancement")
    if files and all(file.path.lower().endswith((".md", ".rst")) or "docs/" in file.path for file in files):
        found.append("documentation")
    if "高校贡献" in title:
        found.append("university")
    return found


def opened(authored_at: datetime, merged_at: datetime, *names: object) -> datetime:
    """Return when a pull request was opened: when it was authored, if history knows it. Squashing gives both the same
    instant. Then it is up to nine days before the merge, and in one case of sixteen within the hour."""
    if authored_at < merged_at:
        return authored_at
    if roll(16, "at once", *names) == 0:
        return merged_at - timedelta(minutes=2 + roll(50, "minutes open", *names))
    return merged_at - timedelta(minutes=90 + roll(9 * 24 * 60, "opened", *names))


def touched_later(merged_at: datetime, *names: object) -> datetime:
    """Return the last update: the merge, or (one in eight) a late comment up to twenty days afterwards."""
    if roll(8, "touched", *names):
        return merged_at
    return merged_at + timedelta(hours=1 + roll(480, "touched by", *names))


def all_files(
    listed: Sequence[LocalFile], additions: int, deletions: int, count: int
) -> tuple[LocalFile, ...]:
    """Return the listed files, and invented entries for those that a row leaves out (it lists at most a hundred).

    At most 300 in all, which is what Gitee shows. The lines that the row does not assign to files are spread over the
    invented entries, so that the sum over files is the row's total on either forge.
    """
    missing = min(count, 300) - len(listed)
    if missing <= 0 or not listed:
        return tuple(listed)
    more_added = max(0, additions - sum(file.additions for file in listed))
    more_deleted = max(0, deletions - sum(file.deletions for file in listed))
    invented = []
    for index in range(missing):
        model = listed[index % len(listed)].path
        folder, slash, name = model.rpartition("/")
        invented.append(
            LocalFile(
                f"{folder}{slash}unlisted_{index + 1}_{name}",
                more_added // missing + (index < more_added % missing),
                more_deleted // missing + (index < more_deleted % missing),
            )
        )
    return (*listed, *invented)
