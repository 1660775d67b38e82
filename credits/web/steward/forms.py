"""Forms on the steward's pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import Programme
from credits.claims.models import Round
from credits.rulebooks.models import RulebookVersion
from credits.web.core.fields import VersionField


class RulebookForm(forms.Form):
    """A rulebook's text. It is kept exactly as typed: the verb reads it and names each fault with line and column."""

    text = forms.CharField(
        label=_("Text of the rulebook (YAML)"),
        strip=False,
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false", "wrap": "off"}),
    )


_PUBLISHED_OR_RETIRED = (RulebookVersion.Status.PUBLISHED, RulebookVersion.Status.RETIRED)


class SimulationForm(forms.Form):
    """On which claims a rulebook is tried, and what it is held against."""

    round = forms.ModelChoiceField(
        Round.objects.all(), label=gettext_lazy("Round"), to_field_name="code", empty_label=None
    )
    programme = forms.ModelChoiceField(
        Programme.objects.order_by("name"),
        label=gettext_lazy("Programme"),
        required=False,
        empty_label=gettext_lazy("everyone"),
    )
    against = VersionField(
        RulebookVersion.objects.filter(status__in=_PUBLISHED_OR_RETIRED)
        .select_related("rulebook")
        .defer("text", "canonical"),
        label=gettext_lazy("Compared with"),
        required=False,
        empty_label=gettext_lazy("the version that applied to each application"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # The form may stand inside that of the editor, which is sent with all sorts of buttons.
            field.widget.is_required = False
            field.widget.attrs.pop("required", None)
        self.use_required_attribute = False
