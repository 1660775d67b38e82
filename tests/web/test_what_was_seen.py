"""A page that has been open for a while acts on what its reader saw, or on nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from credits.claims.models import Claim, Decision, HearingAnswer
from credits.claims.review import review
from credits.errors import Conflict
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import propose, publish
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], Client]
Html = Callable[[HttpResponse], str]

VARIANT = "extends: {code: base, version: '2025'}\ncode: variant\nterm_cap: 1\n"
"""A rulebook of which most stands in another one."""


def hidden(page: str, action: str = "") -> dict[str, str]:
    """The hidden fields of the form that is sent to ``action`` (a part of its address), but for the token."""
    form = next(one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if action in one)
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def refusing(claim: Claim, *, every: bool = False) -> dict[str, dict[str, object]]:
    """The lines that refuse the first contribution of a claim, or every one."""
    refs = [one["ref"] for one in claim.facts["contributions"]]  # type: ignore[index]
    return {ref: {"accepted": False, "reason": "copied"} for ref in (refs if every else refs[:1])}


def test_invariant_8_an_answer_to_a_replaced_proposal_is_none_to_its_successor(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """A student who answers a proposal that was replaced meanwhile by a worse one has not answered that one, and
    keeps the days to do so."""
    claim = make.submitted_claim()
    first = review.decide(claim, refusing(claim), by=make.reviewer_of(claim), now=NOW)
    claim.refresh_from_db()
    page = html(signed_in(claim.user).get(reverse("claim", args=[claim.public_id])))
    clock.at = claim.hearing_until + timedelta(hours=1)  # type: ignore[operator]
    reviewer = make.reviewer_of(claim)
    second = review.decide(claim, refusing(claim, every=True), by=reviewer, now=clock.at)
    assert (first.pk, second.standing) != (second.pk, Decision.Standing.FINAL)
    student = signed_in(claim.user)
    address = reverse("claim_answer", args=[claim.public_id])
    student.post(address, hidden(page, address) | {"text": "Only one of them was mine."})
    assert not HearingAnswer.objects.filter(decision=second).exists()
    claim.refresh_from_db()
    with pytest.raises(Conflict) as error:
        review.confirm_proposal(claim, by=reviewer, now=clock.at + timedelta(minutes=5))
    assert error.value.code == "hearing-not-over"
    page = html(student.get(reverse("claim", args=[claim.public_id])))
    student.post(address, hidden(page, address) | {"text": "Both are mine."})
    assert HearingAnswer.objects.filter(decision=second).exists()


def test_a_proposal_made_meanwhile_is_not_written_over_unseen(signed_in: SignIn, html: Html) -> None:
    """A reviewer whose page was opened before a colleague proposed to refuse does not approve past it unknowingly."""
    claim = make.submitted_claim()
    late = signed_in(make.reviewer_of(claim))
    address = reverse("instructor_claim", args=[claim.public_id])
    page = html(late.get(address))
    review.decide(claim, refusing(claim, every=True), by=make.reviewer_of(claim), now=NOW)
    late.post(address, hidden(page, 'id="decision"'))
    claim.refresh_from_db()
    assert claim.status == Claim.Status.HEARING
    page = html(late.get(address))
    late.post(address, hidden(page, 'id="decision"'))
    claim.refresh_from_db()
    assert claim.status == Claim.Status.NOTICE


def test_an_answer_that_came_meanwhile_is_read_before_it_is_decided(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """Neither a new decision nor the confirmation of the old one goes past an answer that the page did not show."""
    claim = make.submitted_claim()
    reviewer = make.reviewer_of(claim)
    review.decide(claim, refusing(claim, every=True), by=reviewer, now=NOW)
    claim.refresh_from_db()
    clock.at = claim.hearing_until + timedelta(hours=1)  # type: ignore[operator]
    browser = signed_in(reviewer)
    address = reverse("instructor_claim", args=[claim.public_id])
    confirm = reverse("instructor_confirm", args=[claim.public_id])
    page = html(browser.get(address))
    review.answer_proposal(claim, "Here is who wrote it.", by=claim.user, now=clock.at)
    browser.post(confirm, hidden(page, confirm))
    refused = {"line-1-accepted": "no", "line-2-accepted": "no", "reason": "copied"}
    browser.post(address, hidden(page, 'id="decision"') | refused)
    claim.refresh_from_db()
    assert claim.status == Claim.Status.HEARING
    browser.post(confirm, hidden(html(browser.get(address)), confirm))
    claim.refresh_from_db()
    assert claim.status == Claim.Status.REFUSED


def test_only_the_text_that_was_read_is_published(signed_in: SignIn, html: Html) -> None:
    """A second steward who read a proposal does not publish what its author put in its place meanwhile."""
    author, second = factories.steward(), factories.steward()
    text = make.RULEBOOK.format(code="mine", category="innovation", points="", more="")
    propose(text, by=author, now=NOW)
    browser = signed_in(second)
    address, button = reverse("steward_version", args=["mine", 1]), reverse("steward_publish", args=["mine"])
    page = html(browser.get(address))
    propose(text.replace("give: 8", "give: 800"), by=author, now=NOW)
    browser.post(button, hidden(page, button))
    assert RulebookVersion.objects.get().status == RulebookVersion.Status.PROPOSED
    browser.post(button, hidden(html(browser.get(address)), button))
    assert RulebookVersion.objects.get().status == RulebookVersion.Status.PUBLISHED


def test_a_variant_is_published_as_it_was_read_or_not_at_all() -> None:
    """A base of the same label, published between a variant's proposal and its publication, does not slip into what a
    second steward read."""
    base = make.RULEBOOK.format(code="base", category="innovation", points="", more="label: '2025'")
    make.published_rulebook(text=base)
    author, second = factories.steward(), factories.steward()
    read = propose(VARIANT, by=author, now=NOW)
    make.published_rulebook(text=base.replace("give: 8", "give: 80"))
    with pytest.raises(Conflict) as error:
        publish("variant", by=second, now=NOW, digest=read.digest)
    assert error.value.code == "proposal-changed"
    again = propose(VARIANT, by=author, now=NOW)
    assert again.digest != read.digest
    assert publish("variant", by=second, now=NOW, digest=again.digest).digest == again.digest
