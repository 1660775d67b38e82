"""预核算: what the rulebook in force gives. Decides nothing and stores nothing."""

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
    """What a rulebook version gives for facts, and those facts: enough to say why, and what would have to be
    different."""

    version: RulebookVersion
    facts: ClaimFacts
    outcome: Outcome

    def explained(self, refs: Collection[str] | None = None) -> Explanation:
        """What would have to be different, of all contributions or of those with these refs."""
        return explain(rulebook_of(self.version), self.facts, self.outcome, refs)


def estimate_outcome(
    user: User, round_: Round, *, now: datetime, authorships: Sequence[Authorship] | None = None
) -> Outcome:
    """The outcome of :func:`estimated`."""
    return estimate_claim(user, round_, now=now, authorships=authorships).outcome


def estimate_claim(
    user: User, round_: Round, *, now: datetime, authorships: Sequence[Authorship] | None = None
) -> Estimate:
    """What a claim of ``authorships`` would give if it were submitted at ``now``.

    Where none are named: what was frozen, if the person has submitted a claim in this round, else everything of
    theirs that stands in no other claim. A draft stays of the enrolment under which it was begun. Raises NotThere for
    a person without an enrolment, or a round without a rulebook for it.
    """
    mine = (
        Claim.objects.filter(user=user, round=round_)
        .exclude(status=Claim.Status.WITHDRAWN)
        .select_related("version", "enrolment__programme__department", "enrolment__user")
        .first()
    )
    if authorships is None:
        if mine is not None and mine.version is not None:
            return estimate_from_facts(mine.version, frozen_facts(mine))
        authorships = claimable_shares(user, round_)
    enrolment = mine.enrolment if mine is not None else current_enrolment(user, now=now)
    version = version_for(round_, enrolment)
    return estimate_from_facts(version, current_facts(enrolment, round_, version, authorships, now=now))


def estimate_round(
    round_: Round, student_numbers: Iterable[str] | None, *, now: datetime
) -> Iterator[tuple[Enrolment, Estimate]]:
    """The estimate for each student of the round, by student number.

    Without ``student_numbers``: everyone who has linked a forge account or claimed in the round. Raises NotThere
    before the first where a number is nobody's.
    """
    if student_numbers is not None:
        return (
            (one, estimate_claim(one.user, round_, now=now))
            for one in _enrolments_by_number(list(dict.fromkeys(student_numbers)))
        )
    return _estimate_everyone(round_, now)


def claimable_shares(user: User, round_: Round) -> list[Authorship]:
    """The person's own shares that stand in no live claim but their one in this round; each piece of work once."""
    own = list(queries.authorships_of(user))
    mine = Claim.objects.filter(user=user, round=round_).exclude(status=Claim.Status.WITHDRAWN).first()
    elsewhere = claimed_elsewhere(own, besides=mine)
    return without_duplicates([one for one in own if one.pk not in elsewhere])


def current_facts(
    enrolment: Enrolment,
    round_: Round,
    version: RulebookVersion,
    authorships: Sequence[Authorship],
    *,
    now: datetime,
    already_credited: frozenset[int] = frozenset(),
) -> ClaimFacts:
    """The facts as they would be frozen at ``now``."""
    return claim_facts(
        enrolment=enrolment,
        round_=round_,
        authorships=authorships,
        category=rulebook_of(version).category.code,
        now=now,
        already_credited=already_credited,
    )


def evaluate_version(version: RulebookVersion, frozen: ClaimFacts) -> Outcome:
    """What the version gives for these facts: the same for the same, always (invariant 4)."""
    return evaluate(rulebook_of(version), frozen)


def estimate_from_facts(version: RulebookVersion, facts: ClaimFacts) -> Estimate:
    """The same with the facts beside it."""
    return Estimate(version, facts, evaluate_version(version, facts))


def current_enrolment(user: User, *, now: datetime) -> Enrolment:
    """The enrolment under which a person claims at ``now``: the newest that has begun and not ended; NotThere where
    there is none."""
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
    standing = Claim.objects.filter(round=round_).exclude(status=Claim.Status.WITHDRAWN)
    claimed = dict(standing.values_list("user", "enrolment"))
    for user_id, enrolments in people.items():
        try:
            current = claimed.get(user_id) or current_enrolment(enrolments[0].user, now=now).pk
        except NotThere:
            continue  # has left, and claimed nothing in this round
        for enrolment in enrolments:
            if enrolment.pk == current:
                yield enrolment, estimate_claim(enrolment.user, round_, now=now)
