from django.apps import AppConfig
from django.utils.translation import gettext

from credits.errors import speak_through


class AccountsConfig(AppConfig):
    """Register people, roles, sign-in, and the proof that a forge account belongs to a person."""

    name = "accounts"

    def ready(self) -> None:
        # For an empty text, gettext returns the header of the message catalogue.
        speak_through(lambda sentence: gettext(sentence) if sentence else "")
