"""The addresses of all pages."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("credits.web.urls")),
]
