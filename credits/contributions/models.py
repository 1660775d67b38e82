"""Tables for merged work: who wrote it, the evidence for it, and the progress of collecting."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ForgeAccount
from credits.jobs import queue

FOUND_BY_ATTESTATION = "attested"
"""``Contribution.found_by`` of work that a reviewer accepted, and its ``landed_by``."""


class Repository(models.Model):
    """A repository on a forge, by the forge's immutable id. Its name and metadata may change.

    ``None`` in a field means that the forge did not say.
    """

    forge = models.CharField(max_length=20)
    forge_id = models.CharField(max_length=64)
    full_name = models.CharField(max_length=255)
    url = models.URLField(max_length=500)
    owner_id_on_forge = models.CharField(max_length=64, blank=True)
    owner_login = models.CharField(max_length=100, blank=True)
    stars = models.PositiveIntegerField(null=True)
    licence = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown, "" is no licence)
    language = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown, "" is none)
    is_fork = models.BooleanField(null=True)
    is_mirror = models.BooleanField(null=True)
    is_archived = models.BooleanField(null=True)
    created_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "repositories"
        constraints = [models.UniqueConstraint(fields=["forge", "forge_id"], name="repository_stored_once")]
        indexes = [models.Index(fields=["forge", "full_name"], name="repository_by_name")]

    def __str__(self) -> str:
        return self.full_name


class CatalogueEntry(models.Model):
    """A repository that the university recognises, with its tier.

    On a forge that cannot list an account's work across repositories, these are the watched repositories. ``forge_id``
    identifies the repository after a rename; it is empty until the repository is first seen.
    """

    forge = models.CharField(max_length=20)
    full_name = models.CharField(max_length=255)
    forge_id = models.CharField(max_length=64, blank=True)
    tier = models.CharField(max_length=40)

    class Meta:
        verbose_name_plural = "catalogue entries"
        ordering = ["forge", "full_name"]
        constraints = [
            models.UniqueConstraint(fields=["forge", "full_name"], name="catalogue_names_once"),
            models.UniqueConstraint(
                fields=["forge", "forge_id"], condition=~Q(forge_id=""), name="catalogue_holds_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.forge}:{self.full_name}"


class Contribution(models.Model):
    """A merged piece of work, as a forge records it, stored once (invariant 2).

    ``None`` in a field means that the forge did not say.
    """

    class Kind(models.TextChoices):
        PULL_REQUEST = "pull_request", _("pull request")
        REVIEW = "review", _("review")
        ISSUE = "issue", _("issue")

    class Status(models.TextChoices):
        MERGED = "merged", _("merged")
        LANDED = "landed", _("closed, but the code was merged")
        REVERTED = "reverted", _("reverted")
        GONE = "gone", _("no longer on the platform")
        UNKNOWN = "unknown", _("unknown")

    repository = models.ForeignKey(Repository, models.PROTECT, related_name="contributions")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    number = models.CharField(max_length=40)
    forge_id = models.CharField(max_length=100)
    status = models.CharField(max_length=20, choices=Status.choices)
    title = models.TextField()
    url = models.URLField(max_length=500)
    created_at = models.DateTimeField()
    merged_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    additions = models.PositiveIntegerField(null=True)
    deletions = models.PositiveIntegerField(null=True)
    changed_files = models.PositiveIntegerField(null=True)
    files = models.JSONField(null=True)
    """``{category: {files, additions, deletions}}``, with the categories of credits.forges.file_categories."""
    labels = models.JSONField(null=True)
    merge_commit = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_id_on_forge = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_login = models.CharField(max_length=100, blank=True)
    patch_id = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown)
    files_id = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown)
    """Two identities of the patch, from its diff and from its paths and counts: see credits.forges.patch_identity."""
    only_whitespace = models.BooleanField(null=True)
    landed_by = models.CharField(max_length=40, blank=True)
    """The landing rule, for work that landed although the forge does not call it merged; else empty."""
    node_id = models.CharField(max_length=100, blank=True)
    found_by = models.CharField(max_length=20)
    collected_at = models.DateTimeField()
    answer_fingerprint = models.CharField(max_length=32, null=True, editable=False)  # noqa: DJ001  (None: stored before)
    """A fingerprint of the forge's last answer. If the next answer has the same one, nothing has changed."""

    class Meta:
        ordering = ["-merged_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "kind", "number"], name="contribution_stored_once")
        ]
        indexes = [
            models.Index(fields=["merge_commit"], name="contribution_by_commit"),
            models.Index(
                fields=["patch_id"], name="contribution_by_patch", condition=Q(patch_id__isnull=False)
            ),
            models.Index(fields=["files_id"], name="contribution_by_files"),
        ]

    def __str__(self) -> str:
        return f"{self.repository} #{self.number}"


class Authorship(models.Model):
    """An account's part in a contribution, by immutable id on the forge, whether or not the account is linked.

    The opener's share is 1 until the co-authors agree otherwise. A trigger makes sure that shares add up to 1 at most.
    """

    class Role(models.TextChoices):
        AUTHOR = "author", _("author")
        CO_AUTHOR = "co-author", _("co-author")

    contribution = models.ForeignKey(Contribution, models.PROTECT, related_name="authorships")
    forge = models.CharField(max_length=20)
    forge_user_id = models.CharField(max_length=64)
    login = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role.choices)
    share = models.DecimalField(max_digits=5, decimal_places=4)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contribution", "forge_user_id"], name="authorship_stands_once"),
            models.UniqueConstraint(
                fields=["contribution"], condition=Q(role="author"), name="one_author_opens"
            ),
            models.CheckConstraint(condition=Q(share__gte=0) & Q(share__lte=1), name="share_within_one"),
        ]
        indexes = [models.Index(fields=["forge", "forge_user_id"], name="authorship_of_account")]

    def __str__(self) -> str:
        return f"{self.login} in {self.contribution}"


class Evidence(models.Model):
    """An answer of the forge, kept unchanged. A new answer adds a row; an answer seen before does not."""

    contribution = models.ForeignKey(Contribution, models.CASCADE, related_name="evidence")
    digest = models.CharField(max_length=64)
    payload = models.JSONField()
    fetched_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        constraints = [models.UniqueConstraint(fields=["contribution", "digest"], name="evidence_kept_once")]

    def __str__(self) -> str:
        return f"{self.contribution} {self.digest[:12]}"


class Recheck(models.Model):
    """The last recheck of a contribution.

    ``finding`` is empty if nothing noteworthy was found. ``seen_at`` is ``None`` if no recheck has succeeded yet.
    """

    class Finding(models.TextChoices):
        REVERTED = "reverted", _("reverted")
        GONE = "gone", _("no longer on the platform")
        MOVED = "moved", _("now in another repository")

    contribution = models.OneToOneField(Contribution, models.CASCADE, related_name="recheck")
    seen_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField()
    finding = models.CharField(max_length=20, choices=Finding.choices, blank=True)
    fact = models.CharField(max_length=500, blank=True)
    """The URL that shows the finding, if there is one."""
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.contribution} {self.finding}"


class BranchLook(models.Model):
    """The authors of the commits of a pull request's branch, requested from the forge when somebody claims it.

    While ``seen_at`` is ``None`` the forge has not answered, so further co-authors are unknown. ``error_message`` gives
    the reason if a request failed.
    """

    contribution = models.OneToOneField(Contribution, models.CASCADE, related_name="branch")
    asked_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    commits = models.JSONField(null=True)
    """``[{sha, authors: [{id, login}, ...]}]``, oldest first. An author without an account on the forge is ``None``."""
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.contribution}: {'seen' if self.seen_at else 'not seen yet'}"

    @property
    def why(self) -> str:
        """The reason why the last request failed, in the active language. Empty if it succeeded or none was made."""
        return queue.in_the_readers_words(self.error_message)

    @property
    def nameless(self) -> int:
        """The number of commits with an author who has no account on the forge."""
        return sum(None in commit["authors"] for commit in self.commits or ())


class ShareProposal(models.Model):
    """The opener's proposal how to divide a contribution.

    The shares change when every co-author with a linked account has accepted. Until then nothing changes.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("waiting for co-authors")
        AGREED = "agreed", _("agreed")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    contribution = models.ForeignKey(Contribution, models.PROTECT, related_name="share_proposals")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    shares = models.JSONField()
    """``{immutable id on the forge: share as decimal text}``, for every account that has a part in it."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    proposed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-proposed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution"], condition=Q(status="open"), name="one_open_share_proposal"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contribution}: {self.status}"


class ShareConsent(models.Model):
    """A co-author's answer to a proposal. It is given once."""

    proposal = models.ForeignKey(ShareProposal, models.PROTECT, related_name="consents")
    forge_user_id = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    accepted = models.BooleanField()
    said_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proposal", "forge_user_id"], name="consent_given_once")
        ]

    def __str__(self) -> str:
        return f"{self.forge_user_id}: {self.accepted}"


class AttestedWork(models.Model):
    """Work that landed under another name: the student's closed pull request, and the commit that brought it in.

    ``lines_alike`` and ``files_alike`` are whole percentages of the pull request that are found again in the commit. It
    earns nothing until a reviewer accepts it as a contribution.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting for a reviewer")
        ACCEPTED = "accepted", _("accepted")
        REFUSED = "refused", _("refused by the reviewer")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="attested_work")
    account = models.ForeignKey(ForgeAccount, models.PROTECT, related_name="attested_work")
    repository_id_on_forge = models.CharField(max_length=64)
    full_name = models.CharField(max_length=255)
    number = models.CharField(max_length=40)
    title = models.TextField()
    url = models.URLField(max_length=500)
    closed_at = models.DateTimeField()
    change = models.JSONField()
    """The closed pull request as the forge returned it. It is stored as a contribution on acceptance."""
    commit = models.CharField(max_length=64)
    commit_url = models.URLField(max_length=500)
    commit_headline = models.TextField()
    committed_at = models.DateTimeField()
    committed_as = models.CharField(max_length=100, blank=True)
    lines_alike = models.PositiveSmallIntegerField(null=True)
    files_alike = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    submitted_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    contribution = models.OneToOneField(Contribution, models.PROTECT, null=True, related_name="attested")

    class Meta:
        verbose_name_plural = "attested work"
        ordering = ["-submitted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "repository_id_on_forge", "number"],
                condition=~Q(status="refused"),
                name="work_attested_once",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_by=None)
                | Q(status="accepted", decided_by__isnull=False, contribution__isnull=False)
                | (Q(status="refused", decided_by__isnull=False) & ~Q(reason="")),
                name="attested_work_is_decided_by_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.full_name} #{self.number}"


class MaintainerWord(models.Model):
    """A maintainer's answer whether the work is the student's, given through a one-time link.

    Only the digest of the link's token is stored, and nothing about the person who opens it but what they write.
    """

    work = models.ForeignKey(AttestedWork, models.PROTECT, related_name="words")
    token_digest = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    login = models.CharField(max_length=100, blank=True)
    confirms = models.BooleanField(null=True)
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["made_at", "pk"]

    def __str__(self) -> str:
        return f"{self.work}: {self.login}"


class CollectionState(models.Model):
    """The progress of collecting for a linked account.

    ``complete_at`` is ``None`` if no collection was ever complete, so zero and unknown never look alike (invariant 9).
    """

    account = models.OneToOneField(ForgeAccount, models.CASCADE, related_name="collection")
    cursor = models.TextField(blank=True)
    """Opaque text of the forge adapter. It moves only together with the changes up to it (invariant 9)."""
    complete_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return str(self.account)
