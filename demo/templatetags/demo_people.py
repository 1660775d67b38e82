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
    by_username = {
        person.username: person
        for person in User.objects.filter(username__in=people.SIGN_IN_USERNAMES).prefetch_related(
            "staff_roles__department", "enrolments"
        )
    }
    return [
        (by_username[username], _describe(by_username[username]))
        for username in people.SIGN_IN_USERNAMES
        if username in by_username
    ]


def _describe(person: User) -> str:
    roles = [
        f"{role.get_role_display()} · {role.department}" if role.department else role.get_role_display()
        for role in person.staff_roles.all()
    ]
    if roles:
        return ", ".join(roles)
    numbers = {enrolment.student_number for enrolment in person.enrolments.all()}
    part = next((student.part for student in people.STUDENTS if student.student_number in numbers), "")
    return {
        "to-claim": _("student who may apply"),
        "hearing": _("student who is asked to respond"),
        "recorded": _("student with credit"),
    }.get(part, _("student"))
