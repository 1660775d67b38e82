"""The entries of the navigation, by role."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.permissions import Role

STUDENT_ENTRIES = (
    ("student_home", _("Overview")),
    ("student_accounts", _("My accounts")),
    ("student_contributions", _("My contributions")),
    ("student_claim_now", _("My application")),
    ("student_transcript", _("My transcript")),
)

ROLE_ENTRIES: dict[str, Sequence[tuple[str, object]]] = {
    "instructor": (
        ("instructor_queue", _("Review queue")),
        ("instructor_attested", _("Merged another way")),
    ),
    "committee": (("instructor_queue", _("Review queue")),),
    "registrar": (
        ("registrar_ready", _("Ready to record")),
        ("registrar_rounds", _("Rounds")),
        ("registrar_ledger", _("Ledger")),
        ("registrar_exports", _("Exports")),
        ("registrar_roster", _("Roster")),
        ("registrar_link", _("Link a student's account")),
        ("collecting", _("Collecting")),
    ),
    "steward": (("steward_rulebooks", _("Rulebooks")),),
    "admin": (
        ("admin_people", _("People")),
        ("collecting", _("Collecting")),
    ),
}

PATHS_BELOW = {
    "student_claim_now": "/student/rounds/",
    "student_contributions": "/student/contributions/",
    "student_accounts": "/student/attested/",
    "instructor_queue": "/instructor/claims/",
    "instructor_attested": "/instructor/attested/",
    "registrar_rounds": "/registrar/terms/",
    "registrar_ledger": "/registrar/students/",
    "steward_rulebooks": "/rulebooks/",
}
"""For an entry, the path under which its other pages are (those that are not at the entry's own address)."""

EVERYBODY_ENTRIES = (("public_notice", _("Public notice")),)

WHOLE_UNIVERSITY_ENTRIES = frozenset({"registrar_ledger", "registrar_exports", "registrar_roster"})
"""Entries for registrars of the whole university only."""


@dataclass(frozen=True)
class NavigationEntry:
    """An entry: its label, its address, and the value of aria-current (empty if the reader is somewhere else)."""

    label: object
    address: str
    current: str


def navigation_entries(
    request: HttpRequest, roles: Collection[str], is_student: bool, *, place: str = ""
) -> list[NavigationEntry]:
    """Return what the reader can open, in the order of the work; an empty list if nobody is signed in.

    ``place`` names the entry to which the page belongs, if its address does not show that.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    chosen: list[tuple[str, object]] = [*STUDENT_ENTRIES] if is_student else []
    for role, entries in ROLE_ENTRIES.items():
        if role in roles:
            limited = role == Role.REGISTRAR and not permissions.covers_university(user, role)
            chosen += [
                entry
                for entry in entries
                if entry not in chosen and not (limited and entry[0] in WHOLE_UNIVERSITY_ENTRIES)
            ]
    chosen += EVERYBODY_ENTRIES
    return [
        NavigationEntry(label, reverse(name), _aria_current(request.path, name, place))
        for name, label in chosen
    ]


def _aria_current(path: str, name: str, place: str) -> str:
    if path == reverse(name):
        return "page"
    return "true" if name == place or (name in PATHS_BELOW and path.startswith(PATHS_BELOW[name])) else ""
