"""Translations, without GNU gettext: `python -m scripts.messages update | compile | check`.

pybabel does the work. The table [tool.babel] of pyproject.toml says how each kind of file is read: templates by
:func:`extract_template`.

- update: bring locale/*/LC_MESSAGES/django.po in line with the sources. New messages come in untranslated, changed
  ones fuzzy; unused ones are removed.
- compile: make the .mo files that Django reads; they are not committed.
- check: exit 1 if a message is missing, untranslated, fuzzy or no longer used, or if a translation has other
  placeholders than its source. Each fault names its file and line.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
import tempfile
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("accounts", "config", "credits", "demo", "templates")
LOCALES = ("zh_Hans",)
KEYWORDS = "gettext_lazy gettext_noop ngettext_lazy:1,2 pgettext_lazy:1c,2 npgettext_lazy:1c,2,3"
"""The functions that mark a message, besides those that pybabel knows."""
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdf]|\{(\w*)[^{}]*\}")


def extract_template(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterator[tuple[int, Any, list[str], str | None]]:
    """Extract the messages of a Django template, for pybabel. Raise SyntaxError if it cannot be read.

    templatize turns a template into something like Python that keeps the lines. The parentheses around it make its
    indentation meaningless, which Python's tokenizer would otherwise refuse.
    """
    name = getattr(file, "name", "template")
    text = templatize(file.read().decode(), origin=name)
    try:
        yield from extract_python(io.BytesIO(f"({text}\n)".encode()), keywords, comment_tags, options)
    except tokenize.TokenError as error:
        raise SyntaxError(f"{name}: {error}") from error


def po_file(root: Path, locale: str) -> Path:
    return root / "locale" / locale / "LC_MESSAGES" / "django.po"


def update(root: Path) -> None:
    """Bring the catalogues in line with the sources. The module's docstring says what changes."""
    with extracted_template(root, "--add-location=file") as template:
        for locale in LOCALES:
            # The creation date stays: otherwise two branches that update would always conflict.
            flags = ("--init-missing", "--ignore-obsolete", "--ignore-pot-creation-date", "--width=100")
            _pybabel(root, "update", "--domain=django", "-d", "locale", "-l", locale, "-i", template, *flags)


def compile_all(root: Path) -> None:
    """Make the .mo file of each catalogue. Exit 1 with a message on stderr if a translation cannot be used."""
    _pybabel(root, "compile", "--domain=django", "--directory=locale")


def check(root: Path) -> list[str]:
    """Return what is wrong with the catalogues, one line for each fault."""
    with extracted_template(root, "--add-location=full") as template:
        wanted = messages_by_key(read_catalog(template))
    faults = []
    for locale in LOCALES:
        path = po_file(root, locale)
        name = path.relative_to(root).as_posix()
        catalog = read_catalog(path) if path.exists() else Catalog()
        translations = messages_by_key(catalog)
        for key, message in wanted.items():
            where = ":".join(str(part) for part in message.locations[0])
            translation = translations.get(key)
            if translation is None or isinstance(translation.id, str) != isinstance(message.id, str):
                faults.append(f"{where}: not in {name}: {key[0]!r}")
            elif not all(_texts(translation.string) or [""]):
                faults.append(f"{where}: not translated in {name}:{translation.lineno}: {key[0]!r}")
            elif translation.fuzzy:
                faults.append(f"{where}: fuzzy in {name}:{translation.lineno}: {key[0]!r}")
            elif wrong := _wrong_placeholders(translation):
                faults.append(f"{name}:{translation.lineno}: other placeholders than its source: {wrong}")
        unused = [message for key, message in translations.items() if key not in wanted]
        faults += [
            f"{name}:{message.lineno or 0}: no longer used: {_texts(message.id)[0]!r}"
            for message in (*unused, *catalog.obsolete.values())
        ]
    return faults


@contextlib.contextmanager
def extracted_template(root: Path, *flags: str) -> Iterator[Path]:
    """Make a template catalogue of every message of the sources, and remove it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "django.pot"
        mapping = ("--mapping", ROOT / "pyproject.toml", "--keyword", KEYWORDS)
        comments = ("--add-comments=Translators", "--strip-comments")
        _pybabel(root, "extract", "-o", template, "--sort-by-file", *mapping, *comments, *flags, *SOURCES)
        yield template


def _pybabel(root: Path, *arguments: str | Path) -> None:
    with contextlib.chdir(root):
        if failed := CommandLineInterface().run(["pybabel", "--quiet", *map(str, arguments)]):
            sys.exit(failed)


def read_catalog(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def messages_by_key(catalog: Catalog) -> dict[tuple[str, str | None], Message]:
    """Return the messages of a catalogue by text (of a plural, its singular) and context."""
    return {(_texts(message.id)[0], message.context): message for message in catalog if message.id}


def _texts(text: str | Sequence[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def _wrong_placeholders(message: Message) -> str:
    """Return the placeholders that a translation has too many or too few. A singular may leave out its number."""
    wanted = {match.group() for text in _texts(message.id) for match in PLACEHOLDER.finditer(text)}
    wrong = set[str]()
    for text in _texts(message.string):
        wrong |= wanted ^ {match.group() for match in PLACEHOLDER.finditer(text)}
    return ", ".join(sorted(wrong))


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("update", "compile", "check"))
    action = parser.parse_args(arguments).action
    if action == "update":
        update(root)
    elif action == "compile":
        compile_all(root)
    elif faults := check(root):
        print(*faults, sep="\n")
        print(f"{len(faults)} to fix: `make messages` brings the catalogue up to date, then translate.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
