"""Random expressions with correct types, and random facts for them, to compare one engine with another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

from credits.rules.expressions import cel
from credits.rules.fact_catalogue import CONDITION_FACTS, Kind
from credits.rules.facts import Value

_BY_KIND: dict[Kind, list[str]] = {
    kind: sorted(name for name, fact in CONDITION_FACTS.items() if fact.kind == kind)
    for kind in ("text", "whole", "yes-no", "time", "texts")
}
# Few names, so that expressions and known facts match. With all 70 names, most facts would be unknown.
_NAMES: dict[str, list[str]] = {
    "text": ["contribution.kind", "repository.licence", "student.level"],
    "whole": ["repository.stars", "contribution.additions", "contribution.changed_lines"],
    "yes-no": ["repository.is_fork", "repository.osi_approved", "contribution.merged_by_self"],
    "time": ["contribution.merged_at", "student.enrolled_on", "term.starts"],
    "texts": ["contribution.labels"],
}
_WHOLE = [0, 1, 2, 3, 7, 20, 100, 2**31, 2**53, 2**62, 2**63 - 1]
_TEXTS = [
    "",
    "a",
    "ab",
    "b",
    "review",
    "pull_request",
    "MIT",
    "é",
    "标签",
    "😀",
    "\\\\",
    "\\n",
    "it''s".replace("''", "’"),
]
_TIMES = [
    "2025-03-01T00:00:00Z",
    "2024-02-29T23:59:59.999999+08:00",
    "2000-01-01T12:00:00-11:30",
    "1970-01-01T00:00:00Z",
    "2199-12-31T23:59:59Z",
    "1900-01-01T00:00:00.5Z",
]
_SPANS = ["0s", "1s", "-90m", "24h", "1.5h", "2400h30m", "-100000h", "250ms", "1us", "876000h"]
_ZONES = [UTC, timezone(timedelta(hours=8)), ZoneInfo("Europe/Brussels"), ZoneInfo("America/New_York")]


@dataclass
class Expressions:
    """An endless source of expressions. The same ``seed`` gives the same expressions."""

    seed: int
    _loops: int = 0
    _variables: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)

    def __iter__(self) -> Iterator[cel.CheckedExpression]:
        while True:
            found = cel.check(*self.text())
            if isinstance(found, cel.CheckedExpression):
                yield found

    def text(self) -> tuple[str, cel.Wanted]:
        """Return one expression. The check may still refuse it as too large or as never computable."""
        self._loops = 0
        self._variables = []
        wanted: cel.Wanted = self._random.choice(("yes-no", "yes-no", "whole"))
        return self._of(wanted, self._random.randint(1, 5)), wanted

    def facts(self) -> dict[str, Value]:
        """Return known values for some of the facts."""
        pick, kinds = self._random, CONDITION_FACTS
        known = pick.choice((0.6, 0.97, 1.0))
        names = [name for of_kind in _NAMES.values() for name in of_kind]
        names.append(pick.choice(sorted(kinds)))
        return {name: self._value(kinds[name].kind) for name in sorted(set(names)) if pick.random() < known}

    def _value(self, kind: Kind) -> Value:
        pick = self._random
        if kind == "whole":
            return pick.choice([pick.choice(_WHOLE[:9]), -pick.choice(_WHOLE[:9]), pick.randint(-9, 99)])
        if kind == "yes-no":
            return pick.random() < 0.5
        if kind == "time":
            at = datetime(1970, 1, 2, tzinfo=UTC) + timedelta(
                microseconds=pick.randrange(7_258_000_000_000_000)
            )
            at = pick.choice([at, datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 10, 26, 1, tzinfo=UTC)])
            return at.astimezone(pick.choice(_ZONES))
        if kind == "texts":
            return [self._plain() for _ in range(pick.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 100, 101]))]
        return self._plain()

    def _plain(self) -> str:
        return self._random.choice(_TEXTS).replace("\\\\", "\\").replace("\\n", "\n")

    def _of(self, kind: str, depth: int) -> str:
        ways = _WAYS[kind]
        if depth <= 0:
            return self._leaf(kind)
        way = self._random.choice(ways)
        if "{loop}" in way and self._loops >= cel.MAX_LOOPS:
            return self._leaf(kind)
        return self._filled(way, depth)

    def _filled(self, way: str, depth: int) -> str:
        if way == "{loop}":
            return self._loop(depth)
        text = way
        while "{" in text:
            before, _, rest = text.partition("{")
            kind, _, after = rest.partition("}")
            text = before + self._of(kind, depth - 1).replace("{", "\0").replace("}", "\1") + after
        return text.replace("\0", "{").replace("\1", "}")

    def _loop(self, depth: int) -> str:
        self._loops += 1
        of, over = self._random.choice([("text", "texts"), ("whole", "wholes"), ("yes-no", "yes-nos")])
        listed = self._of(over, depth - 1)
        variable = self._random.choice("xyx")
        self._variables.append((variable, of))
        body = self._of("yes-no", depth - 1)
        self._variables.pop()
        how = self._random.choice(("exists", "all", "exists_one"))
        return f"{listed}.{how}({variable}, {body})"

    def _leaf(self, kind: str) -> str:
        pick = self._random
        near = dict(self._variables)
        variables = [name for name, of in near.items() if of == kind]
        if variables and pick.random() < 0.7:
            return pick.choice(variables)
        names = _NAMES.get(kind)
        if names and pick.random() < 0.6:
            return pick.choice(names) if pick.random() < 0.95 else pick.choice(_BY_KIND[kind])  # type: ignore[index]
        if kind == "whole":
            number = pick.choice(_WHOLE)
            return str(number) if pick.random() < 0.7 else f"-{number}"
        if kind == "yes-no":
            return pick.choice(("true", "false"))
        if kind == "time":
            return f"timestamp('{pick.choice(_TIMES)}')"
        if kind == "span":
            return f"duration('{pick.choice(_SPANS)}')"
        if kind == "text":
            return f"'{pick.choice(_TEXTS)}'"
        of = {"texts": "text", "wholes": "whole", "yes-nos": "yes-no"}[kind]
        return "[" + ", ".join(self._leaf(of) for _ in range(pick.randint(1, 4))) + "]"


_WAYS: dict[str, tuple[str, ...]] = {
    "yes-no": (
        "({yes-no} && {yes-no})",
        "({yes-no} || {yes-no})",
        "({yes-no} && {yes-no})",
        "({yes-no} || {yes-no})",
        "!{yes-no}",
        "({yes-no} ? {yes-no} : {yes-no})",
        "({yes-no} == {yes-no})",
        "({yes-no} < {yes-no})",
        "({whole} == {whole})",
        "({whole} != {whole})",
        "({whole} < {whole})",
        "({whole} >= {whole})",
        "({text} == {text})",
        "({text} <= {text})",
        "({text} > {text})",
        "({time} < {time})",
        "({time} >= {time})",
        "({time} == {time})",
        "({span} < {span})",
        "({span} >= {span})",
        "({texts} == {texts})",
        "({wholes} != {wholes})",
        "({text} in {texts})",
        "({whole} in {wholes})",
        "{text}.startsWith({text})",
        "{text}.endsWith({text})",
        "{text}.contains({text})",
        "{yes-nos}[{whole}]",
        "{loop}",
        "{loop}",
        "{loop}",
    ),
    "whole": (
        "({whole} + {whole})",
        "({whole} - {whole})",
        "({whole} * {whole})",
        "({whole} / {whole})",
        "({whole} % {whole})",
        "({whole} / 20)",
        "-({whole})",
        "({yes-no} ? {whole} : {whole})",
        "size({text})",
        "{text}.size()",
        "size({texts})",
        "{wholes}.size()",
        "{wholes}[{whole}]",
    ),
    "text": ("({yes-no} ? {text} : {text})", "{texts}[{whole}]", "{texts}[0]"),
    "time": ("({time} + {span})", "({time} - {span})", "({yes-no} ? {time} : {time})"),
    "span": ("({time} - {time})", "({yes-no} ? {span} : {span})"),
    "texts": ("({yes-no} ? {texts} : {texts})", "[{text}, {text}]"),
    "wholes": ("({yes-no} ? {wholes} : {wholes})", "[{whole}, {whole}, {whole}]"),
    "yes-nos": ("[{yes-no}, {yes-no}]",),
}


def differences(seed: int, pairs: int, facts_each: int = 5) -> list[str]:
    """Return the cases in which the translation and the CEL library disagree, on ``pairs`` of expression and facts."""
    source = Expressions(seed)
    found: list[str] = []
    for turn, expression in enumerate(source):
        if turn * facts_each >= pairs:
            return found
        for _ in range(facts_each):
            facts = source.facts()
            known = cel.BoundFacts(facts)
            ours, theirs = expression.value(known), expression.reference(known)
            undecided = expression.undecided(known.bound)
            if (type(ours), ours) != (type(theirs), theirs):
                found.append(f"{expression.text}\n  on {facts}:\n  {ours} and not {theirs}")
            elif undecided != ours and not (isinstance(ours, cel.FailedValue) and "more than" in ours.reason):
                found.append(f"{expression.text}\n  on {facts}:\n  exactly {undecided} and not {theirs}")
    return found


def soak(pairs: int = 100_000, seed: int = 1) -> list[str]:
    """Return the differences on many pairs, and print the progress. Each part has its own seed.

    It can run for hours, so it is not part of the tests.
    """
    found: list[str] = []
    part = 5_000
    for turn in range(0, pairs, part):
        found += differences(seed + turn, min(part, pairs - turn))
        print(f"{min(turn + part, pairs):,} of {pairs:,} pairs, {len(found)} differences", flush=True)
    return found


if __name__ == "__main__":
    print(*soak(*map(int, sys.argv[1:])), sep="\n")
