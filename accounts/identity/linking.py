"""Prove, attest and end that a forge account is a person's (invariant 1).

The database decides a race; these verbs turn what it says into a sentence. Nobody is ever told whose an account is.
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
    """The forge accounts that are this person's now, by forge and login."""
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
    """Record that ``account`` on ``forge`` is ``user``'s, as ``proof`` (a :class:`ForgeAccount.Proof`) shows.

    Linking what is already linked to the same person changes nothing but the login, which is only a label. ``by``
    (the person themselves where None) and ``reason`` are kept for a link that somebody vouches for.

    Raises CreditsError: ``not-a-person`` (bot, organisation), ``account-of-someone-else``, and
    ``account-once-of-someone-else`` unless a registrar attests it.
    """
    row = forges.forge_info(forge)
    if account.kind != "user" or not account.id:
        raise CreditsError(
            "not-a-person",
            _("The %(forge)s account %(login)s is not a person's account.")
            % {"forge": row.label, "login": account.login},
            _("Connect the account that you use for your own contributions."),
        )
    with transaction.atomic():
        if held := _existing_link(user, forge, account, proof):
            _update_login(held, account)
            return held
        try:
            with transaction.atomic():
                made = ForgeAccount.objects.create(
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
            # Somebody linked the account after we looked: what they left behind says which sentence is true.
            if held := _existing_link(user, forge, account, proof):
                return held
            raise
        audit.record(
            "account-linked",
            made,
            by=by or user,
            person=user,
            now=now,
            forge=forge,
            forge_user_id=account.id,
            login=account.login,
            proof=str(proof),
            reason=reason,
        )
    return made


def attest(
    student_number: str, forge: str, login: str, *, by: User, reason: str, now: datetime
) -> ForgeAccount:
    """Link the account that has ``login`` on ``forge`` now, because the registrar ``by`` vouches for it.

    The forge is asked for the account's immutable id. This is also the recorded decision by which an account that
    was once somebody else's may pass on. Raises NotAllowed (not a registrar for that department, or for oneself),
    NotThere (no such student, no such login), CreditsError ``reason-needed``, ForgeError where the forge fails, and
    what :func:`link` raises.
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
    """End a link; what was credited stays, and so does the history. Ending it twice changes nothing.

    The person themselves may, and a registrar; to anybody else the link is not there (NotThere).
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
    """What is said of a link that does not exist, and just so of one that is none of the asker's business."""
    return NotThere("account-not-linked", _("This is not one of your accounts."), _("Reload the page."))


def _existing_link(user: User, forge: str, account: AccountOnForge, proof: str) -> ForgeAccount | None:
    """The person's own live link to the account, if any; raises where the account is, or was, somebody else's."""
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
                _("If it is yours, contact the registrar's office, which can see both sides."),
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
    """Take over the login that the forge shows now, and a node id that was not known before."""
    node_id = row.node_id or account.node_id
    if (row.login, row.node_id) != (account.login, node_id):
        row.login, row.node_id = account.login, node_id
        row.save(update_fields=["login", "node_id"])
