"""Marks in addresses: where the next page of a list starts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from credits.contributions.models import Authorship
from credits.web.core.pagination import read_page, rows_before, rows_below, time_mark
from tests import credit_factories as credit
from tests import factories

pytestmark = pytest.mark.django_db


def test_rows_of_the_same_time_are_on_exactly_one_page() -> None:
    """The mark contains time and key, so rows that were merged at the same instant are neither lost nor repeated."""
    student, at = factories.student(), datetime(2025, 3, 1, tzinfo=UTC)
    made = [credit.authorship(student, credit.contribution(merged_at=at)).pk for _each in range(5)]
    seen: list[int] = []
    mark = ""
    for _page in range(3):
        page = read_page(rows_before(Authorship.objects.all(), "contribution__merged_at", mark), 2)
        seen += [row.pk for row in page.rows]
        mark = time_mark(at, page.rows[-1].pk)
    assert seen == sorted(made, reverse=True)
    assert page.last is None


@pytest.mark.parametrize("mark", ["", "x", "-1", "9" * 19, "\x00", "²", "1|2"])
def test_a_mark_that_cannot_be_read_means_the_first_page(mark: str) -> None:
    """An address is typed and copied: a wrong mark is no error, and shows the newest rows."""
    row = credit.authorship(factories.student())
    assert list(rows_below(Authorship.objects.all(), "pk", mark)) == [row]
    assert list(rows_before(Authorship.objects.all(), "contribution__merged_at", mark)) == [row]


def test_a_page_says_whether_rows_follow() -> None:
    """The last row of a page is the start of the next one, and None if there is no next one."""
    student = factories.student()
    for _each in range(3):
        credit.authorship(student)
    ordered = Authorship.objects.order_by("-pk")
    page = read_page(ordered, 2)
    assert page.more
    assert page.last == page.rows[-1]
    assert page.last is not None
    rest = read_page(rows_below(ordered, "pk", str(page.last.pk)), 2)
    assert (len(rest.rows), rest.more, rest.last) == (1, False, None)
