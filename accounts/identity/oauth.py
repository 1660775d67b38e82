"""The common parts of the forges' sign-in: addresses from settings, and an identity that is an immutable id.

The token is used for one request ("who is this?") and is not stored: collection uses the university's own tokens.
"""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthProcess, ProviderAccount, ProviderException
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2LoginView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _

from accounts.identity import forges


class ForgeOAuth2Adapter(OAuth2Adapter):
    """Speak OAuth 2 with one forge. A subclass gives the forge's name and the two paths below its web address."""

    authorize_path: ClassVar[str]
    token_path: ClassVar[str]

    @property
    def authorize_url(self) -> str:
        return forges.forge_settings(self.provider_id).url + self.authorize_path

    @property
    def access_token_url(self) -> str:
        return forges.forge_settings(self.provider_id).url + self.token_path

    @property
    def profile_url(self) -> str:
        return forges.forge_settings(self.provider_id).api_url + "/user"

    def complete_login(
        self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        """Return who signed in on the forge. Raise ProviderException if its answer has no id or login."""
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.profile_url, headers={"Authorization": f"Bearer {token.token}"})
            answer.raise_for_status()
            profile = answer.json()
        if not isinstance(profile, dict) or not profile.get("id") or not profile.get("login"):
            raise ProviderException("The forge did not say who signed in.")
        return self.get_provider().sociallogin_from_response(request, profile)


class ForgeConnectView(OAuth2LoginView):
    """Send a signed-in person to the forge's own pages when they press "connect" (a POST)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(resolve_url(settings.LINKED_ACCOUNTS_URL))
        if request.method != "POST":
            return redirect(settings.LINKED_ACCOUNTS_URL)
        info = forges.forge_info(self.adapter.provider_id)
        if not info.connectable:
            messages.error(
                request,
                _("Connecting %(forge)s is not set up here. Ask the registrar's office to link your account.")
                % {"forge": info.label},
            )
            return redirect(settings.LINKED_ACCOUNTS_URL)
        return super().dispatch(request, *args, **kwargs)


class ForgeProvider(OAuth2Provider):
    """A forge as a provider of allauth. Of the profile, only id, login, node id and type of the account are kept."""

    account_class = ProviderAccount

    # allauth takes these from the address, so the author of a link could choose them.
    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        return {"process": AuthProcess.CONNECT}

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["id"])

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        return {}

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        kept = ("id", "login", "node_id", "type")
        return {key: data[key] for key in kept if data.get(key) is not None}
