"""The forge serves what the rows contain; everything else is invented, the same each time."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.forge.model import ForgeName
from demo.forge.rows import CARRIED, fill, read
from demo.forge.world import ForgeWorld

FORGES: tuple[ForgeName, ...] = ("github", "gitee")
"""The forges in the included rows."""


def _lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CARRIED.read_text(encoding="utf-8").splitlines()]


def _world() -> ForgeWorld:
    world = ForgeWorld()
    fill(world, read(CARRIED))
    return world


def test_every_row_is_served_with_its_facts() -> None:
    """Each row's pull request has the row's title, times, commit, counts, author and co-authors."""
    world, rows = _world(), _lines()
    assert rows
    for row in rows:
        repository = world.repository(row["forge"], row["repo"])
        assert repository is not None
        pull = world.pull(repository, row["number"])
        assert pull is not None
        assert pull.state == "merged"
        assert (pull.title, pull.merge_commit) == (row["title"], row["merge_commit"])
        assert pull.merged_at == datetime.fromisoformat(row["merged_at"])
        assert pull.updated_at >= pull.merged_at > pull.created_at
        assert (pull.author.id, pull.author.login) == (row["author"]["id"], row["author"]["login"])
        assert {who.id for who in pull.co_authors} == {who["id"] for who in row["co_authors"]}
        assert (pull.additions, pull.deletions) == (row["additions"], row["deletions"])
        assert pull.changed_files == row["changed_files"]


def test_lines_of_files_add_up_to_the_pull_request() -> None:
    """If a row lists only a hundred files, invented entries have the rest, up to what a forge shows."""
    world = _world()
    long = [pull for forge in FORGES for pull in world.pulls(forge) if pull.changed_files > 100]
    assert long
    for pull in long:
        assert sum(file.additions for file in pull.files) == pull.additions
        assert sum(file.deletions for file in pull.files) == pull.deletions
        assert len(pull.files) == min(pull.changed_files, 300)
        assert len({file.path for file in pull.files}) == len(pull.files)


def test_nothing_but_the_rows_is_merged() -> None:
    """The invented pull requests are open or closed, and there are some of each on both forges."""
    world = _world()
    merged = Counter(row["forge"] for row in _lines())
    for forge in FORGES:
        states = Counter(pull.state for pull in world.pulls(forge))
        assert states["merged"] == merged[forge]
        assert states["open"] > 0
        assert states["closed"] > 0


def test_two_worlds_of_the_same_rows_are_alike() -> None:
    """Invented facts depend on stable names: two runs are equal, in any order of rows."""
    other = ForgeWorld()
    fill(other, list(reversed(read(CARRIED))))
    for forge in FORGES:
        mine = {pull.id: pull for pull in _world().pulls(forge)}
        theirs = {pull.id: pull for pull in other.pulls(forge)}
        assert mine
        assert mine.keys() == theirs.keys()
        for key, pull in mine.items():
            twin = theirs[key]
            assert (pull.labels, pull.updated_at, pull.head_sha) == (
                twin.labels,
                twin.updated_at,
                twin.head_sha,
            )
            assert [r.state for r in pull.reviews] == [r.state for r in twin.reviews]
            assert (pull.merged_by and pull.merged_by.id) == (twin.merged_by and twin.merged_by.id)


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    """A damaged file is refused with the line's number."""
    path = tmp_path / "rows.jsonl"
    path.write_text('{"forge": "github"}\n{"forge\n')
    with pytest.raises(ValueError, match="line 2"):
        read(path)
