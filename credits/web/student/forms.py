"""Forms on the student's pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class PullRequestForm(forms.Form):
    """The address of a merged pull request."""

    address = forms.CharField(
        label=_("Link of a merged pull request"),
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "https://gitee.com/…/pulls/…", "inputmode": "url"}),
    )


class AttestedWorkForm(forms.Form):
    """A closed pull request and the commit by which it landed."""

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
