"""Errors are shown in the reader's language, wherever they come from."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation

from credits import errors
from credits.errors import CreditsError, Sentence, joined
from credits.forges.errors import not_merged
from tests import factories

ENGLISH = "This is not a link to a pull request."
CHINESE = "这不是合并请求（PR）的链接。"


@pytest.fixture
def other_words() -> Iterator[None]:
    """Translate errors with a catalogue of two sentences."""
    before = errors._translate
    errors.speak_through({"%(given)s is odd.": "Odd: %(given)s.", "Give two.": "Two!"}.__getitem__)
    yield
    errors.speak_through(before)


def test_holes_are_filled_after_translating(other_words: None) -> None:
    """One translation serves every value that is filled into the sentence."""
    assert str(Sentence("%(given)s is odd.", {"given": "three"})) == "Odd: three."
    assert CreditsError("odd", "", "Give two.").hint == "Two!"


def test_what_a_forge_refused_is_told_in_the_readers_language() -> None:
    """One error object can be read in two languages."""
    error = not_merged()
    with translation.override("zh-hans"):
        assert error.message == "此合并请求（PR）尚未合并。"
    with translation.override("en"):
        assert error.message == "This pull request is not merged."


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_missing_hint_stays_missing(language: str) -> None:
    """An empty text is not replaced by the header of the catalogue."""
    with translation.override(language):
        assert CreditsError("code", "A sentence that no catalogue has.").hint == ""
        assert str(CreditsError("code", "A sentence that no catalogue has.")) == (
            "A sentence that no catalogue has."
        )


def test_sentences_are_joined_as_their_language_writes_them() -> None:
    """Sentences are joined with a space after an English full stop and without one after a Chinese full stop; empty
    ones are left out."""
    assert joined("It broke.", "", "Mend it.") == "It broke. Mend it."
    assert joined("出错了。", "请重试。") == "出错了。请重试。"
    assert joined("", "") == ""


@pytest.mark.django_db
def test_pages_tell_it_in_the_readers_language() -> None:
    """A Chinese page shows the error for a bad link in Chinese."""
    student = factories.student()
    factories.forge_account(student)
    browser = Client(headers={"accept-language": "zh-hans"})
    browser.force_login(student, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = browser.post(reverse("student_add_link"), {"address": "https://github.com/"})
    assert CHINESE in answer.content.decode()
    assert ENGLISH not in answer.content.decode()


@pytest.mark.django_db
def test_commands_tell_it_in_the_terminals_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Chinese terminal shows in Chinese why the platform is refused."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    output = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("collect", forge="nowhere", stderr=output)
    assert "没有名为 nowhere 的平台。" in output.getvalue()
