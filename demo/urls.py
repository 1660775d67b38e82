"""The real addresses, and the address that signs a made-up person in by one click."""

from django.urls import include, path

from demo import views

urlpatterns = [
    path("demo/sign-in/<str:username>/", views.sign_in, name="demo_sign_in"),
    path("", include("config.urls")),
]
