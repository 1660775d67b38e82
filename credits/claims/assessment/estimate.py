"""预核算: the outcome that the rulebook in force gives. It decides nothing and stores nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Enrolment, User
from credits.claims.assessment.double_claims import claimed_elsewhere, without_duplicates
from credits.claims.assessment.facts import claim_facts, frozen_facts
from credits.claims.models import Claim, Round
from credits.claims.rounds import version_for
from credits.contributions import queries
from credits.contributions.models import Authorship
from credits.errors import NotThere
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import rulebook_of
from credits.rules import Explanation, Outcome, evaluate, explain
from credits.rules.facts import ClaimFacts


@dataclass(frozen=True, slots=True)
class Estimate:
    """The outcome of a rulebook version for facts, with both: enough to explain it and what would change it."""

    version: RulebookVersion
    facts: ClaimFacts
    outcome: Outcome

    def explanation(self, refs: Collection[str] | None = None) -> Explanation:
        """Explain what would have to be different, for all contributions or for those with these refs."""
        return explain(rulebook_of(self.version), self.facts, self.outcome, refs)


def estimate_outcome(
    user: User, round_: Round, *, now: datetime, authorships: Sequence[Authorship] | None = None
) -> Outcome:
    """Return only the outcome of :func:`estimate_claim`."""
    return estimate_claim(user, round_, now=now, authorships=authorships).outcome


def estimate_claim(
    user: User, round_: Round, *, now: datetime, authorships: Sequence[Authorship] | None = None
) -> Estimate:
    """Return what a claim with ``authorships`` would give if it were submitted at ``now``.

    Without ``authorships``, use the frozen facts if the person has submitted a claim in this round, otherwise
    :func:`claimable_shares`. A draft keeps the enrolment that it was started with. Raises NotThere if the person has no
    enrolment, or the round has no rulebook for it.
    """
    claim = (
        Claim.objects.filter(user=user, round=round_)
        .exclude(status=Claim.Status.WITHDRAWN)
        .select_related("version", "enrolment__programme__department", "enrolment__user")
        .first()
    )
    if authorships is None:
        if claim is not None and claim.version is not None:
            return estimate_from_facts(claim.version, frozen_facts(claim))
        authorships = claimable_shares(user, round_)
    enrolment = claim.enrolment if claim is not None else current_enrolment(user, now=now)
    version = version_for(round_, enrolment)
    return estimate_from_facts(version, current_facts(enrolment, round_, version, authorships, now=now))


def estimate_round(
    round_: Round, student_numbers: Iterable[str] | None, *, now: datetime
) -> Iterator[tuple[Enrolment, Estimate]]:
    """Yield the estimate for each student of the round, in the order of the given numbers.

    Without ``student_numbers``, do so by student number for everyone who has linked a forge account or claimed in the
    round. Raises NotThere, before the first estimate, if no enrolment has a given number.
    """
    if student_numbers is not None:
        return (
            (enrolment, estimate_claim(enrolment.user, round_, now=now))
            for enrolment in _enrolments_by_number(list(dict.fromkeys(student_numbers)))
        )
    return _estimate_everyone(round_, now)


def claimable_shares(user: User, round_: Round) -> list[Authorship]:
    """Return the person's shares that are in no live claim, except their claim in this round; the same work once."""
    shares = list(queries.authorships_of(user))
    claim = Claim.objects.filter(user=user, round=round_).exclude(status=Claim.Status.WITHDRAWN).first()
    elsewhere = claimed_elsewhere(shares, other_than=claim)
    return without_duplicates([share for share in shares if share.pk not in elsewhere])


def current_facts(
    enrolment: Enrolment,
    round_: Round,
    version: RulebookVersion,
    authorships: Sequence[Authorship],
    *,
    now: datetime,
    already_credited: frozenset[int] = frozenset(),
) -> ClaimFacts:
    """Return the facts as a submission at ``now`` would freeze them."""
    return claim_facts(
        enrolment=enrolment,
        round_=round_,
        authorships=authorships,
        category=rulebook_of(version).category.code,
        now=now,
        already_credited=already_credited,
    )


def evaluate_version(version: RulebookVersion, frozen: ClaimFacts) -> Outcome:
    """Return the version's outcome for these facts; equal input always gives an equal outcome (invariant 4)."""
    return evaluate(rulebook_of(version), frozen)


def estimate_from_facts(version: RulebookVersion, facts: ClaimFacts) -> Estimate:
    """Return the version's outcome for these facts together with the facts."""
    return Estimate(version, facts, evaluate_version(version, facts))


def current_enrolment(user: User, *, now: datetime) -> Enrolment:
    """Return the enrolment for a claim at ``now``: the newest that has begun and not ended.

    Raises NotThere if there is none.
    """
    today = timezone.localdate(now, timezone.get_default_timezone())
    found = (
        user.enrolments.select_related("programme__department", "user")
        .filter(Q(left_on=None) | Q(left_on__gt=today), enrolled_on__lte=today)
        .first()
    )
    if found is None:
        raise NotThere(
            "not-enrolled",
            _("You are not enrolled at present, so you cannot apply for credit."),
            _("If this is wrong, ask the registrar's office to correct the roster."),
        )
    return found


def _enrolments_by_number(numbers: list[str]) -> list[Enrolment]:
    found = {
        enrolment.student_number: enrolment
        for enrolment in Enrolment.objects.filter(student_number__in=numbers).select_related(
            "user", "programme"
        )
    }
    for number in numbers:
        if number not in found:
            raise NotThere(
                "no-such-student", _("There is no student number %(number)s.") % {"number": number}
            )
    return [found[number] for number in numbers]


def _estimate_everyone(round_: Round, now: datetime) -> Iterator[tuple[Enrolment, Estimate]]:
    linked = Q(user__forge_accounts__isnull=False, user__forge_accounts__unlinked_at=None)
    people: dict[int, list[Enrolment]] = {}
    for enrolment in (
        Enrolment.objects.filter(linked | Q(claims__round=round_))
        .distinct()
        .order_by("student_number")
        .select_related("user", "programme")
    ):
        people.setdefault(enrolment.user_id, []).append(enrolment)
    claims = Claim.objects.filter(round=round_).exclude(status=Claim.Status.WITHDRAWN)
    claimed = dict(claims.values_list("user", "enrolment"))
    for user_id, enrolments in people.items():
        try:
            current = claimed.get(user_id) or current_enrolment(enrolments[0].user, now=now).pk
        except NotThere:
            continue  # the person has left and claimed nothing in this round
        for enrolment in enrolments:
            if enrolment.pk == current:
                yield enrolment, estimate_claim(enrolment.user, round_, now=now)
