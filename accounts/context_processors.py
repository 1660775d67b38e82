"""Template variables about the person who reads the page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.identity import forges
from accounts.permissions import is_student, roles_of


def roles(request: HttpRequest) -> dict[str, Any]:
    """Return ``roles``, ``is_student`` and ``forges`` for every template.

    ``roles`` are the reader's staff roles (``"registrar" in roles``). ``forges`` have name, label, url and
    connectable. The database is queried only when a template uses a value, and never if nobody is signed in.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"roles": frozenset(), "is_student": False, "forges": forges.all_forges()}
    return {
        "roles": SimpleLazyObject(lambda: roles_of(user)),
        "is_student": SimpleLazyObject(lambda: is_student(user)),
        "forges": forges.all_forges(),
    }
