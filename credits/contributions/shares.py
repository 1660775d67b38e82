"""Divide a contribution among its authors. The opener has all of it until the co-authors agree otherwise (invariant 3).

The opener proposes a share for each account that the forge names by immutable id. Every co-author whose account is
linked here must accept; then the shares change at once. A share given to a co-author with an unlinked account stays
theirs: no proposal takes it away. Co-authors whom the forge cannot name at all keep what the opener leaves over: shares
may add up to less than 1, never to more. A share in a submitted claim no longer changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import ForgeAccount, User
from credits.contributions import same_work
from credits.contributions.models import Authorship, Contribution, ShareConsent, ShareProposal
from credits.errors import Conflict, CreditsError, NotAllowed, NotThere

Status = ShareProposal.Status
SHARE_STEP = Decimal("0.0001")
"""The smallest difference between two shares."""


@dataclass(frozen=True, slots=True)
class ParticipantShare:
    """The share of one account in a contribution.

    ``person`` is ``None`` if nobody has linked the account. ``proposed`` is the share in the open proposal.
    ``accepted`` is the person's answer to the open proposal, ``None`` if there is none yet or none is needed
    (``must_answer``).
    """

    authorship: Authorship
    person: User | None
    proposed: Decimal | None
    accepted: bool | None
    must_answer: bool


@dataclass(frozen=True, slots=True)
class ContributionShares:
    """The current shares of a contribution, and the open proposal. ``frozen``: a share is in a submitted claim."""

    contribution: Contribution
    parts: tuple[ParticipantShare, ...]
    proposal: ShareProposal | None
    frozen: bool

    @property
    def left(self) -> Decimal:
        """The share that no account has."""
        return 1 - sum((part.authorship.share for part in self.parts), Decimal(0))

    def part_of(self, user: User) -> ParticipantShare | None:
        """Return the person's own part, or None. A person with several parts gets the opener's first."""
        return next(
            (part for part in self.parts if part.person is not None and part.person.pk == user.pk), None
        )

    def may_propose(self, user: User) -> bool:
        """Return whether the person may make a proposal now."""
        mine = self.part_of(user)
        return (
            mine is not None
            and mine.authorship.role == Authorship.Role.AUTHOR
            and len(self.parts) > 1
            and not self.frozen
            and self.proposal is None
        )

    def may_answer(self, user: User) -> bool:
        """Return whether the open proposal waits for this person's answer."""
        return any(
            part.must_answer
            and part.accepted is None
            and part.person is not None
            and part.person.pk == user.pk
            for part in self.parts
        )


def load_shares(contribution: Contribution) -> ContributionShares:
    """Return the current shares of the contribution."""
    parts = list(contribution.authorships.order_by("role", "pk"))
    people = _linked_people(parts)
    proposal = (
        contribution.share_proposals.filter(status=Status.OPEN)
        .select_related("proposed_by")
        .prefetch_related("consents")
        .first()
    )
    answers = (
        {consent.forge_user_id: consent.accepted for consent in proposal.consents.all()} if proposal else {}
    )
    return ContributionShares(
        contribution,
        tuple(
            ParticipantShare(
                authorship=part,
                person=people.get(part.forge_user_id),
                proposed=Decimal(proposal.shares[part.forge_user_id])
                if proposal and part.forge_user_id in proposal.shares
                else None,
                accepted=answers.get(part.forge_user_id),
                must_answer=proposal is not None
                and part.role != Authorship.Role.AUTHOR
                and part.forge_user_id in people
                and people[part.forge_user_id].pk != proposal.proposed_by_id,
            )
            for part in parts
        ),
        proposal,
        _is_frozen(contribution),
    )


def propose(
    contribution: Contribution, shares: Mapping[str, Any], *, by: User, now: datetime
) -> ShareProposal:
    """Propose shares as ``{immutable id: share}``. An account that is left out keeps its share.

    If no co-author's account is linked, the proposal takes effect at once: the opener can only give away.

    Raise NotAllowed unless ``by`` opened the contribution; Conflict ``share-frozen``, ``share-proposal-open`` or
    ``share-kept`` (it would take from a co-author who cannot answer); CreditsError ``share-unreadable`` or
    ``shares-over-one``.
    """
    with transaction.atomic():
        found = _lock_shares(contribution)
        mine = found.part_of(by)
        if mine is None or mine.authorship.role != Authorship.Role.AUTHOR:
            raise NotAllowed("not-the-opener", _("Only the person who opened it can propose shares."))
        if found.proposal is not None:
            raise Conflict(
                "share-proposal-open",
                _("Another proposal is still waiting for responses."),
                _("Wait for the responses, or withdraw it first."),
            )
        wanted = _parse_shares(found, shares)
        made = ShareProposal.objects.create(
            contribution=contribution,
            proposed_by=by,
            shares={key: str(share) for key, share in sorted(wanted.items())},
            proposed_at=now,
        )
        audit.record("shares-proposed", contribution, by=by, now=now, person=by, shares=made.shares)
        _close_if_agreed(made, found, now=now)
        return made


def answer(proposal: ShareProposal, *, accept: bool, by: User, now: datetime) -> ShareProposal:
    """Store a co-author's answer. The last acceptance changes the shares; a refusal ends the proposal.

    Raise NotAllowed if the person has no part in the contribution. Raise Conflict if the proposal is closed or already
    answered, if a share is in a submitted claim by now, or if it would take from a co-author who can no longer answer
    (``share-kept``).
    """
    with transaction.atomic():
        found = _lock_shares(proposal.contribution)
        if found.proposal is None or found.proposal.pk != proposal.pk:
            raise Conflict("share-proposal-closed", _("This proposal is closed."), _("Reload the page."))
        parts = [part for part in found.parts if part.must_answer and part.person == by]
        if not parts:
            raise NotAllowed("not-a-co-author", _("Only a co-author can respond."))
        for part in parts:
            if part.accepted is not None:
                raise Conflict("consent-given", _("You have already responded."))
            ShareConsent.objects.create(
                proposal=found.proposal,
                forge_user_id=part.authorship.forge_user_id,
                user=by,
                accepted=accept,
                said_at=now,
            )
        audit.record(
            "shares-accepted" if accept else "shares-declined",
            proposal.contribution,
            by=by,
            now=now,
            person=by,
            proposal=proposal.pk,
        )
        if accept:
            _close_if_agreed(found.proposal, load_shares(proposal.contribution), now=now)
        else:
            _close(found.proposal, Status.DECLINED, now)
        return found.proposal


def withdraw(proposal: ShareProposal, *, by: User, now: datetime) -> None:
    """Withdraw an open proposal. Raise NotAllowed unless ``by`` made it, Conflict if it is closed."""
    with transaction.atomic():
        found = _lock_shares(proposal.contribution, although_frozen=True)
        if found.proposal is None or found.proposal.pk != proposal.pk:
            raise Conflict("share-proposal-closed", _("This proposal is closed."), _("Reload the page."))
        if found.proposal.proposed_by_id != by.pk:
            raise NotAllowed("not-the-opener", _("Only the person who proposed it can withdraw it."))
        _close(found.proposal, Status.WITHDRAWN, now)
        audit.record(
            "shares-withdrawn", proposal.contribution, by=by, now=now, person=by, proposal=proposal.pk
        )


def contribution_for_participant(contribution: int, user: User) -> Contribution:
    """Return the contribution if the person has a part in it through a linked account; else raise NotThere."""
    found = Contribution.objects.select_related("repository").filter(pk=contribution).first()
    if found is None or not any(
        person.pk == user.pk for person in _linked_people(list(found.authorships.all())).values()
    ):
        raise NotThere(
            "no-such-contribution", _("There is no such contribution."), _("Look for it in your own list.")
        )
    return found


def proposals_awaiting(user: User) -> list[ShareProposal]:
    """Return the open proposals that wait for this person's answer."""
    own = set(ForgeAccount.objects.filter(user=user, unlinked_at=None).values_list("forge", "forge_user_id"))
    found = (
        ShareProposal.objects.filter(
            status=Status.OPEN,
            contribution__authorships__forge_user_id__in=[key for _forge, key in own],
        )
        .exclude(proposed_by=user)
        .distinct()
        .select_related("contribution__repository")
    )
    return [proposal for proposal in found if load_shares(proposal.contribution).may_answer(user)]


def _lock_shares(contribution: Contribution, *, although_frozen: bool = False) -> ContributionShares:
    # Submitting a claim takes the same lock, so a share never changes while it is being frozen.
    same_work.lock([contribution.pk])
    Contribution.objects.select_for_update(of=("self",)).get(pk=contribution.pk)
    found = load_shares(contribution)
    if found.frozen and not although_frozen:
        raise Conflict(
            "share-frozen",
            _("Part of this is in a submitted application, so the shares cannot be changed."),
            _("You can change them after that application is withdrawn or closed."),
        )
    return found


def _parse_shares(found: ContributionShares, shares: Mapping[str, Any]) -> dict[str, Decimal]:
    wanted = {part.authorship.forge_user_id: part.authorship.share for part in found.parts}
    unknown = shares.keys() - wanted.keys()
    if unknown:
        raise CreditsError(
            "share-unreadable",
            _("One of the people listed has no part in this contribution."),
            _("Reload the page."),
        )
    for key, typed in shares.items():
        wanted[key] = _parse_share(typed)
    _require_no_loss_for_unlinked(found, wanted)
    if sum(wanted.values(), Decimal(0)) > 1:
        raise CreditsError(
            "shares-over-one", _("Shares cannot add up to more than 100 %."), _("Reduce one of them.")
        )
    return wanted


def _require_no_loss_for_unlinked(found: ContributionShares, wanted: Mapping[str, Decimal]) -> None:
    """Raise Conflict ``share-kept`` if a person who cannot answer, because of an unlinked account, would lose some."""
    for part in found.parts:
        share = part.authorship.share
        if part.person is None and wanted.get(part.authorship.forge_user_id, share) < share:
            raise Conflict(
                "share-kept",
                _(
                    "%(login)s has not linked an account here and cannot agree, so their share "
                    "cannot be reduced."
                )
                % {"login": part.authorship.login},
                _("Leave them at least their present share."),
            )


def _parse_share(typed: Any) -> Decimal:
    try:
        share = Decimal(str(typed).strip())
        if share.is_finite() and 0 <= share <= 1 and share == share.quantize(SHARE_STEP):
            return share.quantize(SHARE_STEP)
    except InvalidOperation:
        pass
    raise CreditsError(
        "share-unreadable",
        _("“%(value)s” is not a valid share.") % {"value": str(typed)[:40]},
        _("Write a percentage from 0 to 100, with at most two decimals."),
    )


def _close_if_agreed(proposal: ShareProposal, found: ContributionShares, *, now: datetime) -> None:
    answered = dict(proposal.consents.values_list("forge_user_id", "accepted"))
    linked = _linked_people([part.authorship for part in found.parts])
    for part in found.parts:
        person = linked.get(part.authorship.forge_user_id)
        must_answer = part.authorship.role != Authorship.Role.AUTHOR and person is not None
        if must_answer and person != proposal.proposed_by and part.authorship.forge_user_id not in answered:
            return
    wanted = {key: Decimal(share) for key, share in proposal.shares.items()}
    # An account that was linked when the proposal was made may be unlinked now.
    _require_no_loss_for_unlinked(found, wanted)
    before = {part.authorship.forge_user_id: str(part.authorship.share) for part in found.parts}
    try:
        with transaction.atomic():
            for part in found.parts:
                # A part that was found later is not in the proposal and keeps its share.
                share = wanted.get(part.authorship.forge_user_id, part.authorship.share)
                Authorship.objects.filter(pk=part.authorship.pk).update(share=share)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS shares_within_one IMMEDIATE")
    except IntegrityError as error:
        raise Conflict(
            "shares-over-one",
            _("Together with a contributor found in the meantime, the shares would exceed 100 %."),
            _("Propose the shares again."),
        ) from error
    _close(proposal, Status.AGREED, now)
    audit.record(
        "shares-agreed", proposal.contribution, by=proposal.proposed_by, now=now, person=proposal.proposed_by,
        before=before, shares=proposal.shares,
    )  # fmt: skip


def _close(proposal: ShareProposal, status: str, now: datetime) -> None:
    proposal.status, proposal.closed_at = status, now
    proposal.save(update_fields=["status", "closed_at"])


def _linked_people(parts: list[Authorship]) -> dict[str, User]:
    """Return the person who has each account linked now, by the account's id on the forge."""
    if not parts:
        return {}
    return {
        account.forge_user_id: account.user
        for account in ForgeAccount.objects.filter(
            forge=parts[0].forge, forge_user_id__in=[part.forge_user_id for part in parts], unlinked_at=None
        ).select_related("user")
    }


def _is_frozen(contribution: Contribution) -> bool:
    return contribution.authorships.filter(
        claim_items__live=True, claim_items__claim__submitted_at__isnull=False
    ).exists()
