"""Register AtomGit as a provider of allauth."""

from __future__ import annotations

from accounts.identity.atomgit.views import AtomGitOAuth2Adapter
from accounts.identity.oauth import ForgeProvider


class AtomGitProvider(ForgeProvider):
    id = "atomgit"
    name = "AtomGit"
    oauth2_adapter_class = AtomGitOAuth2Adapter


provider_classes = [AtomGitProvider]
