"""The table of export batches for the student information system."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from credits.claims.models import Round


class ExportBatch(models.Model):
    """成绩报送批次: an export of ledger entries, with a manifest of every file, its size and SHA-256."""

    code = models.CharField(_("code"), max_length=100, unique=True)
    round = models.ForeignKey(Round, models.PROTECT, related_name="exports")
    format = models.CharField(_("format"), max_length=20)
    entries = models.PositiveIntegerField()
    credit = models.DecimalField(max_digits=12, decimal_places=2)
    manifest = models.JSONField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "export batches"
        ordering = ["-made_at"]

    def __str__(self) -> str:
        return self.code
