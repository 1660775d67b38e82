"""Our rules for django-allauth: people come from the roster, and nobody signs in with a forge account."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthError, Provider
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.identity import forges, linking
from accounts.models import ForgeAccount
from credits.errors import CreditsError
from credits.forges.protocol import AccountOnForge

_WRONG_CREDENTIALS = gettext_lazy("Wrong username or password.")


class AccountAdapter(DefaultAccountAdapter):
    """Allow sign-in with the university's credentials only. There is no sign-up."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _WRONG_CREDENTIALS,
        "username_password_mismatch": _WRONG_CREDENTIALS,
        "enter_current_password": gettext_lazy("Enter your current password."),
        "incorrect_password": gettext_lazy("The password is wrong."),
        "too_many_login_attempts": gettext_lazy("Too many failed attempts. Try again later."),
        "rate_limited": gettext_lazy("Too many requests in a short time. Try again later."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False


class ForgeConnectionAdapter(DefaultSocialAccountAdapter):
    """Link a forge account to the signed-in person after the forge has confirmed it.

    Nothing else is kept: neither allauth's database row nor a token is stored.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> NoReturn:
        if not request.user.is_authenticated:
            _redirect_with_message(request, messages.ERROR, _session_ended_message())
        profile = sociallogin.account.extra_data
        forge = sociallogin.account.provider
        kind = str(profile.get("type") or "User").lower()
        account = AccountOnForge(
            id=sociallogin.account.uid,
            login=str(profile["login"]),
            node_id=str(profile.get("node_id") or ""),
            kind={"organization": "organisation"}.get(kind, kind),
        )
        try:
            linking.link(request.user, forge, account, proof=ForgeAccount.Proof.OAUTH, now=timezone.now())
        except CreditsError as error:
            _redirect_with_message(request, messages.ERROR, str(error))
        _redirect_with_message(
            request,
            messages.SUCCESS,
            _("Your %(forge)s account %(login)s is linked.")
            % {"forge": forges.forge_info(forge).label, "login": account.login},
        )

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> NoReturn:
        names = {"forge": provider.name}
        if not request.user.is_authenticated:
            sentence = _session_ended_message()
        elif "state" not in (extra_context or {}):
            sentence = (
                _(
                    "This response from %(forge)s does not belong to a connection that you "
                    "started here, or it was already used."
                )
                % names
                + " "
                + _("Press Connect again.")
            )
        elif error == AuthError.CANCELLED:
            sentence = _("You did not give permission on %(forge)s, so no account was linked.") % names
        else:
            sentence = (
                _("%(forge)s did not confirm your identity, so no account was linked. Try again later.")
                % names
            )
        _redirect_with_message(request, messages.ERROR, sentence)


def _session_ended_message() -> str:
    return _("Your session expired, so no account was linked. Sign in and press Connect again.")


def _redirect_with_message(request: HttpRequest, level: int, sentence: str) -> NoReturn:
    """Show the sentence on the page of linked accounts. A person who is not signed in has to sign in first."""
    messages.add_message(request, level, sentence)
    raise ImmediateHttpResponse(redirect(settings.LINKED_ACCOUNTS_URL))
