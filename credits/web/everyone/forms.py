"""Forms on pages for more than one role."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class MaintainerWordForm(forms.Form):
    """A maintainer's answer to the question whether a commit is the work of a pull request."""

    confirms = forms.ChoiceField(
        label=_("Does this commit contain the work of that pull request?"),
        choices=[("yes", _("Yes")), ("no", _("No"))],
        widget=forms.RadioSelect,
    )
    login = forms.CharField(label=_("Your login on the platform"), max_length=100)
    text = forms.CharField(
        label=_("Your comment"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class HearingAnswerForm(forms.Form):
    """A student's answer to a proposed decision."""

    text = forms.CharField(
        label=_("Your response"), max_length=5000, widget=forms.Textarea(attrs={"rows": 6})
    )
