"""The sentences of a trace, in Chinese and English: readable by a student, exact enough for a panel.

Both languages are stored with the outcome, so they are templates here and not translations looked up when shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from credits.rules.decimals import signed_text, to_text
from credits.rules.document.field_types import RulebookText
from credits.rules.fact_catalogue import CONDITION_FACTS, LABELS, SINCE, UNTIL, WORDS
from credits.rules.facts import Value
from credits.text import BilingualText, join_clauses

Slot = str | int | Decimal | RulebookText | tuple[str, str]
"""What fills a template: a number or name that is the same in both languages, a bilingual text, or a pair (zh, en)."""

_TEMPLATES: dict[str, tuple[str, str]] = {
    "met": ("符合：{what}{saw}。", "Met: {what}{saw}."),
    "not-met": ("不符合：{what}{saw}。{otherwise}", "Not met: {what}{saw}. {otherwise}"),
    "undecided": (
        "暂不能判断：{what}。需要知道{unknown}，目前未知；查明之前暂不计入，也不算作拒绝。",
        (
            "Undecided: {what}. This needs {unknown}, which is not known yet. Until then it does not "
            "count, but it is not refused."
        ),
    ),
    "failed": (
        "暂不能判断：{what}。按现有数据无法计算（{reason}）；暂不计入，也不算作拒绝。",
        (
            "Undecided: {what}. It cannot be computed from the available data ({reason}). It does not "
            "count yet, but it is not refused."
        ),
    ),
    "accepted": ("审核教师已接受此项贡献。", "The reviewer accepted this contribution."),
    "refused": (
        "审核教师不接受此项贡献，不计分。",
        "The reviewer refused this contribution; it gives no points.",
    ),
    "given": ("{what}：{change} {points}{saw}。", "{what}: {change} {points}{saw}."),
    "band": (
        "{what}：数值为 {value}，高于 {above}，{change} {points}{saw}。",
        "{what}: {value} is more than {above}, {change} {points}{saw}.",
    ),
    "no-band": (
        "{what}：数值为 {value}，不高于最低档 {above}，不加分{saw}。",
        "{what}: {value} is not more than {above}, where the lowest band starts; no points added{saw}.",
    ),
    "not-applied": ("{what}：条件不满足，不适用{saw}。", "{what}: does not apply here{saw}."),
    "awarded": (
        "{what}：审核教师评 {value}（范围 {low} 至 {high}），{change} {points}。",
        "{what}: the reviewer gave {value} (from {low} to {high}), {change} {points}.",
    ),
    "not-awarded": (
        "{what}：审核教师尚未评定（范围 {low} 至 {high}），暂计 0。",
        "{what}: the reviewer has not given a value yet (from {low} to {high}); 0 for now.",
    ),
    "not-below-zero": ("一项贡献的得分不低于 0。", "A contribution gives at least 0 {points}."),
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
        "Eligible contributions: {count}; total {total} {points}.",
    ),
    "group-own": (
        "{limit_text}：此项减去 {taken} {points}{favoured}（先合并的优先保留）。",
        (
            "{limit_text}: {taken} {points} are taken off this contribution{favoured} (work merged first "
            "has priority)."
        ),
    ),
    "group": (
        "{limit_text}：{group}原有 {had} {points}，减去 {taken} {points}；保留得分的是 {kept}。{also}",
        "{limit_text}: {group} had {had}; {taken} {points} are taken off. Points are kept by {kept}. {also}",
    ),
    "others-too": (
        "此上限因 {others} 也有得分而适用；若只有 {group}，可保留 {alone} {points}。",
        "This limit applies because {others} gave points too; alone, {group} would keep {alone}.",
    ),
    "fewer-than-alone": (
        (
            "此上限因 {others} 也有得分而适用；若只有 {group}，可保留 {alone} {points}，"
            "现在合计只有 {after} {points}，反而更少。"
        ),
        (
            "This limit applies because {others} gave points too; alone, {group} would keep {alone}, "
            "more than the {after} that everything gives together now."
        ),
    ),
    "mix-met": (
        "符合：{what}（需要 {need}，计入的有 {found}）。",
        "Met: {what} ({need} needed, {found} eligible).",
    ),
    "mix-not-met": (
        (
            "不符合：{what}（需要 {need}，计入的有 {found}，还差 {short}）；暂不认定，"
            "可与更多贡献一并再次申请。{otherwise}"
        ),
        (
            "Not met: {what} ({need} needed, {found} eligible, {short} more to go). Nothing is "
            "recognised yet; you can apply again with these and further contributions. {otherwise}"
        ),
    ),
    "mix-undecided": (
        "暂不能判断：{what}（需要 {need}，已确定 {found}，{open} 项的事实未知）；查明之前暂不计入，也不算作拒绝。",
        (
            "Undecided: {what} ({need} needed, {found} certain, {open} with data not known yet). Until "
            "then it does not count, but it is not refused."
        ),
    ),
    "mix-own": (
        "整份申请尚不符合“{what}”：此项的 {taken} {points} 暂不计。",
        (
            "The application as a whole does not meet “{what}” yet, so the {taken} {points} of this "
            "contribution do not count for now."
        ),
    ),
    "selection-own": (
        "{scope}：此项未入选，{taken} {points}不计{favoured}。",
        "{scope}: this contribution is not among them, so its {taken} {points} do not count{favoured}.",
    ),
    "selection": (
        "{scope}：其余 {count} 项共 {taken} {points}不计；入选的是 {kept}。",
        "{scope}: {count} others with {taken} {points} do not count; {kept} are kept.",
    ),
    "would-need": (
        "若要符合“{what}”：{needed}。",
        "To meet “{what}”: {needed}.",
    ),
    "would-need-other": ("尚不符合“{what}”。{otherwise}", "“{what}” is not met. {otherwise}"),
    "would-be": ("需要：{what}{saw}。{otherwise}", "Needed: {what}{saw}. {otherwise}"),
    "would-be-accepted": (
        "需要：审核教师接受此项贡献；审核教师的理由见审核意见。",
        "Needed: a reviewer accepts this contribution. The decision gives the reasons.",
    ),
    "less": ("本项原得 {before} {points}，计入 {after} {points}。", "Counts {after} of {before} {points}."),
    "carried-in": ("上次结转 {value} {points}。", "Carried over from last time: {value} {points}."),
    "carried-in-unknown": (
        "上次结转的{points}未知，暂按 0 计。",
        "The number of {points} carried over is unknown; 0 for now.",
    ),
    "converted-points": (
        "每满 {per} {points}折算 {step} {credit}：{had} {points}中折算 {used}，{left}。",
        "Every full {per} {points} give {step} {credit}: {used} of {had} are converted; {left}.",
    ),
    "converted-points-nearest": (
        (
            "每 {per} {points}为一档，一档 {step} {credit}，四舍五入到整档："
            "{had} {points}折为 {steps} 档，用去 {used}，{left}。"
        ),
        (
            "Every {per} {points} give {step} {credit}, rounded to the nearest step: {had} make {steps} "
            "steps, {used} are used; {left}."
        ),
    ),
    "converted-points-up": (
        (
            "每 {per} {points}为一档，一档 {step} {credit}，不足一档按一档计："
            "{had} {points}折为 {steps} 档，用去 {used}，{left}。"
        ),
        (
            "Every {per} {points} give {step} {credit}, rounded up to a full step: {had} make {steps} "
            "steps, {used} are used; {left}."
        ),
    ),
    "table-points": (
        "满 {at_least} {points}折算 {gained} {credit}：{had} {points}中用去 {used}，{left}。",
        "{at_least} {points} give {gained} {credit}: {used} of {had} are used; {left}.",
    ),
    "table-below": (
        "至少 {first} {points}才折算{credit}：现有 {had} {points}，尚不足，{left}。",
        "At least {first} {points} are needed for {credit}: {had} are not enough; {left}.",
    ),
    "table": (
        "按折算表，满 {at_least} {points}得 {gained} {credit}。",
        "By the table, {at_least} {points} give {gained} {credit}.",
    ),
    "difference": (
        "只认定差额：已认定 {standing} {credit}，本次 {before} {credit}减为 {after} {credit}。",
        (
            "Only the difference is recognised: {standing} {credit} are already recognised, so {before} "
            "becomes {after}."
        ),
    ),
    "grade": ("成绩记载：{label}{average}。", "Recorded as {label}{average}."),
    "grade-by-points": (
        "成绩记载：{value} {points}记为“{label}”{average}。",
        "{value} {points} are recorded as {label}{average}.",
    ),
    "converted": (
        "{steps} × {step} {credit} = {after} {credit}。",
        "{steps} × {step} {credit} = {after} {credit}.",
    ),
    "below-minimum": (
        "折算得 {value} {credit}，不足最低 {minimum} {credit}，暂不折算，{left}。",
        (
            "This would be {value} {credit}, less than the minimum of {minimum}: nothing is converted "
            "yet; {left}."
        ),
    ),
    "standing-unknown": (
        "需要知道{unknown}，目前未知：在查明之前暂不折算。",
        "This needs {unknown}, which is not known yet; nothing is converted until then.",
    ),
    "term-cap": (
        (
            "本次可得 {before} {credit}，"
            "每学期最多认定 {limit} {credit}（本学期已认定 {standing} {credit}）{effect}。"
        ),
        "At most {limit} {credit} per term, {standing} already recognised this term: {before} {effect}.",
    ),
    "degree-cap": (
        "本次可得 {before} {credit}，攻读期间最多认定 {limit} {credit}（已认定 {standing} {credit}）{effect}。",
        "At most {limit} {credit} per degree, {standing} already recognised: {before} {effect}.",
    ),
}

SINCE_ENROLMENT = RulebookText(zh="在入学之后合并", en="merged since enrolment")
IN_TERM = RulebookText(zh="在本学期内合并", en="merged within the term")
ONCE = RulebookText(zh="此前未在任何地方认定过学分", en="not credited anywhere before")
ONCE_OTHERWISE = RulebookText(zh="同一项工作只能认定一次。", en="The same work is credited once.")
KEPT = ("，转入下次", " and carried over")
DROPPED = ("，不转入下次", " and not carried over")
IN_AVERAGE = ("，计入平均绩点", ", within the grade average")
OUTSIDE_AVERAGE = ("，不计入平均绩点", ", outside the grade average")
WITHIN = ("，未超出上限", "is within the cap")
NOTHING = ("", "")


def maturing_requirement(days: int) -> RulebookText:
    """Return the maturing time as a requirement."""
    return RulebookText(zh=f"合并已满 {days} 天", en=f"merged at least {days} days ago")


def maturing_times(when: datetime | None, at: datetime | None, zone: str) -> RulebookText | None:
    """Return when the maturing time ends, and the time for which this was computed; None if either is unknown."""
    if when is None or at is None:
        return None
    then, now = _time(when, zone), _time(at, zone)
    return RulebookText(
        zh=f"将于{then[0]} 满期（本次按{now[0]} 计算），届时即可申请。",
        en=f"This will be so at {then[1]} (calculated as of {now[1]}); you can apply with it from then on.",
    )


def repository_limit(
    limit: Decimal, share: Decimal | None, total: Decimal, unit: RulebookText
) -> tuple[str, str]:
    """Return the limit on one repository: a ``share`` of ``total``, or a fixed number (``share`` is None)."""
    zh, en = _amount(limit, unit)
    if share is None:
        return f"同一仓库最多 {zh}", f"At most {en} from one repository"
    percent = to_text(share * 100)
    return (
        f"涉及两个以上仓库时，同一仓库最多占总分 {to_text(total)} 的 {percent}%，即 {zh}",
        f"With two or more repositories, at most {percent}% of the total {to_text(total)} from one, that is {en}",
    )


def credit_cap_text(after: Decimal, unit: RulebookText) -> tuple[str, str]:
    """Return what a cap on credit left."""
    return (
        f"，减为 {_amount(after, unit)[0]}，多出的学分作废",
        f"is reduced to {to_text(after)}; credit above the cap is lost",
    )


def remainder_text(rest: Decimal, fate: tuple[str, str], unit: RulebookText) -> tuple[str, str]:
    """Return how many points are left after conversion, and whether they are carried over."""
    if not rest:
        return "没有剩余", "nothing is left"
    return f"余 {_amount(rest, unit)[0]}{fate[0]}", f"{to_text(rest)} are left{fate[1]}"


def kind_limit(kind: str, limit: Decimal, unit: RulebookText) -> tuple[str, str]:
    zh, en = _amount(limit, unit)
    called = word("contribution.kind", kind)
    return f"“{called[0]}”类贡献最多 {zh}", f"At most {en} from contributions of kind “{called[1]}”"


_PERIODS = {"day": ("同一天", "one day"), "week": ("同一周", "one week"), "month": ("同一月", "one month")}


def period_limit(each: str, limit: Decimal, unit: RulebookText) -> tuple[str, str]:
    zh, en = _amount(limit, unit)
    within = _PERIODS[each]
    return f"{within[0]}合并的贡献最多 {zh}", f"At most {en} from work merged in {within[1]}"


def period_name(name: str) -> tuple[str, str]:
    """Return a day (``2025-03-01``), ISO week (``2025-W09``) or month (``2025-03``) in words."""
    if "W" in name:
        year, week = name.split("-W")
        zh, en = zip(*(_day(date.fromisocalendar(int(year), int(week), at)) for at in (1, 7)), strict=True)
        return f"{zh[0]}至{zh[1]}这一周", f"{en[0]} to {en[1]}"
    if len(name) == len("2025-03"):
        first = date.fromisoformat(f"{name}-01")
        return f"{first.year}年{first.month}月", f"{_MONTHS[first.month - 1]} {first.year}"
    return _day(date.fromisoformat(name))


def tier_limit(tier: str, limit: Decimal, unit: RulebookText) -> tuple[str, str]:
    zh, en = _amount(limit, unit)
    return f"“{tier}”级仓库最多 {zh}", f"At most {en} from repositories of tier “{tier}”"


def _amount(value: Decimal, unit: RulebookText) -> tuple[str, str]:
    return f"{to_text(value)} {unit.zh}", f"{to_text(value)} {unit.en}"


def best_of(best: int, within: str) -> tuple[str, str]:
    """Return what a selection keeps: of the claim, of each repository or of each kind."""
    where = {
        "claim": ("", ""),
        "repository": ("每个仓库", " of each repository"),
        "kind": ("每类贡献", " of each kind"),
    }
    zh, en = where[within]
    if best == 1:
        return f"{zh}只计得分最高的 1 项", f"Only the best contribution{en} counts"
    return f"{zh}只计得分最高的 {best} 项", f"Only the best {best} contributions{en} count"


def first_names(names: Sequence[str], most: int = 3) -> tuple[str, str]:
    """Return the first names, and how many more there are."""
    more = len(names) - most
    zh, en = "、".join(names[:most]), ", ".join(names[:most])
    return (f"{zh} 等 {len(names)} 项", f"{en} and {more} more") if more > 0 else (zh or "无", en or "none")


def in_favour_of(names: Sequence[str]) -> tuple[str, str]:
    """Return which contributions kept points that were taken here; empty if there are none."""
    zh, en = first_names(names)
    return (f"，让予 {zh}", f" in favour of {en}") if names else NOTHING


def sentence(key: str, **slots: Slot) -> BilingualText:
    """Return the sentence ``key`` in both languages, with its placeholders filled."""
    zh: dict[str, str] = {}
    en: dict[str, str] = {}
    for name, slot in slots.items():
        zh[name], en[name] = _fill(slot)
    template_zh, template_en = _TEMPLATES[key]
    return {"en": template_en.format_map(en).strip(), "zh": template_zh.format_map(zh).strip()}


_WAYS = {
    "at-least": ("{fact}至少为 {value}", "{fact} would have to be {value} or more"),
    "at-most": ("{fact}至多为 {value}", "{fact} would have to be {value} or less"),
    "since": ("{fact}不早于{value}", "{fact} would have to be {value} or later"),
    "until": ("{fact}不晚于{value}", "{fact} would have to be {value} or earlier"),
    "such-as": ("{fact}例如为“{value}”", "{fact} would have to be such as “{value}”"),
    "exactly": ("{fact}应为“{value}”", "{fact} would have to be “{value}”"),
}


def needed(fact: str, way: str, value: Value, zone: str) -> tuple[str, str]:
    """Return the value that a fact would need, in words."""
    zh, en = _WAYS[way]
    label_en, label_zh = LABELS[fact]
    value_zh, value_en = _value(fact, value, zone, exact=True)
    return (
        zh.format(fact=f"“{label_zh}”", value=value_zh),
        en.format(fact=f"“{label_en}”", value=value_en),
    )


def change_text(value: Decimal) -> str:
    return signed_text(value) if value else "+0"


def seen_values_text(values: Mapping[str, Value | None], zone: str) -> tuple[str, str]:
    """Return the values that a rule saw, in brackets (times in ``zone``); empty if it saw none."""
    if not values:
        return NOTHING
    clauses: list[tuple[str, str]] = []
    for name, value in values.items():
        label_en, label_zh = LABELS[name]
        value_zh, value_en = _value(name, value, zone)
        clauses.append((f"{label_zh}：{value_zh}", f"{label_en}: {value_en}"))
    zh, en = join_clauses(clauses)
    return f"（{zh}）", f" ({en})"


def fact_labels(facts: Iterable[str]) -> tuple[str, str]:
    """Return the labels of facts as a list; for a yes-no fact, whether it is true."""
    zh: list[str] = []
    en: list[str] = []
    for name in facts:
        label_en, label_zh = LABELS[name]
        asked = CONDITION_FACTS[name].kind == "yes-no"
        zh.append(f"“{label_zh}”是否属实" if asked else f"“{label_zh}”")
        en.append(f"whether “{label_en}” is true" if asked else f"“{label_en}”")
    return "、".join(zh), ", ".join(en)


def word(fact: str, value: str) -> tuple[str, str]:
    """Return a fact's text in Chinese and English: a machine word by its label, any other text as it is."""
    words = WORDS.get(fact)
    if words is None or value not in words:
        return value, value
    en, zh = words[value]
    return zh, en


def _fill(slot: Slot) -> tuple[str, str]:
    """Return the slot in Chinese and in English."""
    if isinstance(slot, tuple):
        return slot
    if isinstance(slot, RulebookText):
        return slot.zh, slot.en
    text = to_text(slot) if isinstance(slot, Decimal) else str(slot)
    return text, text


def _value(name: str, value: Value | None, zone: str, *, exact: bool = False) -> tuple[str, str]:
    """Return the value of a fact in Chinese and English. ``exact``: show the seconds of times that have them."""
    if isinstance(value, bool):
        return ("是", "yes") if value else ("否", "no")
    if isinstance(value, datetime):
        return _time(value, zone, name, exact=exact)
    if value is None:
        return "未知", "unknown"
    if isinstance(value, list):
        return ("、".join(value) or "无"), (", ".join(value) or "none")
    if isinstance(value, int) and name.endswith("_hundredths"):
        text = to_text(Decimal(value).scaleb(-2))
        return text, text
    return word(name, str(value)) if value != "" else ("无", "none")


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def _day(day: date) -> tuple[str, str]:
    return f"{day.year}年{day.month}月{day.day}日", f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


@lru_cache(maxsize=4096)
def _time(when: datetime, zone: str, name: str = "", *, exact: bool = False) -> tuple[str, str]:
    """Return a time in Chinese and English, to the minute; only the day for facts that people know by their day."""
    local = when.astimezone(ZoneInfo(zone))
    if name in SINCE and local.time() == time.min:
        return _day(local)
    if name in UNTIL and local.time() == time.min:
        return _day(local - timedelta(days=1))
    zh, en = _day(local)
    clock = f"{local.hour:02}:{local.minute:02}"
    if exact and local.second:
        clock += f":{local.second:02}"
    return f"{zh} {clock}", f"{en}, {clock}"
