"""The pool of the university's own tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.forges.errors import RateLimited, TokenRefused
from credits.forges.tokens import REFUSED_REST, TokenPool

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_tokens_take_turns() -> None:
    """Requests are spread evenly over all tokens."""
    pool = TokenPool(["a", "b", "c"])
    assert [pool.take(NOW).reveal() for _ in range(6)] == ["a", "b", "c", "a", "b", "c"]


def test_an_exhausted_token_rests_for_its_resource_only() -> None:
    """GitHub counts REST and GraphQL separately, so a token without REST quota still answers GraphQL."""
    pool = TokenPool(["a"])
    token = pool.take(NOW)
    pool.exhaust(token, NOW + MINUTE, "core")
    assert pool.state(token, NOW, "core") == "exhausted"
    assert pool.take(NOW, "graphql") is token
    with pytest.raises(RateLimited) as limited:
        pool.take(NOW, "core")
    assert limited.value.until == NOW + MINUTE
    assert pool.take(NOW + MINUTE, "core") is token


def test_a_slowed_token_rests_whatever_is_asked() -> None:
    """A pause that a forge asks for applies to every resource, and the longer of two pauses wins."""
    pool = TokenPool(["a"])
    token = pool.take(NOW)
    pool.slow(token, NOW + 5 * MINUTE)
    pool.slow(token, NOW + MINUTE)
    assert pool.state(token, NOW, "graphql") == "slowed"
    with pytest.raises(RateLimited) as limited:
        pool.take(NOW + MINUTE, "graphql")
    assert limited.value.until == NOW + 5 * MINUTE


def test_the_earliest_time_is_named_when_all_rest() -> None:
    """The error has the first time at which any token may be used again."""
    pool = TokenPool(["a", "b"])
    first, second = pool.take(NOW), pool.take(NOW)
    pool.slow(first, NOW + 3 * MINUTE)
    pool.exhaust(second, NOW + 2 * MINUTE)
    with pytest.raises(RateLimited) as limited:
        pool.take(NOW)
    assert limited.value.until == NOW + 2 * MINUTE


def test_one_refusal_is_doubted_and_two_revoke() -> None:
    """A single 401 may be the forge's own failure; two in a row stop the use of this token, and of no other."""
    pool = TokenPool(["a", "b"])
    token = pool.take(NOW)
    pool.refuse(token, NOW)
    assert pool.state(token, NOW) == "ready"
    pool.accept(token)
    pool.refuse(token, NOW)
    pool.refuse(token, NOW)
    assert pool.state(token, NOW) == "revoked"
    assert {pool.take(NOW).reveal() for _ in range(4)} == {"b"}


def test_revoked_tokens_end_in_a_refusal_and_are_tried_again_later() -> None:
    """If all tokens are revoked, the error says so and names no time; a repaired token is used again later."""
    pool = TokenPool(["a"])
    token = pool.take(NOW)
    pool.refuse(token, NOW)
    pool.refuse(token, NOW)
    with pytest.raises(TokenRefused) as refused:
        pool.take(NOW)
    assert refused.value.code == "forge-token-refused"
    assert pool.take(NOW + REFUSED_REST) is token


def test_no_token_at_all_is_said_as_such() -> None:
    """Without a token, the error says what to set."""
    with pytest.raises(TokenRefused) as refused:
        TokenPool(["", "  "]).take(NOW)
    assert refused.value.code == "forge-token-absent"


def test_a_token_never_shows_itself() -> None:
    """Neither the repr nor the text of a token contains the secret."""
    token = TokenPool(["ghp_secret"]).take(NOW)
    assert "secret" not in f"{token} {token!r}"


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["slow", "exhaust"]), st.integers(0, 120)), max_size=20
    ),
    st.integers(0, 120),
)
def test_no_token_is_handed_out_before_its_time(events: list[tuple[int, str, int]], at: int) -> None:
    """After any limits, a token is only taken when all of its own pauses are over."""
    pool = TokenPool(["a", "b", "c"])
    tokens = [pool.take(NOW) for _ in range(3)]
    rests = {token.number: NOW for token in tokens}
    for which, kind, seconds in events:
        until = NOW + timedelta(seconds=seconds)
        getattr(pool, kind)(tokens[which], until)
        rests[tokens[which].number] = max(rests[tokens[which].number], until)
    now = NOW + timedelta(seconds=at)
    first = min(rests.values())
    if first <= now:
        assert rests[pool.take(now).number] <= now
    else:
        with pytest.raises(RateLimited) as limited:
            pool.take(now)
        assert limited.value.until == first
