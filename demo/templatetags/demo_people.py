"""The made-up people for the demo's sign-in page."""

from __future__ import annotations

from django import template

from accounts.models import User
from demo import people

register = template.Library()


@register.simple_tag
def demo_people() -> list[User]:
    """Whom the sign-in page offers, in their order, with their staff roles."""
    found = {
        person.username: person
        for person in User.objects.filter(username__in=people.SHOWN).prefetch_related("staff_roles")
    }
    return [found[username] for username in people.SHOWN if username in found]
