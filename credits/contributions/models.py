"""What was merged, by whom, how it is known, and how far collecting has come."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import ForgeAccount


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

    class Status(models.TextChoices):
        MERGED = "merged", _("merged")
        LANDED = "landed", _("landed though closed")
        REVERTED = "reverted", _("reverted")
        GONE = "gone", _("gone from the forge")
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
    """{category: {files, additions, deletions}}, the categories of credits.forges.files."""
    labels = models.JSONField(null=True)
    merge_commit = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_id_on_forge = models.CharField(max_length=64, null=True)  # noqa: DJ001  (None is unknown)
    merged_by_login = models.CharField(max_length=100, blank=True)
    found_by = models.CharField(max_length=20)
    collected_at = models.DateTimeField()

    class Meta:
        ordering = ["-merged_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "kind", "number"], name="contribution_stored_once")
        ]
        indexes = [models.Index(fields=["merge_commit"], name="contribution_by_commit")]

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
