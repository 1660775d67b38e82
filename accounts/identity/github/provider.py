"""Register GitHub as a provider of allauth."""

from __future__ import annotations

from accounts.identity.github.views import GitHubOAuth2Adapter
from accounts.identity.oauth import ForgeProvider


class GitHubProvider(ForgeProvider):
    id = "github"
    name = "GitHub"
    oauth2_adapter_class = GitHubOAuth2Adapter


provider_classes = [GitHubProvider]
