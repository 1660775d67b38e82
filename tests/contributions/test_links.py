"""A pasted address is fetched by itself, and stored or answered with the exact reason."""

from __future__ import annotations

import pytest

from accounts.models import User
from credits.contributions import held, links
from credits.contributions.models import Contribution
from credits.errors import CreditsError
from credits.forges.base import Account, Missing
from tests.contributions.told import ALICE, BOB, ScriptedForge, change, repository
from tests.factories import NOW, forge_account, student

pytestmark = pytest.mark.django_db

GHOST = Account("10137", "ghost", kind="ghost")
KNOWN = (
    change(1),
    change(2, author=BOB),
    change(3, author=BOB, co_authors=(ALICE,)),
    change(4, author=GHOST),
    change(5, url="x" * 600),
)


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.FORGES = {
        name: forge | {"url": f"https://{name}.example"} for name, forge in settings.FORGES.items()
    }


@pytest.fixture
def alice() -> User:
    return forge_account(forge_user_id=ALICE.id, login=ALICE.login).user


def add(user: User, address: str, **more) -> Contribution:
    forges = {name: ScriptedForge(lambda _asks: (), name, KNOWN) for name in ("github", "gitee")}
    return links.add_link(user, address, now=NOW, forges=forges, **more)


@pytest.mark.parametrize("number", [1, 3])
def test_ones_own_pull_request_is_stored(alice, number):
    """Who opened it, or is named by id as co-author, has it at once among what is held."""
    contribution = add(alice, f"https://github.example/owner/project1/pull/{number}/files")
    assert contribution.number == str(number)
    assert [part.contribution for part in held.of_person(alice)] == [contribution]


def test_the_short_form_needs_a_forge(alice):
    """owner/repository#1 is understood once it is said where."""
    with pytest.raises(CreditsError) as refused:
        add(alice, "owner/project1#1")
    assert refused.value.code == "address-without-forge"
    assert add(alice, "owner/project1#1", forge_name="github").number == "1"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("https://github.example/owner/project1/pull/2", "not-your-account"),
        ("https://github.example/owner/project1/pull/4", "author-unknown"),
        ("https://github.example/owner/project1/pull/99", "change-missing"),
        ("https://github.example/owner/project1/pull/5", "answer-not-storable"),
        ("https://gitee.example/owner/project1/pulls/1", "no-account-there"),
        ("https://github.example/owner/project1/issues/1", "address-of-an-issue"),
        ("https://elsewhere.example/owner/project1/pull/1", "address-of-another-site"),
        ("hello", "address-not-a-pull-request"),
        ("  ", "address-empty"),
    ],
)
def test_what_is_refused_is_told_and_not_stored(alice, address, code):
    """Each reason has its own code and sentence, and nothing is stored."""
    with pytest.raises(CreditsError) as refused:
        add(alice, address)
    assert refused.value.code == code
    assert refused.value.message
    assert not Contribution.objects.exists()


def test_an_account_that_is_linked_no_more_does_not_count(alice):
    """Authorship is by the accounts that are linked now."""
    alice.forge_accounts.update(unlinked_at=NOW)
    with pytest.raises(CreditsError) as refused:
        add(alice, "https://github.example/owner/project1/pull/1")
    assert refused.value.code == "no-account-there"


def test_a_login_that_passed_on_proves_nothing():
    """Somebody who took over the login of the author is not the author: the immutable id decides."""
    usurper = forge_account(student(), forge_user_id="666", login=ALICE.login).user
    with pytest.raises(CreditsError) as refused:
        add(usurper, "https://github.example/owner/project1/pull/1")
    assert refused.value.code == "not-your-account"


def test_a_forge_that_fails_is_told_as_that(alice):
    """What the forge answered comes through as it is."""
    forge = ScriptedForge(lambda _asks: (), known=[change(1, repository=repository(7))])
    with pytest.raises(Missing):
        links.add_link(
            alice, "https://github.example/owner/project1/pull/1", now=NOW, forges={"github": forge}
        )
