"""The links that a student pastes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credits.forges.pull_request_urls import BadAddress, parse_address

GITHUB, GITEE, LOCAL = "https://github.com", "https://gitee.com", "http://127.0.0.1:8123/github"


@pytest.mark.parametrize(
    ("pasted", "web_url", "expected"),
    [
        ("https://github.com/InternLM/lmdeploy/pull/4891", GITHUB, ("InternLM/lmdeploy", "4891")),
        (
            "https://github.com/InternLM/lmdeploy/pull/4891/files#diff-1",
            GITHUB,
            ("InternLM/lmdeploy", "4891"),
        ),
        ("  <http://www.github.com/a/b.js/pull/007?w=1>  ", GITHUB, ("a/b.js", "7")),
        ("github.com/a/.github/pull/1/", GITHUB, ("a/.github", "1")),
        ("https://gitee.com/dromara/hutool/pulls/12", GITEE, ("dromara/hutool", "12")),
        ("https://gitee.com/dromara/hutool/pulls/12/commits", GITEE, ("dromara/hutool", "12")),
        ("dromara/hutool!12", GITEE, ("dromara/hutool", "12")),
        ("InternLM/lmdeploy#12", GITHUB, ("InternLM/lmdeploy", "12")),
        ("InternLM/lmdeploy #12", GITHUB, ("InternLM/lmdeploy", "12")),
        ("http://127.0.0.1:8123/github/a/b/pull/3", LOCAL, ("a/b", "3")),
        ("127.0.0.1:8123/github/a/b/pull/3", LOCAL, ("a/b", "3")),
        ("https://github.com:443/a/b/pull/3", GITHUB, ("a/b", "3")),
    ],
)
def test_addresses_that_name_a_pull_request(pasted: str, web_url: str, expected: tuple[str, str]) -> None:
    """Every usual way to name a pull request is understood."""
    assert parse_address(pasted, web_url) == expected


@pytest.mark.parametrize(
    ("pasted", "web_url", "code"),
    [
        ("", GITHUB, "address-empty"),
        ("   ", GITHUB, "address-empty"),
        ("https://gitee.com/a/b/pulls/1", GITHUB, "address-of-another-site"),
        ("https://github.com.evil.example/a/b/pull/1", GITHUB, "address-of-another-site"),
        ("http://127.0.0.1:9/github/a/b/pull/1", LOCAL, "address-of-another-site"),
        ("http://127.0.0.1:8123/gitee/a/b/pulls/1", LOCAL, "address-of-another-site"),
        ("https://github.com/a/b/issues/1", GITHUB, "address-of-an-issue"),
        ("https://github.com/a/b", GITHUB, "address-not-a-pull-request"),
        ("https://github.com/a/b/pull/x1", GITHUB, "address-not-a-pull-request"),
        ("https://github.com/a/b/pull/0", GITHUB, "address-not-a-pull-request"),
        ("https://github.com/a/%2e%2e/pull/1", GITHUB, "address-not-a-pull-request"),
        ("https://github.com/a/..%2fb/pull/1", GITHUB, "address-not-a-pull-request"),
        ("https://user:pw@github.com/a/b/pull/1", GITHUB, "address-not-a-pull-request"),
        ("javascript:alert(1)", GITHUB, "address-not-a-pull-request"),
        ("ftp://github.com/a/b/pull/1", GITHUB, "address-not-a-pull-request"),
        ("http://[::1/a/b/pull/1", GITHUB, "address-not-a-pull-request"),
        ("https://github.com:99999/a/b/pull/1", GITHUB, "address-not-a-pull-request"),
        ("a/b#", GITHUB, "address-not-a-pull-request"),
        ("a/..#1", GITHUB, "address-not-a-pull-request"),
        ("InternLM/lmdeploy/pull/4", GITHUB, "address-not-a-pull-request"),
        ("https://github.com/a/b/pull/1" + "0" * 3000, GITHUB, "address-not-a-pull-request"),
    ],
)
def test_addresses_that_do_not(pasted: str, web_url: str, code: str) -> None:
    """Any other text gives an error with a stable code and a message that says what is wrong."""
    with pytest.raises(BadAddress) as refused:
        parse_address(pasted, web_url)
    assert refused.value.code == code
    assert refused.value.message.endswith((".", "。"))
    assert refused.value.hint.endswith((".", "。"))


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True)


@given(NAMES, NAMES, st.integers(1, 10**9), st.sampled_from([GITHUB, GITEE, LOCAL]))
def test_what_is_written_is_read_back(owner: str, name: str, number: int, web_url: str) -> None:
    """Any repository and number can be read from both forms."""
    expected = (f"{owner}/{name}", str(number))
    kind = "pulls" if web_url == GITEE else "pull"
    assert parse_address(f"{web_url}/{owner}/{name}/{kind}/{number}", web_url) == expected
    assert parse_address(f"{owner}/{name}#{number}", web_url) == expected


@given(st.text() | st.text("htps:/.#!%@[]abc012 \n", max_size=40))
def test_no_text_breaks_the_reader(pasted: str) -> None:
    """Any text either names a pull request or is refused with a reason."""
    try:
        full_name, number = parse_address(pasted, GITHUB)
    except BadAddress:
        return
    assert full_name.count("/") == 1
    assert number.isdigit()
