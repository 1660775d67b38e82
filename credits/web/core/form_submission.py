"""Send a form to a verb, and show the verb's refusal in the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.forms import Form

from credits.errors import CreditsError

Made = TypeVar("Made")


def submit_form(form: Form, verb: Callable[[dict[str, Any]], Made]) -> tuple[Made | None, int]:
    """Call ``verb`` with the form's cleaned data. Return its result and status 200.

    If the form is invalid or the verb raises CreditsError, return None and the status to answer with; the form then
    contains the reason.
    """
    if not form.is_valid():
        return None, 400
    try:
        return verb(form.cleaned_data), 200
    except CreditsError as error:
        form.add_error(None, str(error))
        return None, error.status
