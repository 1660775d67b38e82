"""Addresses of the administrator's pages."""

from django.urls import path

from credits.web.admin import views

urlpatterns = [
    path("people/", views.people, name="admin_people"),
    path("people/roles/<int:pk>/take/", views.take_role, name="admin_take_role"),
]
