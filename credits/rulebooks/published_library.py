"""The rulebooks that a variant may extend: published versions, by code and version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from django.db.models import QuerySet

from credits.rulebooks.models import RulebookVersion
from credits.rules import RulebookFaults, read_plain

Name = tuple[str, str]


class PublishedLibrary(Mapping[Name, str]):
    """Canonical texts of published and retired versions.

    A version is found by its label (``2025``; the newest with this label) or by its number. ``drafts`` are texts that
    may be extended if no published version has that name.
    """

    def __init__(self, drafts: Iterable[str] = ()) -> None:
        self._drafts = dict(_named_drafts(drafts))

    def __getitem__(self, name: Name) -> str:
        code, version = name
        versions = list(_versions().filter(rulebook__code=code).order_by("-number"))
        for candidate in versions:
            if _label(candidate) == version:
                return candidate.canonical
        for candidate in versions:
            if str(candidate.number) == version:
                return candidate.canonical
        return self._drafts[name]

    def __iter__(self) -> Iterator[Name]:
        names = dict.fromkeys(
            (version.rulebook.code, _label(version) or str(version.number))
            for version in _versions().order_by("-number")
        )
        yield from dict.fromkeys([*names, *self._drafts])

    def __len__(self) -> int:
        return len(list(iter(self)))


def _versions() -> QuerySet[RulebookVersion]:
    statuses = (RulebookVersion.Status.PUBLISHED, RulebookVersion.Status.RETIRED)
    return RulebookVersion.objects.filter(status__in=statuses).select_related("rulebook")


def _label(version: RulebookVersion) -> str:
    return str(json.loads(version.canonical).get("label", ""))


def _named_drafts(texts: Iterable[str]) -> Iterator[tuple[Name, str]]:
    for text in texts:
        try:
            data = read_plain(text)
        except RulebookFaults:
            continue
        if isinstance(data.get("code"), str) and isinstance(data.get("label"), str):
            yield (data["code"], data["label"]), text
