"""Forms on the administrator's pages."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, StaffRole, User


class StaffRoleForm(forms.Form):
    """The person, the role, and the department it is for."""

    username = forms.CharField(label=_("Username"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), choices=StaffRole.Role.choices)
    department = forms.ModelChoiceField(
        Department.objects.all(),
        label=_("College"),
        required=False,
        empty_label=_("all colleges"),
        help_text=_(
            "Instructors decide for one college. A committee member without a college belongs to "
            "the university's committee."
        ),
    )

    def clean_username(self) -> User:
        person = User.objects.filter(username__iexact=self.cleaned_data["username"], is_active=True).first()
        if person is None:
            raise forms.ValidationError(_("There is no user with this username."))
        return person
