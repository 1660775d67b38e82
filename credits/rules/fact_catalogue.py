"""The catalogue of facts: the one list of what a rulebook may look at, with types, labels and known values.

The types in ``credits.rules.facts``, the editor's list, the table in ``rulebooks/README.md`` and the worked example
follow it; tests compare each of them with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

FileKind = Literal["code", "tests", "docs", "translation", "configuration", "generated"]
FILE_KINDS: tuple[FileKind, ...] = get_args(FileKind)
"""The categories of files, in the order in which facts are written."""

Kind = Literal["text", "whole", "yes-no", "time", "texts", "decimal"]


@dataclass(frozen=True, slots=True)
class CatalogueFact:
    """A fact: its name in conditions, its type, and its label for people in English and Chinese."""

    name: str
    kind: Kind
    en: str
    zh: str


_HUNDREDTHS_EN = "in hundredths, rounded down"
_HUNDREDTHS_ZH = "以百分之一计，向下取整"

LISTED: tuple[CatalogueFact, ...] = (
    CatalogueFact("contribution.forge", "text", "platform", "平台"),
    CatalogueFact("contribution.kind", "text", "kind of contribution", "贡献类型"),
    CatalogueFact("contribution.number", "text", "number", "编号"),
    CatalogueFact("contribution.title", "text", "title", "标题"),
    CatalogueFact("contribution.url", "text", "link", "链接"),
    CatalogueFact("contribution.status", "text", "status on the platform", "平台上的状态"),
    CatalogueFact("contribution.created_at", "time", "opened at", "提交时间"),
    CatalogueFact("contribution.merged_at", "time", "merged at", "合并时间"),
    CatalogueFact("contribution.additions", "whole", "lines added", "新增行数"),
    CatalogueFact("contribution.deletions", "whole", "lines deleted", "删除行数"),
    CatalogueFact("contribution.changed_files", "whole", "files changed", "改动文件数"),
    CatalogueFact("contribution.labels", "texts", "labels", "标签"),
    CatalogueFact("contribution.landed_by", "text", "how it was merged", "合入方式"),
    CatalogueFact("contribution.merged_by_self", "yes-no", "merged by the author", "由作者本人合并"),
    CatalogueFact(
        "contribution.first_in_repository", "yes-no", "first one in the repository", "在该仓库的首次贡献"
    ),
    CatalogueFact("contribution.share", "decimal", "student's share", "本人份额"),
    CatalogueFact("contribution.reviews", "whole", "reviews received", "收到的评审数"),
    CatalogueFact("contribution.reverted", "yes-no", "reverted later", "后来被回退"),
    CatalogueFact("contribution.already_credited", "yes-no", "already credited", "已在别处认定"),
    CatalogueFact("repository.forge", "text", "platform of the repository", "仓库所在平台"),
    CatalogueFact("repository.id", "text", "id of the repository", "仓库编号"),
    CatalogueFact("repository.full_name", "text", "repository", "仓库"),
    CatalogueFact("repository.owner", "text", "owner", "仓库所有者"),
    CatalogueFact("repository.owner_is_author", "yes-no", "owned by the author", "仓库归作者本人所有"),
    CatalogueFact("repository.stars", "whole", "stars", "星标数"),
    CatalogueFact("repository.licence", "text", "licence (SPDX)", "许可证（SPDX）"),
    CatalogueFact("repository.osi_approved", "yes-no", "OSI-approved licence", "许可证经 OSI 认可"),
    CatalogueFact("repository.is_fork", "yes-no", "a fork", "是复刻仓库"),
    CatalogueFact("repository.is_mirror", "yes-no", "a mirror", "是镜像仓库"),
    CatalogueFact("repository.archived", "yes-no", "archived", "已归档"),
    CatalogueFact("repository.language", "text", "main language", "主要编程语言"),
    CatalogueFact("repository.tier", "text", "tier in the university's catalogue", "学校目录中的等级"),
    CatalogueFact("student.programme", "text", "programme", "专业"),
    CatalogueFact("student.level", "text", "level", "培养层次"),
    CatalogueFact("student.year", "whole", "entry year", "年级"),
    CatalogueFact("student.cohort", "text", "cohort", "入学批次"),
    CatalogueFact("student.enrolled_on", "time", "enrolled on", "入学日期"),
    CatalogueFact("round.code", "text", "round", "认定批次"),
    CatalogueFact("round.opens", "time", "round opens", "批次开放时间"),
    CatalogueFact("round.closes", "time", "round closes", "批次截止时间"),
    CatalogueFact("term.code", "text", "term", "学期"),
    CatalogueFact("term.starts", "time", "term starts", "学期开始"),
    CatalogueFact("term.ends", "time", "term ends", "学期结束"),
    CatalogueFact("standing.credit", "decimal", "credit already recognised", "已认定学分"),
    CatalogueFact(
        "standing.credit_this_term", "decimal", "credit already recognised this term", "本学期已认定学分"
    ),
    CatalogueFact("standing.points_carried", "decimal", "points carried over", "结转积分"),
)

_KIND_NAMES: dict[FileKind, tuple[str, str]] = {
    "code": ("code", "代码"),
    "tests": ("tests", "测试"),
    "docs": ("docs", "文档"),
    "translation": ("translation", "翻译"),
    "configuration": ("configuration", "配置"),
    "generated": ("generated", "自动生成"),
}


def _conditions() -> dict[str, CatalogueFact]:
    facts = {fact.name: fact for fact in LISTED if fact.kind != "decimal"}
    for fact in LISTED:
        if fact.kind == "decimal":
            # The expression language has no decimals, and a float would not be exact. So conditions get hundredths.
            facts[f"{fact.name}_hundredths"] = CatalogueFact(
                f"{fact.name}_hundredths",
                "whole",
                f"{fact.en} ({_HUNDREDTHS_EN})",
                f"{fact.zh}（{_HUNDREDTHS_ZH}）",
            )
    for kind, (en, zh) in _KIND_NAMES.items():
        for part, part_en, part_zh in (
            ("files", "files of", "数"),
            ("lines", "lines changed in", "改动行数"),
        ):
            name = f"contribution.{part}.{kind}"
            facts[name] = CatalogueFact(name, "whole", f"{part_en} {en}", f"{zh}文件{part_zh}")
    name = "contribution.changed_lines"
    facts[name] = CatalogueFact(
        name, "whole", "lines changed outside generated files", "不含自动生成文件的改动行数"
    )
    return facts


CONDITION_FACTS: Mapping[str, CatalogueFact] = _conditions()
"""Every name that a condition or formula may use.

In addition to the listed facts: ``contribution.files.<kind>`` (number of files), ``contribution.lines.<kind>`` (lines
added plus deleted) and ``contribution.changed_lines`` (the same over all kinds except generated). Each decimal is
offered as ``…_hundredths`` only."""

WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "contribution.forge": {"github": ("GitHub",) * 2, "gitee": ("Gitee",) * 2, "atomgit": ("AtomGit",) * 2},
    "contribution.kind": {
        "pull_request": ("pull request", "合并请求"),
        "review": ("review", "代码评审"),
        "issue": ("issue", "议题"),
    },
    "contribution.status": {
        "merged": ("merged", "已合并"),
        "landed": ("closed, but the code was merged", "已关闭，但代码已合入"),
        "reverted": ("reverted", "已回退"),
        "gone": ("no longer on the platform", "平台上已不存在"),
        "unknown": ("unknown", "未知"),
    },
    "contribution.landed_by": {
        "merge": ("merged on the platform", "在平台上合并"),
        "attested": ("merged by another commit, as a reviewer confirmed", "经审核教师确认由其他提交合入"),
        "bors": ("by the robot bors", "由 bors 机器人合入"),
        "pytorch": ("by a commit of the project's robot", "由项目的机器人提交合入"),
        "spark": ("by a commit of a maintainer", "由维护者的提交合入"),
    },
    "repository.forge": {"github": ("GitHub",) * 2, "gitee": ("Gitee",) * 2, "atomgit": ("AtomGit",) * 2},
}
"""Labels of the values that are machine words, in English and Chinese. Any other text is shown as it is."""

SINCE = frozenset({"student.enrolled_on", "round.opens", "term.starts"})
"""Times that begin a day. People see that day."""
UNTIL = frozenset({"round.closes", "term.ends"})
"""Times that are the first instant after a day. People see the day before."""


def _labels() -> dict[str, tuple[str, str]]:
    listed = {fact.name: fact for fact in LISTED}
    shown = {
        name: listed.get(name.removesuffix("_hundredths"), fact) for name, fact in CONDITION_FACTS.items()
    }
    return {name: (fact.en, fact.zh) for name, fact in shown.items()}


LABELS: Mapping[str, tuple[str, str]] = _labels()
"""The label of each name in English and Chinese. Hundredths have the label of their decimal: people read decimals."""

CLOSED: Mapping[str, tuple[str, ...]] = {
    "contribution.status": ("merged", "landed", "reverted", "gone"),
}
"""Facts with a fixed set of texts. The status ``unknown`` is not in it: the forge could not be asked, so the fact
itself is unknown."""
