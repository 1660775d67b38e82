"""Whose door a failed sign-in knocked at, and from where, for django-axes to count."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User


def attempted_username(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
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


def client_address(request: HttpRequest) -> str:
    """The address that a request came from. Where we are served through a proxy (``HTTPS``), that is what the
    proxy itself wrote: the last in ``X-Forwarded-For``, since what stands before it is what the client claimed. What is
    no address there counts as the proxy's own."""
    seen: str = request.META.get("REMOTE_ADDR", "")
    if not settings.HTTPS:
        return seen
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return seen
