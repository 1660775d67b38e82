"""Translations, without GNU gettext: `python -m scripts.messages update | compile | check`.

Babel reads the messages out of Python files and, through Django's own templatize, out of templates.

- update: brings locale/*/LC_MESSAGES/django.po in line with the sources
- compile: makes the .mo files that Django reads; they are not committed
- check: exit 1, with file and line, if a message is missing, untranslated, doubtful (fuzzy), no longer used, or
  if a translation has other placeholders than its source
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract, extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("accounts", "config", "credits", "demo", "templates")
LOCALES = {"zh_Hans": "zh-Hans"}
KEYWORDS: Mapping[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
COMMENTS = ("Translators",)
PLACEHOLDER = re.compile(r"%\((\w+)\)[sdf]|\{(\w*)[^{}]*\}")

Extracted = tuple[int, Any, list[str], str | None]
Key = tuple[str, str | None]


def extract_template(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterator[Extracted]:
    """Babel's extractor for Django templates.

    templatize turns a template into something like Python that keeps the lines; the parentheses around it make
    its indentation meaningless, as Python's tokenizer would stumble over it.
    """
    text = templatize(file.read().decode(), origin=getattr(file, "name", None))
    yield from extract_python(io.BytesIO(f"({text}\n)".encode()), keywords, comment_tags, options)


def sources(root: Path) -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".html", ".txt", ".py"} and "migrations" not in path.parts:
                yield path


def extracted(root: Path) -> Catalog:
    """Every message of the sources, with where it is written. Raises SyntaxError naming a file it cannot read."""
    catalog = Catalog(project="Yuanfen", charset="utf-8")
    for path in sources(root):
        method: Any = "python" if path.suffix == ".py" else extract_template
        place = path.relative_to(root).as_posix()
        try:
            with path.open("rb") as file:
                for line, message, comments, context in extract(
                    method, file, KEYWORDS, COMMENTS, strip_comment_tags=True
                ):
                    catalog.add(message, None, [(place, line)], auto_comments=comments, context=context)
        except (SyntaxError, tokenize.TokenError) as error:
            raise SyntaxError(f"{place}: {error}") from error
    return catalog


def key(message: Message) -> Key:
    return (message.id if isinstance(message.id, str) else message.id[0], message.context)


def messages(catalog: Iterable[Message]) -> dict[Key, Message]:
    return {key(message): message for message in catalog if message.id}


def po_file(root: Path, locale: str) -> Path:
    return root / "locale" / locale / "LC_MESSAGES" / "django.po"


def read(path: Path, locale: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=locale, project="Yuanfen", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=locale)


def update(root: Path) -> None:
    """New messages come in untranslated, changed ones fuzzy, unused ones go (the history has them)."""
    template = extracted(root)
    for locale, language in LOCALES.items():
        path = po_file(root, locale)
        catalog = read(path, locale)
        before = catalog.creation_date
        catalog.update(template)
        catalog.obsolete.clear()
        # Else every update would change the file's first lines, and two branches would always conflict.
        catalog.creation_date = before
        catalog.project, catalog.version, catalog.header_comment = "Yuanfen", "", f"# Yuanfen in {language}."
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, catalog, width=100, include_lineno=False, sort_by_file=True)
        open_ = sum(1 for message in messages(catalog).values() if not _translated(message) or message.fuzzy)
        print(
            f"{path.relative_to(root)}: {len(messages(catalog))} messages, {open_} to translate or to look at"
        )


def compile_all(root: Path) -> None:
    for locale in LOCALES:
        path = po_file(root, locale)
        if path.exists():
            with path.with_suffix(".mo").open("wb") as file:
                write_mo(file, read(path, locale))


def check(root: Path) -> list[str]:
    """What is wrong, a line each; nothing where all is well."""
    found = messages(extracted(root))
    faults = []
    for locale in LOCALES:
        path = po_file(root, locale)
        catalog = read(path, locale)
        held = messages(catalog)
        name = path.relative_to(root).as_posix()
        for which, message in found.items():
            where = ":".join(str(part) for part in message.locations[0])
            translation = held.get(which)
            if translation is None or isinstance(translation.id, str) != isinstance(message.id, str):
                faults.append(f"{where}: not in {name}: {which[0]!r}")
            elif not _translated(translation):
                faults.append(f"{where}: not translated in {name}:{translation.lineno}: {which[0]!r}")
            elif translation.fuzzy:
                faults.append(f"{where}: fuzzy in {name}:{translation.lineno}: {which[0]!r}")
            elif odd := _odd_placeholders(translation):
                faults.append(f"{name}:{translation.lineno}: other placeholders than its source: {odd}")
        unused = [*(m for k, m in held.items() if k not in found), *catalog.obsolete.values()]
        faults += [f"{name}:{message.lineno or 0}: no longer used: {key(message)[0]!r}" for message in unused]
    return faults


def _translated(message: Message) -> bool:
    strings = (message.string,) if isinstance(message.string, str) else message.string or ("",)
    return all(strings)


def _odd_placeholders(message: Message) -> str:
    """The placeholders that a translation has too many or too few; a singular may leave out its number."""
    sources_ = (message.id,) if isinstance(message.id, str) else message.id
    strings = (message.string,) if isinstance(message.string, str) else message.string or ()
    wanted = set[str]().union(*(_placeholders(text) for text in sources_))
    return ", ".join(sorted(set[str]().union(*(wanted ^ _placeholders(text) for text in strings))))


def _placeholders(text: str) -> set[str]:
    return {found.group(0) for found in PLACEHOLDER.finditer(text)}


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("action", choices=("update", "compile", "check"))
    action = parser.parse_args(arguments).action
    if not settings.configured:
        settings.configure()
    if action == "update":
        update(root)
    elif action == "compile":
        compile_all(root)
    elif faults := check(root):
        print(*faults, sep="\n")
        print(f"{len(faults)} to mend: `make messages` brings the catalogue up to date, then translate.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
