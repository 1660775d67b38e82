"""The texts of the pages in the reader's language, read from the same catalogue as the pages, never copied."""

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
            translated = gettext(text)
        return translated % filled if filled else translated

    def of(self, tell: Callable[[], object]) -> str:
        """Return the text that ``tell`` returns in this language."""
        with translation.override(self.language):
            return str(tell())

    def count(self, singular: str, plural: str, number: int, **filled: object) -> str:
        with translation.override(self.language):
            return ngettext(singular, plural, number) % filled
