"""What was merged, by whom, how it is known, and how far collecting has come."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ForgeAccount
from credits.jobs import queue


class Repository(models.Model):
    """A repository on a forge, under the forge's immutable id; what it is called and how it stands may change.
    None: the forge did not say."""

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
    """A repository that the university recognises, with its tier. On a forge without a listing across repositories
    these are the watched ones. ``forge_id`` keeps hold of it through renames (empty until the forge was asked)."""

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
    """One merged piece of work, as a forge records it; stored once (invariant 2). None: the forge did not say."""

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
    """{category: {files, additions, deletions}}, the categories of credits.forges.file_categories."""
    labels = models.JSONField(null=True)
    merge_commit = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_id_on_forge = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_login = models.CharField(max_length=100, blank=True)
    patch_id = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown)
    files_id = models.CharField(max_length=60, null=True)  # noqa: DJ001  (None is unknown)
    """What identifies the patch, by its diff and by its paths and counts: see credits.forges.patch_identity."""
    only_whitespace = models.BooleanField(null=True)
    landed_by = models.CharField(max_length=40, blank=True)
    """The rule by which work landed that the forge does not call merged; empty where it does."""
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
    """Somebody's part in a contribution, by immutable id on the forge, whether or not that account is linked.

    The opener's share is 1 until the co-authors agree otherwise; shares add up to 1 at most (a trigger holds it).
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
    """What the forge answered, kept as it was. A changed answer adds a row; an unchanged one does not."""

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
    """The last second look at a contribution. ``finding`` is empty where all was as before; ``seen_at`` None means
    that no second look ever succeeded."""

    class Finding(models.TextChoices):
        REVERTED = "reverted", _("reverted")
        GONE = "gone", _("no longer on the platform")
        MOVED = "moved", _("now in another repository")

    contribution = models.OneToOneField(Contribution, models.CASCADE, related_name="recheck")
    seen_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField()
    finding = models.CharField(max_length=20, choices=Finding.choices, blank=True)
    fact = models.CharField(max_length=500, blank=True)
    """The address that shows the finding, where there is one."""
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.contribution} {self.finding}"


class BranchLook(models.Model):
    """Who wrote the commits of a pull request's branch, asked of the forge once somebody claims it. ``seen_at`` None:
    it has not told yet, so whether there are further co-authors is not known (``error_message`` says why, where it was
    tried)."""

    contribution = models.OneToOneField(Contribution, models.CASCADE, related_name="branch")
    asked_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    commits = models.JSONField(null=True)
    """[{sha, authors: [{id, login} or None for somebody whom the forge has no account of]}], oldest first."""
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.contribution}: {'seen' if self.seen_at else 'not seen yet'}"

    @property
    def why(self) -> str:
        """Why the last try did not work, in the language that is active; empty where it did, or there was none."""
        return queue.in_the_readers_words(self.error_message)

    @property
    def nameless(self) -> int:
        """Commits of which the forge knows no account for somebody who wrote them."""
        return sum(None in one["authors"] for one in self.commits or ())


class ShareProposal(models.Model):
    """What the opener of a contribution proposes: whose part is how much. Shares move when every co-author whose
    account is linked has accepted; until then nothing changes."""

    class Status(models.TextChoices):
        OPEN = "open", _("waiting for co-authors")
        AGREED = "agreed", _("agreed")
        DECLINED = "declined", _("declined")
        WITHDRAWN = "withdrawn", _("withdrawn")

    contribution = models.ForeignKey(Contribution, models.PROTECT, related_name="share_proposals")
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    shares = models.JSONField()
    """{immutable id on the forge: share as decimal text}, of everybody who has a part in it."""
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
    """What one co-author said to a proposal, once."""

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
    """Work that landed under another name: the closed pull request of the student, the commit by which it landed, and
    how alike the two are. It earns nothing before a reviewer has accepted it as a contribution."""

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
    """The closed pull request as the forge told it, as it is stored on acceptance."""
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
    """A one-time link for a maintainer to say whether the work is the student's. Only the digest of its token is kept;
    nothing is kept of whoever opens it but what they write."""

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
    """How far collecting for one linked account has come. Zero and unknown never look alike: ``complete_at`` None
    means that there never was a complete collection."""

    account = models.OneToOneField(ForgeAccount, models.CASCADE, related_name="collection")
    cursor = models.TextField(blank=True)
    """The adapter's own; moved only together with what it stands for (invariant 9)."""
    complete_at = models.DateTimeField(null=True)
    tried_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)

    def __str__(self) -> str:
        return str(self.account)
