"""Register Gitee as a provider of allauth."""

from __future__ import annotations

from accounts.identity.gitee.views import GiteeOAuth2Adapter
from accounts.identity.oauth import ForgeProvider


class GiteeProvider(ForgeProvider):
    id = "gitee"
    name = "Gitee"
    oauth2_adapter_class = GiteeOAuth2Adapter


provider_classes = [GiteeProvider]
