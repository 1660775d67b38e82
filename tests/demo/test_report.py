"""The report that the demo prints at its end."""

from __future__ import annotations

from django.utils import translation

from demo import report

TOTALS = {
    "students": 3,
    "accounts_linked": {"github": 2, "gitee": 1},
    "contributions": {"github": 5},
    "claims": {"submitted": 1, "recorded": 2},
    "decisions": {"approve": 2},
    "results": 2,
    "credits_posted": "1.5",
    "export": None,
    "export_entries": 0,
    "ledger": {"holds": True, "entries": 2, "head": "0" * 64},
}


def test_states_are_named_in_the_language_of_the_terminal() -> None:
    """The report contains no database keys: forges have their own names, and states are words."""
    with translation.override("zh-hans"):
        text = "\n".join(report.report_lines(TOTALS))
    assert "GitHub 2, Gitee 1" in text
    assert "待审核 1" in text
    for key in ("github", "gitee", "submitted", "recorded", "approve"):
        assert key not in text
    with translation.override("en"):
        assert "waiting for review 1, recorded 2" in "\n".join(report.report_lines(TOTALS))
