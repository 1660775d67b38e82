"""Form fields that several audiences use."""

from __future__ import annotations

from django import forms
from django.db.models import Model

from credits.rulebooks.models import RulebookVersion


class VersionField(forms.ModelChoiceField):
    """A choice of rulebook versions, by title, code and number."""

    def label_from_instance(self, obj: Model) -> str:
        return f"{obj.title} · {obj}" if isinstance(obj, RulebookVersion) else str(obj)
