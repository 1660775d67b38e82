"""Read a share that was typed as a percentage."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from credits.errors import CreditsError


def read_share(typed: str) -> Decimal:
    """A percentage as a share. Raises CreditsError for what is none."""
    try:
        return Decimal(typed.strip().removesuffix("%").strip() or "0") / 100
    except ArithmeticError:
        raise CreditsError(
            "share-unreadable",
            _("“%(value)s” is not a valid share.") % {"value": typed[:40]},
            _("Write a percentage from 0 to 100, with at most two decimals."),
        ) from None
