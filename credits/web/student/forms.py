"""Forms on the student's pages, and how a typed share is read."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from credits.errors import CreditsError


class PullRequestForm(forms.Form):
    """The address of a merged pull request."""

    address = forms.CharField(
        label=_("Link of a merged pull request"),
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "https://gitee.com/…/pulls/…", "inputmode": "url"}),
    )


class AttestedWorkForm(forms.Form):
    """A closed pull request, and the commit that brought its work into the repository."""

    address = forms.CharField(
        label=_("Link of your closed pull request"),
        max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )
    commit = forms.CharField(
        label=_("Link of the commit that contains your work"),
        help_text=_("Or its full hash. It must be in the same repository."),
        max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url"}),
    )


def read_share(typed: str) -> Decimal:
    """Return a typed percentage as a share between 0 and 1. Raises CreditsError for text that is not a number."""
    try:
        return Decimal(typed.strip().removesuffix("%").strip() or "0") / 100
    except ArithmeticError:
        raise CreditsError(
            "share-unreadable",
            gettext("“%(value)s” is not a valid share.") % {"value": typed[:40]},
            gettext("Write a percentage from 0 to 100, with at most two decimals."),
        ) from None
