"""Tell django-axes which username and which client address a failed sign-in counts against."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest

from accounts.models import User


def attempted_username(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Return the username of the person whose username (in any case) or e-mail was typed, or the typed text.

    Each person gets one name, because otherwise each spelling would have its own count of failures.
    """
    given = credentials or {}
    typed = (
        given.get("username") or given.get("email") or (request.POST.get("login") if request else "") or ""
    )
    typed = str(typed).strip()[:254]
    if "\x00" in typed:
        return ""
    person = User.objects.filter(Q(username__iexact=typed) | Q(email=typed.lower())).only("username").first()
    return person.username if person else typed.lower()


def client_address(request: HttpRequest) -> str:
    """Return the IP address of the client.

    Behind a proxy (``HTTPS``) it is the last entry of ``X-Forwarded-For``, which the proxy itself wrote; the client can
    invent the entries before it. Return the proxy's own address if that entry is not an IP address.
    """
    connected: str = request.META.get("REMOTE_ADDR", "")
    if not settings.HTTPS:
        return connected
    last = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(last))
    except ValueError:
        return connected
