"""Keep what a steward types, with every form that the editor sends."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from credits.errors import CreditsError
from credits.rulebooks import drafts
from credits.rulebooks.models import RulebookDraft
from credits.web.core.access import PageRequest

MAX_TEXT_LENGTH = 200_000
"""Characters of a text."""


def save_draft(request: PageRequest, text: str) -> tuple[RulebookDraft | None, str]:
    """The draft as it is kept now, and why it could not be (empty where it could)."""
    public_id = parse_uuid(request.POST.get("draft", ""))
    if public_id is None or len(text) > MAX_TEXT_LENGTH:
        return None, _("The text is too long to be saved.") if public_id else ""
    before = drafts.find_draft(request.user, public_id)
    if not text.strip() and before is None:
        return None, ""
    try:
        kept = drafts.save_draft(
            public_id,
            text.replace("\r\n", "\n").replace("\0", ""),
            page=request.POST.get("page", ""),
            base=_parse_moment(request.POST.get("base", "")),
            by=request.user,
            now=timezone.now(),
        )
    except CreditsError as error:
        return before, str(error)
    return kept, ""


def parse_uuid(text: str) -> uuid.UUID | None:
    """The id that a form sent; None where it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _parse_moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
