from django.apps import AppConfig
from django.utils.translation import gettext

from credits.errors import speak_through


class AccountsConfig(AppConfig):
    """People, roles, sign-in, and the proof that a forge account is somebody's."""

    name = "accounts"

    def ready(self) -> None:
        # gettext answers an empty text with the catalogue's own heading.
        speak_through(lambda sentence: gettext(sentence) if sentence else "")
