"""Rulebooks (认定办法) and their versions."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Rulebook(models.Model):
    """A rulebook: one code with all its versions."""

    code = models.SlugField(max_length=60, unique=True)

    def __str__(self) -> str:
        return self.code


class RulebookVersion(models.Model):
    """One version of a rulebook. Once published it never changes (invariant 6, enforced by a trigger)."""

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        PUBLISHED = "published", _("published")
        RETIRED = "retired", _("retired")

    rulebook = models.ForeignKey(Rulebook, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PROPOSED)
    title_zh = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    text = models.TextField()
    """The YAML as its author wrote it."""
    canonical = models.TextField()
    """The text with every default written out. It is what is evaluated, so that a later release changes nothing."""
    digest = models.CharField(max_length=64)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["rulebook", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["rulebook", "number"], name="version_numbered_once"),
            models.UniqueConstraint(
                fields=["rulebook"], condition=Q(status="proposed"), name="one_proposal_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(published_by=None) | ~Q(published_by=F("proposed_by")),
                name="published_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(status="proposed", published_by=None, published_at=None)
                | (~Q(status="proposed") & Q(published_by__isnull=False, published_at__isnull=False)),
                name="published_has_a_publisher",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rulebook.code} v{self.number}"

    @property
    def title(self) -> str:
        return self.title_zh if (get_language() or "").startswith("zh") else self.title_en


class RulebookDraft(models.Model):
    """A text that a steward is writing. It may have faults, and only its author sees it.

    ``written_in`` is the open page that wrote last: a page that started from an older text must not overwrite it
    silently. ``example`` identifies the claim on which the author tries it (empty: the worked example).
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="rulebook_drafts")
    text = models.TextField(blank=True)
    example = models.CharField(max_length=80, blank=True)
    written_in = models.CharField(max_length=40, blank=True)
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-saved_at", "-pk"]

    def __str__(self) -> str:
        return f"draft {self.public_id}"
