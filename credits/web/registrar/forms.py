"""Forms on the registrar's pages."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from accounts.calendar import date_lists
from accounts.identity.forges import all_forges
from accounts.models import Programme, Term
from accounts.people.roster_row import FIRST_YEAR
from credits.claims.models import Round
from credits.claims.rounds import YEARS
from credits.errors import CreditsError
from credits.formats.tabular import RENDERERS
from credits.rulebooks.models import RulebookVersion
from credits.web.presenters.rulebook_version import VersionField


class VouchForm(forms.Form):
    """A registrar's statement that a forge account belongs to a student."""

    student_number = forms.CharField(label=_("Student number"), max_length=40)
    forge = forms.ChoiceField(label=_("Platform"))
    login = forms.CharField(label=_("Login on the platform"), max_length=100)
    reason = forms.CharField(
        label=_("How you know that the account is theirs"),
        help_text=_("This is recorded with the link."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["forge"].choices = [(row.name, row.label) for row in all_forges()]  # type: ignore[attr-defined]


class RosterForm(forms.Form):
    """A roster file. ``cleaned_data`` also has its bytes (``data``) and their SHA-256 (``digest``)."""

    file = forms.FileField(
        label=_("Roster"),
        help_text=_(
            "CSV or XLSX with the columns student_number, name, email, department, programme, "
            "level, year. Headings can be in Chinese."
        ),
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.xlsm,text/csv"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if file := cleaned.get("file"):
            cleaned["data"] = file.read()
            cleaned["digest"] = hashlib.sha256(cleaned["data"]).hexdigest()
        return cleaned


class ExportForm(forms.Form):
    """The round to export, and the file format."""

    round = forms.ModelChoiceField(
        Round.objects.all(), label=_("Round"), to_field_name="code", empty_label=None
    )
    format = forms.ChoiceField(choices=[(name, name) for name in RENDERERS], label=_("Format"))


class MomentField(forms.DateTimeField):
    """A local date and time, in the format of the browser's own picker."""

    widget = forms.DateTimeInput(
        attrs={
            "type": "datetime-local",
            "min": f"{YEARS[0]}-01-01T00:00",
            "max": f"{YEARS[-1]}-12-31T23:59",
        },
        format="%Y-%m-%dT%H:%M",
    )
    input_formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]


_CODE_ERRORS = {"invalid": _("A code can only have letters, digits, underscores and hyphens.")}


class RoundForm(forms.Form):
    """A new round (认定批次)."""

    code = forms.SlugField(
        label=_("Code"),
        max_length=60,
        help_text=_("Letters, digits and hyphens, for example 2025-spring."),
        error_messages=_CODE_ERRORS,
    )
    term = forms.ModelChoiceField(Term.objects.all(), label=_("Term"), to_field_name="code", empty_label=None)
    name_zh = forms.CharField(label=_("Chinese name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120)
    version = VersionField(
        RulebookVersion.objects.filter(status=RulebookVersion.Status.PUBLISHED).select_related("rulebook"),
        label=_("Rulebook in force"),
        empty_label=None,
    )
    apply_from = MomentField(label=_("Applications open"))
    apply_until = MomentField(label=_("Applications close"))
    review_until = MomentField(label=_("Review closes"))
    record_from = MomentField(label=_("Recording opens"))
    record_until = MomentField(label=_("Recording closes"))


class ProgrammeField(forms.ModelChoiceField):
    """A choice of programmes, shown by college and name."""

    def label_from_instance(self, obj: Model) -> str:
        return f"{obj.department} · {obj}" if isinstance(obj, Programme) else str(obj)


class RulebookInForceForm(forms.Form):
    """Another rulebook in a round, for some of its students."""

    programme = ProgrammeField(
        Programme.objects.select_related("department").order_by("department__name", "name"),
        label=_("Programme"),
        required=False,
        empty_label=_("all programmes"),
    )
    year = forms.IntegerField(
        label=_("Entry year"),
        required=False,
        min_value=FIRST_YEAR,
        max_value=YEARS[-1],
        help_text=_("Leave empty for all entry years."),
    )
    version = VersionField(
        RulebookVersion.objects.filter(status=RulebookVersion.Status.PUBLISHED).select_related("rulebook"),
        label=_("Rulebook in force"),
        empty_label=None,
    )


class DayField(forms.DateField):
    """A day, in the format of the browser's own picker."""

    widget = forms.DateInput(
        attrs={"type": "date", "min": f"{YEARS[0]}-01-01", "max": f"{YEARS[-1]}-12-31"}, format="%Y-%m-%d"
    )
    input_formats = ["%Y-%m-%d", "%Y/%m/%d"]


class DaysField(forms.CharField):
    """Days: one day or range on each line. The cleaned value is a tuple of dates."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, max_length=20_000, **kwargs)

    def clean(self, value: Any) -> Any:
        try:
            return date_lists.parse_days(super().clean(value))
        except CreditsError as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return date_lists.format_days(date.fromisoformat(str(day)) for day in value)
        return value


class TermForm(forms.Form):
    """A term (学期). The code of an existing ``term`` cannot change; with ``days_stay``, nor its first and last day."""

    code = forms.SlugField(
        label=_("Code"),
        max_length=40,
        help_text=_("Letters, digits and hyphens, for example 2025-spring."),
        error_messages=_CODE_ERRORS,
    )
    name_zh = forms.CharField(label=_("Chinese name"), max_length=100)
    name_en = forms.CharField(label=_("English name"), max_length=100)
    starts_on = DayField(label=_("Start date"))
    ends_on = DayField(label=_("End date"))
    days_off = DaysField(
        label=_("Public holidays"),
        help_text=_("One date or range per line: 2026-10-01 or 2026-10-01 – 2026-10-07."),
    )
    days_worked = DaysField(
        label=_("Weekend working days"),
        help_text=_("Saturdays and Sundays that are working days, in the same format."),
    )

    def __init__(
        self, data: Any = None, *, term: Term | None = None, days_stay: bool = False, **kwargs: Any
    ) -> None:
        if term is not None:
            kwargs["initial"] = {name: getattr(term, name) for name in self.base_fields}
        super().__init__(data, **kwargs)
        if term is not None:
            self.fields.pop("code")
        for name in ("starts_on", "ends_on"):
            self.fields[name].disabled = days_stay
