"""The facts of a claim, as the rules core takes them, from what is held: None stays None (unknown)."""

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
    """What names a contribution within a claim: the same in every database that holds the same work."""
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
    """All that an assessment at ``now`` depends on besides the rulebook.

    ``authorships`` come with contribution and repository selected. ``category`` is the rulebook's: standing is
    counted in it. ``already_credited`` has the keys of authorships whose work is credited elsewhere.
    """
    shares = list(authorships)
    people = _LinkedAccounts(enrolment.user, shares)
    repositories = {share.contribution.repository_id: share.contribution.repository for share in shares}
    tiers = catalogue.tiers_of(repositories.values())
    return facts.ClaimFacts(
        student=facts.Student(
            programme=enrolment.programme.name,
            level=enrolment.level or None,
            year=enrolment.year,
            cohort=str(enrolment.year),
            enrolled_on=_enrolled_at(enrolment),
        ),
        round=facts.Round(code=round_.code, opens=round_.apply_from, closes=round_.apply_until),
        term=facts.Term(code=round_.term.code, starts=round_.term.starts_at, ends=round_.term.ends_at),
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


def credit_standing(user: User, category: str, *, term: str) -> facts.Standing:
    """What the ledger has for the person in this category, through every enrolment, and the points that the last
    recorded result in it carried over."""
    return facts.Standing(
        credit=entries.recognised(user, category),
        credit_this_term=entries.recognised(user, category, term=term),
        points_carried=_points_carried(user, category),
    )


def with_decisions(
    frozen: facts.ClaimFacts, accepted: dict[str, bool], awarded: dict[str, dict[str, Decimal]]
) -> facts.ClaimFacts:
    """The same facts with a reviewer's say on lines, by ref; a line not named is left as it is."""
    return facts.ClaimFacts(
        student=frozen.student,
        round=frozen.round,
        term=frozen.term,
        standing=frozen.standing,
        contributions=tuple(
            facts.ContributionFacts(
                ref=one.ref,
                contribution=one.contribution,
                repository=one.repository,
                accepted=accepted.get(one.ref, one.accepted),
                awarded=awarded.get(one.ref, dict(one.awarded)),
            )
            for one in frozen.contributions
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
    """The person's own ids on each forge, and in which repositories what was their first."""

    def __init__(self, user: User, shares: Sequence[Authorship]) -> None:
        accounts = ForgeAccount.objects.filter(user=user, unlinked_at=None).select_related("collection")
        self._complete: dict[str, bool] = {}
        self.ids: set[tuple[str, str]] = set()
        for account in accounts:
            self.ids.add((account.forge, account.forge_user_id))
            state = getattr(account, "collection", None)
            complete = state is not None and state.complete_at is not None
            self._complete[account.forge] = self._complete.get(account.forge, True) and complete
        self._first = self._firsts({share.contribution.repository_id for share in shares})

    def _firsts(self, repositories: set[int]) -> dict[int, int]:
        held = (
            Authorship.objects.filter(
                contribution__repository__in=repositories, forge_user_id__in=[pk for _forge, pk in self.ids]
            )
            .order_by("contribution__merged_at", "contribution__number")
            .values_list("forge", "forge_user_id", "contribution__repository", "contribution")
        )
        first: dict[int, int] = {}
        for forge, user_id, repository, contribution in held:
            if (forge, user_id) in self.ids:
                first.setdefault(repository, contribution)
        return first

    def is_first(self, share: Authorship) -> bool | None:
        """None where not all is collected: an earlier one may turn up."""
        if self._first.get(share.contribution.repository_id) != share.contribution_id:
            return False
        return True if self._complete.get(share.forge) else None


def _contribution_facts(share: Authorship, people: _LinkedAccounts, *, credited: bool) -> facts.Contribution:
    held = share.contribution
    known = held.status not in (Status.UNKNOWN, Status.GONE)
    merger = held.merged_by_id_on_forge
    return facts.Contribution(
        forge=held.repository.forge,
        kind=held.kind,
        number=held.number,
        title=held.title,
        url=held.url,
        status=held.status,
        created_at=held.created_at,
        merged_at=held.merged_at,
        additions=held.additions,
        deletions=held.deletions,
        changed_files=held.changed_files,
        files=cast("dict[Any, facts.FileCount] | None", held.files),
        labels=held.labels,
        landed_by="merge" if held.status == Status.MERGED else held.landed_by or None,
        merged_by_self=None if merger is None else (share.forge, merger) in people.ids,
        first_in_repository=people.is_first(share),
        share=share.share,
        reviews=None,
        reverted=held.status == Status.REVERTED if known else None,
        already_credited=credited,
    )


def _repository_facts(share: Authorship, people: _LinkedAccounts, tier: str | None) -> facts.Repository:
    held = share.contribution.repository
    owner = held.owner_id_on_forge
    return facts.Repository(
        forge=held.forge,
        id=held.forge_id,
        full_name=held.full_name,
        owner=held.owner_login or None,
        owner_is_author=(held.forge, owner) in people.ids if owner else None,
        stars=held.stars,
        licence=held.licence,
        osi_approved=osi_approved(held.licence),
        is_fork=held.is_fork,
        is_mirror=held.is_mirror,
        archived=held.is_archived,
        language=held.language,
        tier=tier,
    )


def _enrolled_at(enrolment: Enrolment) -> datetime:
    return datetime.combine(enrolment.enrolled_on, time.min, tzinfo=timezone.get_default_timezone())


def frozen_facts(claim: Claim) -> facts.ClaimFacts:
    """The facts that a submitted claim froze."""
    return facts.facts_from_json(cast("dict[str, object]", claim.facts))
