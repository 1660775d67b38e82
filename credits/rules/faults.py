"""What is wrong with a rulebook's text, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from credits.errors import CreditsError

Said = tuple[str, str, str, str]
"""Message and suggestion in English, message and suggestion in Chinese."""

Path = tuple[str | int, ...]
"""Where it is in the rulebook: ``("points", 1, "when")``."""


@dataclass(frozen=True, slots=True, order=True)
class RulebookFault:
    """One fault. ``line`` and ``column`` count from 1, in characters of the text as given; ``path`` is where it is
    in the rulebook (``points[1].bands.of``, empty for the whole). ``message`` and ``suggestion`` (empty where nothing
    helps) are English; ``message_zh`` and ``suggestion_zh`` say the same in Chinese."""

    line: int
    column: int
    path: str
    message: str
    suggestion: str = ""
    message_zh: str = ""
    suggestion_zh: str = ""

    def text(self, language: str = "en") -> str:
        """Message and suggestion for a reader of ``language`` (Chinese where it begins with ``zh``)."""
        if language.startswith("zh") and self.message_zh:
            return f"{self.message_zh}{self.suggestion_zh}"
        return f"{self.message} {self.suggestion}".strip()


class RulebookFaults(CreditsError):
    """The text is no valid rulebook. ``faults`` has every fault found, in the order of the text."""

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
    """The known word that was probably meant, or an empty text."""
    known = sorted(words)
    tails = {name.rpartition(".")[2]: name for name in reversed(known)}
    tail = difflib.get_close_matches(word.rpartition(".")[2], tails, n=1, cutoff=0.75)
    if tail and "." in word:
        room = word.rpartition(".")[0]
        own = f"{room}.{tail[0]}"
        return own if own in known else tails[tail[0]]
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else ""
