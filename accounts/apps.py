from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, roles, sign-in, and the proof that a forge account is somebody's."""

    name = "accounts"
