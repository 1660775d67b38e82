"""The facts that a rulebook may use: their types, and the only way in which they are written as JSON.

Unknown is not false, zero or empty: a fact that is left out or ``None`` is unknown, and a rule that needs it is
undecided. Points, credit and shares are ``Decimal``. Times have a time zone and are written in UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any, TypedDict, cast

from credits.errors import CreditsError
from credits.rules import decimals
from credits.rules.fact_catalogue import FILE_KINDS, LISTED, CatalogueFact, FileKind, Kind
from credits.text import canonical_json

Value = str | int | bool | datetime | list[str]
"""A known fact, as conditions get it."""


class FileCount(TypedDict):
    """The number of files of one kind, and the lines added and deleted in them."""

    files: int
    additions: int
    deletions: int


class ContributionData(TypedDict, total=False):
    """One merged piece of work, as the forge returned it.

    ``files`` has the kinds that occur: a kind that is left out has no files; if ``files`` is left out, it is unknown.
    If a forge lists only some files of a change, only those are counted. A ``status`` of ``unknown`` (the forge could
    not be asked) is an unknown fact like any other. ``share`` is the student's part, from 0 to 1. It is 1 if it is left
    out, because the opener has everything until the co-authors agree otherwise.
    """

    forge: str | None
    kind: str | None
    number: str | None
    title: str | None
    url: str | None
    status: str | None
    created_at: datetime | None
    merged_at: datetime | None
    additions: int | None
    deletions: int | None
    changed_files: int | None
    files: dict[FileKind, FileCount] | None
    labels: list[str] | None
    landed_by: str | None
    merged_by_self: bool | None
    first_in_repository: bool | None
    share: Decimal | None
    reviews: int | None
    reverted: bool | None
    already_credited: bool | None


class RepositoryData(TypedDict, total=False):
    """The repository of a contribution.

    ``id`` is the forge's immutable id; together with the forge's name it identifies the repository for the caps.
    ``licence`` is the SPDX identifier, or ``""`` if the forge says that there is no licence.
    """

    forge: str | None
    id: str | None
    full_name: str | None
    owner: str | None
    owner_is_author: bool | None
    stars: int | None
    licence: str | None
    osi_approved: bool | None
    is_fork: bool | None
    is_mirror: bool | None
    archived: bool | None
    language: str | None
    tier: str | None


class StudentData(TypedDict, total=False):
    """The enrolment for which the student applies. ``enrolled_on`` is the local midnight at which that day begins."""

    programme: str | None
    level: str | None
    year: int | None
    cohort: str | None
    enrolled_on: datetime | None


class RoundData(TypedDict, total=False):
    """The round of the claim. ``closes`` is the first instant after its last day to apply."""

    code: str | None
    opens: datetime | None
    closes: datetime | None


class TermData(TypedDict, total=False):
    """The term of the round. ``ends`` is the first instant after its last day."""

    code: str | None
    starts: datetime | None
    ends: datetime | None


class CreditStanding(TypedDict, total=False):
    """Credit already recognised for the person in the rulebook's category, from here or imported.

    ``credit`` counts the whole degree, ``credit_this_term`` the round's term. ``points_carried`` is the remainder of
    the last recorded assessment. A value that is left out is zero; ``None`` is unknown.
    """

    credit: Decimal | None
    credit_this_term: Decimal | None
    points_carried: Decimal | None


@dataclass(frozen=True)
class ContributionFacts:
    """A contribution in a claim.

    ``ref`` identifies it within the claim (opaque, unique). ``accepted`` is the reviewer's decision on this
    contribution, None before there is a decision. ``awarded`` has the points that the reviewer gave, by the rule's id.
    """

    ref: str
    contribution: ContributionData
    repository: RepositoryData
    accepted: bool | None = None
    awarded: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class ClaimFacts:
    """Everything, except the rulebook, that an assessment depends on.

    ``as_of`` is the time when the facts were frozen. The maturing time is measured up to it, or up to the closing of
    the round if it is None.
    """

    student: StudentData
    round: RoundData
    term: TermData
    standing: CreditStanding
    contributions: tuple[ContributionFacts, ...] = ()
    as_of: datetime | None = None


_BY_NAME: Mapping[str, CatalogueFact] = {fact.name: fact for fact in LISTED}
_BY_GROUP: Mapping[str, Mapping[str, CatalogueFact]] = {
    group: {fact.name.partition(".")[2]: fact for fact in LISTED if fact.name.startswith(f"{group}.")}
    for group in ("contribution", "repository", "student", "round", "term", "standing")
}
_WHOLE_MAX = 2**53  # JSON readers in other languages round larger numbers


def bind(claim: ClaimFacts, contribution: ContributionFacts) -> dict[str, Value]:
    """Return the known facts of one contribution of the claim, by their names in conditions.

    Unknown facts are left out.
    """
    bound: dict[str, Value] = {}
    groups: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("contribution", contribution.contribution),
        ("repository", contribution.repository),
        ("student", claim.student),
        ("round", claim.round),
        ("term", claim.term),
    )
    for group, values in groups:
        for key, value in values.items():
            if value is None or key in ("files", "share") or (key, value) == ("status", "unknown"):
                continue
            bound[f"{group}.{key}"] = value
    standing = {f"standing.{key}": standing_of(claim, key) for key in CreditStanding.__annotations__}
    for name, number in {"contribution.share": share_of(contribution), **standing}.items():
        in_hundredths = hundredths(number)
        if in_hundredths is not None:
            bound[f"{name}_hundredths"] = in_hundredths
    files = contribution.contribution.get("files")
    if files is not None:
        changed = 0
        for kind in FILE_KINDS:
            count = files.get(kind)
            lines = count["additions"] + count["deletions"] if count else 0
            bound[f"contribution.files.{kind}"] = count["files"] if count else 0
            bound[f"contribution.lines.{kind}"] = lines
            changed += 0 if kind == "generated" else lines
        bound["contribution.changed_lines"] = changed
    return bound


def hundredths(value: Decimal | None) -> int | None:
    """Return a decimal in whole hundredths, rounded down, as conditions see it. Return None if it is unknown."""
    return None if value is None else int((value * 100).to_integral_value(ROUND_FLOOR))


def share_of(contribution: ContributionFacts) -> Decimal | None:
    """Return the student's share: 1 if no share was agreed, None if it is unknown."""
    return contribution.contribution.get("share", Decimal(1))


def standing_of(claim: ClaimFacts, key: str) -> Decimal | None:
    """Return the credit standing's value under ``key``: zero if it is left out, None if it is unknown."""
    return cast(Mapping[str, Decimal | None], claim.standing).get(key, decimals.ZERO)


def to_json(claim: ClaimFacts) -> dict[str, Any]:
    """Return the facts as complete JSON: each listed fact with its value or null, contributions sorted by ref.

    Raises :class:`CreditsError` ``facts-invalid`` for a value of the wrong type, an unknown name, a time without a
    zone, or a ref that occurs twice.
    """
    refs = [contribution.ref for contribution in claim.contributions]
    if len(set(refs)) != len(refs):
        raise _invalid("contributions", "a contribution occurs twice")
    return {
        "student": _group_to_json("student", claim.student, {}),
        "round": _group_to_json("round", claim.round, {}),
        "term": _group_to_json("term", claim.term, {}),
        "standing": _group_to_json(
            "standing", claim.standing, dict.fromkeys(CreditStanding.__annotations__, "0")
        ),
        "as_of": None if claim.as_of is None else _json_value("as_of", "time", claim.as_of),
        "contributions": [
            {
                "ref": _json_value("ref", "text", item.ref),
                "contribution": _contribution_to_json(item.contribution),
                "repository": _group_to_json("repository", item.repository, {}),
                "accepted": None
                if item.accepted is None
                else _json_value("accepted", "yes-no", item.accepted),
                "awarded": {
                    rule: _json_value(f"awarded.{rule}", "decimal", points)
                    for rule, points in sorted(item.awarded.items())
                },
            }
            for item in sorted(claim.contributions, key=lambda item: item.ref)
        ],
    }


def canonical(claim: ClaimFacts) -> bytes:
    """Return the bytes that are frozen and digested. They do not depend on the order of the input."""
    return canonical_json(to_json(claim)).encode()


def digest(claim: ClaimFacts) -> str:
    """Return the SHA-256 of :func:`canonical`, in hex."""
    return hashlib.sha256(canonical(claim)).hexdigest()


def facts_from_json(data: Mapping[str, Any]) -> ClaimFacts:
    """Read facts that :func:`to_json` wrote.

    Raises :class:`CreditsError` ``facts-invalid`` for anything else.
    """
    try:
        claim = ClaimFacts(
            student=cast(StudentData, _group_from_json("student", data["student"])),
            round=cast(RoundData, _group_from_json("round", data["round"])),
            term=cast(TermData, _group_from_json("term", data["term"])),
            standing=cast(CreditStanding, _group_from_json("standing", data["standing"])),
            contributions=tuple(
                ContributionFacts(
                    ref=item["ref"],
                    contribution=cast(
                        ContributionData, _group_from_json("contribution", item["contribution"])
                    ),
                    repository=cast(RepositoryData, _group_from_json("repository", item["repository"])),
                    accepted=item.get("accepted"),
                    awarded={
                        rule: decimals.from_text(points) for rule, points in item.get("awarded", {}).items()
                    },
                )
                for item in data["contributions"]
            ),
            as_of=None if data.get("as_of") is None else _read_time(data["as_of"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _invalid(str(error)[:80], "the frozen facts are not readable") from error
    to_json(claim)
    return claim


def _group_to_json(group: str, values: Mapping[str, Any], defaults: Mapping[str, str]) -> dict[str, Any]:
    facts = _BY_GROUP[group]
    if not values.keys() <= facts.keys():
        raise _invalid(f"{group}.{min(values.keys() - facts.keys())}", "there is no such fact")
    written: dict[str, Any] = {}
    for name, fact in facts.items():
        value = values.get(name)
        if value is not None:
            written[name] = _json_value(fact.name, fact.kind, value)
        else:
            written[name] = defaults[name] if name in defaults and name not in values else None
    return written


def _contribution_to_json(values: ContributionData) -> dict[str, Any]:
    untyped = cast(Mapping[str, Any], values)
    without_files = {key: value for key, value in untyped.items() if key != "files"}
    written = _group_to_json("contribution", without_files, {"share": "1"})
    share = values.get("share")
    if share is not None and not 0 <= share <= 1:
        raise _invalid("contribution.share", "a share is between 0 and 1")
    files = untyped.get("files")
    if files is None:
        return {**written, "files": None}
    if set(files) - set(FILE_KINDS):
        raise _invalid("contribution.files", "there is no such kind of file")
    counts: dict[str, Any] = {}
    for kind, count in files.items():
        if set(count) != set(FileCount.__annotations__):
            raise _invalid(f"contribution.files.{kind}", "files, additions and deletions are needed")
        counts[kind] = {part: _count(f"contribution.files.{kind}.{part}", count[part]) for part in count}
    return {**written, "files": {kind: counts[kind] for kind in FILE_KINDS if kind in counts}}


def _count(name: str, value: object) -> int:
    number = _json_value(name, "whole", value)
    if not isinstance(number, int) or number < 0:
        raise _invalid(name, "a count is not below zero")
    return number


def _json_value(name: str, kind: Kind, value: object) -> str | int | bool | list[str]:
    """Return one known value as JSON, after a check of its kind."""
    if kind == "time" and isinstance(value, datetime) and value.tzinfo is not None:
        if not 1970 <= value.year <= 2200:
            raise _invalid(name, f"the year {value.year} is no year of a contribution")
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if (
        kind == "whole"
        and isinstance(value, int)
        and not isinstance(value, bool)
        and abs(value) <= _WHOLE_MAX
    ):
        return value
    if kind == "yes-no" and isinstance(value, bool):
        return value
    if kind == "text" and isinstance(value, str):
        return _encodable(name, value)
    if kind == "texts" and isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value):
        return [_encodable(name, entry) for entry in value]
    if kind == "decimal" and isinstance(value, Decimal) and value.is_finite():
        text = decimals.to_text(value)
        try:
            decimals.from_text(text)
        except ValueError as error:
            raise _invalid(name, "at most nine digits before and six after the point are kept") from error
        return text
    raise _invalid(name, f"a {kind} was expected, {type(value).__name__} was given")


def _encodable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _invalid(name, "the text is not valid Unicode") from error
    return text


def _group_from_json(group: str, values: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for key, value in values.items():
        fact = _BY_NAME.get(f"{group}.{key}")
        if value is not None and fact is not None and fact.kind == "time":
            value = _read_time(value)
        elif value is not None and fact is not None and fact.kind == "decimal":
            value = decimals.from_text(value)
        read[key] = value
    return read


def _read_time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time


def _invalid(name: str, problem: str) -> CreditsError:
    return CreditsError("facts-invalid", f"The fact {name} cannot be used: {problem}.")
