"""What a steward proposes and publishes, and what every member can read of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from credits.rulebooks.models import RulebookVersion
from tests import credit_factories as credit
from tests import factories

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]

TEXT = credit.RULEBOOK.format(code="web-rulebook", category="innovation", points="", more="")


def test_one_steward_proposes_and_another_publishes(signed_in: SignIn, html: Html) -> None:
    """The proposer has no button to publish and gets 403; a second steward publishes."""
    first, second = factories.steward(), factories.steward()
    answer = signed_in(first).post(reverse("steward_propose"), {"text": TEXT}, follow=True)
    text = html(answer)
    assert "was proposed" in text
    assert "Publish version" not in text
    press = reverse("steward_publish", args=["web-rulebook"])
    assert signed_in(first).post(press).status_code == 403
    browser = signed_in(second)
    address = reverse("steward_version", args=["web-rulebook", 1])
    assert "Publish version" in html(browser.get(address))
    assert "is published" in html(browser.post(press, follow=True))
    assert RulebookVersion.objects.get().published_by == second


def test_a_rulebook_with_faults_comes_back_with_each_beside_its_line(signed_in: SignIn, html: Html) -> None:
    """The page names line and column and shows the text as typed; no version is stored."""
    wrong = TEXT.replace("repository.osi_approved", "repository.osi_aproved").replace("give: 8", "giv: 8")
    answer = signed_in(factories.steward()).post(reverse("steward_propose"), {"text": wrong})
    text = html(answer)
    assert answer.status_code == 422
    assert 'class="faulty"' in text
    line = next(n for n, text in enumerate(wrong.split("\n"), start=1) if "osi_aproved" in text)
    assert f'href="#line-{line}"' in text
    assert "osi_aproved" in answer.context["form"]["text"].value()
    assert not RulebookVersion.objects.exists()


@pytest.mark.parametrize(
    "text", ["", "{", "a: &x 1\nb: *x", "\t", "[" * 500, "<script>alert(1)</script>", "- \x07"]
)
def test_any_text_at_all_gets_an_answer(text: str, signed_in: SignIn, html: Html) -> None:
    """Hostile and empty texts are refused with a sentence, and shown escaped."""
    answer = signed_in(factories.steward()).post(reverse("steward_propose"), {"text": text})
    assert 400 <= answer.status_code < 500
    assert "<script>alert" not in html(answer)


def test_a_published_version_is_open_to_members_and_a_proposed_one_is_not(
    signed_in: SignIn, html: Html
) -> None:
    """Students can read a published version in words; only stewards can open a proposal."""
    published = credit.published_rulebook("open-one")
    steward = factories.steward()
    signed_in(steward).post(reverse("steward_propose"), {"text": TEXT})
    browser = signed_in(factories.student())
    text = html(browser.get(reverse("steward_version", args=["open-one", published.number])))
    assert "an OSI-approved licence" in text
    assert "Retire" not in text
    assert "Start a new version" not in text
    assert browser.get(reverse("steward_version", args=["web-rulebook", 1])).status_code == 404
    assert browser.get(reverse("steward_version", args=["open-one", 10**12])).status_code == 404


def test_whoever_publishes_reads_what_is_probably_not_meant(signed_in: SignIn, html: Html) -> None:
    """The page of a proposal names a condition that is always true, with its line, in the reader's language. Without
    doubts the page says so. The page of a published version has no such part."""
    doubtful = TEXT.replace("when: repository.osi_approved", "when: repository.stars >= 0")
    proposer, publisher = factories.steward(), factories.steward()
    signed_in(proposer).post(reverse("steward_propose"), {"text": doubtful})
    address = reverse("steward_version", args=["web-rulebook", 1])
    line = next(number for number, text in enumerate(doubtful.splitlines(), start=1) if "stars" in text)
    browser = signed_in(publisher)
    text = html(browser.get(address))
    assert "these points may be mistakes" in text
    assert f"line {line} <" in text
    assert "always true" in text
    assert "此条件都成立" in html(signed_in(publisher, "zh-hans").get(address))
    signed_in(proposer).post(reverse("steward_propose"), {"text": TEXT})
    assert "No likely mistakes were found" in html(browser.get(address))
    browser.post(reverse("steward_publish", args=["web-rulebook"]))
    assert "Before publication" not in html(browser.get(address))


def test_a_version_is_begun_from_another_and_an_unknown_one_is_refused(signed_in: SignIn) -> None:
    """The form contains the text of the named version; an unknown version gets 404, any other text an empty form."""
    credit.published_rulebook("open-one")
    browser = signed_in(factories.steward())
    begun = browser.get(reverse("steward_propose"), {"from": "open-one/1"})
    assert "code: open-one" in begun.context["form"]["text"].value()
    assert browser.get(reverse("steward_propose"), {"from": "open-one/9"}).status_code == 404
    assert browser.get(reverse("steward_propose"), {"from": "x"}).status_code == 200


def test_a_retired_version_is_no_longer_offered(signed_in: SignIn, html: Html) -> None:
    """The page of a retired version says so, and a registrar cannot choose the version for a round."""
    version = credit.published_rulebook("open-one")
    press = reverse("steward_retire", args=["open-one", version.number])
    assert "no longer available" in html(signed_in(factories.steward()).post(press, follow=True))
    text = html(signed_in(factories.registrar()).get(reverse("registrar_rounds")))
    assert "open-one v1" not in text
