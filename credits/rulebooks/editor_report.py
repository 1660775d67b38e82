"""A text as an editor needs it: every fault and doubt with its place, what it would change, and the rulebook where it
holds."""

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
    """``rulebook`` is None where there are faults. ``refused``: well-formed, but not to be carried out. ``changes`` are
    those against ``before``, the version published last under the same code (None: there is none)."""

    faults: tuple[RulebookFault, ...] = ()
    doubts: tuple[RulebookFault, ...] = ()
    rulebook: RulebookDocument | None = None
    refused: CreditsError | None = None
    before: RulebookVersion | None = None
    changes: tuple[Difference, ...] = ()


def report_on(text: str) -> EditorReport:
    """Everything that can be said of a text while it is being written; raises nothing for what is wrong in it."""
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
    """The newest published version under a code; None where there is none."""
    return (
        RulebookVersion.objects.filter(rulebook__code=code, status=RulebookVersion.Status.PUBLISHED)
        .select_related("rulebook")
        .order_by("-number")
        .first()
    )


def find_version(name: str, *, code: str = "") -> RulebookVersion | None:
    """The version called ``code/number``, or by its number alone where ``code`` says of which rulebook."""
    own, slash, number = name.rpartition("/")
    wanted = own if slash else code
    if not number.isdecimal() or len(number) > 9:
        return None
    found = RulebookVersion.objects.filter(rulebook__code=wanted, number=int(number))
    return found.select_related("rulebook").first()
