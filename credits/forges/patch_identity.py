"""What identifies a patch, whichever repository, fork or forge it stands in, and how alike two patches are.

A diff gives the best identity: its lines without places, context and white space, so that a rebase leaves it as it
is (git's patch-id works so). Where a forge gives no diff, the changed paths with their line counts serve. Few lines
say little: of 4,052 real changes, none of those with 20 changed lines or more had the paths and counts of another,
while 44 groups of shorter ones had, such as version bumps. A short change is therefore only itself together with its
title and the repository's own name, and only in another repository.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from credits.forges.file_categories import classify
from credits.forges.protocol import ChangedFile

LONG_CHANGE_LINES = 20
"""Changed lines, generated files aside, from which on paths and counts tell a change from every other."""
SHORT_PREFIX = "short:"
"""How the identity of a change with fewer lines begins."""

_BLANK = re.compile(r"\s+")
DiffLines = tuple[tuple[str, ...], tuple[str, ...]]
"""Removed and added lines."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of a pull request is found again in a commit: whole percents of its changed lines and of its files.
    ``by`` says what was compared: ``counts`` of lines in each file. None: not known."""

    lines: int | None
    files: int | None
    by: str = "counts"


def diff_id(diffs: Mapping[str, str]) -> str | None:
    """The identity of a change from its unified diffs by path; None where any is missing or empty (then it is not
    the whole diff) or there is none."""
    if not diffs or not all(diffs.values()):
        return None
    digest = hashlib.sha256()
    for path in sorted(diffs):
        removed, added = _changed_lines(diffs[path])
        digest.update(
            _file_block(
                path,
                [_without_whitespace(line) for line in removed],
                [_without_whitespace(line) for line in added],
            )
        )
    return f"diff:{digest.hexdigest()[:40]}"


def only_whitespace(diffs: Mapping[str, str]) -> bool | None:
    """Whether a change moves nothing but white space; None where the whole diff is not there."""
    if not diffs or not all(diffs.values()):
        return None
    return all(
        "".join(map(_without_whitespace, removed)) == "".join(map(_without_whitespace, added))
        for removed, added in map(_changed_lines, diffs.values())
    )


def files_id(
    files: Sequence[ChangedFile] | None, changed_files: int | None, *, title: str, full_name: str
) -> str | None:
    """The identity of a change from its paths and line counts; None where not all files are known, or none has a
    line changed. Short changes take in ``title`` and the repository's name without its owner."""
    if not files or changed_files is None or len(files) != changed_files:
        return None
    if not any(file.additions or file.deletions for file in files):
        return None
    rows = sorted((file.path, file.additions, file.deletions) for file in files)
    digest = hashlib.sha256()
    for path, added, removed in rows:
        digest.update(f"{path}\0{added}\0{removed}\n".encode("utf-8", "replace"))
    telling = 0
    for path, added, removed in rows:
        if telling >= LONG_CHANGE_LINES:
            break
        # Asked of the long ones only where it matters: a change of one lock file says nothing of who made it.
        if classify(path) != "generated":
            telling += added + removed
    if telling >= LONG_CHANGE_LINES:
        return f"files:{digest.hexdigest()[:40]}"
    said = f"{normalised_title(title)}\0{full_name.rpartition('/')[2].casefold()}"
    digest.update(said.encode("utf-8", "replace"))
    return f"{SHORT_PREFIX}{digest.hexdigest()[:40]}"


def normalised_title(title: str) -> str:
    """A title as it is compared: without white space and case."""
    return _BLANK.sub("", title).casefold()


def measure_likeness(of: Sequence[ChangedFile] | None, within: Sequence[ChangedFile] | None) -> Likeness:
    """How much of the change ``of`` is found again in ``within``, path by path."""
    if of is None or within is None or not of:
        return Likeness(None, None)
    landed = Counter[tuple[str, str]]()
    for file in within:
        landed[file.path, "+"] += file.additions
        landed[file.path, "-"] += file.deletions
    paths = {file.path for file in within}
    whole = sum(file.additions + file.deletions for file in of)
    found = sum(
        min(file.additions, landed[file.path, "+"]) + min(file.deletions, landed[file.path, "-"])
        for file in of
    )
    return Likeness(
        lines=100 * found // whole if whole else None,
        files=100 * sum(file.path in paths for file in of) // len(of),
    )


def _changed_lines(diff: str) -> DiffLines:
    removed: list[str] = []
    added: list[str] = []
    named = False
    for line in diff.splitlines():
        # Names of files stand before the first place only: afterwards they are lines that begin with dashes or pluses.
        if line.startswith(("@@", "diff ")):
            named = line.startswith("@@")
            continue
        if line.startswith(("index ", "\\")) or (not named and line.startswith(("--- ", "+++ "))):
            continue
        if line.startswith("-"):
            removed.append(line[1:])
        elif line.startswith("+"):
            added.append(line[1:])
    return tuple(removed), tuple(added)


def _without_whitespace(line: str) -> str:
    return _BLANK.sub("", line)


def _file_block(path: str, removed: Iterable[str], added: Iterable[str]) -> bytes:
    text = "\n".join(
        [path, *(f"-{line}" for line in removed if line), *(f"+{line}" for line in added if line)]
    )
    return f"{text}\0".encode("utf-8", "replace")
