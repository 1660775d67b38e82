"""The pages where Gitee's sign-in begins and where Gitee sends the browser back to."""

from __future__ import annotations

from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView

from accounts.identity.oauth import ForgeConnectView, ForgeOAuth2Adapter


class GiteeOAuth2Adapter(ForgeOAuth2Adapter):
    provider_id = "gitee"
    authorize_path = "/oauth/authorize"
    token_path = "/oauth/token"  # noqa: S105 (an address)
    headers = {"Accept": "application/json"}


oauth2_login = ForgeConnectView.adapter_view(GiteeOAuth2Adapter)
oauth2_callback = OAuth2CallbackView.adapter_view(GiteeOAuth2Adapter)
