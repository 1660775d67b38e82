"""How a forge may refuse or fail, as typed errors, and the message of each.

Messages are whole English sentences without placeholders, so that an edge can pass them to gettext unchanged.
"""

from __future__ import annotations

from datetime import datetime

from credits.errors import CreditsError, gettext_noop


class ForgeError(CreditsError):
    """The forge did not answer the request. Never read this as "nothing there"."""

    status = 502

    def __init__(
        self,
        code: str,
        message: object,
        hint: object = "",
        *,
        until: datetime | None = None,
    ) -> None:
        super().__init__(code, message, hint)
        self.until = until
        """When the forge allows the next call, if it said so."""


class MissingOnForge(ForgeError):
    """The forge says that there is no such thing (404, NOT_FOUND)."""

    status = 404


class NotMerged(ForgeError):
    """The pull request exists and is not merged."""

    status = 409


class RateLimited(ForgeError):
    """A primary or secondary rate limit. ``until`` is set."""

    status = 503


class TokenRefused(ForgeError):
    """401: the university's token does not work, or no token is set."""


class Forbidden(TokenRefused):
    """The token works, but may not read this resource (a private repository, an organisation's SSO)."""


class ForgeUnavailable(ForgeError):
    """5xx, time-out, reset connection, or an answer that does not match the documented format. Try again later."""

    status = 503


def malformed_answer() -> ForgeUnavailable:
    return ForgeUnavailable(
        "forge-answer-malformed",
        gettext_noop("The platform's response does not match its documented format."),
        gettext_noop("Nothing was changed. It will be tried again automatically."),
    )


def forge_unavailable() -> ForgeUnavailable:
    return ForgeUnavailable(
        "forge-unavailable",
        gettext_noop("The platform did not respond correctly."),
        gettext_noop("Nothing was changed. It will be tried again automatically."),
    )


def rate_limited(until: datetime) -> RateLimited:
    return RateLimited(
        "forge-rate-limited",
        gettext_noop("The platform asks us to wait before the next request."),
        gettext_noop("It will be tried again automatically at the time that the platform gave."),
        until=until,
    )


def token_refused() -> TokenRefused:
    return TokenRefused(
        "forge-token-refused",
        gettext_noop("The platform does not accept the university's access token."),
        gettext_noop("An administrator must set a valid token."),
    )


def forbidden() -> Forbidden:
    return Forbidden(
        "forge-forbidden",
        gettext_noop("The university's access token may not read this."),
        gettext_noop("An administrator must authorise the token for the organisation, or use another one."),
    )


def missing_account() -> MissingOnForge:
    return MissingOnForge(
        "forge-account-missing",
        gettext_noop("There is no such account on the platform."),
        gettext_noop("Check the login, or the platform's address."),
    )


def missing_repository() -> MissingOnForge:
    return MissingOnForge(
        "forge-repository-missing",
        gettext_noop("There is no such repository on the platform, or it is private."),
        gettext_noop("Check the repository's name."),
    )


def missing_change() -> MissingOnForge:
    return MissingOnForge(
        "forge-change-missing",
        gettext_noop("There is no such pull request on the platform, or it is private."),
        gettext_noop("Check the link of the pull request."),
    )


def missing_commit() -> MissingOnForge:
    return MissingOnForge(
        "forge-commit-missing",
        gettext_noop("There is no such commit on the platform, or its repository is private."),
        gettext_noop("Check the hash of the commit."),
    )


def still_open() -> NotMerged:
    return NotMerged(
        "forge-change-open",
        gettext_noop("This pull request is still open."),
        gettext_noop("Come back after it is merged."),
    )


def not_supported() -> ForgeError:
    return ForgeError(
        "forge-cannot",
        gettext_noop("This platform does not support this query."),
        gettext_noop("Look it up on the platform's own pages."),
    )


def not_merged() -> NotMerged:
    return NotMerged(
        "forge-change-not-merged",
        gettext_noop("This pull request is not merged."),
        gettext_noop("Only merged work can be recognised. Add it after it is merged."),
    )
