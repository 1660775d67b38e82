"""The identity of a patch, and how similar two patches are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.forges.patch_identity import (
    SHORT_PREFIX,
    Likeness,
    diff_id,
    files_id,
    measure_likeness,
    normalised_title,
    only_whitespace,
)
from credits.forges.protocol import ChangedFile

ROWS = st.lists(
    st.builds(ChangedFile, st.text(min_size=1), st.integers(0, 500), st.integers(0, 500)),
    max_size=8,
    unique_by=lambda file: file.path,
)
LONG = (ChangedFile("src/engine.py", 30, 4), ChangedFile("tests/test_engine.py", 12, 0))
DIFF = "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n context\n-  old line\n+  new line\n"


def identity(
    files: tuple[ChangedFile, ...], title: str = "Mend it", name: str = "owner/project"
) -> str | None:
    return files_id(files, len(files), title=title, full_name=name)


def test_a_long_change_is_itself_wherever_it_stands() -> None:
    """The order of files, the title, the owner and the repository do not matter."""
    assert identity(LONG) == identity(LONG[::-1], "Another title", "mirror/renamed")
    assert identity(LONG) != identity((*LONG[:1], ChangedFile("tests/test_engine.py", 13, 0)))


def test_a_short_change_needs_its_title_and_the_name_of_its_repository() -> None:
    """A one-line change of a readme is not the same work as one in another readme."""
    short = (ChangedFile("README.md", 1, 1),)
    assert identity(short, "Fix a link", "owner/project").startswith(SHORT_PREFIX)  # type: ignore[union-attr]
    assert identity(short, "Fix a link", "owner/project") == identity(short, " fix  A link", "mirror/Project")
    assert identity(short, "Fix a link") != identity(short, "Fix a typo")
    assert identity(short, "Fix a link") != identity(short, "Fix a link", "owner/elsewhere")


def test_generated_lines_do_not_tell() -> None:
    """A tool writes the lines of a lock file, so many changes have exactly the same ones."""
    assert identity((ChangedFile("package-lock.json", 900, 800),)).startswith(SHORT_PREFIX)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("files", "count"), [(None, 2), ((), 0), (LONG, 3), (LONG, None), ((ChangedFile("a", 0, 0),), 1)]
)
def test_what_is_not_whole_has_no_identity(files: tuple[ChangedFile, ...] | None, count: int | None) -> None:
    """There is no identity if files are missing: different changes could look the same."""
    assert files_id(files, count, title="Mend it", full_name="owner/project") is None


@given(ROWS, st.randoms())
def test_the_order_of_files_never_matters(files: list[ChangedFile], random) -> None:  # type: ignore[no-untyped-def]
    """Any order of any paths gives the same identity."""
    shuffled = list(files)
    random.shuffle(shuffled)
    assert identity(tuple(files)) == identity(tuple(shuffled))


def test_a_rebased_diff_is_the_same() -> None:
    """Positions, context, headers and white space do not affect a diff's identity; its lines do."""
    moved = (
        DIFF.replace("@@ -1,3 +1,3 @@", "@@ -90,3 +92,3 @@")
        .replace(" context", " other")
        .replace("  old", "\told")
    )
    assert diff_id({"x": DIFF}) == diff_id({"x": moved})
    assert diff_id({"x": DIFF}) != diff_id({"y": DIFF})
    assert diff_id({"x": DIFF}) != diff_id({"x": DIFF.replace("new line", "newer line")})
    assert diff_id({"x": DIFF, "y": ""}) is None
    assert diff_id({}) is None


def test_only_whitespace_is_seen_in_the_diff() -> None:
    """A new indentation changes only white space; a moved word changes more."""
    assert only_whitespace({"x": "-a = 1\n-b = 2\n+  a = 1\n+\n+  b = 2\n"}) is True
    assert only_whitespace({"x": DIFF}) is False
    assert only_whitespace({"x": ""}) is None


@pytest.mark.parametrize("header", ["--- a/x.sql\n+++ b/x.sql\n", ""])
def test_a_line_that_looks_like_a_header_is_a_line(header: str) -> None:
    """A removed comment of SQL or Lua looks like a file name in a diff, but is a changed line."""
    one = {"x.sql": f"{header}@@ -1,2 +1 @@\n SELECT 1;\n--- the first of all\n"}
    two = {"x.sql": f"{header}@@ -9,2 +9 @@\n SELECT 2;\n--- something else\n"}
    assert only_whitespace(one) is False
    assert diff_id(one) != diff_id(two)


def test_likeness_is_a_share_of_the_pull_request() -> None:
    """More lines in the commit do not reduce the likeness; missing lines do."""
    assert measure_likeness(LONG, (*LONG, ChangedFile("more.py", 400, 0))) == Likeness(100, 100)
    assert measure_likeness(LONG, LONG[:1]) == Likeness(73, 50)
    assert measure_likeness(LONG, ()) == Likeness(0, 0)
    assert measure_likeness(None, LONG) == measure_likeness(LONG, None) == Likeness(None, None)


def test_titles_are_compared_bare() -> None:
    """White space and case do not matter."""
    assert normalised_title(" Fix The  readme ") == normalised_title("fix the readme")
