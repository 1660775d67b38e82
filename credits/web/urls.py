"""Addresses of all pages, by audience."""

from django.urls import include, path

urlpatterns = [
    path("", include("credits.web.everyone.urls")),
    path("", include("credits.web.student.urls")),
    path("", include("credits.web.instructor.urls")),
    path("", include("credits.web.registrar.urls")),
    path("", include("credits.web.steward.urls")),
    path("", include("credits.web.admin.urls")),
]
