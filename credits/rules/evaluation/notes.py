"""The program that also notes what each rule said to each contribution, in a few signs and numbers.

Sentences in two languages take thousands of characters a contribution, these notes some thirty: enough to store for a
whole university, and to see what a change of rules does to whom. The sentences follow from the rulebook and the
frozen facts whenever somebody asks (``evaluate``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from credits.rules.decimals import EXACT, to_text
from credits.rules.document.rulebook_model import PointsRule, RulebookDocument
from credits.rules.evaluation.compiled.codegen import KEYED, GeneratedProgram, ProgramTail, ProgramWriter


def noting_program(rulebook: RulebookDocument) -> GeneratedProgram:
    """The program of a parsed rulebook that notes: its function gives the items that count (and, with ``sums``, the
    sums by repository), and the note of every contribution (:func:`brief_text` reads it)."""
    return _Noting(rulebook).program()


class _Noting(ProgramWriter):
    """Asks every requirement, as the evaluation does, and keeps what each said and each points rule gave."""

    gone = "notes.append((one.ref, said, None, None)); continue"

    def program(self) -> GeneratedProgram:
        self._gifts: list[str] = []
        return super().program()

    def _requirements(self) -> None:
        book = self._book
        answers = ["once"]
        self._say("once = not c.get('already_credited')")
        self._head += ["notes = []", *self._times()]
        self._merged()
        if book.merged_since == "enrolment":
            answers.append("after")
            self._say("after = None if since is None or merged is None else since <= merged")
        elif book.merged_since == "term":
            answers.append("after")
            self._say("unknown = since is None or until is None or merged is None")
            self._say("after = None if unknown else since <= merged <= until")
        if book.maturing_days:
            answers.append("ripe")
            self._say("ripe = None if merged is None or at is None else merged + _maturing <= at")
        for number, requirement in enumerate(book.requirements):
            answers.append(f"a{number}")
            self._say(f"a{number} = {self._answer(requirement.when)}")
        accepted = "one.accepted is not False"
        self._say(f"said = ({', '.join(answers)}, one.accepted)")
        self._say(f"if not ({' and '.join(answers)} and {accepted}): {self.gone}")

    def _answer(self, text: str) -> str:
        value, unknown, slow = self._translated(text, "yes-no")
        return f"(_told({slow}) if {unknown} else {value})" if unknown else f"({value})"

    def _points(self, rule: PointsRule) -> None:
        # Facts are fetched by lines of their own, so that the difference is this rule's alone.
        self._say("before = p")
        super()._points(rule)
        gift = f"g{len(self._gifts)}"
        self._gifts.append(gift)
        self._say(f"{gift} = p - before")

    def _written(self, sums: bool) -> GeneratedProgram:
        self._say(f"notes.append((one.ref, said, ({', '.join(self._gifts)},), p))")
        return super()._written(sums)

    def _failed(self) -> list[str]:
        return [
            "p = _fallback(facts, one)",
            "notes.append((one.ref, None, None, p))",
            "if p is None: continue",
        ]

    def _listed(self) -> ProgramTail:
        tail = super()._listed()
        return ProgramTail(tail.before, tail.each, ["return items, notes"])

    def _summed(self) -> ProgramTail:
        counting = "items.append((p, c.get('merged_at'), one.ref, key))"
        return ProgramTail(["items = []", "sums = {}"], [*KEYED, counting], ["return items, sums, notes"])


def brief_text(places: int, base: int, note: tuple[Any, Any, Any]) -> str:
    """What the rules said to one contribution, as short as can be: ``+++-?|``, or ``++++|5,2,0|7``.

    A sign for each requirement (not credited before, merged since, matured, those of the rulebook, the reviewer
    where there is a say): met, not met, nobody can say. Where all are met, what each points rule gave, and what the
    contribution is worth by itself, after factors, share and its cap. ``!`` stands where a condition failed and the
    evaluation itself was asked.
    """
    said, gifts, worth = note
    if said is None:
        return "!" if worth is None else f"!||{_text(worth, places)}"
    *answers, accepted = said
    signs = "".join("+" if one is True else "-" if one is False else "?" for one in answers)
    signs += "" if accepted is None else "+" if accepted else "-"
    if gifts is None:
        return f"{signs}|"
    return f"{signs}|{','.join(_text(gift, base) for gift in gifts)}|{_text(worth, places)}"


def _text(value: int, places: int) -> str:
    return to_text(EXACT.scaleb(Decimal(value), -places))
