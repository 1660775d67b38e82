"""Build the facts of a claim for the rules core from stored rows. None means unknown and stays None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, cast

from django.utils import timezone

from accounts.models import Enrolment, ForgeAccount, User
from credits.claims.assessment.osi_licences import osi_approved
from credits.claims.models import Claim, Result, Round
from credits.contributions import catalogue
from credits.contributions.models import Authorship, Contribution
from credits.ledger import entries
from credits.rulebooks.versions import rulebook_of
from credits.rules import facts

Status = Contribution.Status


def ref_of(authorship: Authorship) -> str:
    """Return the name, within a claim, of one person's part in a contribution.

    It consists of forge, repository id, kind, number and the author's user id.

    It contains no database key, so the same work has the same ref in every database.
    """
    contribution = authorship.contribution
    repository = contribution.repository
    work = f"{repository.forge}:{repository.forge_id}:{contribution.kind}:{contribution.number}"
    return f"{work}:{authorship.forge_user_id}"


def claim_facts(
    *,
    enrolment: Enrolment,
    round_: Round,
    authorships: Iterable[Authorship],
    category: str,
    now: datetime,
    already_credited: frozenset[int] = frozenset(),
) -> facts.ClaimFacts:
    """Return everything, except the rulebook, that an assessment at ``now`` depends on.

    ``authorships`` must have contribution and repository selected. ``category`` is the rulebook's category; the credit
    standing is counted in it. ``already_credited`` has the keys of authorships whose work has credit elsewhere.
    """
    shares = list(authorships)
    people = _LinkedAccounts(enrolment.user, shares)
    repositories = {share.contribution.repository_id: share.contribution.repository for share in shares}
    tiers = catalogue.tiers_of(repositories.values())
    return facts.ClaimFacts(
        student=facts.StudentData(
            programme=enrolment.programme.name,
            level=enrolment.level or None,
            year=enrolment.year,
            cohort=str(enrolment.year),
            enrolled_on=_enrolled_at(enrolment),
        ),
        round=facts.RoundData(code=round_.code, opens=round_.apply_from, closes=round_.apply_until),
        term=facts.TermData(code=round_.term.code, starts=round_.term.starts_at, ends=round_.term.ends_at),
        standing=credit_standing(enrolment.user, category, term=round_.term.code),
        contributions=tuple(
            facts.ContributionFacts(
                ref=ref_of(share),
                contribution=_contribution_facts(share, people, credited=share.pk in already_credited),
                repository=_repository_facts(share, people, tiers[share.contribution.repository_id]),
            )
            for share in shares
        ),
        as_of=now,
    )


def credit_standing(user: User, category: str, *, term: str) -> facts.CreditStanding:
    """Return the person's recognised credit in this category, over all enrolments, from the ledger.

    It includes the points that their last recorded result in the category carried over.
    """
    return facts.CreditStanding(
        credit=entries.recognised(user, category),
        credit_this_term=entries.recognised(user, category, term=term),
        points_carried=_points_carried(user, category),
    )


def with_decisions(
    frozen: facts.ClaimFacts, accepted: dict[str, bool], awarded: dict[str, dict[str, Decimal]]
) -> facts.ClaimFacts:
    """Return the facts with a reviewer's decisions, by ref; contributions without a decision stay as they are."""
    return facts.ClaimFacts(
        student=frozen.student,
        round=frozen.round,
        term=frozen.term,
        standing=frozen.standing,
        contributions=tuple(
            facts.ContributionFacts(
                ref=contribution.ref,
                contribution=contribution.contribution,
                repository=contribution.repository,
                accepted=accepted.get(contribution.ref, contribution.accepted),
                awarded=awarded.get(contribution.ref, dict(contribution.awarded)),
            )
            for contribution in frozen.contributions
        ),
        as_of=frozen.as_of,
    )


def _points_carried(user: User, category: str) -> Decimal:
    results = (
        Result.objects.filter(claim__user=user)
        .select_related("claim__version")
        .order_by("-recorded_at", "-pk")
    )
    for result in results:
        version = result.claim.version
        if version is not None and rulebook_of(version).category.code == category:
            return result.points_carried
    return Decimal(0)


class _LinkedAccounts:
    """The person's linked accounts: their ids on each forge, and their first contribution in each repository."""

    def __init__(self, user: User, shares: Sequence[Authorship]) -> None:
        accounts = ForgeAccount.objects.filter(user=user, unlinked_at=None).select_related("collection")
        self._complete: dict[str, bool] = {}
        self.ids: set[tuple[str, str]] = set()
        for account in accounts:
            self.ids.add((account.forge, account.forge_user_id))
            state = getattr(account, "collection", None)
            complete = state is not None and state.complete_at is not None
            self._complete[account.forge] = self._complete.get(account.forge, True) and complete
        self._first = self._first_contributions({share.contribution.repository_id for share in shares})

    def _first_contributions(self, repositories: set[int]) -> dict[int, int]:
        contributions = (
            Authorship.objects.filter(
                contribution__repository__in=repositories, forge_user_id__in=[pk for _forge, pk in self.ids]
            )
            .order_by("contribution__merged_at", "contribution__number")
            .values_list("forge", "forge_user_id", "contribution__repository", "contribution")
        )
        first: dict[int, int] = {}
        for forge, user_id, repository, contribution in contributions:
            if (forge, user_id) in self.ids:
                first.setdefault(repository, contribution)
        return first

    def is_first(self, share: Authorship) -> bool | None:
        """Return whether the share is the person's first contribution in its repository.

        None if the accounts are not collected completely: an earlier contribution may be found later.
        """
        if self._first.get(share.contribution.repository_id) != share.contribution_id:
            return False
        return True if self._complete.get(share.forge) else None


def _contribution_facts(
    share: Authorship, people: _LinkedAccounts, *, credited: bool
) -> facts.ContributionData:
    contribution = share.contribution
    is_known = contribution.status not in (Status.UNKNOWN, Status.GONE)
    merger = contribution.merged_by_id_on_forge
    return facts.ContributionData(
        forge=contribution.repository.forge,
        kind=contribution.kind,
        number=contribution.number,
        title=contribution.title,
        url=contribution.url,
        status=contribution.status,
        created_at=contribution.created_at,
        merged_at=contribution.merged_at,
        additions=contribution.additions,
        deletions=contribution.deletions,
        changed_files=contribution.changed_files,
        files=cast("dict[Any, facts.FileCount] | None", contribution.files),
        labels=contribution.labels,
        landed_by="merge" if contribution.status == Status.MERGED else contribution.landed_by or None,
        merged_by_self=None if merger is None else (share.forge, merger) in people.ids,
        first_in_repository=people.is_first(share),
        share=share.share,
        reviews=None,
        reverted=contribution.status == Status.REVERTED if is_known else None,
        already_credited=credited,
    )


def _repository_facts(share: Authorship, people: _LinkedAccounts, tier: str | None) -> facts.RepositoryData:
    repository = share.contribution.repository
    owner = repository.owner_id_on_forge
    return facts.RepositoryData(
        forge=repository.forge,
        id=repository.forge_id,
        full_name=repository.full_name,
        owner=repository.owner_login or None,
        owner_is_author=(repository.forge, owner) in people.ids if owner else None,
        stars=repository.stars,
        licence=repository.licence,
        osi_approved=osi_approved(repository.licence),
        is_fork=repository.is_fork,
        is_mirror=repository.is_mirror,
        archived=repository.is_archived,
        language=repository.language,
        tier=tier,
    )


def _enrolled_at(enrolment: Enrolment) -> datetime:
    return datetime.combine(enrolment.enrolled_on, time.min, tzinfo=timezone.get_default_timezone())


def frozen_facts(claim: Claim) -> facts.ClaimFacts:
    """Return the facts that were frozen when the claim was submitted."""
    return facts.facts_from_json(cast("dict[str, object]", claim.facts))
