"""Writing a rulebook in a browser: faults appear beside their lines, the example is recomputed, nothing is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from accounts.models import User
from credits.claims.models import Simulation
from credits.claims.simulation import runs
from credits.rulebooks.models import RulebookDraft
from tests import credit_factories, factories
from tests.factories import NOW
from tests.journeys.conftest import SECONDS, Clock, Visit
from tests.journeys.test_accessibility import faults_of
from tests.journeys.visitor import PASSWORD
from tests.workers import wait_until

TEXT = credit_factories.RULEBOOK.format(code="new-one", category="innovation", points="", more="").strip()
LABEL = "Text of the rulebook (YAML)"


def steward_with_claims() -> User:
    round_ = credit_factories.round_("last-term", rulebooks=[credit_factories.published_rulebook()])
    for contributions in (1, 2, 4, 5):
        credit_factories.submitted_claim(in_round=round_, contributions=contributions)
    return factories.steward(password=PASSWORD)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_faults_and_the_example_follow_the_typing(language: str, visit: Visit, clock: Clock) -> None:
    """A typing error is shown at the end of its line and disappears when it is corrected. The example's credit follows
    the text, the colours are exactly under the letters, and axe finds nothing."""
    steward = visit(language)
    clock.set(NOW)
    steward.sign_in(steward_with_claims())
    steward.open("steward_propose")
    steward.write(LABEL, TEXT.replace("osi_approved", "osi_aproved"))
    faulty = steward.content.locator(".ink .fault")
    expect(faulty).to_contain_text("osi_aproved")
    expect(faulty).to_contain_text("▲")
    assert faulty.evaluate("one => [...one.parentNode.children].indexOf(one) + 1") == 9
    found = faults_of(steward)
    steward.write(LABEL, TEXT.replace("give: 8", "give: 16"))
    expect(faulty).to_have_count(0)
    expect(steward.content.locator("#check .figure")).to_have_text("1.5")
    steward.write(LABEL, TEXT.replace("give: 8", "give: 4"))
    expect(steward.content.locator("#check .figure")).to_have_text("0")
    heights = steward.page.evaluate(
        "[document.querySelector('[data-ink]').scrollHeight, document.querySelector('[name=text]').scrollHeight]"
    )
    assert abs(heights[0] - heights[1]) <= 4
    found += faults_of(steward)
    assert not found, "\n".join(found)


def test_nothing_is_lost_when_the_connection_is(visit: Visit, clock: Clock) -> None:
    """Text typed while the server is unreachable survives a closed window: the next window restores and saves it."""
    steward = visit("en")
    clock.set(NOW)
    steward.sign_in(steward_with_claims())
    steward.open("steward_propose")
    steward.write(LABEL, TEXT)
    expect(steward.content.locator("#check[data-kept]")).to_have_count(1)
    steward.page.route("**/rulebooks/check/", lambda route: route.abort("internetdisconnected"))
    steward.write(LABEL, TEXT + "\nterm_cap: 1")
    steward.sees(
        "The connection is lost. Your text is saved in this browser and will be sent when the connection is back."
    )
    assert "term_cap" not in RulebookDraft.objects.get().text
    steward.page.unroute("**/rulebooks/check/")
    steward.open("steward_rulebooks")
    steward.follow("new-one")
    expect(steward.field(LABEL)).to_have_value(TEXT)
    steward.press("Restore")
    expect(steward.field(LABEL)).to_have_value(TEXT + "\nterm_cap: 1")
    expect(steward.content.locator("#check[data-kept]")).to_have_count(1)
    # Asked from here again and again: the page's policy forbids the browser to ask itself.
    wait_until(lambda: steward.page.evaluate("localStorage.length") == 0, seconds=SECONDS)
    assert RulebookDraft.objects.get().text.endswith("term_cap: 1")
    # What the browser itself has to say of a connection that is not there.
    expected = ("ERR_INTERNET_DISCONNECTED", "htmx:sendError")
    steward.complaints = [
        complaint for complaint in steward.complaints if not any(word in complaint for word in expected)
    ]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_draft_is_tried_on_last_term_and_the_page_follows(
    language: str, visit: Visit, clock: Clock
) -> None:
    """A simulation starts in the editor; its page refreshes until it is done, and opens traces side by side."""
    steward = visit(language)
    clock.set(NOW)
    steward.sign_in(steward_with_claims())
    steward.open("steward_propose")
    steward.write(LABEL, TEXT.replace("give: 8", "give: 16"))
    steward.press("See who gains and who loses")
    steward.sees_heading("Progress")
    made = Simulation.objects.get()
    runs.run_due(clock=clock.now)
    steward.sees_heading("Largest changes")
    steward.content.locator("details.why[hx-get] summary").first.click()
    expect(steward.content.locator(".pair .trace").first).to_be_visible()
    found = faults_of(steward)
    assert not found, "\n".join(found)
    assert made.public_id
