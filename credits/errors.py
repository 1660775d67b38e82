"""The errors that people and machines see: a stable code, a sentence, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_translate: Callable[[str], str] = str


def speak_through(translate: Callable[[str], str]) -> None:
    """Translate the sentences of every error with ``translate`` when they are read.

    The pure cores do not know Django's translations: their sentences are English, and accounts/apps.py sets the
    translation at start. Until then the sentences are shown in English.
    """
    global _translate
    _translate = translate


def gettext_noop(text: str) -> str:
    """Mark a sentence for translation; it is translated when it is shown."""
    return text


class Sentence:
    """A marked English sentence with placeholders (``%(name)s``) and the values that fill them when it is read."""

    def __init__(self, source: str, filled: Mapping[str, object]) -> None:
        self.source = source
        self.filled = dict(filled)

    def __str__(self) -> str:
        return _translate(self.source) % self.filled


def joined(*sentences: str) -> str:
    """Join sentences to one text without empty ones. No space follows a Chinese full stop, which includes its own."""
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or text.endswith(("。", "！", "？")) else f" {sentence}"
    return text


class CreditsError(Exception):
    """A request cannot be carried out, and the user may know why.

    ``code`` is stable (kebab-case, for machines and for searching). ``message`` is one sentence that says what is
    wrong. ``hint`` is one sentence that says what to do (empty if nothing helps). ``status`` is the HTTP status of the
    response. Texts are marked English sentences, a :class:`Sentence`, or lazy translations: they are read in the
    language that is active at that time.
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
    """The user may not do this: wrong role, outside their scope, or their own claim."""

    status = 403


class NotThere(CreditsError):
    """The object does not exist, or the user may not know that it exists."""

    status = 404


class Conflict(CreditsError):
    """The object exists, but its current state does not allow this step."""

    status = 409
