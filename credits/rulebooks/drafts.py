"""Store drafts of rulebooks. The editor saves at every pause in typing, so that nothing is lost."""

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
"""The most drafts of one person."""
_CODE = re.compile(r"^code:[ \t]*['\"]?([a-z][a-z0-9-]{0,59})", re.MULTILINE)


def drafts_of(author: User) -> QuerySet[RulebookDraft]:
    """Return the user's drafts, the newest first."""
    return RulebookDraft.objects.filter(author=author)


def find_draft(author: User, public_id: uuid.UUID) -> RulebookDraft | None:
    """Return the user's own draft with this id, or None."""
    return drafts_of(author).filter(public_id=public_id).first()


@transaction.atomic
def save_draft(
    public_id: uuid.UUID, text: str, *, page: str, base: datetime | None, by: User, now: datetime
) -> RulebookDraft:
    """Store the text of a draft, with or without faults; create the draft if there is none with this id.

    ``page`` names the open page that writes; ``base`` is when the text that it started from was saved (None: it started
    empty). Raise NotAllowed if ``by`` is not a steward, CreditsError ``not-your-draft``, Conflict
    ``draft-changed-elsewhere`` if another page has written since, and Conflict ``too-many-drafts``.
    """
    require(by, StaffRole.Role.STEWARD)
    # A pause in typing and the Save button may send at once. The lock makes them wait, or both would create the draft.
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
    """Delete a draft; do nothing if it does not exist."""
    drafts_of(author).filter(public_id=public_id).delete()


def code_of(text: str) -> str:
    """Return the code in a text, even if the rest has faults; empty if it has no code."""
    found = _CODE.search(text)
    return found[1] if found else ""
