"""Pages on which people change their own settings: language, and unlinking a forge account."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, resolve_url
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.identity import forges, linking
from accounts.models import ForgeAccount, User
from credits.errors import CreditsError


@require_POST
def switch_language(request: HttpRequest) -> HttpResponse:
    """Store the chosen ``language`` for the person and in a cookie for this browser, and go back to ``next``."""
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        raise CreditsError("unknown-language", _("This language is not available."))
    response = HttpResponseRedirect(_safe_return_url(request))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
    if request.user.is_authenticated:
        request.user.language = language
        request.user.save(update_fields=["language"])
    translation.activate(language)
    return response


@require_POST
@login_required
def unlink_account(request: HttpRequest, pk: int) -> HttpResponse:
    """Unlink one of the person's own forge accounts."""
    account = ForgeAccount.objects.filter(pk=pk, user=_signed_in_user(request)).first()
    if account is None:
        raise linking.not_linked()
    linking.unlink(account, by=_signed_in_user(request), now=timezone.now())
    messages.success(
        request,
        _("Your %(forge)s account %(login)s is no longer linked. Credit already recognised stays.")
        % {"forge": forges.forge_info(account.forge).label, "login": account.login},
    )
    return redirect(settings.LINKED_ACCOUNTS_URL)


def _signed_in_user(request: HttpRequest) -> User:
    """Return the signed-in person. A decorator has already made sure that there is one."""
    assert isinstance(request.user, User)
    return request.user


def _safe_return_url(request: HttpRequest) -> str:
    """Return the address in ``next`` if it is on this site, otherwise the home page."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return resolve_url(settings.LOGIN_REDIRECT_URL)
