"""What the pages call things, in the reader's language: looked up where the pages look it up, never copied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext, ngettext


@dataclass(frozen=True)
class Words:
    """``words("Connect %(forge)s", forge="Gitee")`` is the page's own text in ``language``."""

    language: str

    def __call__(self, text: str, **filled: object) -> str:
        with translation.override(self.language):
            said = gettext(text)
        return said % filled if filled else said

    def of(self, tell: Callable[[], object]) -> str:
        """How something calls itself."""
        with translation.override(self.language):
            return str(tell())

    def count(self, one: str, many: str, number: int, **filled: object) -> str:
        with translation.override(self.language):
            return ngettext(one, many, number) % filled
