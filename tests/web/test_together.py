"""Pages about the same work in two places, shares, work merged another way, later findings, and collecting."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit
from credits.claims.review import flags
from credits.contributions import attested_work
from credits.contributions.models import AttestedWork, Authorship, BranchLook
from credits.forges.errors import RateLimited
from credits.jobs import queue
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]


def attested(student: Any = None, **fields: Any) -> AttestedWork:
    account = credit.linked_account(student or factories.student(), login="octo-student")
    facts = {
        "user": account.user,
        "account": account,
        "repository_id_on_forge": "1",
        "full_name": "owner/project",
        "number": "12",
        "title": "<b>Mend</b> the engine",
        "url": "https://forge.example/owner/project/pull/12",
        "closed_at": NOW,
        "change": {},
        "commit": "ab" * 20,
        "commit_url": "https://forge.example/owner/project/commit/abab",
        "commit_headline": "Mend the engine",
        "committed_at": NOW,
        "lines_alike": 79,
        "files_alike": 50,
        "submitted_at": NOW,
    }
    return AttestedWork.objects.create(**{**facts, **fields})


def test_one_contribution_in_two_places_is_shown_as_one(signed_in: SignIn, html: Html) -> None:
    """The student sees the other place on each page with the contribution; the instructor sees it beside the line."""
    student = factories.student()
    first = credit.authorship(student, credit.contribution(files_id="files:1", title="The mended engine"))
    mirror = credit.contribution(credit.repository(forge="gitee"), files_id="files:1", title="修好了")
    credit.authorship(student, mirror)
    credit.authorship(student)
    round_ = credit.round_()
    claim = open_draft(student, round_, now=NOW)
    browser = signed_in(student)
    for page in (
        reverse("student_contributions"),
        reverse("student_contribution", args=[first.contribution_id]),
        reverse("student_claim", args=[round_.code]),
    ):
        text = html(browser.get(page))
        assert "same contribution in two places" in text, page
        assert mirror.url in text
    submit(claim, by=student, now=NOW)
    assert "same contribution in two places" in html(browser.get(reverse("claim", args=[claim.public_id])))
    page = reverse("instructor_claim", args=[claim.public_id])
    text = html(signed_in(credit.reviewer_of(claim)).get(page))
    assert "also found in another place" in text
    assert "they do not affect the result" in text


def test_shares_are_proposed_and_accepted_on_the_contributions_own_page(
    signed_in: SignIn, html: Html
) -> None:
    """The opener proposes percentages, the co-author sees the proposal in their list and accepts; others get 404."""
    opener, mate = factories.student(), factories.student()
    first = credit.authorship(opener)
    second = credit.authorship(mate, first.contribution, role=Authorship.Role.CO_AUTHOR)
    page = reverse("student_contribution", args=[first.contribution_id])
    typed = {f"share-{first.pk}": "70", f"share-{second.pk}": "40"}
    refused = signed_in(opener).post(f"{page}shares/", typed)
    assert refused.status_code == 400
    assert "100%" in html(refused)
    for odd in ("half", "NaN", "1e9999999", "-1e9999999"):
        answered = signed_in(opener).post(f"{page}shares/", typed | {f"share-{second.pk}": odd})
        assert answered.status_code == 400
    assert signed_in(opener).post(f"{page}shares/", typed | {f"share-{second.pk}": "30"}).url == page
    listed = html(signed_in(mate).get(reverse("student_contributions")))
    assert "proposes shares for" in listed
    shown = html(signed_in(mate).get(page))
    answer = re.search(rf'"({re.escape(page)}shares/\d+/answer/)"', shown)
    assert answer is not None
    assert signed_in(factories.student()).get(page).status_code == 404
    assert signed_in(factories.student()).post(answer[1], {"accept": "yes"}).status_code == 404
    assert signed_in(mate).post(answer[1], {"accept": "yes"}).status_code == 302
    second.refresh_from_db()
    assert second.share == Decimal("0.3")
    assert "30%" in html(signed_in(mate).get(page))


def test_a_maintainer_answers_without_an_account_and_sees_only_what_is_public(
    client: Client, signed_in: SignIn, html: Html
) -> None:
    """The maintainer's page shows no name, number or college. Its link is shown to the student once and works once."""
    work = attested()
    page = reverse("student_attested", args=[work.public_id])
    made = html(signed_in(work.user).post(f"{page}link/"))
    link = re.search(r'value="(http[^"]+/word/[^"]+)"', made)
    assert link is not None
    assert "/word/" not in html(signed_in(work.user).get(page))
    asked = client.get(link[1])
    text = html(asked)
    assert (asked["Referrer-Policy"], asked["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "octo-student" in text
    assert "&lt;b&gt;Mend" in text
    enrolment = work.user.enrolments.get()
    for private in (work.user.name, enrolment.student_number, enrolment.programme.name, work.user.username):
        assert private not in text
    assert client.post(link[1], {"confirms": "yes"}).status_code == 400
    words = {"confirms": "yes", "login": "maint", "text": "It is."}
    given = client.post(link[1], words, headers={"accept-language": "en"})
    assert "Thank you" in html(given)
    assert client.get(link[1]).status_code == 409
    assert client.get(reverse("maintainers_word", args=["guessed"])).status_code == 404
    reviewer = factories.instructor(enrolment.programme.department)
    shown = html(signed_in(reviewer).get(reverse("instructor_attested_work", args=[work.public_id])))
    assert "confirms that this is correct" in shown
    assert "maint" in shown


def test_a_reviewer_decides_on_attested_work(signed_in: SignIn, html: Html) -> None:
    """The work is in the reviewer's list; a refusal needs a reason, which the student can read; others get 404."""
    work = attested()
    department = work.user.enrolments.get().programme.department
    browser = signed_in(factories.instructor(department))
    assert "the engine" in html(browser.get(reverse("instructor_attested")))
    page = reverse("instructor_attested_work", args=[work.public_id])
    assert browser.post(page, {"accept": "no", "reason": ""}).status_code == 400
    assert browser.post(page, {"accept": "no", "reason": "The commit is another's."}).status_code == 302
    own = html(signed_in(work.user).get(reverse("student_attested", args=[work.public_id])))
    assert "refused by the reviewer" in own
    assert "The commit is another" in own
    elsewhere = signed_in(factories.instructor(factories.department()))
    assert elsewhere.get(page).status_code == 404
    assert "Nothing to review" in html(elsewhere.get(reverse("instructor_attested")))
    other = signed_in(factories.student())
    assert other.get(reverse("student_attested", args=[work.public_id])).status_code == 404
    assert other.post(reverse("student_ask_maintainer", args=[work.public_id])).status_code == 404


def test_a_student_is_told_why_work_cannot_be_attested(signed_in: SignIn, html: Html) -> None:
    """The form keeps what was typed and shows the reason."""
    browser = signed_in(factories.student())
    typed = {"address": "https://elsewhere.example/o/r/pull/1", "commit": "ab" * 20}
    answer = browser.post(reverse("student_attest"), typed)
    assert answer.status_code == 400
    assert typed["address"] in html(answer)
    assert "This is not a link to https://github.com, " in html(answer)
    assert attested_work.works_awaiting(factories.instructor()).count() == 0


def test_what_was_found_since_waits_for_the_reviewers_words(
    signed_in: SignIn, html: Html, clock: Any
) -> None:
    """The reviewer sees the finding in the queue and on the claim; after their note the registrar can record."""
    claim = credit.decided_claim(credit.submitted_claim()).claim
    clock.at = NOW + timedelta(days=20)
    credit.store_rechecks(claim, now=clock.at, finding="reverted", fact="https://forge.example/o/r/pull/99")
    flags.flag_findings(now=clock.at)
    browser = signed_in(credit.reviewer_of(claim))
    assert "New since submission" in html(browser.get(reverse("instructor_queue")))
    page = reverse("instructor_claim", args=[claim.public_id])
    assert "https://forge.example/o/r/pull/99" in html(browser.get(page))
    assert "A reviewer checks this" in html(
        signed_in(claim.user).get(reverse("claim", args=[claim.public_id]))
    )
    registrar = signed_in(factories.registrar())
    record = reverse("registrar_record")
    sent = {"claim": str(claim.public_id)}
    back = {"referer": f"http://testserver{reverse('registrar_ready')}"}
    assert "no reviewer has responded" in html(registrar.post(record, sent, headers=back, follow=True))
    assert claim.flags.exists()
    for flag in claim.flags.all():
        address = reverse("instructor_answer_flag", args=[claim.public_id, flag.pk])
        assert browser.post(address, {"text": ""}).status_code == 400
        assert browser.post(address, {"text": "It came back."}).status_code == 302
    assert "New since submission" not in html(browser.get(reverse("instructor_queue")))
    assert registrar.post(record, sent).status_code == 302
    assert claim.flags.model.objects.filter(claim__result__isnull=False).count() == 2


def test_how_collecting_stands_tells_zero_from_unknown(signed_in: SignIn, html: Html) -> None:
    """Registrars and administrators see counts by forge; only registrars see single accounts, which are students'."""
    credit.linked_account(login="complete-one")
    factories.forge_account(login="never-tried")
    queue.close_lane("github", until=NOW + timedelta(hours=1))
    page = reverse("collecting")
    text = html(signed_in(factories.registrar()).get(page))
    assert "never-tried" in text
    assert "complete-one" not in text
    assert "not tried yet" in text
    assert "paused until" in text
    counts = dict(re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", text.split("Gitee")[0]))
    assert (counts["Linked accounts"], counts["Completed at least once"]) == ("2", "1")
    assert counts["Never complete (unknown)"] == "1"
    seen_by_admin = html(signed_in(factories.admin()).get(page))
    assert "Linked accounts" in seen_by_admin
    assert "never-tried" not in seen_by_admin
    for nobody in (factories.student(), factories.instructor(), factories.person()):
        assert signed_in(nobody).get(page).status_code == 403


def test_a_forge_that_rests_or_has_no_token_says_why(signed_in: SignIn, html: Html, settings) -> None:
    """The page shows the reason and the time beside the forge; it counts resting tokens without showing their names."""
    settings.FORGES = {
        name: {**forge, "tokens": () if name == "atomgit" else ("one", "two")}
        for name, forge in settings.FORGES.items()
    }
    now = timezone.now()
    queue.close_lane(
        "github",
        until=now + timedelta(hours=1),
        error=RateLimited("forge-rate-limited", "The platform asks us to wait before the next request."),
    )
    for name in ("github/0123456789/graphql", "github/0123456789", "github/abcdef0123/core"):
        queue.close_lane(name, until=now + timedelta(minutes=30))
    queue.close_lane("gitee/0123456789", until=now - timedelta(minutes=1))
    text = html(signed_in(factories.registrar()).get(reverse("collecting")))
    assert re.findall(r'<h2 id="forge-([^"]+)"', text) == ["github", "gitee", "atomgit"]
    assert "0123456789" not in text
    github, gitee, atomgit = text.split('<h2 id="forge-')[1:]
    assert "paused until" in github
    assert "The platform asks us to wait before the next request." in github
    assert re.search(r"Paused access tokens</dt>\s*<dd>\s*2, until", github)
    assert "Paused access tokens" not in gitee
    assert "No access token is set for this platform." in atomgit
    assert "not queried" in atomgit
    assert "No access token" not in github


def test_what_is_not_known_of_co_authors_is_said(signed_in: SignIn, html: Html) -> None:
    """Before a claim, the page says that nobody was asked. After it, student and reviewer read that the lookup runs, or
    why it failed. When the co-authors are known, the page says nothing of it."""
    claim = credit.submitted_claim()
    first, *others = [item.authorship for item in claim.items.all()]
    reviewer = signed_in(credit.reviewer_of(claim))
    student = signed_in(claim.user)
    pages = {
        student: [
            reverse("claim", args=[claim.public_id]),
            reverse("student_contribution", args=[first.contribution_id]),
        ],
        reviewer: [reverse("instructor_claim", args=[claim.public_id])],
    }

    def seen() -> list[str]:
        return [html(browser.get(page)) for browser, addresses in pages.items() for page in addresses]

    assert len(seen()) == 3
    assert all("co-authors are being looked up" in text for text in seen())
    BranchLook.objects.update(error_code="x", error_message="The platform did not respond correctly.")
    assert all("The platform did not respond correctly." in text for text in seen())
    BranchLook.objects.update(
        seen_at=NOW, error_code="", error_message="", commits=[{"sha": "a", "authors": [None]}]
    )
    assert not any("looked up" in text or "co-authors unknown" in text for text in seen())
    assert "1 commit on its branch was written by somebody" in seen()[1]
    BranchLook.objects.all().delete()
    assert "we ask the platform for the authors of its commits" in seen()[1]
    assert others


def test_the_pages_speak_chinese_where_asked(signed_in: SignIn, html: Html) -> None:
    """These pages can be rendered in Chinese."""
    work = attested()
    for page in (
        reverse("student_attest"),
        reverse("student_attested", args=[work.public_id]),
        reverse("student_contributions"),
    ):
        assert "<h1" in html(signed_in(work.user, "zh-Hans").get(page))
