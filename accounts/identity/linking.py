"""Link a forge account to a person, attest a link, and end a link (invariant 1).

If two requests race, the database decides; these functions turn its answer into a sentence for the person. No message
says which person an account belongs to.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit, permissions
from accounts.identity import forges
from accounts.models import Enrolment, ForgeAccount, StaffRole, User
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere
from credits.forges.errors import MissingOnForge
from credits.forges.protocol import AccountOnForge

Proof = ForgeAccount.Proof


def accounts_of(user: User) -> list[ForgeAccount]:
    """Return the person's linked forge accounts, ordered by forge and login."""
    return list(user.forge_accounts.filter(unlinked_at=None))


def link(
    user: User,
    forge: str,
    account: AccountOnForge,
    *,
    proof: str,
    now: datetime,
    by: User | None = None,
    reason: str = "",
) -> ForgeAccount:
    """Record that ``account`` on ``forge`` belongs to ``user``. ``proof`` is a :class:`ForgeAccount.Proof`.

    If the account is already linked to the same person, only the login changes, which is a label. ``by`` (None: the
    person themselves) and ``reason`` are stored for an attested link.

    Raise CreditsError ``not-a-person`` (bot, organisation), ``account-of-someone-else``, or, unless a registrar
    attests the link, ``account-once-of-someone-else``.
    """
    info = forges.forge_info(forge)
    if account.kind != "user" or not account.id:
        raise CreditsError(
            "not-a-person",
            _("The %(forge)s account %(login)s is not a person's account.")
            % {"forge": info.label, "login": account.login},
            _("Connect the account that you use for your own contributions."),
        )
    with transaction.atomic():
        if existing := _existing_link(user, forge, account, proof):
            _update_login(existing, account)
            return existing
        try:
            with transaction.atomic():
                linked = ForgeAccount.objects.create(
                    user=user,
                    forge=forge,
                    forge_user_id=account.id,
                    node_id=account.node_id,
                    login=account.login,
                    proof=proof,
                    attested_by=by if proof == Proof.ATTESTED else None,
                    reason=reason,
                    linked_at=now,
                )
        except IntegrityError:
            # Another request linked the account after our query. Query again to find out which error is right.
            if existing := _existing_link(user, forge, account, proof):
                return existing
            raise
        audit.record(
            "account-linked",
            linked,
            by=by or user,
            person=user,
            now=now,
            forge=forge,
            forge_user_id=account.id,
            login=account.login,
            proof=str(proof),
            reason=reason,
        )
    return linked


def attest(
    student_number: str, forge: str, login: str, *, by: User, reason: str, now: datetime
) -> ForgeAccount:
    """Link the account that has ``login`` on ``forge`` now, because the registrar ``by`` vouches for it.

    The forge is asked for the account's immutable id. An account that once belonged to another person can change hands
    only by this recorded decision. Raise NotAllowed if ``by`` is not a registrar for the student's department, or is
    the student. Raise NotThere if the student or the login does not exist, CreditsError ``reason-needed``, ForgeError
    if the forge fails, and the errors of :func:`link`.
    """
    permissions.require(by, StaffRole.Role.REGISTRAR)
    if not reason.strip():
        raise CreditsError(
            "reason-needed",
            _("A reason is required when you link an account for a student."),
            _("Say how you know whose account it is."),
        )
    student_number = student_number.strip()
    enrolment = (
        Enrolment.objects.select_related("user", "programme__department")
        .filter(student_number=student_number)
        .first()
    )
    if enrolment is None:
        raise NotThere(
            "unknown-student",
            _("There is no student with the number %(number)s.") % {"number": student_number},
            _("Check it against the roster; leading zeros matter."),
        )
    permissions.require(by, StaffRole.Role.REGISTRAR, enrolment.programme.department)
    if enrolment.user_id == by.pk:
        raise NotAllowed(
            "own-account", _("You cannot confirm an account of your own."), _("Ask another registrar.")
        )
    login = login.strip()
    try:
        account = forges.forge(forge).find_account(login)
    except MissingOnForge as error:
        raise NotThere(
            "unknown-login",
            _("There is no account %(login)s on %(forge)s.")
            % {"forge": forges.forge_info(forge).label, "login": login},
            _("Check the spelling against the link of the profile page."),
        ) from error
    return link(enrolment.user, forge, account, proof=Proof.ATTESTED, now=now, by=by, reason=reason.strip())


def unlink(account: ForgeAccount, *, by: User, now: datetime) -> ForgeAccount:
    """End a link. Credit and history stay. Nothing changes if the link has already ended.

    Only the person and registrars may do this. For anybody else raise NotThere, as if the link did not exist.
    """
    with transaction.atomic():
        account = (
            ForgeAccount.objects.select_for_update(of=("self",)).select_related("user").get(pk=account.pk)
        )
        if account.user_id != by.pk and not permissions.has_role(by, StaffRole.Role.REGISTRAR):
            raise not_linked()
        if account.unlinked_at is None:
            account.unlinked_at = now
            account.save(update_fields=["unlinked_at"])
            audit.record(
                "account-unlinked",
                account,
                by=by,
                person=account.user,
                now=now,
                forge=account.forge,
                forge_user_id=account.forge_user_id,
                login=account.login,
            )
    return account


def not_linked() -> NotThere:
    """Return the error for a link that does not exist, and for one that the user may not know about."""
    return NotThere("account-not-linked", _("This is not one of your accounts."), _("Reload the page."))


def _existing_link(user: User, forge: str, account: AccountOnForge, proof: str) -> ForgeAccount | None:
    """Return the person's current link to the account, or None. Raise Conflict if it is or was another person's."""
    rows = list(
        ForgeAccount.objects.select_for_update().filter(forge=forge, forge_user_id=account.id).order_by("pk")
    )
    names = {"forge": forges.forge_info(forge).label, "login": account.login}
    for row in rows:
        if row.unlinked_at is None:
            if row.user_id == user.pk:
                return row
            raise Conflict(
                "account-of-someone-else",
                _("The %(forge)s account %(login)s is linked to another person.") % names,
                _("The registrar's office can see both sides and correct this."),
            )
    if proof != Proof.ATTESTED and any(row.user_id != user.pk for row in rows):
        raise Conflict(
            "account-once-of-someone-else",
            _("The %(forge)s account %(login)s was linked to another person before.") % names,
            _(
                "Only a registrar can transfer it to you, with a recorded reason. Contact the "
                "registrar's office."
            ),
        )
    return None


def _update_login(row: ForgeAccount, account: AccountOnForge) -> None:
    """Store the login that the forge shows now, and the node id if it was unknown."""
    node_id = row.node_id or account.node_id
    if (row.login, row.node_id) != (account.login, node_id):
        row.login, row.node_id = account.login, node_id
        row.save(update_fields=["login", "node_id"])
