"""Parse strictly the text by which a student names a pull request: its URL, or ``owner/repository#12``."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from credits.errors import CreditsError, gettext_noop

_OWNER = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
_NAME = r"(?!\.{1,2}(?![A-Za-z0-9_.-]))[A-Za-z0-9_.-]{1,100}"
_FULL_NAME = re.compile(rf"{_OWNER}/{_NAME}")
_SHORT = re.compile(rf"({_OWNER}/{_NAME})\s*[#!]([0-9]{{1,18}})")
_KINDS = frozenset({"pull", "pulls", "pull_requests", "merge_requests"})
_LONGEST = 2_000


class BadAddress(CreditsError):
    """The text does not name a pull request of this forge."""

    status = 400


def parse_address(address: str, web_url: str) -> tuple[str, str]:
    """Return ``(full_name, number)`` of the pull request that ``address`` names on the forge at ``web_url``.

    Accept the URL of the pull request or of a page below it (files, commits, a comment), with or without the scheme,
    and the short form ``owner/repository#12``; Gitee writes ``!12``. The number has no leading zeros. Raise
    :class:`BadAddress` with a code for the reason: ``address-empty``, ``address-not-a-pull-request``,
    ``address-of-another-site``, ``address-of-an-issue``.
    """
    pasted = address.strip().strip("<>").strip()
    if not pasted:
        raise BadAddress(
            "address-empty",
            gettext_noop("No link was given."),
            gettext_noop("Paste the link of the pull request from your browser."),
        )
    if len(pasted) > _LONGEST or not pasted.isprintable():
        raise _not_a_pull_request()
    short = _SHORT.fullmatch(pasted)
    if short:
        return _full_name(*short[1].split("/")), _number(short[2])
    return _from_url(pasted, web_url)


def _from_url(pasted: str, web_url: str) -> tuple[str, str]:
    home = urlsplit(web_url)
    try:
        url = urlsplit(pasted if "://" in pasted else f"{home.scheme}://{pasted}")
        host, port = url.hostname or "", url.port
    except ValueError:
        raise _not_a_pull_request() from None
    if url.scheme.lower() not in ("http", "https") or url.username is not None:
        raise _not_a_pull_request()
    if "." not in host and host != (home.hostname or ""):
        raise _not_a_pull_request()
    if host.lower().removeprefix("www.") != (home.hostname or "").lower().removeprefix("www."):
        raise _another_site()
    if (port or _usual_port(url.scheme)) != (home.port or _usual_port(home.scheme)) and port != home.port:
        raise _another_site()
    prefix = [part for part in home.path.split("/") if part]
    parts = [unquote(part) for part in url.path.split("/") if part]
    if parts[: len(prefix)] != prefix:
        raise _another_site()
    parts = parts[len(prefix) :]
    if len(parts) >= 4 and parts[2] == "issues":
        raise BadAddress(
            "address-of-an-issue",
            gettext_noop("This is a link to an issue, not to a pull request."),
            gettext_noop("Open the pull request and copy its link."),
        )
    if len(parts) < 4 or parts[2] not in _KINDS or not re.fullmatch(r"[0-9]{1,18}", parts[3]):
        raise _not_a_pull_request()
    return _full_name(parts[0], parts[1]), _number(parts[3])


def _usual_port(scheme: str) -> int:
    return 80 if scheme.lower() == "http" else 443


def _full_name(owner: str, name: str) -> str:
    full_name = f"{owner}/{name}"
    if not _FULL_NAME.fullmatch(full_name):
        raise _not_a_pull_request()
    return full_name


def _number(digits: str) -> str:
    number = digits.lstrip("0")
    if not number:
        raise _not_a_pull_request()
    return number


def _not_a_pull_request() -> BadAddress:
    return BadAddress(
        "address-not-a-pull-request",
        gettext_noop("This is not a link to a pull request."),
        gettext_noop("Copy the link from your browser, or write owner/repository#12."),
    )


def _another_site() -> BadAddress:
    return BadAddress(
        "address-of-another-site",
        gettext_noop("This link belongs to a different site from the chosen platform."),
        gettext_noop("Choose the platform where the pull request is."),
    )
