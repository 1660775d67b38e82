"""Whose door a failed sign-in knocked at, for django-axes to count."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User


def whose(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """One name for one person, whether they typed their username in any case or their e-mail; otherwise each
    spelling would have failures of its own to spend. What was typed, where nobody has that name."""
    found = credentials or {}
    typed = (
        found.get("username") or found.get("email") or (request.POST.get("login") if request else "") or ""
    )
    typed = str(typed).strip()[:254]
    if "\x00" in typed:
        return ""
    person = User.objects.filter(Q(username__iexact=typed) | Q(email=typed.lower())).only("username").first()
    return person.username if person else typed.lower()
