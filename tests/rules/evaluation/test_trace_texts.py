"""The sentences of a trace in the reader's words, with the raw values kept beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from credits.rules.evaluation import trace_texts
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.fact_catalogue import CLOSED, CONDITION_FACTS, WORDS
from tests.rules.made import both, claim, contribution, rulebook

SHANGHAI = "Asia/Shanghai"
MIDNIGHT = datetime(2025, 8, 31, 16, tzinfo=UTC)
"""The first instant of September 2025 in Shanghai."""


@pytest.mark.parametrize(
    ("fact", "value", "zh", "en"),
    [
        ("contribution.status", "merged", "平台上的状态：已合并", "status on the platform: merged"),
        ("contribution.kind", "pull_request", "贡献类型：合并请求", "kind of contribution: pull request"),
        ("contribution.kind", "a new one", "贡献类型：a new one", "kind of contribution: a new one"),
        ("contribution.forge", "github", "平台：GitHub", "platform: GitHub"),
        ("repository.osi_approved", True, "许可证经 OSI 认可：是", "OSI-approved licence: yes"),
        ("repository.licence", "", "许可证（SPDX）：无", "licence (SPDX): none"),
        ("repository.stars", None, "星标数：未知", "stars: unknown"),
        ("contribution.labels", ["bug", "ui"], "标签：bug、ui", "labels: bug, ui"),
        ("standing.credit_hundredths", 150, "已认定学分：1.5", "credit already recognised: 1.5"),
        (
            "contribution.merged_at",
            MIDNIGHT,
            "合并时间：2025年9月1日 00:00",
            "merged at: 1 September 2025, 00:00",
        ),
        ("term.starts", MIDNIGHT, "学期开始：2025年9月1日", "term starts: 1 September 2025"),
        ("term.ends", MIDNIGHT, "学期结束：2025年8月31日", "term ends: 31 August 2025"),
        (
            "term.ends",
            MIDNIGHT - timedelta(hours=1),
            "学期结束：2025年8月31日 23:00",
            "term ends: 31 August 2025, 23:00",
        ),
    ],
)
def test_what_a_rule_saw_is_told_in_the_reader_s_words(fact: str, value: Any, zh: str, en: str) -> None:
    """Statuses, kinds, forges, yes and no, days and hundredths are shown in words; a value without a label as it is."""
    assert trace_texts.seen_values_text({fact: value}, SHANGHAI) == (f"（{zh}）", f" ({en})")


def test_the_raw_value_stays_beside_the_sentence() -> None:
    """The sentence says “merged” in Chinese, while what the rule saw is kept as the forge's own word and UTC time."""
    asked = {"id": "asked", "text": both("asked"), "when": "contribution.status == 'merged'"}
    facts = claim(contribution(contribution={"status": "merged"}))
    line = next(
        one
        for one in evaluate(rulebook(requirements=[asked]), facts).contributions[0].lines
        if one.rule == "asked"
    )
    assert "已合并" in line.text["zh"]
    assert line.saw == {"contribution.status": "merged"}


def test_every_word_of_machines_that_a_fact_can_be_has_a_name() -> None:
    """Every value of a closed fact has a label in both languages."""
    assert CLOSED
    assert WORDS
    for fact, values in CLOSED.items():
        assert set(values) <= set(WORDS[fact])
    for fact, words in WORDS.items():
        assert fact in CONDITION_FACTS
        assert all(en and zh for en, zh in words.values())


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        ("2025-03-01", "2025年3月1日", "1 March 2025"),
        ("2025-W01", "2024年12月30日至2025年1月5日这一周", "30 December 2024 to 5 January 2025"),
        ("2025-03", "2025年3月", "March 2025"),
    ],
)
def test_a_period_is_called_by_its_days(name: str, zh: str, en: str) -> None:
    """A week is named by its first and last day."""
    assert trace_texts.period_name(name) == (zh, en)


def test_what_would_be_needed_is_exact_to_the_second() -> None:
    """One second after a limit is not the limit: the sentence shows it."""
    late = MIDNIGHT + timedelta(seconds=1)
    zh, en = trace_texts.needed("contribution.merged_at", "since", late, SHANGHAI)
    assert zh == "“合并时间”不早于2025年9月1日 00:00:01"
    assert en == "“merged at” would have to be 1 September 2025, 00:00:01 or later"
    assert trace_texts.needed("repository.is_fork", "exactly", False, SHANGHAI)[0] == "“是复刻仓库”应为“否”"


def test_no_change_is_no_sign_between_two_numbers() -> None:
    """An award of zero is shown as +0."""
    assert (trace_texts.change_text(Decimal(0)), trace_texts.change_text(Decimal("-1.5"))) == ("+0", "−1.5")


def test_where_several_repositories_are_cut_each_line_tells_what_all_of_it_gives_now() -> None:
    """60 and 50 points, a quarter of all from one repository at most: 55 are left, and either line says so."""
    book = rulebook(
        points=[{"id": "size", "text": both("size"), "formula": "contribution.lines.code"}],
        caps={"repository": {"share": "0.25"}},
    )
    works = [
        contribution(str(lines), lines=lines, repository={"id": str(lines), "full_name": f"a/{lines}"})
        for lines in (50, 60)
    ]
    outcome = evaluate(book, claim(*works))
    smaller, larger = [line.text["en"] for line in outcome.lines if line.step == "repository-cap"]
    assert outcome.points == 55
    assert smaller.endswith("alone, a/50 would keep 50.")
    assert larger.endswith("a/60 would keep 60, more than the 55 that everything gives together now.")
