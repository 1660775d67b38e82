"""Jobs: what is due, and which worker holds it. The database knows; a queue message only wakes a worker
(invariant 10)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Lane(models.Model):
    """Jobs that wait together, such as all jobs that speak to one forge."""

    name = models.CharField(max_length=40, unique=True)
    closed_until = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    """Why the lane was last closed."""

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """One thing to do, once or repeatedly. If ``due_at`` is None, there is nothing to do until someone asks for it.

    ``holder`` is the token of the worker that took the job. A worker's writes count only while its token is still here:
    a worker that was thought dead and comes back writes nothing.
    """

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    lane = models.CharField(max_length=40)
    due_at = models.DateTimeField(null=True, blank=True)
    holder = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    progress = models.JSONField(default=dict)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="job_stands_once")]
        indexes = [
            models.Index(fields=["kind", "lane", "due_at"], name="job_due"),
            # Few jobs are held at a time, and each worker that enters a lane looks for them.
            models.Index(fields=["kind", "lane"], name="job_held", condition=Q(holder__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
