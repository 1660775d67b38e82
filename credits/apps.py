from django.apps import AppConfig


class CreditsConfig(AppConfig):
    """The app for the way of a merged pull request: collect, claim, assess, review, post, record."""

    name = "credits"
