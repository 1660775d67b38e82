"""The forges of this installation: one row each, and the adapters made from settings.

A new forge is an adapter under credits/forges, a row here, its addresses in settings.FORGES and a package for its
sign-in like accounts/gitee.
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

# Named, not imported: the adapters bring HTTP clients with them, which most processes' start can do without.
ADAPTER_CLASSES = {
    "github": "credits.forges.github.adapter.GitHub",
    "gitee": "credits.forges.gitee.adapter.Gitee",
    "atomgit": "credits.forges.gitee.atomgit.AtomGit",
}
LABELS = {"github": "GitHub", "gitee": "Gitee", "atomgit": "AtomGit"}


@dataclass(frozen=True, slots=True)
class ForgeInfo:
    """What pages show of a forge. ``connectable``: whether its sign-in is configured here."""

    name: str
    label: str
    url: str
    connectable: bool


@dataclass(frozen=True, slots=True)
class ForgeSettings:
    """How a forge is reached, from settings.FORGES. ``tokens`` are the university's own, never a person's."""

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
    """The forge called ``name``; raises CreditsError ``unknown-forge``."""
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
    """The adapter of a forge, one for each process, so that what it has learnt of its tokens' limits is kept.

    Raises CreditsError ``unknown-forge``.
    """
    forge_info(name)
    module, _dot, adapter = ADAPTER_CLASSES[name].rpartition(".")
    configured = forge_settings(name)
    made: Forge = getattr(import_module(module), adapter)(
        api_url=configured.api_url, tokens=configured.tokens, clock=timezone.now
    )
    return made


def _clear_adapter_cache(*, setting: str, **_kwargs: object) -> None:
    if setting == "FORGES":
        forge.cache_clear()


setting_changed.connect(_clear_adapter_cache)
