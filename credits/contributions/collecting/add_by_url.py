"""A pull request that a student points at: fetched, checked for authorship by immutable id, and stored."""

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
    """Fetch the pull request at ``address``, and store it where one of the person's linked accounts has a part in it.

    ``forges`` are the adapters to ask, by name. ``forge_name`` says on which the short form ``owner/repository#12`` is
    meant; without it the short form is refused unless there is but one forge. Raises CreditsError: a BadAddress,
    ``no-account-there``, ``not-your-account``, ``author-unknown``; RateLimited ``forge-rests`` with the time, where the
    forge asked to be left alone until then; and what it answers (Missing, NotMerged, …).
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
    """The forge that the address belongs to, and what it names there."""
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
    # What the forge says whose address it is tells more than what the others say of a stranger's.
    theirs = next((error for error in refusals if error.code != "address-of-another-site"), None)
    if theirs is not None:
        raise theirs
    raise pull_request_urls.BadAddress(
        "address-of-another-site",
        _("This is not a link to %(sites)s.")
        % {"sites": ", ".join(known.forge_info(name).url for name in forges)},
        _("Only contributions on these platforms are collected here."),
    )


def require_authorship(change: MergedChange, forge: str, linked: Collection[str], label: str) -> None:
    """Raise Conflict, with who opened it, unless one of the ``linked`` ids has a part in the change."""
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
