"""A version of a rulebook on pages: its findings, the version to compare it with, and a field to choose one."""

from __future__ import annotations

from dataclasses import dataclass

from django import forms
from django.db.models import Model
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from credits.errors import NotThere
from credits.rulebooks import editor_report
from credits.rulebooks.models import RulebookVersion

MAX_VERSION_NUMBER = 2**31 - 1
"""The largest number that PostgreSQL's integer holds."""


class VersionField(forms.ModelChoiceField):
    """A choice of rulebook versions, shown by title, code and number."""

    def label_from_instance(self, obj: Model) -> str:
        return f"{obj.title} · {obj}" if isinstance(obj, RulebookVersion) else str(obj)


@dataclass(frozen=True, slots=True)
class VersionFindings:
    """Findings in a proposed text, as (line, sentence): ``faults``, which it may have because a base that it extends
    has changed, and ``doubts``, which are valid but probably not meant."""

    faults: list[tuple[int, str]]
    doubts: list[tuple[int, str]]


def findings_of(version: RulebookVersion) -> VersionFindings:
    """Read a version's text again, and return its findings in the reader's language."""
    report = editor_report.report_on(version.text)
    language = get_language() or ""
    faults, doubts = (
        [(finding.line, finding.text(language)) for finding in findings]
        for findings in (report.faults, report.doubts)
    )
    return VersionFindings(faults, doubts)


def find_version(code: str, number: int) -> RulebookVersion:
    """Return the version. Raises NotThere if there is none."""
    if number > MAX_VERSION_NUMBER:
        raise no_such_version()
    version = (
        RulebookVersion.objects.select_related("rulebook", "proposed_by", "published_by")
        .filter(rulebook__code=code, number=number)
        .first()
    )
    if version is None:
        raise no_such_version()
    return version


def comparable_versions(version: RulebookVersion, steward: bool) -> list[RulebookVersion]:
    """Return the versions to compare it with, newest first; proposals for stewards only."""
    others = version.rulebook.versions.exclude(pk=version.pk).select_related("rulebook").order_by("-number")
    return list(others if steward else others.exclude(status=RulebookVersion.Status.PROPOSED))


def version_to_compare(
    version: RulebookVersion, others: list[RulebookVersion], named: str
) -> RulebookVersion | None:
    """Return the version with the number ``named``, else the newest published version before this one, else None."""
    chosen = next((other for other in others if named and str(other.number) == named), None)
    earlier = (
        other
        for other in others
        if other.number < version.number and other.status != RulebookVersion.Status.PROPOSED
    )
    return chosen or next(earlier, None)


def no_such_version() -> NotThere:
    """Return the error for an unknown version, or for one that the reader may not see."""
    return NotThere("no-such-version", _("There is no such version."))
