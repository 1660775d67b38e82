"""The one kind of error that people and machines are shown: a stable code, a sentence, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_translate: Callable[[str], str] = str


def speak_through(translate: Callable[[str], str]) -> None:
    """Have every error's sentences go through ``translate`` when they are read.

    The pure cores know no translations: their sentences are English, and whoever sets them up (accounts/apps.py)
    says how they reach a reader. Until then they are shown as they are.
    """
    global _translate
    _translate = translate


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


class Sentence:
    """A marked English sentence with holes (``%(name)s``), and what goes into them when it is read."""

    def __init__(self, source: str, filled: Mapping[str, object]) -> None:
        self.source = source
        self.filled = dict(filled)

    def __str__(self) -> str:
        return _translate(self.source) % self.filled


def joined(*sentences: str) -> str:
    """Sentences as one text; empty ones are left out. A Chinese stop brings its own space with it."""
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text.endswith(("。", "！", "？")) else f" {sentence}"
    return text


class CreditsError(Exception):
    """Something asked for cannot be done, and the asker can be told why.

    ``code`` is stable (kebab-case, for machines and for looking the case up), ``message`` is one sentence that says
    what is wrong, ``hint`` one sentence that says what to do (empty where nothing helps), ``status`` is the HTTP
    status that an edge answers with. Texts are marked English sentences, a :class:`Sentence`, or lazy translations:
    whoever reads them has them in the language that is active then.
    """

    status = 400

    def __init__(
        self,
        code: str,
        message: object,
        hint: object = "",
        *,
        status: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self._message = message
        self._hint = hint
        if status is not None:
            self.status = status

    @property
    def message(self) -> str:
        return _translate(str(self._message))

    @property
    def hint(self) -> str:
        return _translate(str(self._hint))

    def __str__(self) -> str:
        return joined(self.message, self.hint)


class NotAllowed(CreditsError):
    """The person may not do this: wrong role, outside their scope, or their own claim."""

    status = 403


class NotThere(CreditsError):
    """The thing asked for does not exist, or the asker may not know that it does."""

    status = 404


class Conflict(CreditsError):
    """The thing exists, but its present state does not allow this step."""

    status = 409
