"""The forges of this installation and their adapters, made from settings.

CONTRIBUTING.md, "A new forge", lists every place that a new one needs.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from credits.errors import CreditsError
from credits.forges.protocol import Forge

# Names, not imports: the adapters import HTTP clients, and most processes start faster without them.
ADAPTER_CLASSES = {
    "github": "credits.forges.github.adapter.GitHub",
    "gitee": "credits.forges.gitee.adapter.Gitee",
    "atomgit": "credits.forges.gitee.atomgit.AtomGit",
}
LABELS = {"github": "GitHub", "gitee": "Gitee", "atomgit": "AtomGit"}


@dataclass(frozen=True, slots=True)
class ForgeInfo:
    """What pages show about a forge. ``connectable`` says whether its sign-in is configured."""

    name: str
    label: str
    url: str
    connectable: bool


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """The entry of a forge in settings.FORGES. ``tokens`` belong to the university, never to a person."""

    url: str
    api_url: str
    tokens: tuple[str, ...] = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)


def forge_settings(name: str) -> ForgeSettings:
    configured: dict[str, Any] = settings.FORGES[name]
    return ForgeSettings(**configured)


def forge_names() -> tuple[str, ...]:
    return tuple(ADAPTER_CLASSES)


def forge_info(name: str) -> ForgeInfo:
    """Return the forge called ``name``. Raise CreditsError ``unknown-forge``."""
    if name not in ADAPTER_CLASSES:
        raise CreditsError(
            "unknown-forge",
            _("There is no platform called %(name)s.") % {"name": name},
            _("Available platforms: %(names)s.") % {"names": ", ".join(ADAPTER_CLASSES)},
        )
    configured = forge_settings(name)
    return ForgeInfo(name, LABELS[name], configured.url, bool(configured.client_id))


def all_forges() -> tuple[ForgeInfo, ...]:
    return tuple(forge_info(name) for name in ADAPTER_CLASSES)


@functools.cache
def forge(name: str) -> Forge:
    """Return the adapter of a forge: the same object each time, because it remembers the rate limits of its tokens.

    Raise CreditsError ``unknown-forge``.
    """
    forge_info(name)
    module, _dot, adapter = ADAPTER_CLASSES[name].rpartition(".")
    configured = forge_settings(name)
    built: Forge = getattr(import_module(module), adapter)(
        api_url=configured.api_url, tokens=configured.tokens, clock=timezone.now
    )
    return built


def _clear_adapter_cache(*, setting: str, **_kwargs: object) -> None:
    if setting == "FORGES":
        forge.cache_clear()


setting_changed.connect(_clear_adapter_cache)
