"""Drafts: what a steward is writing, kept with every pause so that nothing is lost."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import StaffRole, User
from accounts.permissions import require
from credits.errors import Conflict, CreditsError
from credits.rulebooks.models import RulebookDraft

MOST = 50
"""Drafts that one person keeps."""
_CODE = re.compile(r"^code:[ \t]*['\"]?([a-z][a-z0-9-]{0,59})", re.MULTILINE)


def drafts_of(author: User) -> QuerySet[RulebookDraft]:
    """The person's drafts, the one written last first."""
    return RulebookDraft.objects.filter(author=author)


def find_draft(author: User, public_id: uuid.UUID) -> RulebookDraft | None:
    """The person's draft of this id; None where there is none, or where it is somebody else's."""
    return drafts_of(author).filter(public_id=public_id).first()


@transaction.atomic
def save_draft(
    public_id: uuid.UUID, text: str, *, page: str, base: datetime | None, by: User, now: datetime
) -> RulebookDraft:
    """Keep the text of a draft, with faults or without; a new one where none is of this id.

    ``page`` names the open page that writes, ``base`` is when the text that it began from was kept (None: it began
    with nothing). Raises NotAllowed for who is no steward, Conflict ``draft-changed-elsewhere`` where another page
    has written since, and ``too-many-drafts``.
    """
    require(by, StaffRole.Role.STEWARD)
    # A pause in typing and a press of the button may be sent at once: one after the other, or both make the draft.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    draft = RulebookDraft.objects.select_for_update().filter(public_id=public_id).first()
    if draft is None:
        if drafts_of(by).count() >= MOST:
            raise Conflict(
                "too-many-drafts",
                _("You have too many drafts."),
                _("Delete drafts that you no longer need."),
            )
        draft = RulebookDraft(public_id=public_id, author=by)
    elif draft.author_id != by.pk:
        raise CreditsError(
            "not-your-draft", _("This draft belongs to another person."), _("Start your own draft.")
        )
    elif draft.text != text and draft.written_in != page and draft.saved_at != base:
        raise Conflict(
            "draft-changed-elsewhere",
            _("This draft was changed in another window, so it was not overwritten."),
            _("Copy your text, then open the draft again."),
        )
    draft.text, draft.written_in, draft.saved_at = text, page[:40], now
    draft.save()
    return draft


def discard_draft(author: User, public_id: uuid.UUID) -> None:
    """Throw a draft away; one that is not there is none already."""
    drafts_of(author).filter(public_id=public_id).delete()


def code_of(text: str) -> str:
    """The code that a text names, be the rest as faulty as it may; empty where it names none."""
    found = _CODE.search(text)
    return found[1] if found else ""
