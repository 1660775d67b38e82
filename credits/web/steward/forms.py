"""Forms on the steward's pages, and how the editor's fields are read."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django import forms
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.models import Programme
from credits.claims.models import Round
from credits.rulebooks.models import RulebookVersion
from credits.web.presenters.rulebook_editor import MAX_TEXT_LENGTH
from credits.web.presenters.rulebook_version import VersionField

_PUBLISHED_OR_RETIRED = (RulebookVersion.Status.PUBLISHED, RulebookVersion.Status.RETIRED)


class RulebookForm(forms.Form):
    """A rulebook's text, exactly as typed: the verb parses it and names each fault with line and column."""

    text = forms.CharField(
        label=_("Text of the rulebook (YAML)"),
        strip=False,
        max_length=MAX_TEXT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 30, "spellcheck": "false", "wrap": "off"}),
    )


class SimulationForm(forms.Form):
    """The claims of a simulation, and the rulebook to compare with."""

    round = forms.ModelChoiceField(
        Round.objects.all(), label=_("Round"), to_field_name="code", empty_label=None
    )
    programme = forms.ModelChoiceField(
        Programme.objects.order_by("name"),
        label=_("Programme"),
        required=False,
        empty_label=_("everyone"),
    )
    against = VersionField(
        RulebookVersion.objects.filter(status__in=_PUBLISHED_OR_RETIRED)
        .select_related("rulebook")
        .defer("text", "canonical"),
        label=_("Compared with"),
        required=False,
        empty_label=_("the version that applied to each application"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # On the editor's page this form is inside the editor's own form, which other buttons send too.
            field.widget.is_required = False
            field.widget.attrs.pop("required", None)
        self.use_required_attribute = False


def unix_lines(text: str) -> str:
    """Return the text with the line ends of YAML: browsers send CRLF."""
    return text.replace("\r\n", "\n")


def parse_uuid(text: str) -> uuid.UUID | None:
    """Return the id that a form or an address sent, or None if it is not one."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def parse_moment(text: str) -> datetime | None:
    """Return the instant that a form sent, or None if it is not one."""
    try:
        return parse_datetime(text)
    except ValueError:
        return None
