"""A pasted URL is fetched and stored, or refused with the exact reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from accounts.models import User
from credits.contributions import attested_work, queries
from credits.contributions.collecting import add_by_url
from credits.contributions.models import Contribution
from credits.errors import CreditsError
from credits.forges.errors import MissingOnForge, RateLimited
from credits.forges.github.adapter import GitHub
from credits.forges.protocol import AccountOnForge
from credits.forges.tokens import TokenPool
from credits.jobs import queue
from credits.jobs.models import Lane
from demo.forge import LocalForge
from tests.contributions.scripted_forge import ALICE, BOB, ScriptedForge, change, repository
from tests.factories import NOW, forge_account, student

pytestmark = pytest.mark.django_db

GHOST = AccountOnForge("10137", "ghost", kind="ghost")
KNOWN = (
    change(1),
    change(2, author=BOB),
    change(3, author=BOB, co_authors=(ALICE,)),
    change(4, author=GHOST),
    change(5, url="x" * 600),
)


@pytest.fixture(autouse=True)
def _in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


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
    return add_by_url.add_pull_request(user, address, now=NOW, forges=forges, **more)


@pytest.mark.parametrize("number", [1, 3])
def test_ones_own_pull_request_is_stored(alice, number):
    """A pull request is stored at once for its opener, and for a co-author named by id."""
    contribution = add(alice, f"https://github.example/owner/project1/pull/{number}/files")
    assert contribution.number == str(number)
    assert [part.contribution for part in queries.authorships_of(alice)] == [contribution]


def test_the_short_form_needs_a_forge(alice):
    """owner/repository#1 is understood once the forge is given."""
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
    """Only the accounts that are linked now count for authorship."""
    alice.forge_accounts.update(unlinked_at=NOW)
    with pytest.raises(CreditsError) as refused:
        add(alice, "https://github.example/owner/project1/pull/1")
    assert refused.value.code == "no-account-there"


def test_a_login_that_passed_on_proves_nothing():
    """A new owner of the author's login is not the author: the immutable id decides."""
    usurper = forge_account(student(), forge_user_id="666", login=ALICE.login).user
    with pytest.raises(CreditsError) as refused:
        add(usurper, "https://github.example/owner/project1/pull/1")
    assert refused.value.code == "not-your-account"


def test_a_forge_that_fails_is_told_as_that(alice):
    """The forge's own error is passed on unchanged."""
    forge = ScriptedForge(lambda _asks: (), changes=[change(1, repository=repository(7))])
    with pytest.raises(MissingOnForge):
        add_by_url.add_pull_request(
            alice, "https://github.example/owner/project1/pull/1", now=NOW, forges={"github": forge}
        )


URL = "https://github.example/owner/project1/pull/1"


def test_nobody_is_called_before_the_time_that_was_named(alice):
    """During a rate limit the student is told until when and nothing is requested; after that time it is."""
    forge = ScriptedForge(lambda _asks: (), changes=KNOWN)
    until = NOW + timedelta(minutes=10)
    queue.close_lane("github", until=until)
    with pytest.raises(RateLimited) as refused:
        add_by_url.add_pull_request(alice, URL, now=NOW, forges={"github": forge})
    assert (refused.value.code, refused.value.status) == ("forge-rests", 503)
    assert "GitHub cannot be queried before 2025-03-10 10:10." in str(refused.value)
    with pytest.raises(RateLimited):
        attested_work.submit_work(alice, URL, "a" * 40, now=NOW, forges={"github": forge})
    assert forge.spent.requests == 0
    assert add_by_url.add_pull_request(alice, URL, now=until, forges={"github": forge}).number == "1"


@pytest.mark.parametrize("resource", ["", "/graphql"])
def test_a_token_that_a_worker_was_told_to_rest_is_not_used(alice, resource):
    """A rate limit that another process received for a token holds here too, and the reverse."""
    now = timezone.now()
    with LocalForge([]) as local:
        environment = local.environment()
        pool = TokenPool(environment["GITHUB_TOKENS"].split(",")[:1])
        forge = GitHub(environment["GITHUB_API_URL"], pool, lambda: now)
        mark = pool.take(now).mark
        queue.close_lane(f"github/{mark}{resource}", until=now + timedelta(hours=1))
        with pytest.raises(RateLimited) as refused:
            add_by_url.add_pull_request(alice, URL, now=now, forges={"github": forge})
        assert refused.value.code == "forge-rests"
        assert local.log.requests() == 0
        Lane.objects.all().delete()
        other = GitHub(
            environment["GITHUB_API_URL"], environment["GITHUB_TOKENS"].split(",")[1:2], lambda: now
        )
        local.faults.add("secondary_limit", retry_after=90, times=None)
        for _ in range(2):
            with pytest.raises(RateLimited):
                add_by_url.add_pull_request(alice, URL, now=now, forges={"github": other})
        assert local.log.requests() == 1
        assert Lane.objects.get().closed_until == now + timedelta(seconds=90)
        forge.close()
        other.close()
