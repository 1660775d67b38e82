"""Text that rooms share: bilingual text, canonical JSON, and cleaning of what comes from outside.

Bilingual text has three forms. ``BilingualText`` is JSON data, as traces and stored outcomes keep it. ``Text`` is a
plain value for records and exports, and may be empty. ``credits.rules.document.field_types.RulebookText`` is a
checked field of a rulebook: both languages are required.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

BilingualText = Mapping[str, str]
"""The same sentence under ``zh`` and ``en``, as traces and stored outcomes keep it."""


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in both languages."""

    zh: str = ""
    en: str = ""


NO_TEXT = Text()


def join_clauses(clauses: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """Join clauses, given as pairs (zh, en), with each language's semicolon."""
    pairs = list(clauses)
    return "；".join(zh for zh, _en in pairs), "; ".join(en for _zh, en in pairs)


def canonical_json(value: object) -> str:
    """Return the one JSON text of a value: keys sorted by code point, no space, no number that JSON does not know.

    What is digested or frozen is written by this function, so its output must never change.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def storable_json(value: object) -> str:
    """Return :func:`canonical_json` of a value from outside, without what PostgreSQL cannot keep."""
    try:
        text = canonical_json(value)
        # Such values are rare, and looking into every value costs ten times the writing.
        if "\\u0000" not in text and text.encode():
            return text
    except (TypeError, UnicodeEncodeError):
        pass
    return canonical_json(_plain(value))


def clean(text: str) -> str:
    """Replace what PostgreSQL cannot keep: NUL characters, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return clean(value) if isinstance(value, str) else value
