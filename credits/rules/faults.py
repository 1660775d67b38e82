"""Faults in a rulebook's text: what is wrong, where, and what to do about it, in both languages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from credits.errors import CreditsError

FaultTexts = tuple[str, str, str, str]
"""Message and suggestion in English, message and suggestion in Chinese."""

Path = tuple[str | int, ...]
"""A place in the rulebook, such as ``("points", 1, "when")``."""


@dataclass(frozen=True, slots=True, order=True)
class RulebookFault:
    """One fault in a rulebook's text.

    ``line`` and ``column`` count from 1, in characters of the given text. ``path`` is the place in the rulebook, such
    as ``points[1].bands.of``; it is empty for the whole rulebook. ``message`` and ``suggestion`` are English,
    ``message_zh`` and ``suggestion_zh`` say the same in Chinese. A suggestion is empty if there is none.
    """

    line: int
    column: int
    path: str
    message: str
    suggestion: str = ""
    message_zh: str = ""
    suggestion_zh: str = ""

    def text(self, language: str = "en") -> str:
        """Return message and suggestion in ``language``: Chinese if it begins with ``zh``, else English."""
        if language.startswith("zh") and self.message_zh:
            return f"{self.message_zh}{self.suggestion_zh}"
        return f"{self.message} {self.suggestion}".strip()


class RulebookFaults(CreditsError):
    """The text is not a valid rulebook. ``faults`` has all faults that were found, in the order of the text."""

    status = 422

    def __init__(self, faults: Iterable[RulebookFault]) -> None:
        self.faults: tuple[RulebookFault, ...] = tuple(sorted(set(faults)))
        first = self.faults[0]
        more = len(self.faults) - 1
        also = f" (and {more} more)" if more else ""
        super().__init__(
            "rulebook-faults",
            f"The rulebook has an error at line {first.line}, column {first.column}: {first.message}{also}",
            first.suggestion,
        )


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the known word that was probably meant, or an empty text.

    For a dotted name, a similar last part in the same group is preferred.
    """
    known = sorted(words)
    tails = {name.rpartition(".")[2]: name for name in reversed(known)}
    tail = difflib.get_close_matches(word.rpartition(".")[2], tails, n=1, cutoff=0.75)
    if tail and "." in word:
        group = word.rpartition(".")[0]
        in_group = f"{group}.{tail[0]}"
        return in_group if in_group in known else tails[tail[0]]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else ""
