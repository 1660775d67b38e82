"""Translations: what is extracted from code and templates, and what the check finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages.pofile import read_po, write_po

from scripts import messages

CODE = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext

title = _("Claim")
month = pgettext("a month of the year", "May")
count = lambda n: ngettext("%(n)d credit", "%(n)d credits", n) % {"n": n}
greeting = _("Good day, {name}")
"""
TEMPLATE = """{% load i18n %}
<h1 title="{% translate "What to do next" %}">'</h1>
    {% blocktranslate trimmed with who=user.name %}
      Welcome back,
      {{ who }}.
    {% endblocktranslate %}
  {% blocktranslate count n=rows|length %}One line{% plural %}{{ n }} lines{% endblocktranslate %}
{% translate "May" context "a month of the year" %} {# Translators: not seen #}
<p>{{ _("Filtered")|lower }} 100% "unclosed</p>
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a small project with one module and one template."""
    for folder in messages.SOURCES:
        (tmp_path / folder).mkdir()
    (tmp_path / "credits" / "views.py").write_text(CODE)
    (tmp_path / "templates" / "page.html").write_text(TEMPLATE)
    return tmp_path


def translate(root: Path, **texts: str) -> None:
    """Give every message of the catalogue a translation: the one given for its first word, or one made from its
    text."""
    path = messages.po_file(root, "zh_Hans")
    catalog = messages.read_catalog(path)
    for message in messages.messages_by_key(catalog).values():
        first = message.id if isinstance(message.id, str) else message.id[1]
        text = texts.get(first.split()[0], f"译 {first}")
        message.string = text if isinstance(message.id, str) else (text,)
        message.flags.discard("fuzzy")
    with path.open("wb") as file:
        write_po(file, catalog)


def test_every_way_of_marking_is_found(root: Path) -> None:
    """Plain, contextual, plural, lazy, trimmed and filtered messages are found, each at its line."""
    with messages.extracted_template(root, "--add-location=full") as template:
        catalog = messages.read_catalog(template)
    found = {
        which: [f"{place}:{line}" for place, line in message.locations]
        for which, message in messages.messages_by_key(catalog).items()
    }
    assert found == {
        ("Claim", None): ["credits/views.py:4"],
        ("May", "a month of the year"): ["credits/views.py:5", "templates/page.html:8"],
        ("%(n)d credit", None): ["credits/views.py:6"],
        ("Good day, {name}", None): ["credits/views.py:7"],
        ("What to do next", None): ["templates/page.html:2"],
        ("Welcome back, %(who)s.", None): ["templates/page.html:3"],
        ("One line", None): ["templates/page.html:7"],
        ("Filtered", None): ["templates/page.html:9"],
    }


def test_a_complete_catalogue_passes(root: Path) -> None:
    """A catalogue that is up to date and translated has no faults, and compiling makes the file that Django reads."""
    messages.update(root)
    translate(root)
    assert messages.check(root) == []
    messages.compile_all(root)
    assert messages.po_file(root, "zh_Hans").with_suffix(".mo").exists()


def test_what_is_missing_is_named_by_file_and_line(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a catalogue every message is reported as missing, and the exit code is 1."""
    assert messages.main(["check"], root) == 1
    assert (
        "credits/views.py:4: not in locale/zh_Hans/LC_MESSAGES/django.po: 'Claim'" in capsys.readouterr().out
    )


def test_untranslated_is_found(root: Path) -> None:
    """A message that is in the catalogue without a translation is a fault."""
    messages.update(root)
    assert any("not translated" in fault and "'Claim'" in fault for fault in messages.check(root))


def test_fuzzy_and_unused_are_found(root: Path) -> None:
    """A changed message keeps its old translation as fuzzy; a removed message is no longer used."""
    messages.update(root)
    translate(root)
    code = root / "credits" / "views.py"
    code.write_text(CODE.replace('"Good day, {name}"', '"Good day, dear {name}"').replace('_("Claim")', "0"))
    unused = messages.check(root)
    assert any("no longer used: 'Claim'" in fault for fault in unused)
    messages.update(root)
    [fault] = messages.check(root)
    assert fault.startswith("credits/views.py:7: fuzzy in")


@pytest.mark.parametrize(
    ("word", "text", "wrong"),
    [
        ("Good", "你好", "{name}"),
        ("Good", "你好，{nome}", "{name}, {nome}"),
        ("%(n)d", "学分", "%(n)d"),
        ("Welcome", "欢迎，%(wo)s", "%(who)s, %(wo)s"),
    ],
)
def test_other_placeholders_are_found(word: str, text: str, wrong: str, root: Path) -> None:
    """A translation that loses or misspells a placeholder is a fault: it would fail or show something false."""
    messages.update(root)
    translate(root, **{word: text})
    [fault] = messages.check(root)
    assert fault.endswith(f"other placeholders than its source: {wrong}")


def test_updating_twice_changes_nothing(root: Path) -> None:
    """The file has no dates and a fixed order, so two people who update get the same file."""
    messages.update(root)
    first = messages.po_file(root, "zh_Hans").read_bytes()
    messages.update(root)
    assert messages.po_file(root, "zh_Hans").read_bytes() == first
    with messages.po_file(root, "zh_Hans").open("rb") as file:
        assert read_po(file).num_plurals == 1
