"""Forms on the reviewers' pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class AttestedWorkDecisionForm(forms.Form):
    """A reviewer's decision on work that was merged another way."""

    accept = forms.ChoiceField(
        label=_("Decision"),
        choices=[("yes", _("Accept as a contribution")), ("no", _("Refuse"))],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Required if you refuse. The student can read it."),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
