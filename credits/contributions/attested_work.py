"""Attest work that landed under another name: squashed by a maintainer, or closed and committed again.

A forge does not report such a pull request as merged. So the student names the commit that brought the work in. Both
are fetched, the owner of the pull request is checked by immutable id, and their similarity is measured. A maintainer
may confirm or deny it through a one-time link. A reviewer decides; until then it is no contribution and earns nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.identity import forges as known
from accounts.models import Department, ForgeAccount, StaffRole, User
from credits.contributions.collecting import add_by_url
from credits.contributions.collecting.forge_session import interactive_request
from credits.contributions.models import FOUND_BY_ATTESTATION, AttestedWork, Contribution, MaintainerWord
from credits.contributions.storing.store import store
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from credits.forges.patch_identity import measure_likeness
from credits.forges.protocol import AccountOnForge, ChangedFile, Forge, MergedChange, RepositoryOnForge
from credits.text import clean, storable_json

Status = AttestedWork.Status
LINK_VALID_FOR = timedelta(days=14)
"""How long a maintainer's link may be used."""
MAX_TEXT_LENGTH = 2_000
"""In characters, for a maintainer's text and a reviewer's reason."""
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def submit_work(
    user: User, address: str, commit: str, *, now: datetime, forges: Mapping[str, Forge]
) -> AttestedWork | Contribution:
    """Store a person's closed pull request as work to be attested. ``commit`` (URL or full hash) brought it in.

    If the forge does call it merged or landed, store it as a contribution at once and return that.

    Raise CreditsError: as :func:`add_by_url.add_pull_request`; NotMerged while the pull request is open;
    ``not-the-opener``, ``commit-unreadable``, ``commit-too-early``, ``commit-elsewhere`` or ``already-offered``; and
    what the forge answers.
    """
    forge, (full_name, number) = add_by_url.resolve_address(address, forges, None)
    label = known.forge_info(forge.name).label
    accounts = {
        account.forge_user_id: account
        for account in ForgeAccount.objects.filter(user=user, forge=forge.name, unlinked_at=None)
    }
    if not accounts:
        return add_by_url.add_pull_request(
            user, address, now=now, forges=forges
        )  # this raises the right error
    sha = _parse_commit(commit, full_name)
    with interactive_request(forge, now=now):
        change = forge.find_closed(full_name, number)
    add_by_url.require_authorship(change, forge.name, accounts, label)
    if change.status in ("merged", "landed"):
        return add_by_url.add_pull_request(user, address, now=now, forges=forges)
    if change.author is None or change.author.id not in accounts:
        raise Conflict(
            "not-the-opener",
            _("Only the person who opened a pull request can report it."),
            _("Ask %(login)s to report it.") % {"login": change.author.login if change.author else "?"},
        )
    # An account that was unlinked and linked again has a new row, so the database constraint cannot see this case.
    submitted = AttestedWork.objects.exclude(status=Status.REFUSED).filter(
        account__forge=forge.name,
        account__forge_user_id=change.author.id,
        repository_id_on_forge=change.repository.id,
        number=change.number,
    )
    if submitted.exists():
        raise _already_offered()
    with interactive_request(forge, now=now):
        landed = forge.find_commit(change.repository.full_name, sha)
    if landed.committed_at is None or landed.committed_at < change.created_at:
        raise Conflict(
            "commit-too-early",
            _("This commit is older than the pull request, so it cannot contain its work."),
            _("Find the commit that contains your work."),
        )
    alike = measure_likeness(change.files, landed.files)
    writer = landed.authors[0] if landed.authors else None
    try:
        with transaction.atomic():
            work = AttestedWork.objects.create(
                user=user,
                account=accounts[change.author.id],
                repository_id_on_forge=change.repository.id,
                full_name=change.repository.full_name,
                number=change.number,
                title=clean(change.title),
                url=change.url,
                closed_at=change.merged_at,
                change=_change_to_json(change),
                commit=landed.sha,
                commit_url=landed.url,
                commit_headline=clean(landed.message.partition("\n")[0])[:500],
                committed_at=landed.committed_at,
                committed_as=writer.login if writer else "",
                lines_alike=alike.lines,
                files_alike=alike.files,
                submitted_at=now,
            )
            audit.record(
                "work-offered", work, by=user, now=now, person=user, url=work.url, commit=work.commit
            )
    except IntegrityError as error:
        raise _already_offered() from error
    return work


def make_maintainer_link(work: AttestedWork, *, by: User, now: datetime) -> str:
    """Return a new one-time token for a maintainer. Earlier links stop working.

    It can be shown only now, because only its digest is stored. Raise NotAllowed unless the work is the student's own,
    Conflict if a reviewer has decided.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        work = _lock_work(work)
        if work.user_id != by.pk:
            raise NotAllowed("not-your-work", _("Only the student who did this work can do this."))
        if work.status != Status.WAITING:
            raise _already_decided()
        work.words.filter(used_at=None, expires_at__gt=now).update(expires_at=now)
        word = MaintainerWord.objects.create(
            work=work, token_digest=_digest(token), made_at=now, expires_at=now + LINK_VALID_FOR
        )
        audit.record("maintainer-asked", work, by=by, now=now, person=by, word=word.pk)
    return token


def open_maintainer_link(token: str, *, now: datetime) -> MaintainerWord:
    """Return the row of a link that can still be used.

    Raise NotThere ``no-such-link``, Conflict ``link-used`` or ``link-expired``.
    """
    return _require_usable(
        MaintainerWord.objects.select_related("work__account").filter(token_digest=_digest(token)).first(),
        now,
    )


def answer_maintainer_link(
    token: str, *, login: str, confirms: bool, text: str, now: datetime
) -> MaintainerWord:
    """Store a maintainer's answer, once. ``login`` is their own statement; the reviewer compares it with the forge.

    Raise errors as :func:`open_maintainer_link`, Conflict if a reviewer has decided, and CreditsError
    ``word-unreadable`` if the login is missing or a text is too long.
    """
    login, text = clean(login).strip(), clean(text).strip()
    if not login or len(login) > 100 or len(text) > MAX_TEXT_LENGTH:
        raise CreditsError(
            "word-unreadable",
            _("Enter a login, and at most %(most)s characters of text.") % {"most": MAX_TEXT_LENGTH},
        )
    with transaction.atomic():
        rows = MaintainerWord.objects.select_for_update(of=("self",)).select_related("work__user")
        word = _require_usable(rows.filter(token_digest=_digest(token)).first(), now)
        if word.work.status != Status.WAITING:
            raise _already_decided()
        word.used_at, word.login, word.confirms, word.text = now, login, confirms, text
        word.save(update_fields=["used_at", "login", "confirms", "text"])
        audit.record(
            "maintainer-answered",
            word.work,
            by=None,
            now=now,
            person=word.work.user,
            word=word.pk,
            login=login,
            confirms=confirms,
        )
    return word


def decide_work(work: AttestedWork, *, accept: bool, reason: str, by: User, now: datetime) -> AttestedWork:
    """Accept the work as a contribution, or refuse it with a reason that the student can read.

    Raise NotAllowed for the reviewer's own work or work outside their scope, Conflict if it is decided already, and
    CreditsError ``reason-needed`` if a refusal has no reason or the reason is too long.
    """
    text = clean(reason).strip()
    if len(text) > MAX_TEXT_LENGTH or not (accept or text):
        raise CreditsError(
            "reason-needed",
            _("A refusal needs a reason of at most %(most)s characters.") % {"most": MAX_TEXT_LENGTH},
        )
    with transaction.atomic():
        work = _lock_work(work)
        _require_reviewer(work, by)
        if work.status != Status.WAITING:
            raise _already_decided()
        work.status = Status.ACCEPTED if accept else Status.REFUSED
        work.contribution = _store_as_contribution(work) if accept else None
        work.decided_by, work.decided_at, work.reason = by, now, text
        work.save(update_fields=["status", "contribution", "decided_by", "decided_at", "reason"])
        audit.record(
            "work-accepted" if accept else "work-refused", work, by=by, now=now, person=work.user, reason=text
        )
    return work


def works_awaiting(user: User) -> QuerySet[AttestedWork]:
    """Return the work that waits for this reviewer, oldest first: by students of their departments, never their own."""
    if not permissions.has_role(user, StaffRole.Role.INSTRUCTOR):
        return AttestedWork.objects.none()
    found = AttestedWork.objects.filter(status=Status.WAITING).exclude(user=user)
    scope = permissions.departments_of(user, StaffRole.Role.INSTRUCTOR)
    if scope is not None:
        found = found.filter(user__enrolments__programme__department__in=scope).distinct()
    return found.select_related("user", "account").prefetch_related("words").order_by("submitted_at", "pk")


def open_work(user: User, public_id: UUID, *, now: datetime) -> AttestedWork:
    """Return the work if the person is its student or a reviewer within their scope; else raise NotThere.

    A reviewer's view goes into the audit log (invariant 11).
    """
    work = AttestedWork.objects.select_related("user", "account").filter(public_id=public_id).first()
    if work is not None and work.user_id != user.pk:
        if not any(
            permissions.covers(user, StaffRole.Role.INSTRUCTOR, department)
            for department in _departments_of(work)
        ):
            work = None
        else:
            with transaction.atomic():
                audit.record("work-seen", work, by=user, now=now, person=work.user)
    if work is None:
        raise NotThere("no-such-work", _("There is no such report."), _("Look for it in your own list."))
    return work


def _store_as_contribution(work: AttestedWork) -> Contribution:
    change = _change_from_json(work)
    forge = work.account.forge
    # The forge gave this answer when the work was submitted, so later answers must count as newer.
    store(forge, [change], now=work.submitted_at)
    made = Contribution.objects.get(
        repository__forge=forge,
        repository__forge_id=change.repository.id,
        kind=change.kind,
        number=change.number,
    )
    if not made.authorships.filter(forge=forge, forge_user_id=work.account.forge_user_id).exists():
        raise Conflict("not-the-opener", _("Only the person who opened a pull request can report it."))
    return made


def _change_to_json(change: MergedChange) -> dict[str, Any]:
    """Return a change as it is stored in the database until a reviewer decides."""
    repository = change.repository
    return cast(
        "dict[str, Any]",
        json.loads(
            storable_json(
                {
                    "id": change.id,
                    "created_at": change.created_at.isoformat(),
                    "updated_at": change.updated_at.isoformat(),
                    "additions": change.additions,
                    "deletions": change.deletions,
                    "changed_files": change.changed_files,
                    "files": None
                    if change.files is None
                    else [[file.path, file.additions, file.deletions] for file in change.files],
                    "labels": change.labels,
                    "node_id": change.node_id,
                    "patch_id": change.patch_id,
                    "repository": {
                        "url": repository.url,
                        "owner": [repository.owner.id, repository.owner.login] if repository.owner else None,
                        "stars": repository.stars,
                        "licence": repository.licence,
                        "language": repository.language,
                        "is_fork": repository.is_fork,
                        "is_mirror": repository.is_mirror,
                        "is_archived": repository.is_archived,
                        "created_at": repository.created_at.isoformat() if repository.created_at else None,
                    },
                    "raw": dict(change.raw),
                }
            )
        ),
    )


def _change_from_json(work: AttestedWork) -> MergedChange:
    """Return the change as it is stored on acceptance: landed by the commit, at the commit's time."""
    stored = cast("dict[str, Any]", work.change)
    repository = cast("dict[str, Any]", stored["repository"])
    owner = repository.pop("owner")
    created = repository.pop("created_at")
    return MergedChange(
        id=stored["id"],
        number=work.number,
        repository=RepositoryOnForge(
            id=work.repository_id_on_forge,
            full_name=work.full_name,
            owner=AccountOnForge(*owner) if owner else None,
            created_at=datetime.fromisoformat(created) if created else None,
            **repository,
        ),
        title=work.title,
        url=work.url,
        author=AccountOnForge(work.account.forge_user_id, work.account.login, work.account.node_id),
        created_at=datetime.fromisoformat(stored["created_at"]),
        merged_at=work.committed_at,
        updated_at=datetime.fromisoformat(stored["updated_at"]),
        additions=stored["additions"],
        deletions=stored["deletions"],
        changed_files=stored["changed_files"],
        files=None if stored["files"] is None else tuple(ChangedFile(*row) for row in stored["files"]),
        labels=None if stored["labels"] is None else tuple(stored["labels"]),
        merge_commit=work.commit,
        merged_by=None,
        co_authors=None,
        found_by=FOUND_BY_ATTESTATION,
        status="landed",
        landed_by=FOUND_BY_ATTESTATION,
        node_id=stored["node_id"],
        patch_id=stored["patch_id"],
        raw=stored["raw"],
    )


def _parse_commit(pasted: str, full_name: str) -> str:
    """Return the full hash of a commit from its URL or from the hash itself."""
    text = pasted.strip()
    if "/" in text:
        parts = [part for part in urlsplit(text).path.split("/") if part]
        if len(parts) >= 4 and parts[-2] in ("commit", "commits"):
            if "/".join(parts[-4:-2]).lower() != full_name.lower():
                raise CreditsError(
                    "commit-elsewhere",
                    _("This commit is not in the same repository as the pull request."),
                    _("Paste the link of the commit in %(repository)s.") % {"repository": full_name},
                )
            text = parts[-1]
    if not _SHA.fullmatch(text.lower()):
        raise CreditsError(
            "commit-unreadable",
            _("This is neither the link nor the full hash of a commit."),
            _("Open the commit on the platform and copy its link."),
        )
    return text.lower()


def _require_usable(word: MaintainerWord | None, now: datetime) -> MaintainerWord:
    if word is None:
        raise NotThere("no-such-link", _("This link is not valid."), _("Ask the student for a new one."))
    if word.used_at is not None:
        raise Conflict("link-used", _("This link has already been used. Thank you."))
    if word.expires_at <= now:
        raise Conflict("link-expired", _("This link has expired."), _("Ask the student for a new one."))
    return word


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _lock_work(work: AttestedWork) -> AttestedWork:
    return (
        AttestedWork.objects.select_for_update(of=("self",)).select_related("user", "account").get(pk=work.pk)
    )


def _departments_of(work: AttestedWork) -> list[Department]:
    return list(Department.objects.filter(programmes__enrolments__user=work.user_id).distinct())


def _require_reviewer(work: AttestedWork, by: User) -> None:
    if work.user_id == by.pk:
        raise NotAllowed("own-work", _("You cannot decide on your own work."), _("A colleague will decide."))
    if not any(
        permissions.covers(by, StaffRole.Role.INSTRUCTOR, department) for department in _departments_of(work)
    ):
        permissions.require(by, StaffRole.Role.INSTRUCTOR, _departments_of(work)[0])


def _already_offered() -> Conflict:
    return Conflict(
        "already-offered",
        _("This pull request is already under review, or was accepted."),
        _("Look for it under My accounts."),
    )


def _already_decided() -> Conflict:
    return Conflict("work-decided", _("A reviewer has already decided on this."), _("Reload the page."))
