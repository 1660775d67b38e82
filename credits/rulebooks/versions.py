"""Propose a version of a rulebook, publish it by a second person, retire it, and read it back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import StaffRole, User
from accounts.permissions import require
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from credits.rulebooks.models import Rulebook, RulebookVersion
from credits.rulebooks.published_library import PublishedLibrary
from credits.rules import RulebookDocument, parse, rulebook_digest

_TWO_DECIMALS = Decimal("0.01")
Status = RulebookVersion.Status


@transaction.atomic
def propose(text: str, *, by: User, now: datetime) -> RulebookVersion:
    """Store the YAML ``text`` as the proposed version of the rulebook that it names; create the rulebook if it is new.

    An open proposal of the same rulebook gets the new text, and ``by`` becomes its proposer. Raise NotAllowed unless
    ``by`` is a steward, :class:`credits.rules.RulebookFaults` with every fault and its place, and Conflict if nothing
    differs from the newest published version.
    """
    require(by, StaffRole.Role.STEWARD)
    read = parse(text, PublishedLibrary())
    refuse_unsupported(read)
    digest = rulebook_digest(read)
    rulebook = _lock_rulebook(read.code)
    published = rulebook.versions.filter(status=Status.PUBLISHED).order_by("-number").first()
    if published is not None and published.digest == digest:
        raise Conflict(
            "rulebook-unchanged",
            _("The text is the same as version %(number)s, which is already published.")
            % {"number": published.number},
        )
    version = rulebook.versions.filter(status=Status.PROPOSED).first()
    if version is None:
        last: int | None = rulebook.versions.aggregate(last=Max("number"))["last"]
        version = RulebookVersion(rulebook=rulebook, number=(last or 0) + 1, status=Status.PROPOSED)
    _store_document(version, text, read)
    version.proposed_by = by
    version.proposed_at = now
    version.save()
    _audit("rulebook-proposed", version, by=by, now=now)
    return version


@transaction.atomic
def publish(code: str, *, by: User, now: datetime, digest: str | None = None) -> RulebookVersion:
    """Publish the proposed version of rulebook ``code``; from then on it never changes (invariant 6).

    ``digest`` is that of the proposal which ``by`` read (None: not checked). Raise NotAllowed unless ``by`` is a
    steward and not the proposer, NotThere if there is no such rulebook, Conflict if nothing is proposed. Also raise
    Conflict if the proposal is no longer what ``by`` read: it was proposed again, or its meaning changed because the
    rulebook that it extends or this release's defaults changed.
    """
    require(by, StaffRole.Role.STEWARD)
    rulebook = Rulebook.objects.select_for_update().filter(code=code).first()
    if rulebook is None:
        raise NotThere(
            "no-such-rulebook",
            _("There is no rulebook “%(code)s”.") % {"code": code},
            _("Propose it first."),
        )
    version = rulebook.versions.filter(status=Status.PROPOSED).first()
    if version is None:
        raise Conflict(
            "nothing-proposed",
            _("There is no proposed version of this rulebook."),
            _("Propose a version first."),
        )
    if version.proposed_by_id == by.pk:
        raise NotAllowed(
            "second-person-needed",
            _("You proposed this version, so another person must publish it."),
            _("Ask another steward of rulebooks."),
        )
    # Use the defaults of this release: what is published is what this release evaluates.
    _store_document(version, version.text, parse(version.text, PublishedLibrary()))
    if digest is not None and version.digest != digest:
        raise Conflict(
            "proposal-changed",
            _("The proposal has changed since you read it, so it was not published."),
            _("Reload the page and read it again. If it looks the same, ask for it to be proposed again."),
        )
    version.status = Status.PUBLISHED
    version.published_by = by
    version.published_at = now
    version.save()
    _audit("rulebook-published", version, by=by, now=now)
    return version


@transaction.atomic
def retire(version: RulebookVersion, *, by: User, now: datetime) -> RulebookVersion:
    """Retire a published version: new rounds cannot use it. Rounds and claims that have it keep it."""
    require(by, StaffRole.Role.STEWARD)
    version = RulebookVersion.objects.select_for_update().get(pk=version.pk)
    if version.status != Status.PUBLISHED:
        raise Conflict("not-published", _("Only a published version can be retired."))
    version.status = Status.RETIRED
    version.save(update_fields=["status"])
    _audit("rulebook-retired", version, by=by, now=now)
    return version


def rulebook_of(version: RulebookVersion) -> RulebookDocument:
    """Return the rulebook of a version, read from its canonical text and cached by digest.

    Raise Conflict ``rulebook-altered`` if the stored text no longer has this digest.
    """
    return _parse_canonical(version.digest, version.canonical)


@lru_cache(maxsize=64)
def _parse_canonical(digest: str, canonical: str) -> RulebookDocument:
    read = parse(canonical)
    if rulebook_digest(read) != digest:
        raise Conflict(
            "rulebook-altered",
            _("The stored rulebook differs from the published one."),
            _("Tell the administrator: restore it from a backup."),
            status=500,
        )
    return read


def refuse_unsupported(read: RulebookDocument) -> None:
    """Raise CreditsError for a well-formed rulebook that review and ledger cannot carry out."""
    amounts = (read.conversion.step, read.conversion.minimum, read.term_cap, read.degree_cap)
    for amount in (*amounts, *(row.credit for row in read.conversion.table)):
        if amount % _TWO_DECIMALS:
            raise CreditsError(
                "credit-has-two-decimals",
                _("Credit is recorded with two decimals; %(amount)s has more.") % {"amount": amount},
                _("Round it in “conversion” and in the caps."),
                status=422,
            )


def _lock_rulebook(code: str) -> Rulebook:
    Rulebook.objects.get_or_create(code=code)
    return Rulebook.objects.select_for_update().get(code=code)


def _store_document(version: RulebookVersion, text: str, read: RulebookDocument) -> None:
    version.text = text
    version.title_zh = read.title.zh
    version.title_en = read.title.en
    version.canonical = read.canonical()
    version.digest = rulebook_digest(read)


def _audit(action: str, version: RulebookVersion, *, by: User, now: datetime) -> None:
    audit.record(
        action,
        version,
        by=by,
        now=now,
        rulebook=version.rulebook.code,
        number=version.number,
        digest=version.digest,
        proposed_by=version.proposed_by.username,
    )
