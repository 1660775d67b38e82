from django.apps import AppConfig


class CreditsConfig(AppConfig):
    """The way of a merged pull request: collected, claimed, assessed, reviewed, posted, recorded."""

    name = "credits"
