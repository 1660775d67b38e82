"""A version of a rulebook, its findings, and the version that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from credits.errors import NotThere
from credits.rulebooks import editor_report
from credits.rulebooks.models import RulebookVersion


@dataclass(frozen=True, slots=True)
class VersionFindings:
    """What a text that is to be published has in it, each with its line: ``faults`` (what it extends may have changed
    since), and ``doubts``, which are valid and probably not meant."""

    faults: list[tuple[int, str]]
    doubts: list[tuple[int, str]]


def findings_of(found: RulebookVersion) -> VersionFindings:
    read = editor_report.report_on(found.text)
    language = get_language() or ""
    faults, doubts = ([(one.line, one.text(language)) for one in some] for some in (read.faults, read.doubts))
    return VersionFindings(faults, doubts)


def find_version(code: str, number: int) -> RulebookVersion:
    if number > 2**31 - 1:
        raise no_such_version()
    found = (
        RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
        .filter(rulebook__code=code, number=number)
        .first()
    )
    if found is None:
        raise no_such_version()
    return found


def comparable_versions(found: RulebookVersion, steward: bool) -> list[RulebookVersion]:
    """The versions that it may be held against, the newest first; proposals are for stewards."""
    others = found.rulebook.versions.exclude(pk=found.pk).select_related("rulebook").order_by("-number")
    return list(others if steward else others.exclude(status=RulebookVersion.Status.PROPOSED))


def version_to_compare(
    found: RulebookVersion, others: list[RulebookVersion], named: str
) -> RulebookVersion | None:
    """The version named, else the newest one before it that was published; None for the first."""
    chosen = next((one for one in others if named and str(one.number) == named), None)
    earlier = (
        one for one in others if one.number < found.number and one.status != RulebookVersion.Status.PROPOSED
    )
    return chosen or next(earlier, None)


def no_such_version() -> NotThere:
    return NotThere("no-such-version", _("There is no such version."))
