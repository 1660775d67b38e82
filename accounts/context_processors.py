"""What every page knows about its reader."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.identity import forges
from accounts.permissions import is_student, roles_of


def roles(request: HttpRequest) -> dict[str, Any]:
    """``roles``: the reader's staff roles (``"registrar" in roles``), ``is_student``, and ``forges`` that can be
    connected (name, label, url, connectable). Nothing is asked of the database before a template uses it, and
    nothing at all for somebody who is not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"roles": frozenset(), "is_student": False, "forges": forges.all_forges()}
    return {
        "roles": SimpleLazyObject(lambda: roles_of(user)),
        "is_student": SimpleLazyObject(lambda: is_student(user)),
        "forges": forges.all_forges(),
    }
