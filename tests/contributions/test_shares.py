"""Shares change by consent only, never exceed the whole, and stay once they are frozen (invariant 3)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction

from accounts.models import AuditEntry, ForgeAccount
from credits.claims.application.draft import open_draft
from credits.claims.application.submit import submit, withdraw
from credits.contributions import shares
from credits.contributions.models import Authorship, ShareProposal
from credits.errors import CreditsError
from tests import credit_factories as make
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
CO = Authorship.Role.CO_AUTHOR


@pytest.fixture
def work():
    """Return a contribution opened by a student, with a co-author whose account is linked and one whose is not."""
    opener, mate = factories.student(), factories.student()
    first = make.authorship(opener)
    second = make.authorship(mate, first.contribution, role=CO)
    stranger = Authorship.objects.create(
        contribution=first.contribution, forge="github", forge_user_id="1", login="stranger", role=CO, share=0
    )
    return first, second, stranger


def shares_of(contribution) -> dict[str, Decimal]:
    return {part.login: part.share for part in contribution.authorships.all()}


def code(verb) -> str:
    with pytest.raises(CreditsError) as refused:
        verb()
    return refused.value.code


def propose(work, first: str, second: str, third: str = "0", **more):
    opener = more.pop("by", None) or shares.load_shares(work[0].contribution).parts[0].person
    wanted = dict(zip((part.forge_user_id for part in work), (first, second, third), strict=True))
    return shares.propose(work[0].contribution, wanted, by=opener, now=NOW)


def person(part):
    return next(
        share.person
        for share in shares.load_shares(part.contribution).parts
        if share.authorship.pk == part.pk
    )


def test_shares_move_when_every_linked_co_author_has_accepted(work) -> None:
    """Until then the opener has all; after it each has the agreed share, and the log has the old ones."""
    first, second, _stranger = work
    proposal = propose(work, "0.6", "0.3", "0.1")
    assert shares_of(first.contribution)[first.login] == 1
    assert shares.proposals_awaiting(person(second)) == [proposal]
    assert shares.answer(proposal, accept=True, by=person(second), now=NOW).status == "agreed"
    assert sorted(shares_of(first.contribution).values()) == [Decimal("0.1"), Decimal("0.3"), Decimal("0.6")]
    entry = AuditEntry.objects.get(action="shares-agreed")
    assert Decimal(entry.details["before"][first.forge_user_id]) == 1
    assert shares.proposals_awaiting(person(second)) == []


def test_a_part_that_was_found_after_the_proposal_keeps_what_it_has(work) -> None:
    """A co-author found later is not in the older proposal, and the others can agree all the same."""
    proposal = propose(work, "0.6", "0.3", "0.1")
    late = Authorship.objects.create(
        contribution=work[0].contribution, forge="github", forge_user_id="2", login="late", role=CO, share=0
    )
    assert shares.answer(proposal, accept=True, by=person(work[1]), now=NOW).status == "agreed"
    late.refresh_from_db()
    assert late.share == 0
    assert sorted(shares_of(work[0].contribution).values())[-1] == Decimal("0.6")


def test_invariant_3_a_share_stays_with_who_can_no_longer_answer(work) -> None:
    """A co-author who was unlinked before the last acceptance loses nothing."""
    first, second, third = work
    mate = factories.student()
    factories.forge_account(user=mate, forge_user_id=third.forge_user_id, login=third.login)
    first.contribution.authorships.filter(pk__in=[first.pk, second.pk]).update(share=Decimal("0.5"))
    proposal = propose(work, "1", "0")
    ForgeAccount.objects.filter(forge_user_id=second.forge_user_id).update(unlinked_at=NOW)
    assert code(lambda: shares.answer(proposal, accept=True, by=mate, now=NOW)) == "share-kept"
    assert shares_of(first.contribution)[second.login] == Decimal("0.5")


def test_one_who_declines_ends_it(work) -> None:
    """Nothing changes, and the opener may make a new proposal."""
    proposal = propose(work, "0.9", "0.1")
    shares.answer(proposal, accept=False, by=person(work[1]), now=NOW)
    assert shares_of(work[0].contribution)[work[0].login] == 1
    assert propose(work, "0.5", "0.5").status == "open"


def test_the_opener_gives_away_alone_where_nobody_can_answer() -> None:
    """A co-author with an unlinked account gets a share at once and keeps it."""
    first = make.authorship()
    part = {"contribution": first.contribution, "forge": "github", "role": CO, "share": 0}
    stranger = Authorship.objects.create(forge_user_id="1", login="stranger", **part)
    work = (first, stranger)
    opener = person(first)
    wanted = {first.forge_user_id: "0.5", stranger.forge_user_id: "0.4"}
    assert shares.propose(first.contribution, wanted, by=opener, now=NOW).status == "agreed"
    assert shares.load_shares(first.contribution).left == Decimal("0.1")
    back = {work[0].forge_user_id: "1", work[1].forge_user_id: "0"}
    assert code(lambda: shares.propose(first.contribution, back, by=opener, now=NOW)) == "share-kept"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("0.7", "0.4", "0"), "shares-over-one"),
        (("-0.1", "0.4", "0"), "share-unreadable"),
        (("NaN", "0", "0"), "share-unreadable"),
        (("0.33333", "0", "0"), "share-unreadable"),
        (("half", "0", "0"), "share-unreadable"),
        (("1.1", "0", "0"), "share-unreadable"),
    ],
)
def test_invariant_3_what_is_no_share_is_refused(work, given, why) -> None:
    """Shares are numbers from 0 to 1 with at most four decimals, and together at most 1."""
    assert code(lambda: propose(work, *given)) == why
    assert not ShareProposal.objects.exists()


def test_only_the_opener_proposes_and_only_co_authors_answer(work) -> None:
    """Others are refused, an answer is given once, and a second proposal waits for the first."""
    first, second, _stranger = work
    assert code(lambda: propose(work, "0.5", "0.5", by=person(second))) == "not-the-opener"
    proposal = propose(work, "0.5", "0.5")
    assert code(lambda: propose(work, "0.4", "0.4")) == "share-proposal-open"
    for nobody in (person(first), factories.student()):
        assert (
            code(lambda who=nobody: shares.answer(proposal, accept=True, by=who, now=NOW))
            == "not-a-co-author"
        )
    shares.withdraw(proposal, by=person(first), now=NOW)
    answer = lambda: shares.answer(proposal, accept=True, by=person(second), now=NOW)  # noqa: E731
    assert code(answer) == "share-proposal-closed"
    assert (
        code(lambda: shares.contribution_for_participant(first.contribution_id, factories.student()))
        == "no-such-contribution"
    )


def test_invariant_3_a_share_in_a_submitted_claim_does_not_move(work) -> None:
    """Neither a proposal nor an answer nor SQL changes it; after the claim is withdrawn it can change."""
    first, second, _stranger = work
    opener = person(first)
    make.authorship(opener)
    proposal = propose(work, "0.5", "0.5")
    claim = open_draft(opener, make.round_(), now=NOW)
    submit(claim, by=opener, now=NOW)
    assert shares.load_shares(first.contribution).frozen
    assert code(lambda: shares.answer(proposal, accept=True, by=person(second), now=NOW)) == "share-frozen"
    with pytest.raises(DatabaseError), transaction.atomic():
        Authorship.objects.filter(pk=second.pk).update(share=Decimal("0.1"))
    withdraw(claim, by=opener, now=NOW)
    assert shares.answer(proposal, accept=True, by=person(second), now=NOW).status == "agreed"


def test_what_was_said_stays(work) -> None:
    """Consents and closed proposals cannot be changed, not even by SQL."""
    proposal = propose(work, "0.5", "0.5")
    shares.answer(proposal, accept=True, by=person(work[1]), now=NOW)
    for wrong in (
        lambda: proposal.consents.update(accepted=False),
        lambda: ShareProposal.objects.update(status="open"),
        lambda: ShareProposal.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            wrong()
