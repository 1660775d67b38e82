"""Addresses of sign-in, linked forge accounts and language.

Only some of allauth's addresses are included, one by one. With its others (sign-up, adding e-mail addresses, managing
its own social accounts) people could change what the roster says about them.
"""

from __future__ import annotations

from allauth.account import views as signing
from allauth.urls import build_provider_urlpatterns
from django.urls import include, path

from accounts import views

urlpatterns = [
    path("accounts/login/", signing.login, name="account_login"),
    path("accounts/logout/", signing.logout, name="account_logout"),
    path("accounts/inactive/", signing.account_inactive, name="account_inactive"),
    path("accounts/password/change/", signing.password_change, name="account_change_password"),
    path("accounts/password/set/", signing.password_set, name="account_set_password"),
    path("accounts/", include(build_provider_urlpatterns())),
    path("accounts/links/<int:pk>/unlink/", views.unlink_account, name="unlink_account"),
    path("language/", views.switch_language, name="switch_language"),
]
