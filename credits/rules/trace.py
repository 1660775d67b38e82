"""The sentences of a trace, in Chinese and English: readable by a student, exact enough for a panel.

Both languages are stored with the outcome, so they are templates here and not translations looked up when shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from credits.rules.decimals import signed, to_text
from credits.rules.facts import Value
from credits.rules.outcome import Texts
from credits.rules.shapes import Text
from credits.rules.vocabulary import CONDITION_FACTS

Slot = str | int | Decimal | Text | tuple[str, str]
"""What fills a template: a number or name alike in both languages, a bilingual text, or a pair (zh, en)."""

_TEMPLATES: dict[str, tuple[str, str]] = {
    "met": ("符合：{what}{saw}。", "Met: {what}{saw}."),
    "not-met": ("不符合：{what}{saw}。{otherwise}", "Not met: {what}{saw}. {otherwise}"),
    "undecided": (
        "暂不能判断：{what}。需要知道{unknown}，目前未知；查明之前暂不计入，也不算作拒绝。",
        "Undecided: {what}. It needs {unknown}, not known yet; until then this does not count, and is not refused.",
    ),
    "failed": (
        "暂不能判断：{what}。按现有事实无法计算（{reason}）；暂不计入，也不算作拒绝。",
        (
            "Undecided: {what}. It cannot be computed on these facts ({reason}); this does not count yet, and is not"
            " refused."
        ),
    ),
    "accepted": ("审核教师已接受此项贡献。", "The reviewer accepted this contribution."),
    "refused": (
        "审核教师未接受此项贡献，不计分。",
        "The reviewer did not accept this contribution; it gives nothing.",
    ),
    "given": ("{what}：{change} {points}{saw}。", "{what}: {change} {points}{saw}."),
    "band": (
        "{what}：数值为 {value}，高于 {above}，{change} {points}{saw}。",
        "{what}: {value} is more than {above}, {change} {points}{saw}.",
    ),
    "no-band": (
        "{what}：数值为 {value}，不高于最低档 {above}，不加分{saw}。",
        "{what}: {value} is not more than {above}, where the lowest band begins: nothing added{saw}.",
    ),
    "not-applied": ("{what}：条件不满足，不适用{saw}。", "{what}: does not apply here{saw}."),
    "awarded": (
        "{what}：审核教师评 {value}（范围 {low} 至 {high}），{change} {points}。",
        "{what}: the reviewer gave {value} (from {low} to {high}), {change} {points}.",
    ),
    "not-awarded": (
        "{what}：审核教师尚未评定（范围 {low} 至 {high}），暂计 0。",
        "{what}: the reviewer has not given it yet (from {low} to {high}); 0 for now.",
    ),
    "not-below-zero": ("一项贡献的得分不低于 0。", "A contribution gives no less than 0 {points}."),
    "factor": (
        "{what}：{before} × {times} = {after} {points}{saw}。",
        "{what}: {before} × {times} = {after} {points}{saw}.",
    ),
    "share": (
        "本人份额：{before} × {share} = {after} {points}。",
        "The student's share: {before} × {share} = {after} {points}.",
    ),
    "contribution-cap": (
        "一项贡献最多 {limit} {points}：{before} 减为 {after}。",
        "At most {limit} {points} from one contribution: {before} becomes {after}.",
    ),
    "sum": (
        "共 {count} 项贡献计入，合计 {total} {points}。",
        "Contributions that count: {count}; together {total} {points}.",
    ),
    "group-own": (
        "{limit_text}：此项减 {taken} {points}{favoured}（先合并的优先保留）。",
        "{limit_text}: {taken} {points} are taken from this one{favoured} (what was merged first is kept first).",
    ),
    "group": (
        "{limit_text}：{group} 原有 {had}，减 {taken} {points}；保留得分的是 {kept}。{also}",
        "{limit_text}: {group} had {had}, and {taken} {points} are taken off; points stay with {kept}. {also}",
    ),
    "others-too": (
        "此上限因 {others} 也有得分而适用；单看 {group} 可保留 {alone}。",
        "This limit is there because {others} gave points too; by itself, {group} would keep {alone}.",
    ),
    "fewer-than-alone": (
        "此上限因 {others} 也有得分而适用；单看 {group} 可保留 {alone}，现在合计为 {after}，反而更少。",
        (
            "This limit is there because {others} gave points too; by itself, {group} would keep {alone}, which is"
            " more than the {after} that all of it gives now."
        ),
    ),
    "mix-met": (
        "符合：{what}（需要 {need}，计入的有 {found}）。",
        "Met: {what} ({need} needed, {found} among what counts).",
    ),
    "mix-not-met": (
        (
            "不符合：{what}（需要 {need}，计入的有 {found}，还差 {short}）；暂不认定，"
            "可与更多贡献一并再次申请。{otherwise}"
        ),
        (
            "Not met: {what} ({need} needed, {found} among what counts, {short} more to go); nothing is recognised yet,"
            " and all of it can be claimed again together with more. {otherwise}"
        ),
    ),
    "mix-undecided": (
        "暂不能判断：{what}（需要 {need}，已确定 {found}，{open} 项的事实未知）；查明之前暂不计入，也不算作拒绝。",
        (
            "Undecided: {what} ({need} needed, {found} certain, {open} with facts not known yet); until then this does"
            " not count, and is not refused."
        ),
    ),
    "mix-own": (
        "整份申请尚不符合“{what}”：此项的 {taken} {points} 暂不计。",
        "The claim as a whole does not meet “{what}” yet: the {taken} {points} of this one do not count for now.",
    ),
    "selection-own": (
        "{scope}：此项未入选，{taken} {points} 不计{favoured}。",
        "{scope}: this one is not among them, its {taken} {points} are left out{favoured}.",
    ),
    "selection": (
        "{scope}：其余 {count} 项共 {taken} {points} 不计；入选的是 {kept}。",
        "{scope}: {count} others with {taken} {points} are left out; {kept} stay.",
    ),
    "would-need": (
        "若要符合“{what}”：{needed}。",
        "To meet “{what}”: {needed}.",
    ),
    "would-need-other": ("尚不符合“{what}”。{otherwise}", "“{what}” is not met. {otherwise}"),
    "carried-in": ("上次结转 {value} {points}。", "Carried over from before: {value} {points}."),
    "carried-in-unknown": (
        "上次结转的{points}未知，暂按 0 计。",
        "It is not known how many {points} were carried over; 0 for now.",
    ),
    "converted-points": (
        "每满 {per} {points}折算 {step} {credit}：{had} 中折算 {used}，余 {rest}{fate}。",
        "Each full {per} {points} give {step} {credit}: of {had}, {used} are converted; {rest} are left{fate}.",
    ),
    "converted-points-nearest": (
        "每 {per} {points}折算 {step} {credit}，四舍五入到整步：{had} 折为 {steps} 步，用去 {used}，余 {rest}{fate}。",
        (
            "Each {per} {points} give {step} {credit}, to the nearest whole step: {had} make {steps}, {used} are used;"
            " {rest} are left{fate}."
        ),
    ),
    "converted-points-up": (
        "每 {per} {points}折算 {step} {credit}，不足一步计一步：{had} 折为 {steps} 步，用去 {used}，余 {rest}{fate}。",
        (
            "Each {per} {points} give {step} {credit}, begun steps being whole ones: {had} make {steps}, {used} are"
            " used; {rest} are left{fate}."
        ),
    ),
    "table-points": (
        "满 {at_least} {points}折算 {gained} {credit}：{had} 中用去 {used}，余 {rest}{fate}。",
        "{at_least} {points} give {gained} {credit}: of {had}, {used} are used; {rest} are left{fate}.",
    ),
    "table-below": (
        "至少 {first} {points}才折算{credit}：{had} 尚不足，余 {rest}{fate}。",
        "It takes {first} {points} at least to have {credit}: {had} do not reach it; {rest} are left{fate}.",
    ),
    "table": (
        "按折算表，满 {at_least} {points}得 {gained} {credit}。",
        "By the table, {at_least} {points} give {gained} {credit}.",
    ),
    "difference": (
        "只认定差额：已认定 {standing} {credit}，{before} 减为 {after}。",
        "Only the difference is recognised: {standing} {credit} stand already, {before} becomes {after}.",
    ),
    "grade": ("成绩记载：{label}{average}。", "Recorded as {label}{average}."),
    "grade-by-points": (
        "成绩记载：{value} {points}记为 {label}{average}。",
        "{value} {points} are recorded as {label}{average}.",
    ),
    "converted": (
        "{steps} × {step} {credit} = {after} {credit}。",
        "{steps} × {step} {credit} = {after} {credit}.",
    ),
    "below-minimum": (
        "折算得 {value} {credit}，不足最低 {minimum}，暂不折算，{had} {points} 全部保留{fate}。",
        (
            "This would be {value} {credit}, below the least of {minimum}: nothing is converted yet; {had} {points}"
            " are left{fate}."
        ),
    ),
    "standing-unknown": (
        "需要知道{unknown}，目前未知：在查明之前暂不折算。",
        "It needs {unknown}, not known yet: nothing is converted until then.",
    ),
    "term-cap": (
        "每学期最多 {limit} {credit}，本学期已认定 {standing}：{before} {effect}。",
        "At most {limit} {credit} a term, {standing} already recognised this term: {before} {effect}.",
    ),
    "degree-cap": (
        "攻读期间最多 {limit} {credit}，已认定 {standing}：{before} {effect}。",
        "At most {limit} {credit} a degree, {standing} already recognised: {before} {effect}.",
    ),
}

SINCE_ENROLMENT = Text(zh="在入学之后合并", en="merged since enrolment")
IN_TERM = Text(zh="在本学期内合并", en="merged within the term")
ONCE = Text(zh="此前未在任何地方认定过学分", en="not credited anywhere before")
ONCE_OTHERWISE = Text(zh="同一项工作只能认定一次。", en="The same work is credited once.")
KEPT = ("，结转下次", " and carried over")
DROPPED = ("，不结转", " and dropped")
IN_AVERAGE = ("，计入平均绩点", ", within the grade average")
OUTSIDE_AVERAGE = ("，不计入平均绩点", ", outside the grade average")
WITHIN = ("未超出上限", "is within the cap")
NOTHING = ("", "")


def matured(days: int) -> Text:
    """The maturing time as a requirement."""
    return Text(zh=f"合并已满 {days} 天", en=f"merged {days} days or more ago")


def ripens(when: datetime | None, at: datetime | None, zone: str) -> Text | None:
    """When the maturing time is over, and the time that it was reckoned at."""
    if when is None or at is None:
        return None
    then, now = _time(when, zone), _time(at, zone)
    return Text(
        zh=f"将于 {then} 满期（按 {now} 计算），届时即可申请。",
        en=f"That is at {then}, reckoned here at {now}; it can be claimed from then on.",
    )


def repository_limit(limit: Decimal, share: Decimal | None, total: Decimal) -> tuple[str, str]:
    """How the limit on one repository came about: by ``share`` of ``total``, or as a fixed number (share None)."""
    if share is None:
        return f"同一仓库最多 {to_text(limit)}", f"At most {to_text(limit)} from one repository"
    percent = to_text(share * 100)
    return (
        f"涉及两个以上仓库时，同一仓库最多占总分 {to_text(total)} 的 {percent}%，即 {to_text(limit)}",
        (
            f"With two repositories or more, at most {percent}% of all {to_text(total)} from one, which is "
            f"{to_text(limit)}"
        ),
    )


def cut_to(after: Decimal) -> tuple[str, str]:
    """What a cap on credit left."""
    left = to_text(after)
    return f"减为 {left}，超出部分不结转", f"becomes {left}; what is above the cap is not carried over"


def kind_limit(kind: str, limit: Decimal) -> tuple[str, str]:
    return (
        f"“{kind}”类贡献最多 {to_text(limit)}",
        f"At most {to_text(limit)} from contributions of kind “{kind}”",
    )


_PERIODS = {"day": ("同一天", "one day"), "week": ("同一周", "one week"), "month": ("同一月", "one month")}


def period_limit(each: str, limit: Decimal) -> tuple[str, str]:
    zh, en = _PERIODS[each]
    return f"{zh}合并的贡献最多 {to_text(limit)}", f"At most {to_text(limit)} from what was merged in {en}"


def tier_limit(tier: str, limit: Decimal) -> tuple[str, str]:
    return (
        f"“{tier}”级仓库最多 {to_text(limit)}",
        f"At most {to_text(limit)} from repositories of tier “{tier}”",
    )


def best_of(best: int, within: str) -> tuple[str, str]:
    """What a selection keeps: of the claim, of each repository, of each kind."""
    where = {
        "claim": ("", ""),
        "repository": ("每个仓库", " of each repository"),
        "kind": ("每类贡献", " of each kind"),
    }
    zh, en = where[within]
    if best == 1:
        return f"{zh}只计得分最高的 1 项", f"Only the best contribution{en} counts"
    return f"{zh}只计得分最高的 {best} 项", f"Only the best {best} contributions{en} count"


def few(names: Sequence[str], most: int = 3) -> tuple[str, str]:
    """Names in a sentence: the first ones, and how many more there are."""
    more = len(names) - most
    zh, en = "、".join(names[:most]), ", ".join(names[:most])
    return (f"{zh} 等 {len(names)} 项", f"{en} and {more} more") if more > 0 else (zh or "无", en or "none")


def in_favour_of(names: Sequence[str]) -> tuple[str, str]:
    """In whose favour something was taken; nothing where there is nobody."""
    zh, en = few(names)
    return (f"，让予 {zh}", f" in favour of {en}") if names else NOTHING


def say(key: str, **slots: Slot) -> Texts:
    """The sentence ``key`` in both languages, its places filled."""
    zh: dict[str, str] = {}
    en: dict[str, str] = {}
    for name, slot in slots.items():
        zh[name], en[name] = _fill(slot)
    template_zh, template_en = _TEMPLATES[key]
    return {"en": template_en.format_map(en).strip(), "zh": template_zh.format_map(zh).strip()}


_WAYS = {
    "at-least": ("{fact}至少为 {value}", "{fact} would have to be {value} or more"),
    "at-most": ("{fact}至多为 {value}", "{fact} would have to be {value} or less"),
    "since": ("{fact}不早于 {value}", "{fact} would have to be {value} or later"),
    "until": ("{fact}不晚于 {value}", "{fact} would have to be {value} or earlier"),
    "such-as": ("{fact}例如为“{value}”", "{fact} would have to be such as “{value}”"),
    "exactly": ("{fact}应为 {value}", "{fact} would have to be: {value}"),
}


def needed(fact: str, way: str, value: Value, zone: str) -> tuple[str, str]:
    """What a fact would have to be."""
    zh, en = _WAYS[way]
    label = CONDITION_FACTS[fact]
    value_zh, value_en = _value(value, zone)
    return (
        zh.format(fact=f"“{label.zh}”", value=value_zh),
        en.format(fact=f"“{label.en}”", value=value_en),
    )


def change(value: Decimal) -> str:
    return signed(value)


def seen(values: Mapping[str, Value | None], zone: str) -> tuple[str, str]:
    """The values that a rule saw, in brackets (times in ``zone``); nothing where it saw none."""
    if not values:
        return NOTHING
    zh: list[str] = []
    en: list[str] = []
    for name, value in values.items():
        fact = CONDITION_FACTS[name]
        value_zh, value_en = _value(value, zone)
        zh.append(f"{fact.zh}：{value_zh}")
        en.append(f"{fact.en}: {value_en}")
    return f"（{'；'.join(zh)}）", f" ({'; '.join(en)})"


def named(facts: Iterable[str]) -> tuple[str, str]:
    """The labels of facts, listed."""
    known = [CONDITION_FACTS[name] for name in facts]
    return "、".join(f"“{fact.zh}”" for fact in known), ", ".join(f"“{fact.en}”" for fact in known)


def _fill(slot: Slot) -> tuple[str, str]:
    """The slot in Chinese and in English."""
    if isinstance(slot, tuple):
        return slot
    if isinstance(slot, Text):
        return slot.zh, slot.en
    text = to_text(slot) if isinstance(slot, Decimal) else str(slot)
    return text, text


def _value(value: Value | None, zone: str) -> tuple[str, str]:
    """A seen value in Chinese and in English."""
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, datetime):
        text = _time(value, zone)
        return text, text
    if value is None:
        return "未知", "unknown"
    if isinstance(value, list):
        return ("、".join(value) or "无"), (", ".join(value) or "none")
    text = str(value)
    return (text, text) if text else ("无", "none")


@lru_cache(maxsize=4096)
def _time(when: datetime, zone: str) -> str:
    """To the minute, with the offset: ``2025-03-01 08:00 +08:00``."""
    text = when.astimezone(ZoneInfo(zone)).isoformat(" ", "minutes")
    return f"{text[:16]} {text[16:]}"
