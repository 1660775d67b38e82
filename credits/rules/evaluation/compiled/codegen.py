"""Generate from a rulebook the function that computes the points of each contribution of a claim.

The frame is our own text, below. Only numbers of the rulebook enter this text; its conditions enter as syntax trees
(:mod:`credits.rules.expressions.expression_to_python`). Nothing that an author wrote is read as Python.

Points are whole numbers of 10**-places of a point. Each factor and the share multiply by a whole number, and every
contribution is multiplied as often, so that all end in the same unit.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from credits.rules.decimals import EXACT
from credits.rules.document.rulebook_model import PointsRule, RulebookDocument
from credits.rules.evaluation.contribution_points import checked_expression, refuse_invalid_awards
from credits.rules.expressions import cel
from credits.rules.expressions.expression_limits import MAX_ITEMS
from credits.rules.expressions.expression_to_python import HELPERS, EvaluationError, PythonTranslation
from credits.rules.fact_catalogue import CONDITION_FACTS
from credits.rules.facts import ClaimFacts, ContributionFacts, bind, hundredths, standing_of

SHARE_PLACES = 6
"""A share is a decimal of at most six places."""

_OF_THE_CLAIM = ("student.", "round.", "term.", "standing.")
"""Prefixes of facts that are the same for every contribution of a claim."""

Fallback = Callable[[ClaimFacts, ContributionFacts], int | None]


class CountedContribution(NamedTuple):
    """A contribution that counts.

    ``mixes`` are the answers of the mixes' conditions: True, False, or another value if it is undecided.
    """

    points: int
    merged_at: datetime | None
    ref: str
    repository: str
    kind: str | None
    tier: str | None
    has_share: bool
    mixes: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class GeneratedProgram:
    """The generated code of a rulebook.

    With ``sums`` the function returns the points of the claim, otherwise the items that count (for rules that span
    contributions). ``places`` are the decimal places of the unit of points.
    """

    places: int
    sums: bool
    source: str
    _code: CodeType = field(repr=False)
    _globals: Mapping[str, object] = field(repr=False)

    def function(self, fallback: Fallback) -> Callable[[ClaimFacts], Any]:
        """Return the function of a claim's facts. It calls ``fallback`` if a condition fails on a contribution."""
        return FunctionType(
            self._code, {**HELPERS, **self._globals, "_fallback": fallback, "__builtins__": {}}
        )


def generate_program(rulebook: RulebookDocument) -> GeneratedProgram:
    """Generate the program of a parsed rulebook."""
    return _ProgramWriter(rulebook).program()


def decimal_places(*values: Decimal | None) -> int:
    """Return the most decimal places that any of the values has."""
    return max(
        (max(0, -int(value.normalize(EXACT).as_tuple().exponent)) for value in values if value), default=0
    )


class _ProgramWriter:
    """Writes the lines of one rulebook's program."""

    def __init__(self, rulebook: RulebookDocument) -> None:
        self._book = rulebook
        self._lines: list[str] = []
        self._head: list[str] = []
        self._conditions: dict[str, ast.expr] = {}
        self._globals: dict[str, object] = {
            "_Trouble": EvaluationError,
            "_UTC": UTC,
            "_one": Decimal(1),
            "_tuple": tuple,
            "_Item": CountedContribution,
            "_int": int,
            "_millionths": _millionths,
            "_hundredths": hundredths,
            "_standing_of": standing_of,
            "_check_awards": partial(refuse_invalid_awards, rulebook),
            "_maturing": timedelta(days=rulebook.maturing_days),
        }
        self._facts: dict[str, str] = {}
        self._fetched_so_far = 0
        self._factor_places = [decimal_places(factor.times) for factor in rulebook.factors]
        own = self._own_places()
        # The share of all points that one repository may have multiplies one more time.
        self._share_of_all = decimal_places(rulebook.caps.repository.share)
        self._base = own + self._share_of_all
        self.places = self._base + sum(self._factor_places) + SHARE_PLACES

    def _own_places(self) -> int:
        values: list[Decimal | None] = []
        for rule in self._book.points:
            values.append(rule.give)
            values += [step.give for step in rule.bands.steps] if rule.bands else []
            values += [rule.reviewer.at_least, rule.reviewer.step] if rule.reviewer else []
        return decimal_places(*values)

    def program(self) -> GeneratedProgram:
        book = self._book
        sums = not (
            book.caps.periods
            or book.caps.kinds
            or book.caps.tiers
            or book.mix
            or book.selection.best is not None
        )
        self._write("if one.awarded: _check_awards(one)")
        self._requirements()
        for rule in book.points:
            self._points(rule)
        if any(_may_be_negative(rule) for rule in book.points):
            self._write("if p < 0: p = 0")
        for factor, places in zip(book.factors, self._factor_places, strict=True):
            times = _scaled(factor.times, places)
            if factor.when is None:
                self._write(f"p *= {times}")
            else:
                self._write(f"p *= {times} if {self._holds(factor.when)} else {10**places}")
        self._share()
        if book.caps.periods:
            self._write("if c.get('merged_at') is None: continue")
        if book.caps.contribution is not None:
            cap = _scaled(book.caps.contribution, self.places)
            self._write(f"if p > {cap}: p = {cap}")
        return self._build(sums)

    def _requirements(self) -> None:
        book = self._book
        self._write("if one.accepted is False or c.get('already_credited'): continue")
        if book.merged_since != "any" or book.maturing_days:
            self._write("merged = c.get('merged_at')")
            self._write("if merged is None: continue")
        self._head += self._times()
        if book.merged_since == "enrolment":
            self._write("if since is None or merged < since: continue")
        elif book.merged_since == "term":
            self._write("if since is None or until is None or not since <= merged <= until: continue")
        if book.maturing_days:
            self._write("if at is None or merged + _maturing > at: continue")
        for requirement in book.requirements:
            self._write(f"if not {self._holds(requirement.when)}: continue")

    def _times(self) -> list[str]:
        book, lines = self._book, []
        if book.merged_since == "enrolment":
            lines.append("since = facts.student.get('enrolled_on')")
        elif book.merged_since == "term":
            lines += ["since = facts.term.get('starts')", "until = facts.term.get('ends')"]
        return [*lines, "at = facts.as_of or facts.round.get('closes')"] if book.maturing_days else lines

    def _points(self, rule: PointsRule) -> None:
        lead = "" if rule.when is None else f"if {self._holds(rule.when)}: "
        if rule.give is not None:
            self._write(f"{lead}p += {_scaled(rule.give, self._base)}")
        elif rule.reviewer is not None:
            self._write(f"given = one.awarded.get({rule.id!r}) if one.awarded else None")
            self._write(f"if given is not None{' and ' + lead[3:-2] if lead else ''}: p += _awarded(given)")
            self._globals["_awarded"] = partial(_scaled, places=self._base)
        elif rule.bands is not None:
            self._whole(rule.bands.of, lead)
            for turn, step in enumerate(reversed(rule.bands.steps)):
                test = "if v is None: pass\nelif" if turn == 0 else "elif"
                self._write(f"{test} v > {step.above}: p += {_scaled(step.give, self._base)}")
        else:
            self._whole(rule.formula or "", lead)
            self._write(f"if v is not None: p += v * {10**self._base}")

    def _whole(self, text: str, lead: str) -> None:
        """Write the lines that set ``v`` to the whole number, or to None if unknown or not applicable."""
        value, unknown, slow = self._translated(text, "whole")
        if unknown:
            self._write(f"v = ({slow}) if {unknown} else {value}")
            self._write("if v.__class__ is not _int: v = None")
        else:
            self._write(f"v = {value}")
        if lead:
            self._write(f"if not {lead[3:-2]}: v = None")

    def _share(self) -> None:
        self._write("share = c.get('share', _one)")
        self._write("if share is None: continue")
        self._write(f"p *= {10**SHARE_PLACES} if share == 1 else _millionths(share)")

    def _holds(self, text: str) -> str:
        value, unknown, slow = self._translated(text, "yes-no")
        return f"(({slow}) is True if {unknown} else {value})" if unknown else f"({value})"

    def _translated(self, text: str, wanted: cel.Wanted) -> tuple[str, str, str]:
        """Return the code for the value on known facts, for whether a fact is unknown, and for the value if one is."""
        expression = checked_expression(text, wanted)
        names = {name: self._fact(name) for name in expression.facts}
        number = len(self._conditions)
        translation = PythonTranslation(
            lambda name: ast.Name(names[name], ast.Load()), cel.literal, prefix=f"c{number}"
        )
        self._conditions[f"_c{number}_"] = translation.translate(expression.root)
        self._globals.update(translation.constants)
        self._globals[f"_slow{number}"] = partial(_undecided, expression)
        unknown = " or ".join(f"{names[name]} is None" for name in expression.facts)
        slow = f"_slow{number}({', '.join(names[name] for name in expression.facts)})"
        return f"_c{number}_", unknown and f"({unknown})", slow

    def _fact(self, name: str) -> str:
        """Return the variable of the fact; write the lines that fetch it once."""
        if name in self._facts:
            return self._facts[name]
        self._fetched_so_far += 1
        ours = self._facts[name] = f"f{self._fetched_so_far}"
        room, _, key = name.partition(".")
        lines = self._head if name.startswith(_OF_THE_CLAIM) else self._lines
        lines += self._fetched(ours, name, room, key)
        return ours

    def _fetched(self, ours: str, name: str, room: str, key: str) -> list[str]:
        kind = CONDITION_FACTS[name].kind
        if room == "standing":
            return [f"{ours} = _hundredths(_standing_of(facts, {key.removesuffix('_hundredths')!r}))"]
        if name == "contribution.share_hundredths":
            return [f"{ours} = _hundredths(c.get('share', _one))"]
        if key == "changed_lines" or key.startswith(("files.", "lines.")):
            return self._of_files(ours, key)
        holder = {"contribution": "c", "repository": "r"}.get(room, f"facts.{room}")
        lines = [f"{ours} = {holder}.get({key!r})"]
        if name == "contribution.status":
            lines.append(f"if {ours} == 'unknown': {ours} = None")
        if kind == "time":
            lines.append(
                f"if {ours} is not None and {ours}.tzinfo is not _UTC: {ours} = {ours}.astimezone(_UTC)"
            )
        if kind == "texts":
            lines.append(f"if {ours} is not None: {ours} = _tuple({ours})")
            lines.append(f"if {ours} is not None and _len({ours}) > {MAX_ITEMS}: raise _Trouble('')")
        return lines

    def _of_files(self, ours: str, key: str) -> list[str]:
        lines = [] if "files" in self._facts else ["files = c.get('files')"]
        self._facts["files"] = "files"
        part, _, kind = key.partition(".")
        if part == "changed_lines":
            return [
                *lines,
                f"{ours} = None if files is None else 0",
                "if files:",
                "    for kind in files:",
                "        if kind != 'generated':",
                "            count = files[kind]",
                f"            if count: {ours} += count['additions'] + count['deletions']",
            ]
        what = "count['files']" if part == "files" else "count['additions'] + count['deletions']"
        return [
            *lines,
            f"count = files.get({kind!r}) if files else None",
            f"{ours} = None if files is None else {what} if count else 0",
        ]

    def _write(self, text: str) -> None:
        self._lines += text.split("\n")

    def _build(self, sums: bool) -> GeneratedProgram:
        tail = self._summed() if sums else self._listed()
        lines = [
            "def run(facts):",
            *(f"    {line}" for line in (*self._head, *tail.before)),
            "    for one in facts.contributions:",
            "        try:",
            "            c = one.contribution",
            "            r = one.repository",
            "            p = 0",
            *(f"            {line}" for line in self._lines),
            "        except _Trouble:",
            "            p = _fallback(facts, one)",
            "            if p is None: continue",
            *(f"        {line}" for line in tail.each),
            *(f"    {line}" for line in tail.after),
        ]
        source = "\n".join(lines)
        tree = _InlinedConditions(self._conditions).visit(ast.parse(source))
        whole = compile(ast.fix_missing_locations(tree), "<rulebook>", "exec", dont_inherit=True)
        code = next(const for const in whole.co_consts if isinstance(const, CodeType))
        return GeneratedProgram(self.places, sums, source, code, self._globals)

    def _summed(self) -> _ProgramTail:
        cap = self._book.caps.repository
        most = None if cap.points is None else _scaled(cap.points, self.places)
        if most is None and cap.share == 1:
            return _ProgramTail(["total = 0"], ["total += p"], ["return total"])
        if cap.share == 1:
            after = [f"    total += p if p < {most} else {most}"]
            return _ProgramTail(
                ["sums = {}"], _KEYED, ["total = 0", "for p in sums.values():", *after, "return total"]
            )
        share, unit = _scaled(cap.share, self._share_of_all), 10**self._share_of_all
        after = ["total = _sum(sums.values())"]
        limit = f"total * {share} // {unit}"
        if most is None:
            after += ["if _sum(1 for p in sums.values() if p) < 2: return total", f"limit = {limit}"]
        else:
            many = "_sum(1 for p in sums.values() if p) >= 2"
            after += [f"limit = {limit} if {many} else {most}", f"if limit > {most}: limit = {most}"]
        return _ProgramTail(
            ["sums = {}"],
            _KEYED,
            [*after, "return _sum(p if p < limit else limit for p in sums.values())"],
        )

    def _listed(self) -> _ProgramTail:
        each = [_KEY]
        mixes = []
        kept = self._lines
        for mix in self._book.mix:
            if mix.when is None:
                mixes.append("True")
                continue
            # Fetch the facts again: an error in the lines above may have skipped the lines that fetch them.
            self._facts = {name: ours for name, ours in self._facts.items() if name.startswith(_OF_THE_CLAIM)}
            self._lines = []
            value, unknown, slow = self._translated(mix.when, "yes-no")
            name = f"m{len(mixes)}"
            mixes.append(name)
            self._globals[f"_undecided_{name}"] = partial(
                _condition_value, checked_expression(mix.when, "yes-no")
            )
            self._lines.append(
                f"{name} = {slow} if {unknown} else {value}" if unknown else f"{name} = {value}"
            )
            each += ["try:", *(f"    {line}" for line in self._lines)]
            each += ["except _Trouble:", f"    {name} = _undecided_{name}(facts, one)"]
        self._lines = kept
        share = "c.get('share', _one) != 0"
        mixed = f"({', '.join(mixes)},)" if mixes else "()"
        each.append(
            "items.append(_Item(p, c.get('merged_at'), one.ref, key, c.get('kind'), r.get('tier'), "
            f"{share}, {mixed}))"
        )
        return _ProgramTail(["items = []"], each, ["return items"])


class _ProgramTail(NamedTuple):
    before: list[str]
    each: list[str]
    after: list[str]


_KEY = "key = f\"{r.get('forge') or c.get('forge') or ''}:{r.get('id') or r.get('full_name') or one.ref}\""
_KEYED = [_KEY, "sums[key] = sums.get(key, 0) + p"]


class _InlinedConditions(ast.NodeTransformer):
    """Replace the names of conditions by the conditions."""

    def __init__(self, conditions: Mapping[str, ast.expr]) -> None:
        self._conditions = conditions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._conditions.get(node.id, node)


def _undecided(expression: cel.CheckedExpression, *values: Any) -> object:
    bound = {name: value for name, value in zip(expression.facts, values, strict=True) if value is not None}
    return expression.undecided(bound)


def _condition_value(
    expression: cel.CheckedExpression, facts: ClaimFacts, contribution: ContributionFacts
) -> object:
    return expression.value(cel.BoundFacts(bind(facts, contribution)))


def _scaled(value: Decimal, places: int) -> int:
    return int(EXACT.scaleb(value, places))


def _millionths(share: Decimal) -> int:
    return _scaled(share, SHARE_PLACES)


def _may_be_negative(rule: PointsRule) -> bool:
    given = [rule.give] if rule.give is not None else []
    given += [step.give for step in rule.bands.steps] if rule.bands else []
    return rule.formula is not None or any(points < 0 for points in given)
