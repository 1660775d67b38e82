"""A form from an old page acts on what its reader saw, or does nothing."""

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
"""A rulebook that takes most of its text from another one."""


def hidden(page: str, action: str = "") -> dict[str, str]:
    """Return the hidden fields, without the CSRF token, of the form that contains ``action``, a part of its address."""
    form = next(text for text in re.findall(r"<form.*?</form>", page, re.DOTALL) if action in text)
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    return {name: value for name, value in found.items() if name != "csrfmiddlewaretoken"}


def refusing(claim: Claim, *, every: bool = False) -> dict[str, dict[str, object]]:
    """Return decisions that refuse the first contribution of a claim; with ``every``, all of them."""
    refs = [facts["ref"] for facts in claim.facts["contributions"]]  # type: ignore[index]
    return {ref: {"accepted": False, "reason": "copied"} for ref in (refs if every else refs[:1])}


def test_invariant_8_an_answer_to_a_replaced_proposal_is_none_to_its_successor(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """A response to a proposal that was replaced by a worse one does not count for the new proposal, and the student
    keeps the days to respond to it."""
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
    """A reviewer's page from before a colleague's proposal to refuse cannot approve the claim."""
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
    """A page that does not show the student's response can neither confirm the proposal nor replace it."""
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
    """A steward who read a proposal cannot publish the text that its author has since put in its place."""
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
    """If a new base with the same label is published after a variant was proposed and read, the variant cannot be
    published with it."""
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
