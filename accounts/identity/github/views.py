"""The pages where GitHub's sign-in begins and where GitHub sends the browser back to."""

from __future__ import annotations

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView

from accounts.identity.oauth import ForgeConnectView, ForgeOAuth2Adapter


class GitHubOAuth2Adapter(ForgeOAuth2Adapter):
    provider_id = "github"
    authorize_path = "/login/oauth/authorize"
    token_path = "/login/oauth/access_token"  # noqa: S105 (an address)
    headers = {"Accept": "application/json"}


oauth2_login = ForgeConnectView.adapter_view(GitHubOAuth2Adapter)
oauth2_callback = OAuth2CallbackView.adapter_view(GitHubOAuth2Adapter)
