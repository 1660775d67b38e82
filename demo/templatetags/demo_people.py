"""The made-up people, for the demo's sign-in page."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _

from accounts.models import User
from demo import people

register = template.Library()


@register.simple_tag
def demo_people() -> list[tuple[User, str]]:
    """Return the people whom the sign-in page offers, in its order, each with a description."""
    found = {
        person.username: person
        for person in User.objects.filter(username__in=people.SIGN_IN_USERNAMES).prefetch_related(
            "staff_roles__department", "enrolments"
        )
    }
    return [
        (found[username], _describe(found[username]))
        for username in people.SIGN_IN_USERNAMES
        if username in found
    ]


def _describe(person: User) -> str:
    roles = [
        f"{held.get_role_display()} · {held.department}" if held.department else held.get_role_display()
        for held in person.staff_roles.all()
    ]
    if roles:
        return ", ".join(roles)
    numbers = {enrolment.student_number for enrolment in person.enrolments.all()}
    part = next((one.part for one in people.STUDENTS if one.student_number in numbers), "")
    return {
        "to-claim": _("student who may apply"),
        "hearing": _("student who is asked to respond"),
        "recorded": _("student with credit"),
    }.get(part, _("student"))
