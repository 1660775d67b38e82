"""Work that landed under another name: squashed by a maintainer, or closed and committed anew.

The forge cannot say that such a pull request was merged. So the student names the commit by which it landed; both are
fetched, whose the pull request is is checked by immutable id, and how alike the two are is worked out. A maintainer
may say by a one-time link whether it is so. A reviewer decides; until then it is no contribution and earns nothing.
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
from credits.contributions.models import AttestedWork, Contribution, MaintainerWord
from credits.contributions.storing.store import store
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from credits.forges.patch_identity import measure_likeness
from credits.forges.protocol import AccountOnForge, ChangedFile, Forge, MergedChange, RepositoryOnForge
from credits.text import clean, storable_json

Status = AttestedWork.Status
LINK_VALID_FOR = timedelta(days=14)
"""How long a maintainer's link may be used."""
MAX_TEXT_LENGTH = 2_000
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def submit_work(
    user: User, address: str, commit: str, *, now: datetime, forges: Mapping[str, Forge]
) -> AttestedWork | Contribution:
    """Keep a closed pull request of the person's as work to be attested, landed by ``commit`` (its address or its
    full hash). What the forge does call merged, or landed, is stored as a contribution at once and handed back.

    Raises CreditsError with the exact reason: as :func:`links.add_link`, NotMerged while it is open,
    ``commit-unreadable``, ``commit-too-early``, ``commit-elsewhere``, ``already-offered``; and what the forge answers.
    """
    forge, (full_name, number) = add_by_url.resolve_address(address, forges, None)
    label = known.forge_info(forge.name).label
    accounts = {
        account.forge_user_id: account
        for account in ForgeAccount.objects.filter(user=user, forge=forge.name, unlinked_at=None)
    }
    if not accounts:
        return add_by_url.add_pull_request(user, address, now=now, forges=forges)  # which says so
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
    # An account that was unlinked and linked anew is another one of ours: the constraint sees only one of them.
    offered = AttestedWork.objects.exclude(status=Status.REFUSED).filter(
        account__forge=forge.name,
        account__forge_user_id=change.author.id,
        repository_id_on_forge=change.repository.id,
        number=change.number,
    )
    if offered.exists():
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
    """A new one-time token for a maintainer; links made before stop working. Shown once: only its digest is kept."""
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
    """What a link asks. Raises NotThere ``no-such-link`` for one that was never made, Conflict ``link-used`` or
    ``link-expired``."""
    return _require_usable(
        MaintainerWord.objects.select_related("work__account").filter(token_digest=_digest(token)).first(),
        now,
    )


def answer_maintainer_link(
    token: str, *, login: str, confirms: bool, text: str, now: datetime
) -> MaintainerWord:
    """A maintainer's word, once. ``login`` is what they write of themselves: the reviewer holds it against the forge.

    Raises as :func:`asked`; CreditsError ``word-unreadable`` without a login or with an endless text.
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
    """Accept the work as a contribution that landed, or not; the latter with a reason, which the student reads.

    Raises NotAllowed for the own work or one outside the reviewer's scope, Conflict where it is decided, CreditsError
    without a reason.
    """
    said = clean(reason).strip()
    if len(said) > MAX_TEXT_LENGTH or not (accept or said):
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
        work.decided_by, work.decided_at, work.reason = by, now, said
        work.save(update_fields=["status", "contribution", "decided_by", "decided_at", "reason"])
        audit.record(
            "work-accepted" if accept else "work-refused", work, by=by, now=now, person=work.user, reason=said
        )
    return work


def works_awaiting(user: User) -> QuerySet[AttestedWork]:
    """What waits for this reviewer, oldest first: of students in their departments, never their own."""
    if not permissions.has_role(user, StaffRole.Role.INSTRUCTOR):
        return AttestedWork.objects.none()
    found = AttestedWork.objects.filter(status=Status.WAITING).exclude(user=user)
    scope = permissions.departments_of(user, StaffRole.Role.INSTRUCTOR)
    if scope is not None:
        found = found.filter(user__enrolments__programme__department__in=scope).distinct()
    return found.select_related("user", "account").prefetch_related("words").order_by("submitted_at", "pk")


def open_work(user: User, public_id: UUID, *, now: datetime) -> AttestedWork:
    """The work, for its student and for reviewers within their scope, whose look goes into the audit log; NotThere
    for everybody else."""
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
    # It was the day of the offer on which the forge told this: what it told since is newer.
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
    """A change as it lies in the database until somebody decides on it."""
    of = change.repository
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
                        "url": of.url,
                        "owner": [of.owner.id, of.owner.login] if of.owner else None,
                        "stars": of.stars,
                        "licence": of.licence,
                        "language": of.language,
                        "is_fork": of.is_fork,
                        "is_mirror": of.is_mirror,
                        "is_archived": of.is_archived,
                        "created_at": of.created_at.isoformat() if of.created_at else None,
                    },
                    "raw": dict(change.raw),
                }
            )
        ),
    )


def _change_from_json(work: AttestedWork) -> MergedChange:
    """The change as it is stored on acceptance: landed by the commit, when that was made."""
    kept = cast("dict[str, Any]", work.change)
    of = cast("dict[str, Any]", kept["repository"])
    owner = of.pop("owner")
    created = of.pop("created_at")
    return MergedChange(
        id=kept["id"],
        number=work.number,
        repository=RepositoryOnForge(
            id=work.repository_id_on_forge,
            full_name=work.full_name,
            owner=AccountOnForge(*owner) if owner else None,
            created_at=datetime.fromisoformat(created) if created else None,
            **of,
        ),
        title=work.title,
        url=work.url,
        author=AccountOnForge(work.account.forge_user_id, work.account.login, work.account.node_id),
        created_at=datetime.fromisoformat(kept["created_at"]),
        merged_at=work.committed_at,
        updated_at=datetime.fromisoformat(kept["updated_at"]),
        additions=kept["additions"],
        deletions=kept["deletions"],
        changed_files=kept["changed_files"],
        files=None if kept["files"] is None else tuple(ChangedFile(*row) for row in kept["files"]),
        labels=None if kept["labels"] is None else tuple(kept["labels"]),
        merge_commit=work.commit,
        merged_by=None,
        co_authors=None,
        found_by="attested",
        status="landed",
        landed_by="attested",
        node_id=kept["node_id"],
        patch_id=kept["patch_id"],
        raw=kept["raw"],
    )


def _parse_commit(pasted: str, full_name: str) -> str:
    """The full hash that a commit's address, or the hash itself, names."""
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
    if not any(permissions.covers(by, StaffRole.Role.INSTRUCTOR, one) for one in _departments_of(work)):
        permissions.require(by, StaffRole.Role.INSTRUCTOR, _departments_of(work)[0])


def _already_offered() -> Conflict:
    return Conflict(
        "already-offered",
        _("This pull request is already under review, or was accepted."),
        _("Look for it under My accounts."),
    )


def _already_decided() -> Conflict:
    return Conflict("work-decided", _("A reviewer has already decided on this."), _("Reload the page."))
