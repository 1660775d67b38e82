"""Add a pull request by its URL: fetch it, check its authorship by immutable id, and store it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import DataError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.identity import forges as known
from accounts.models import ForgeAccount, User
from credits.contributions.collecting.forge_session import interactive_request
from credits.contributions.models import Contribution
from credits.contributions.storing.db_rows import authorship_rows
from credits.contributions.storing.store import store
from credits.errors import Conflict, CreditsError
from credits.forges import pull_request_urls
from credits.forges.protocol import Forge, MergedChange


def add_pull_request(
    user: User, address: str, *, now: datetime, forges: Mapping[str, Forge], forge_name: str | None = None
) -> Contribution:
    """Fetch the pull request at ``address`` and store it if an account of this person has a part in it.

    ``forges`` are the adapters by name. ``forge_name`` says which forge the short form ``owner/repository#12`` means;
    without it, the short form is refused unless there is only one forge.

    Raise CreditsError: BadAddress, ``no-account-there``, ``not-your-account`` or ``author-unknown``; RateLimited
    ``forge-rests`` with the time until which the forge asked for a pause; and what the forge answers (MissingOnForge,
    NotMerged, …).
    """
    forge, (full_name, number) = resolve_address(address, forges, forge_name)
    linked = {
        account.forge_user_id
        for account in ForgeAccount.objects.filter(user=user, forge=forge.name, unlinked_at=None)
    }
    label = known.forge_info(forge.name).label
    if not linked:
        raise Conflict(
            "no-account-there",
            _("You have no linked %(forge)s account, so we cannot confirm that this is your contribution.")
            % {"forge": label},
            _("Connect your %(forge)s account first.") % {"forge": label},
        )
    with interactive_request(forge, now=now):
        change = forge.find_change(full_name, number)
    require_authorship(change, forge.name, linked, label)
    try:
        with transaction.atomic():
            store(forge.name, [change], now=now)
            return Contribution.objects.select_related("repository").get(
                repository__forge=forge.name,
                repository__forge_id=change.repository.id,
                kind=change.kind,
                number=change.number,
            )
    except DataError as error:
        raise CreditsError(
            "answer-not-storable", _("The platform returned something that cannot be stored."), status=502
        ) from error


def resolve_address(
    address: str, forges: Mapping[str, Forge], forge_name: str | None
) -> tuple[Forge, tuple[str, str]]:
    """Return the forge that the URL belongs to, with the repository's full name and the pull request's number there.

    Raise BadAddress if it belongs to no forge, or to more than one.
    """
    if forge_name is not None and forge_name in forges:
        return forges[forge_name], pull_request_urls.parse_address(address, known.forge_info(forge_name).url)
    refusals: list[pull_request_urls.BadAddress] = []
    found: list[tuple[Forge, tuple[str, str]]] = []
    for name, forge in forges.items():
        try:
            found.append((forge, pull_request_urls.parse_address(address, known.forge_info(name).url)))
        except pull_request_urls.BadAddress as error:
            refusals.append(error)
    if len(found) == 1:
        return found[0]
    if found:
        raise pull_request_urls.BadAddress(
            "address-without-forge",
            _("This could be on more than one platform."),
            _("Paste the full link from your browser."),
        )
    # The forge that the URL belongs to knows better what is wrong with it than the other forges do.
    own_refusal = next((error for error in refusals if error.code != "address-of-another-site"), None)
    if own_refusal is not None:
        raise own_refusal
    raise pull_request_urls.BadAddress(
        "address-of-another-site",
        _("This is not a link to %(sites)s.")
        % {"sites": ", ".join(known.forge_info(name).url for name in forges)},
        _("Only contributions on these platforms are collected here."),
    )


def require_authorship(change: MergedChange, forge: str, linked: Collection[str], label: str) -> None:
    """Raise Conflict, naming the opener, unless an account of ``linked`` (ids) has a part in the change."""
    parts = list(authorship_rows(forge, change))
    if any(part.forge_user_id in linked for part in parts):
        return
    opener = next((part.login for part in parts if part.role == "author"), None)
    if opener is None:
        raise Conflict(
            "author-unknown",
            _("%(forge)s no longer shows who opened this pull request.") % {"forge": label},
            _("Ask your instructor how else you can show your part in it."),
        )
    raise Conflict(
        "not-your-account",
        _("This pull request was opened by %(login)s, which is not one of your accounts.")
        % {"login": opener},
        _("If this account is also yours, connect it first."),
    )
