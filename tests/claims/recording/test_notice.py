"""What members of the university see of a claim during public notice."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from credits.claims.recording.notice import mask_name, notice_entries
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW


@pytest.mark.parametrize(
    ("name", "mask", "shown"),
    [
        ("张三", "surname", "张*"),
        ("欧阳娜娜", "surname", "欧阳*"),
        ("欧阳", "surname", "欧*"),
        ("Ada Lovelace", "surname", "A*"),
        ("𠮷田", "surname", "𠮷*"),
        ("  李四 ", "surname", "李*"),
        ("", "surname", "*"),
        ("Ada Lovelace", "initials", "A. L."),
        ("", "initials", "*"),
        ("张三", "full-name", "张三"),
    ],
)
def test_names_are_masked(name: str, mask: str, shown: str) -> None:
    """A name is masked as the rulebook says."""
    assert mask_name(name, mask) == shown


@pytest.mark.django_db
def test_a_notice_shows_no_number_no_link_and_no_full_name() -> None:
    """The notice shows masked name, college and credit, only during the days of notice."""
    student = factories.student(name="王小明", student_number="00420042")
    claim = make.decided_claim(make.submitted_claim(student)).claim
    assert claim.notice_from is not None
    assert claim.notice_until is not None
    assert notice_entries(now=claim.notice_from - timedelta(microseconds=1)) == []
    (entry,) = notice_entries(now=claim.notice_from)
    assert entry.college == claim.enrolment.programme.department.name
    text = str(asdict(entry))
    for hidden in ("王小明", "小明", "00420042", "login", "https://", str(claim.public_id)):
        assert hidden not in text
    assert notice_entries(now=claim.notice_until) == []


@pytest.mark.django_db
def test_claims_without_credit_are_not_shown() -> None:
    """A claim that only carries points over is not shown."""
    claim = make.decided_claim(make.submitted_claim(contributions=1)).claim
    assert claim.notice_from is not None
    assert notice_entries(now=claim.notice_from) == []


@pytest.mark.django_db
def test_a_proposal_is_not_shown() -> None:
    """A proposed decision is not shown on any day."""
    claim = make.submitted_claim()
    ref = claim.facts["contributions"][0]["ref"]  # type: ignore[index]
    make.decided_claim(claim, {ref: {"accepted": False, "reason": "x"}})
    for day in range(20):
        assert notice_entries(now=NOW + timedelta(days=day)) == []


@pytest.mark.django_db
def test_the_notice_reads_what_it_shows_and_no_evidence(django_assert_max_num_queries: Any) -> None:
    """Reading the notice is one query, without the large columns of facts and outcome."""
    claim = make.decided_claim(make.submitted_claim(contributions=5)).claim
    with django_assert_max_num_queries(1) as queries:
        assert len(notice_entries(now=claim.notice_from)) == 1
    (query,) = queries.captured_queries
    assert not re.search(r'"(facts|outcome)"', query["sql"])
