"""Import the catalogue of repositories that the university recognises, and look up the tier of a repository."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.identity import forges
from accounts.models import User
from credits.contributions.models import CatalogueEntry, Repository
from credits.errors import CreditsError
from credits.forges import pull_request_urls

COLUMNS = ("forge", "repository", "tier")
_HEADINGS = {"平台": "forge", "仓库": "repository", "等级": "tier", "级别": "tier"}
MAX_FILE_BYTES = 5 * 1024 * 1024
MAX_TIER_LENGTH = 40
"""In characters: the length of the column."""


@dataclass(frozen=True, slots=True)
class RefusedCatalogueCell:
    """A cell that was refused: the row of the file (the heading is row 1), the column and the reason."""

    row: int
    column: str
    reason: str


@dataclass(slots=True)
class CatalogueReport:
    """The result of an import. If any cell is refused, nothing is applied.

    ``left`` are entries that the file does not name; they stay as they are.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: int = 0
    left: list[str] = field(default_factory=list)
    refused: list[RefusedCatalogueCell] = field(default_factory=list)


def import_catalogue(file: BinaryIO, *, by: User | None, now: datetime) -> CatalogueReport:
    """Add and change entries from a CSV file, all or nothing. Return what was done, or which cells are refused.

    The columns are ``forge,repository,tier`` in any order, with English or Chinese headings, in UTF-8 or GB 18030.
    A repository is written ``owner/name``. Raise CreditsError ``file-too-large``, ``file-unreadable`` or
    ``columns-missing`` if the file as a whole cannot be read.
    """
    report = CatalogueReport()
    wanted: dict[tuple[str, str], tuple[str, str]] = {}
    for number, row in _read_rows(file):
        _check_row(number, row, wanted, report)
    if report.refused:
        return report
    with transaction.atomic():
        _apply(wanted, report)
        audit.record(
            "catalogue-imported",
            "credits.catalogueentry",
            by=by,
            now=now,
            added=len(report.added),
            changed=len(report.changed),
        )
    return report


def tiers_of(repositories: Iterable[Repository]) -> dict[int, str | None]:
    """Return the tier of each repository by its primary key, or None if it is not in the catalogue. One query.

    An entry with the repository's immutable id follows it through renames. An entry without one matches by name.
    """
    repositories = list(repositories)
    forges_asked = {repository.forge for repository in repositories}
    by_id: dict[tuple[str, str], str] = {}
    by_name: dict[tuple[str, str], str] = {}
    for entry in CatalogueEntry.objects.filter(forge__in=forges_asked):
        if entry.forge_id:
            by_id[entry.forge, entry.forge_id] = entry.tier
        else:
            by_name[entry.forge, entry.full_name.lower()] = entry.tier
    return {
        repository.pk: by_id.get(
            (repository.forge, repository.forge_id),
            by_name.get((repository.forge, repository.full_name.lower())),
        )
        for repository in repositories
    }


def _read_rows(file: BinaryIO) -> Iterable[tuple[int, dict[str, str]]]:
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise CreditsError(
            "file-too-large", _("The file is larger than 5 MB."), _("Split the file and import the parts.")
        )
    reader = csv.DictReader(io.StringIO(_decode(content), newline=""), strict=True)
    try:
        names = [_HEADINGS.get(name.strip(), name.strip().lower()) for name in reader.fieldnames or ()]
        missing = [column for column in COLUMNS if column not in names]
        if missing:
            raise CreditsError(
                "columns-missing",
                _("The first row lacks these columns: %(columns)s.") % {"columns": ", ".join(missing)},
                _("It must have the columns forge, repository and tier."),
            )
        reader.fieldnames = names
        return [
            (number, {column: (row.get(column) or "").strip() for column in COLUMNS})
            for number, row in enumerate(reader, start=2)
        ]
    except csv.Error as error:
        raise _unreadable_file() from error


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise _unreadable_file()


def _unreadable_file() -> CreditsError:
    return CreditsError(
        "file-unreadable",
        _("The file cannot be read as CSV."),
        _("Save it as CSV in UTF-8, for example from a spreadsheet program."),
    )


def _check_row(
    number: int, row: dict[str, str], wanted: dict[tuple[str, str], tuple[str, str]], report: CatalogueReport
) -> None:
    forge, name, tier = row["forge"].lower(), row["repository"], row["tier"]
    faults: list[tuple[str, object]] = []
    if forge not in forges.forge_names():
        known = ", ".join(forges.forge_names())
        faults.append(
            (
                "forge",
                _("There is no platform %(name)s. Available platforms: %(known)s.")
                % {"name": forge, "known": known},
            )
        )
    if not _is_full_name(name):
        faults.append(("repository", _("Write a repository as owner/name.")))
    elif (forge, name.lower()) in wanted:
        faults.append(("repository", _("This repository is already in the file.")))
    if not 0 < len(tier) <= MAX_TIER_LENGTH:
        faults.append(
            ("tier", _("A tier must have 1 to %(longest)d characters.") % {"longest": MAX_TIER_LENGTH})
        )
    report.refused += [RefusedCatalogueCell(number, column, str(reason)) for column, reason in faults]
    if not faults:
        wanted[forge, name.lower()] = (name, tier)


def _is_full_name(name: str) -> bool:
    try:
        return pull_request_urls.parse_address(f"{name}#1", "https://forge.invalid") == (name, "1")
    except pull_request_urls.BadAddress:
        return False


def _apply(wanted: dict[tuple[str, str], tuple[str, str]], report: CatalogueReport) -> None:
    existing = {
        (entry.forge, entry.full_name.lower()): entry
        for entry in CatalogueEntry.objects.select_for_update().order_by("pk")
    }
    # If the repository was seen already, the entry gets its id at once, unless another entry has that id.
    taken_ids = {(entry.forge, entry.forge_id) for entry in existing.values() if entry.forge_id}
    seen_ids = {
        (forge, name.lower()): forge_id
        for forge, name, forge_id in Repository.objects.annotate(lower=Lower("full_name"))
        .filter(lower__in=[name for _forge, name in wanted])
        .order_by("seen_at")
        .values_list("forge", "full_name", "forge_id")
        if (forge, forge_id) not in taken_ids
    }
    made: list[CatalogueEntry] = []
    changed: list[CatalogueEntry] = []
    for key, (name, tier) in wanted.items():
        entry = existing.get(key)
        if entry is None:
            made.append(
                CatalogueEntry(forge=key[0], full_name=name, tier=tier, forge_id=seen_ids.get(key, ""))
            )
        elif entry.tier != tier:
            entry.tier = tier
            changed.append(entry)
        else:
            report.unchanged += 1
    CatalogueEntry.objects.bulk_create(made, batch_size=1_000)
    CatalogueEntry.objects.bulk_update(changed, ["tier"], batch_size=1_000)
    report.added = [str(entry) for entry in made]
    report.changed = [str(entry) for entry in changed]
    report.left = sorted(str(entry) for key, entry in existing.items() if key not in wanted)
