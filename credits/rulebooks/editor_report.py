"""Check a text for the editor: faults and warnings with their places, changes, and the rulebook if it is valid."""

from __future__ import annotations

from dataclasses import dataclass

from credits.errors import CreditsError
from credits.rulebooks.drafts import code_of
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.published_library import PublishedLibrary
from credits.rulebooks.versions import refuse_unsupported, rulebook_of
from credits.rules import (
    Difference,
    RulebookDocument,
    RulebookFault,
    RulebookFaults,
    differences,
    parse,
    warnings,
)


@dataclass(frozen=True, slots=True)
class EditorReport:
    """The result of checking a text.

    ``doubts`` are warnings. ``rulebook`` is None if there are faults. ``refused`` is set if the rulebook is well-formed
    but cannot be carried out. ``changes`` compare with ``before``, the newest published version of the same code (None:
    there is none).
    """

    faults: tuple[RulebookFault, ...] = ()
    doubts: tuple[RulebookFault, ...] = ()
    rulebook: RulebookDocument | None = None
    refused: CreditsError | None = None
    before: RulebookVersion | None = None
    changes: tuple[Difference, ...] = ()


def report_on(text: str) -> EditorReport:
    """Return the report on a text that is being written. Faults in it raise nothing."""
    library = PublishedLibrary()
    try:
        rulebook = parse(text, library)
        doubts = warnings(text, library)
    except RulebookFaults as error:
        return EditorReport(faults=error.faults)
    refused = None
    try:
        refuse_unsupported(rulebook)
    except CreditsError as error:
        refused = error
    before = newest_published(code_of(text) or rulebook.code)
    changes = differences(rulebook_of(before), rulebook) if before else ()
    return EditorReport(doubts=doubts, rulebook=rulebook, refused=refused, before=before, changes=changes)


def newest_published(code: str) -> RulebookVersion | None:
    """Return the newest published version of a code, or None."""
    return (
        RulebookVersion.objects.filter(rulebook__code=code, status=RulebookVersion.Status.PUBLISHED)
        .select_related("rulebook")
        .order_by("-number")
        .first()
    )


def find_version(name: str, *, code: str = "") -> RulebookVersion | None:
    """Return the version named ``code/number``, or by its number alone if ``code`` is given; None if there is none."""
    own, slash, number = name.rpartition("/")
    wanted = own if slash else code
    if not number.isdecimal() or len(number) > 9:
        return None
    found = RulebookVersion.objects.filter(rulebook__code=wanted, number=int(number))
    return found.select_related("rulebook").first()
