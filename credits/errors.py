"""The one kind of error that people and machines are shown: a stable code, a sentence, and what to do."""

from __future__ import annotations


class CreditsError(Exception):
    """Something asked for cannot be done, and the asker can be told why.

    ``code`` is stable (kebab-case, for machines and for looking the case up), ``message`` is one sentence that says
    what is wrong, ``hint`` one sentence that says what to do (empty where nothing helps), ``status`` is the HTTP
    status that an edge answers with. Texts are English source strings or lazy translations: edges render them in
    the reader's language.
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

    # Lazy translations are rendered when read, in the language of whoever reads them.
    @property
    def message(self) -> str:
        return str(self._message)

    @property
    def hint(self) -> str:
        return str(self._hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class NotAllowed(CreditsError):
    """The person may not do this: wrong role, outside their scope, or their own claim."""

    status = 403


class NotThere(CreditsError):
    """The thing asked for does not exist, or the asker may not know that it does."""

    status = 404


class Conflict(CreditsError):
    """The thing exists, but its present state does not allow this step."""

    status = 409
