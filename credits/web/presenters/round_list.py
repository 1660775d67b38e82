"""The rounds on the registrar's page, each with how far it is."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from credits.claims.models import Claim, Round


def rounds_with_progress() -> QuerySet[Round]:
    """Return all rounds, newest first, each with the number of claims ``applied`` and ``recorded``, and ``settled``:
    whether the rulebooks in force can no longer change, because a claim was submitted."""
    counted = Round.objects.select_related("term").annotate(
        applied=Count("claims", filter=~Q(claims__status__in=[Claim.Status.DRAFT, Claim.Status.WITHDRAWN])),
        recorded=Count("claims", filter=Q(claims__status=Claim.Status.RECORDED)),
        settled=Exists(Claim.objects.filter(round=OuterRef("pk"), submitted_at__isnull=False)),
    )
    # Explicit, because annotating with Count drops the model's own order.
    return counted.order_by("-apply_from", "-pk").prefetch_related(
        "rulebooks__version__rulebook", "rulebooks__programme__department"
    )
