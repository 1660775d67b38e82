"""Simulations on pages: a steward starts, watches, stops and reads them."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from credits.claims.models import Claim, Round, Simulation
from credits.claims.simulation import runs
from credits.rulebooks.models import RulebookDraft
from credits.web.presenters.charts import distribution_chart
from credits.web.steward import views as pages
from tests import credit_factories as credit
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

SignIn = Callable[..., Client]
Html = Callable[[HttpResponse], str]
HTMX = {"HX-Request": "true"}
TEXT = credit.RULEBOOK.format(code="web-rulebook", category="innovation", points="", more="")


@pytest.fixture
def claimed_round() -> Round:
    round_ = credit.round_("last-term", rulebooks=[credit.published_rulebook("in-force")])
    for contributions in (2, 4):
        credit.submitted_claim(in_round=round_, contributions=contributions)
    return round_


def asked(browser: Client, text: str = TEXT.replace("give: 8", "give: 16")) -> Simulation:
    answer = browser.post(
        reverse("steward_simulate"), {"text": text, "draft": str(uuid.uuid4()), "round": "last-term"}
    )
    assert answer.status_code == 302
    return Simulation.objects.latest("pk")


def test_a_draft_is_tried_and_the_page_tells_what_it_would_change(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """While it waits, the page refreshes itself; at the end it shows counts, cost, chart, table and changes."""
    browser = signed_in(factories.steward())
    made = asked(browser)
    address = reverse("steward_simulation", args=[made.public_id])
    assert 'hx-trigger="every 2s"' in html(browser.get(address))
    runs.run_due(clock=lambda: NOW)
    text = html(browser.get(address, headers=HTMX))
    assert "every 2s" not in text
    assert "<html" not in text
    for words in ("+1.5", "1.5 → 3", "<svg", "Show as table", "Student 1"):
        assert words in text, words
    assert RulebookDraft.objects.get().text.startswith("\nlanguage")
    assert "web-rulebook" not in html(signed_in(factories.student()).get(reverse("home"), follow=True))


def test_the_way_back_leads_to_the_draft_that_was_tried(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """Only the author of the draft gets a link back to it."""
    browser = signed_in(factories.steward())
    sent = {"text": TEXT, "draft": str(uuid.uuid4()), "round": "last-term"}
    address = browser.post(reverse("steward_simulate"), sent).url
    back = f'href="{reverse("steward_propose")}?draft={sent["draft"]}"'
    assert back in html(browser.get(address))
    assert back not in html(signed_in(factories.steward()).get(address))


def test_a_kept_version_is_tried_from_its_page(claimed_round: Round, signed_in: SignIn, html: Html) -> None:
    """The form on a version's page tries that version; where it is already in force, nothing changes."""
    browser = signed_in(factories.steward())
    assert "Try it on a round" in html(browser.get(reverse("steward_version", args=["in-force", 1])))
    browser.post(reverse("steward_simulate"), {"version": "in-force/1", "round": "last-term"})
    runs.run_due(clock=lambda: NOW)
    made = Simulation.objects.get()
    assert (made.version.number, made.tally["claims"], made.changes.count()) == (1, 2, 0)  # type: ignore[union-attr]
    assert "Largest changes" not in html(browser.get(reverse("steward_simulation", args=[made.public_id])))


def test_a_text_with_faults_or_no_round_is_sent_back_and_kept(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """No simulation starts, the text stays, and the page gives the reason."""
    browser = signed_in(factories.steward())
    sent = {"text": "{", "draft": str(uuid.uuid4()), "round": "last-term"}
    assert "has errors" in html(browser.post(reverse("steward_simulate"), sent, follow=True))
    sent |= {"text": TEXT, "round": "none"}
    assert "Choose an existing round" in html(browser.post(reverse("steward_simulate"), sent, follow=True))
    assert RulebookDraft.objects.get().text == TEXT
    assert not Simulation.objects.exists()


def test_traces_stand_side_by_side_without_a_name_and_each_look_is_written_down(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """A steward sees both outcomes but not whose claim it is; a steward who is also a registrar sees the student."""
    steward = factories.steward()
    browser = signed_in(steward)
    made = asked(browser)
    runs.run_due(clock=lambda: NOW)
    address = reverse("steward_simulation_change", args=[made.public_id, 1])
    text = html(browser.get(address))
    claim = Claim.objects.select_related("user", "enrolment").get(
        assessments__in=[made.changes.get(ordinal=1).assessment_id]
    )
    assert claim.facts["contributions"]  # type: ignore[index]
    for facts in claim.facts["contributions"]:  # type: ignore[index]
        assert facts["repository"]["full_name"] not in text
        assert facts["ref"] not in text
    assert claim.enrolment.student_number not in text
    assert "+8" in text
    assert "+16" in text
    line = AuditEntry.objects.get(action="simulation-trace-seen")
    assert (line.actor, line.person, line.details["named"]) == (steward, claim.user, False)
    steward.staff_roles.create(role="registrar")
    browser = signed_in(User.objects.get(pk=steward.pk))
    assert claim.enrolment.student_number in html(browser.get(address, headers=HTMX))
    assert browser.get(reverse("steward_simulation_change", args=[made.public_id, 99])).status_code == 404


def test_one_that_waits_is_stopped_and_not_stopped_twice(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """The button stops a waiting simulation; a later worker does nothing, and stopping again gets 409."""
    browser = signed_in(factories.steward())
    made = asked(browser)
    press = reverse("steward_simulation_stop", args=[made.public_id])
    assert "stopped" in html(browser.post(press, follow=True))
    assert browser.post(press).status_code == 409
    runs.run_due(clock=lambda: NOW)
    made.refresh_from_db()
    assert (made.status, made.tally) == ("stopped", {})


def test_all_simulations_are_listed_and_the_oldest_of_a_steward_go(
    claimed_round: Round, signed_in: SignIn, html: Html, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of each steward stay, and each that still runs; those of another steward are not touched."""
    monkeypatch.setattr(runs, "KEPT_PER_STEWARD", 3)
    monkeypatch.setattr(pages, "SIMULATIONS_LISTED", 2)
    steward = factories.steward()
    browser, other = signed_in(steward), signed_in(factories.steward())
    theirs = asked(other)
    made = []
    for points in range(10, 16):
        made.append(asked(browser, TEXT.replace("give: 8", f"give: {points}")))
        if points > 10:
            runs.stop(made[-1], by=steward, now=NOW)
    kept = set(Simulation.objects.filter(asked_by=steward))
    assert kept == {made[0], *made[-3:]}
    assert Simulation.objects.filter(pk=theirs.pk).exists()
    first = browser.get(reverse("steward_simulations"))
    assert [listed.pk for listed in first.context["simulations"]] == [made[5].pk, made[4].pk]
    second = browser.get(reverse("steward_simulations"), {"before": first.context["before"]})
    assert [listed.pk for listed in second.context["simulations"]] == [made[3].pk, made[0].pk]
    assert "All simulations" in html(browser.get(reverse("steward_rulebooks")))


@pytest.mark.parametrize("role", ["student", "instructor", "registrar", "admin"])
def test_simulations_are_for_stewards(role: str, claimed_round: Round, signed_in: SignIn) -> None:
    """Other roles can neither open nor start a simulation."""
    made = asked(signed_in(factories.steward()))
    browser = signed_in(getattr(factories, role)())
    assert browser.get(reverse("steward_simulation", args=[made.public_id])).status_code == 403
    assert browser.get(reverse("steward_simulation_change", args=[made.public_id, 1])).status_code == 403
    assert browser.post(reverse("steward_simulate"), {"text": TEXT, "round": "last-term"}).status_code == 403


def test_a_version_page_says_what_differs_and_where_it_is_in_force(
    claimed_round: Round, signed_in: SignIn, html: Html
) -> None:
    """A version is compared with the version published before it, or with any other that the reader chooses."""
    second = credit.published_rulebook("in-force", more="term_cap: 1")
    browser = signed_in(factories.student())
    text = html(browser.get(reverse("steward_version", args=["in-force", second.number])))
    assert "cap on credit per term 2 → 1" in text
    assert "no round" in text
    assert "See who gains" not in text
    text = html(browser.get(reverse("steward_version", args=["in-force", 1]), {"with": "2"}))
    assert "cap on credit per term 1 → 2" in text
    assert "A round · all programmes" in text


def test_many_values_are_drawn_in_ranges_and_nobody_is_lost() -> None:
    """However many values there are, at most ten pairs of bars show every claim."""
    counts = {f"{number / 2:g}": number + 1 for number in range(60)}
    chart = distribution_chart(counts, {"0": 5})
    assert len(chart.pairs) == 10
    assert sum(pair.before for pair in chart.pairs) == sum(counts.values())
    assert chart.pairs[0].after == 5
    assert distribution_chart({}, {}).pairs == []
