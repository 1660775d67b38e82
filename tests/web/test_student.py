"""What a student sees, from an empty account to recorded credit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.identity import linking
from credits.claims.application import submit
from credits.claims.application.draft import open_draft
from credits.claims.models import Claim
from credits.claims.recording.record import record_result
from credits.claims.review import review
from credits.contributions.models import CollectionState
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW
from tests.web.conftest import Clock

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def home(browser: Client, html: Html) -> str:
    answer = browser.get(reverse("student_home"))
    assert answer.status_code == 200
    return html(answer)


def test_the_first_page_names_one_next_step_at_every_stage(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """At each step (link, collect, apply, wait, record) the first page names that step."""
    student = factories.student()
    browser = signed_in(student)
    assert "Link your accounts" in home(browser, html)
    account = factories.forge_account(student)
    assert "being collected" in home(browser, html)
    CollectionState.objects.create(account=account, complete_at=NOW)
    assert "Nothing to do now" in home(browser, html)
    round_ = credit.round_()
    assert "Nothing is eligible under the rulebook yet" in home(browser, html)
    credit.authorship(student)
    credit.authorship(student)
    assert "Start my application" in home(browser, html)
    browser.post(reverse("student_claim", args=[round_.code]))
    assert "Continue my application" in home(browser, html)
    claim = Claim.objects.get()
    items = [str(item.authorship_id) for item in claim.items.all()]
    browser.post(reverse("student_claim_pick", args=[round_.code]), {"item": items, "submit": "1"})
    assert "An instructor is reviewing your application" in home(browser, html)
    credit.decided_claim(claim)
    assert "on public notice" in home(browser, html)
    claim.refresh_from_db()
    clock.at = claim.notice_until
    record_result(claim, by=factories.registrar(), now=clock.at)
    text = home(signed_in(student), html)
    assert "Your credit is recorded" in text
    assert '<span class="figure">0.5</span>' in text


def test_a_proposed_reduction_comes_before_everything_else(signed_in: SignIn, html: Html) -> None:
    """A student with an open proposal is asked to respond, with the last day for it."""
    claim = credit.submitted_claim(contributions=2)
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    credit.decided_claim(claim, {refs[0]: {"accepted": False}}, reason="Not your own work.")
    text = home(signed_in(claim.user), html)
    assert "Respond by the end of 17 Mar 2025" in text
    review.answer_proposal(claim, "It is.", by=claim.user, now=NOW + timedelta(days=1))
    assert "Your response was sent to the reviewer" in home(signed_in(claim.user), html)
    page = html(signed_in(claim.user).get(reverse("claim", args=[claim.public_id])))
    assert "your response is with the reviewer" in page
    assert "received: the reviewer decides" in page
    assert "your response is needed" not in page


def test_the_list_of_applications_is_there_once_it_says_more_than_the_next_step(
    signed_in: SignIn, html: Html
) -> None:
    """With one round and no claim or a draft there is no list; after submission the claim is listed."""
    student = factories.student()
    round_ = credit.round_()
    browser = signed_in(student)
    assert 'id="applications"' not in home(browser, html)
    claim = credit.claim(student, round_)
    assert 'id="applications"' not in home(browser, html)
    submit.submit(claim, by=student, now=NOW)
    assert 'id="applications"' in home(browser, html)


def test_a_newer_round_hides_no_claim_of_an_older_one(signed_in: SignIn, html: Html) -> None:
    """The response that is due stays the next step, the navigation leads to it, and both rounds are listed with their
    state."""
    claim = credit.submitted_claim()
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    credit.decided_claim(claim, {refs[0]: {"accepted": False}}, reason="Not your own work.")
    newer = credit.round_("newer", apply_from=NOW)
    browser = signed_in(claim.user)
    text = home(browser, html)
    assert "Respond by" in text
    listed = text[text.index('id="applications"') :]
    assert f'href="{reverse("claim", args=[claim.public_id])}"' in listed
    assert "your response is needed" in listed
    assert f'href="{reverse("student_claim", args=[newer.code])}"' in listed
    assert "not applied yet" in listed
    answer = browser.get(reverse("student_claim_now"), follow=True)
    assert answer.redirect_chain[-1][0] == reverse("claim", args=[claim.public_id])


def test_before_and_after_the_days_to_apply_the_page_says_so(
    signed_in: SignIn, html: Html, clock: Clock
) -> None:
    """Outside the days to apply there is no button to start, and sending the form is refused with the date."""
    student = factories.student()
    credit.authorship(student)
    round_ = credit.round_()
    address = reverse("student_claim", args=[round_.code])
    for at, sentence in (
        (round_.apply_from - timedelta(seconds=1), "Applications open on"),
        (round_.apply_until, "Applications in this round are closed"),
    ):
        clock.at = at
        browser = signed_in(student)
        assert sentence in home(browser, html)
        text = html(browser.get(address))
        assert sentence in text
        assert "Start my application" not in text
        answer = browser.post(address, headers={"referer": f"http://testserver{address}"}, follow=True)
        assert "Applications in this round" in html(answer)
    assert not Claim.objects.exists()


def test_contributions_are_shown_with_why_each_counts_or_not(signed_in: SignIn, html: Html) -> None:
    """A contribution without an open licence does not count, and the page says why."""
    student = factories.student()
    credit.authorship(student)
    credit.authorship(student, credit.contribution(credit.repository(licence="")))
    credit.round_()
    text = html(signed_in(student).get(reverse("student_contributions")))
    assert "Not eligible" in text
    assert "Not met: an OSI-approved licence" in text


def test_a_hostile_title_is_shown_as_text(signed_in: SignIn, html: Html) -> None:
    """A title that looks like a script is escaped on every page that shows it."""
    student = factories.student()
    hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    credit.authorship(student, credit.contribution(title=hostile))
    credit.authorship(student)
    round_ = credit.round_()
    browser = signed_in(student)
    claim = credit.claim(student, round_, contributions=0)
    pages = [
        browser.get(reverse("student_contributions")),
        browser.get(reverse("student_claim", args=[round_.code])),
    ]
    browser.post(
        reverse("student_claim_pick", args=[round_.code]),
        {"item": [str(item.authorship_id) for item in claim.items.all()], "submit": "1"},
    )
    pages.append(browser.get(reverse("claim", args=[claim.public_id])))
    reviewer = signed_in(credit.reviewer_of(claim))
    pages.append(reviewer.get(reverse("instructor_claim", args=[claim.public_id])))
    for answer in pages:
        text = html(answer)
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_unknown_numbers_are_not_shown_as_zero(signed_in: SignIn, html: Html) -> None:
    """Line counts that the forge did not send are shown as unknown."""
    student = factories.student()
    credit.authorship(student, credit.contribution(additions=None, deletions=None, files=None))
    text = html(signed_in(student).get(reverse("student_contributions")))
    assert "unknown" in text
    assert "+None" not in text


def test_older_contributions_follow_on_the_next_page(signed_in: SignIn, html: Html) -> None:
    """Each contribution is on exactly one page; a mark that cannot be read starts with the newest."""
    student = factories.student()
    repository = credit.repository()
    for number in range(53):
        credit.authorship(student, credit.contribution(repository, title=f"Work number {number:03}"))
    browser = signed_in(student)
    address = reverse("student_contributions")
    first = browser.get(address)
    second = browser.get(address, {"after": first.context["after"]})
    titles = [part.contribution.title for page in (first, second) for part, *_why in page.context["rows"]]
    assert sorted(titles) == [f"Work number {number:03}" for number in range(53)]
    for mangled in ("x", "2025-01-01|1", "2025-01-01T00:00:00+00:00|99999999999999999999", "\x00|"):
        assert len(browser.get(address, {"after": mangled}).context["rows"]) == 50


def test_choosing_changes_the_estimate_and_the_draft(signed_in: SignIn, html: Html) -> None:
    """Clearing a checkbox returns the new total as a fragment; the draft then contains what is ticked."""
    claim = credit.claim(contributions=2)
    browser = signed_in(claim.user)
    first, _second = claim.items.all()
    address = reverse("student_claim_pick", args=[claim.round.code])
    answer = browser.post(address, {"item": [str(first.authorship_id)]}, headers={"hx-request": "true"})
    text = html(answer)
    assert text.lstrip().startswith('<section id="estimate"')
    assert '<span class="figure">0</span>' in text
    assert list(claim.items.values_list("pk", flat=True)) == [first.pk]
    browser.post(address, {"item": ["999999", "x", str(first.authorship_id)]})
    assert claim.items.count() == 1


def test_a_submitted_claim_is_no_longer_changed_by_its_old_form(signed_in: SignIn, html: Html) -> None:
    """After submission, a form from another window changes nothing, and the answer says why."""
    claim = credit.submitted_claim()
    address = reverse("student_claim_pick", args=[claim.round.code])
    browser = signed_in(claim.user)
    answer = browser.post(address, {}, headers={"hx-request": "true"})
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#messages"
    assert "already submitted" in html(answer)
    assert claim.items.count() == 2


def test_an_answer_is_kept_and_an_empty_one_is_not(signed_in: SignIn, html: Html) -> None:
    """An empty response is refused with a sentence; a response is stored, and a second one gets 409."""
    claim = credit.submitted_claim()
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    decision = credit.decided_claim(claim, {refs[0]: {"accepted": False}}, reason="Not yours.")
    browser = signed_in(claim.user)
    address = reverse("claim_answer", args=[claim.public_id])
    assert browser.post(address, {"text": "  "}).status_code == 400
    answer = browser.post(address, {"text": "I wrote <b>all</b> of it."}, follow=True)
    assert "I wrote &lt;b&gt;all&lt;/b&gt; of it." in html(answer)
    decision.refresh_from_db()
    assert decision.answer.text == "I wrote <b>all</b> of it."
    again = browser.post(address, {"text": "And more."})
    assert again.status_code == 409
    assert "You have already responded to this proposal." in html(again)


def test_a_claim_is_withdrawn_until_it_is_decided(signed_in: SignIn, html: Html) -> None:
    """A submitted claim can be withdrawn; after the final decision this is refused with a sentence."""
    claim = credit.submitted_claim()
    browser = signed_in(claim.user)
    browser.post(reverse("claim_withdraw", args=[claim.public_id]))
    claim.refresh_from_db()
    assert claim.status == "withdrawn"
    decided = credit.decided_claim()
    address = reverse("claim_withdraw", args=[decided.claim.public_id])
    page = reverse("claim", args=[decided.claim.public_id])
    answer = signed_in(decided.claim.user).post(
        address, headers={"referer": f"http://testserver{page}"}, follow=True
    )
    assert "This is not possible now" in html(answer)


def test_collecting_now_is_asked_for_and_shown(
    signed_in: SignIn, html: Html, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button schedules the account and shows its state; without an account the page says what is missing."""
    monkeypatch.setattr("credits.contributions.collecting.collect.wake_workers", lambda: None)
    student = factories.student()
    browser = signed_in(student)
    page = f"http://testserver{reverse('student_accounts')}"
    answer = browser.post(reverse("student_collect"), headers={"referer": page}, follow=True)
    assert "You have not linked an account yet." in html(answer)
    factories.forge_account(student)
    answer = browser.post(reverse("student_collect"), headers={"hx-request": "true"})
    text = html(answer)
    assert 'id="collection"' in text
    assert 'hx-trigger="every 2s"' in text
    assert "Waiting to be collected, usually within a minute." in text
    waiting = html(browser.get(reverse("student_collection")))
    assert "queued" in waiting
    assert 'hx-trigger="every 2s"' in waiting  # until a worker has come, however long that takes


@pytest.mark.parametrize(
    "address", ["", "not an address", "javascript:alert(1)", "https://evil.example/a/b/pull/1"]
)
def test_an_address_that_is_none_comes_back_with_a_reason(
    address: str, signed_in: SignIn, html: Html
) -> None:
    """The field keeps what was typed and shows a sentence; nothing is stored."""
    student = factories.student()
    factories.forge_account(student)
    answer = signed_in(student).post(reverse("student_add_link"), {"address": address})
    assert answer.status_code >= 400
    text = html(answer)
    assert 'role="alert"' in text
    assert f'value="{address}"' in text or not address


def test_the_transcript_is_computed_from_the_ledger(signed_in: SignIn, html: Html) -> None:
    """The transcript shows the recorded credit and the head of the ledger."""
    result = credit.recorded_claim()
    text = html(signed_in(result.claim.user).get(reverse("student_transcript")))
    assert '<span class="figure">0.5</span>' in text
    assert "SHA-256" in text
    assert "A rulebook for tests" in text
    assert "Spring term 2025" in text
    assert "2024—2025学年第二学期" in html(
        signed_in(result.claim.user, "zh-hans").get(reverse("student_transcript"))
    )


def test_pages_of_a_student_ask_the_database_a_bounded_number_of_times(
    signed_in: SignIn, django_assert_max_num_queries: Any
) -> None:
    """Thirty contributions need no more queries than the limits here."""
    student = factories.student()
    for _each in range(30):
        credit.authorship(student)
    claim = credit.claim(student, contributions=0)
    browser = signed_in(student)
    for address, most in (
        (reverse("student_home"), 40),
        (reverse("student_contributions"), 35),
        (reverse("student_claim", args=[claim.round.code]), 40),
    ):
        with django_assert_max_num_queries(most):
            assert browser.get(address).status_code == 200


def test_a_changed_mind_of_the_reviewer_is_shown_with_the_first_decision(
    signed_in: SignIn, html: Html
) -> None:
    """The student's page shows both decisions with reasons, the earlier one as replaced."""
    claim = credit.submitted_claim()
    refs = [facts["ref"] for facts in claim.facts["contributions"]]
    reviewer = credit.reviewer_of(claim)
    credit.decided_claim(claim, {refs[0]: {"accepted": False}}, by=reviewer, reason="Not yours.")
    review.answer_proposal(claim, "It is mine.", by=claim.user, now=NOW)
    credit.decided_claim(claim, {}, by=reviewer)
    text = html(signed_in(claim.user).get(reverse("claim", args=[claim.public_id])))
    assert "replaced by a later decision" in text
    assert "Not yours." in text
    assert "It is mine." in text


def test_a_draft_does_not_hang_on_an_account_that_is_no_longer_linked(signed_in: SignIn) -> None:
    """Contributions of an unlinked account leave the draft, and the rest can be submitted."""
    student = factories.student()
    kept = credit.authorship(student)
    credit.authorship(student, credit.contribution(credit.repository(forge="gitee")))
    round_ = credit.round_()
    claim = open_draft(student, round_, now=NOW)
    assert claim.items.count() == 2
    linking.unlink(student.forge_accounts.get(forge="gitee"), by=student, now=NOW)
    address = reverse("student_claim_pick", args=[round_.code])
    signed_in(student).post(address, {"item": [str(kept.pk)], "submit": "1"})
    claim.refresh_from_db()
    assert claim.status == Claim.Status.SUBMITTED
    assert [item.authorship for item in claim.items.all()] == [kept]
