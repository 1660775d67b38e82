"""The rows of the ledger. Nothing outside this room touches them; triggers refuse every change and removal."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q


class CreditEntry(models.Model):
    """Credit posted to a person, or the reversal of an earlier entry. Append-only and hash-chained (invariant 7).

    ``number`` counts from 1 without gaps. ``hash`` is the SHA-256 (hex) of the row's canonical form, which includes
    ``previous_hash``. ``reference`` names what is recorded (such as ``result:…``); the ledger does not interpret it.
    """

    class Kind(models.TextChoices):
        POSTED = "posted"
        REVERSED = "reversed"

    number = models.BigIntegerField(unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="credit_entries")
    student_number = models.CharField(max_length=40)
    category = models.CharField(max_length=60)
    term = models.CharField(max_length=40)
    credit = models.DecimalField(max_digits=6, decimal_places=2)
    """Signed: a reversal has the negative amount of the entry that it reverses."""
    reference = models.CharField(max_length=100)
    reverses = models.OneToOneField("self", models.PROTECT, null=True, related_name="reversed_by")
    details = models.JSONField(default=dict)
    posted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    posted_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["person", "category"], name="entry_of_person")]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=Q(kind="posted"), name="reference_posted_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="posted", credit__gt=0, reverses=None)
                | Q(kind="reversed", credit__lt=0, reverses__isnull=False),
                name="entry_posts_or_reverses",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.student_number} {self.credit}"
