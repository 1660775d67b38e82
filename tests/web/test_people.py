"""How an administrator gives and takes roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import StaffRole
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def test_a_role_is_given_and_taken(signed_in: SignIn, html: Html) -> None:
    """The form gives a role, the list shows it, and the button takes it away."""
    person, college = factories.person(username="teacher"), factories.department()
    browser = signed_in(factories.admin())
    typed = {"username": "Teacher", "role": "instructor", "department": str(college.pk)}
    answer = browser.post(reverse("admin_people"), typed, follow=True)
    assert f"{person.name} was given the role: instructor." in html(answer)
    role = StaffRole.objects.get(user=person)
    answer = browser.post(reverse("admin_take_role", args=[role.pk]), follow=True)
    assert "no longer has the role: instructor." in html(answer)
    assert not StaffRole.objects.filter(user=person).exists()


@pytest.mark.parametrize("wrong", [{"username": "nobody-at-all"}, {"role": "emperor"}, {"department": "0"}])
def test_a_role_that_cannot_be_given_comes_back_as_typed(
    wrong: dict[str, str], signed_in: SignIn, html: Html
) -> None:
    """The page names the error, and no role is given."""
    factories.person(username="teacher")
    typed = {"username": "teacher", "role": "registrar", "department": "", **wrong}
    answer = signed_in(factories.admin()).post(reverse("admin_people"), typed)
    assert answer.status_code == 400
    assert 'role="alert"' in html(answer)
    assert StaffRole.objects.count() == 1


def test_nobody_changes_their_own_roles(signed_in: SignIn, html: Html) -> None:
    """An administrator cannot make themselves a registrar; the form is shown again as typed."""
    admin = factories.admin(username="chief")
    answer = signed_in(admin).post(reverse("admin_people"), {"username": "chief", "role": "registrar"})
    assert answer.status_code == 403
    assert "You cannot change your own roles." in html(answer)
    assert StaffRole.objects.count() == 1


@pytest.mark.parametrize("asked", ["%", "'; DROP TABLE", "<b>", "\x00", "名" * 300])
def test_looking_somebody_up_takes_any_text(asked: str, signed_in: SignIn, html: Html) -> None:
    """A search accepts any text and shows it escaped."""
    factories.person(name="张三")
    answer = signed_in(factories.admin()).get(reverse("admin_people"), {"q": asked})
    assert answer.status_code == 200
    assert "<b>" not in html(answer)
