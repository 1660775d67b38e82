"""The editor of rulebooks saves, checks and tries a text on an example while it is typed."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from credits.rulebooks.models import RulebookDraft, RulebookVersion
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]

TEXT = credit.RULEBOOK.format(code="web-rulebook", category="innovation", points="", more="")
HTMX = {"HX-Request": "true"}


def sent(
    text: str, draft: uuid.UUID | None = None, page: str = "one", base: str = "", **more: str
) -> dict[str, Any]:
    return {"text": text, "draft": str(draft or uuid.uuid4()), "page": page, "base": base, **more}


def test_what_is_typed_is_kept_with_faults_and_all(signed_in: SignIn, html: Html) -> None:
    """A draft with a fault is saved; its author can open it again, and nobody else can."""
    steward, draft = factories.steward(), uuid.uuid4()
    browser = signed_in(steward)
    wrong = TEXT.replace("osi_approved", "osi_aproved")
    text = html(browser.post(reverse("steward_check"), sent(wrong, draft), headers=HTMX))
    assert "data-kept" in text
    assert "1 error" in text
    line = wrong[: wrong.index("osi_aproved")].count("\n") + 1
    assert f'data-line="{line}"' in text
    address = f"{reverse('steward_propose')}?draft={draft}"
    assert "osi_aproved" in html(browser.get(address))
    assert "osi_aproved" not in html(signed_in(factories.steward()).get(address))
    assert "web-rulebook" in html(browser.get(reverse("steward_rulebooks")))
    assert not RulebookVersion.objects.exists()


def test_a_text_that_holds_is_tried_on_the_example_and_held_against_what_is_published(
    signed_in: SignIn, html: Html
) -> None:
    """Each check shows credit, trace and the changes since the published version."""
    credit.published_rulebook("web-rulebook")
    changed = TEXT.replace("share: 1", "share: 1, points: 12")
    text = html(signed_in(factories.steward()).post(reverse("steward_check"), sent(changed), headers=HTMX))
    assert "no errors" in text
    assert "cap per repository none → 12" in text
    assert "Read settings from the environment" in text
    assert "an OSI-approved licence" in text


def test_without_scripts_the_buttons_do_the_same(signed_in: SignIn, html: Html) -> None:
    """Without scripts, saving returns to the editor, which shows the result of the check."""
    answer = signed_in(factories.steward()).post(reverse("steward_check"), sent(TEXT), follow=True)
    assert "no errors" in html(answer)
    assert RulebookDraft.objects.get().text == TEXT


def test_a_second_window_does_not_write_over_the_first_unseen(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """A window with an older text gets a warning; the window that wrote last continues, even if an answer was lost."""
    browser, draft = signed_in(factories.steward()), uuid.uuid4()
    check = reverse("steward_check")
    for more in ("", "# 1\n", "# 2\n"):
        clock.at += timedelta(seconds=1)
        assert "data-kept" in html(browser.post(check, sent(TEXT + more, draft), headers=HTMX))
    refused = html(browser.post(check, sent("other", draft, page="two", base=NOW.isoformat()), headers=HTMX))
    assert "changed in another window" in refused
    assert "data-kept" not in refused
    assert RulebookDraft.objects.get().text == f"{TEXT}# 2\n"
    base = RulebookDraft.objects.get().saved_at.isoformat()
    assert "data-kept" in html(browser.post(check, sent("other", draft, page="two", base=base), headers=HTMX))


@pytest.mark.parametrize(
    "text", ["", " ", "{", "\t", "[" * 500, "<script>alert(1)</script>", "- \x07", "a\0b"]
)
def test_any_text_at_all_gets_an_answer(text: str, signed_in: SignIn, html: Html) -> None:
    """Unfinished and hostile texts get an answer, escaped."""
    answer = signed_in(factories.steward()).post(reverse("steward_check"), sent(text), headers=HTMX)
    assert answer.status_code == 200
    assert "<script>alert" not in html(answer)


def test_proposing_ends_the_draft_and_a_refusal_keeps_it(signed_in: SignIn) -> None:
    """A text that cannot be proposed is kept as a draft; proposing it deletes the draft."""
    browser, draft = signed_in(factories.steward()), uuid.uuid4()
    press = reverse("steward_propose")
    assert browser.post(press, sent("{", draft)).status_code == 422
    assert RulebookDraft.objects.get().text == "{"
    assert browser.post(press, sent(TEXT, draft)).status_code == 302
    assert not RulebookDraft.objects.exists()
    assert RulebookVersion.objects.get().status == "proposed"


def test_a_draft_is_thrown_away_by_its_author_alone(signed_in: SignIn) -> None:
    """Another steward cannot discard a draft."""
    steward, draft = factories.steward(), uuid.uuid4()
    signed_in(steward).post(reverse("steward_check"), sent(TEXT, draft))
    signed_in(factories.steward()).post(reverse("steward_discard", args=[draft]))
    assert RulebookDraft.objects.exists()
    signed_in(steward).post(reverse("steward_discard", args=[draft]))
    assert not RulebookDraft.objects.exists()


def test_invariant_12_a_real_example_names_nobody_and_the_look_is_written_down(
    signed_in: SignIn, html: Html
) -> None:
    """The page shows no name, number, repository or title. The audit log records the choice once, not each check. A
    steward who is also an instructor of the college sees the titles."""
    claim = credit.submitted_claim(in_round=credit.round_(rulebooks=[credit.published_rulebook()]))
    repository = claim.facts["contributions"][0]["repository"]["full_name"]  # type: ignore[index]
    title = claim.facts["contributions"][0]["contribution"]["title"]  # type: ignore[index]
    steward, draft = factories.steward(), uuid.uuid4()
    browser = signed_in(steward)
    key = str(claim.public_id)
    text = html(browser.post(reverse("steward_example"), sent(TEXT, draft, example=key), follow=True))
    text += html(browser.post(reverse("steward_check"), sent(TEXT + "# more", draft), headers=HTMX))
    for secret in (repository, title, claim.user.name, claim.enrolment.student_number):
        assert secret not in text
    assert "contribution 1" in text
    line = AuditEntry.objects.get(action="example-seen")
    assert (line.actor, line.person, line.details["named"]) == (steward, claim.user, False)
    both = factories.instructor(claim.enrolment.programme.department)
    both.staff_roles.create(role="steward")
    browser = signed_in(User.objects.get(pk=both.pk))
    text = html(browser.post(reverse("steward_example"), sent(TEXT, example=key), follow=True))
    assert title in text


def test_an_example_that_is_none_is_refused(signed_in: SignIn, html: Html) -> None:
    """An unknown id, or a claim that is not submitted, gets 404."""
    browser = signed_in(factories.steward())
    draft = credit.claim()
    for key in ("x", str(uuid.uuid4()), str(draft.public_id)):
        assert browser.post(reverse("steward_example"), sent(TEXT, example=key)).status_code == 404


@pytest.mark.parametrize("role", ["student", "instructor", "registrar", "admin"])
def test_only_stewards_write(role: str, signed_in: SignIn) -> None:
    """Other roles can neither save a draft nor open an example."""
    browser = signed_in(getattr(factories, role)())
    assert browser.post(reverse("steward_check"), sent(TEXT)).status_code == 403
    assert browser.post(reverse("steward_example"), sent(TEXT)).status_code == 403
    assert browser.post(reverse("steward_discard", args=[uuid.uuid4()])).status_code == 403
