"""What the database refuses for contributions, whatever code writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from credits.contributions.models import Authorship, Contribution, Evidence, Repository
from credits.contributions.storing.store import store
from tests.contributions.scripted_forge import BOB, change
from tests.factories import NOW


def check_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def shared(db) -> Contribution:
    store("github", [change(co_authors=(BOB,))], now=NOW)
    return Contribution.objects.get()


@pytest.mark.django_db
def test_invariant_3_shares_add_up_to_one_at_most(shared):
    """Shares that add up to more than 1 are refused at the end of the transaction."""
    Authorship.objects.filter(login="bob").update(share=Decimal("0.3"))
    with pytest.raises(IntegrityError, match=r"add up to 1\.3"), transaction.atomic():
        check_now()
    transaction.set_rollback(True)


@pytest.mark.django_db
def test_invariant_3_a_share_may_pass_over_in_two_steps(shared):
    """Only the sum at the end of the transaction counts, in whichever order shares are written."""
    with transaction.atomic():
        Authorship.objects.filter(login="bob").update(share=Decimal("0.3"))
        Authorship.objects.filter(login="alice").update(share=Decimal("0.7"))
        check_now()


@pytest.mark.django_db(transaction=True)
def test_invariant_3_two_at_once_do_not_share_out_more_than_the_whole():
    """Two transactions that raise two co-authors' shares at the same moment cannot both pass the check."""
    with transaction.atomic():
        store("github", [change(co_authors=(BOB,))], now=NOW)
        Authorship.objects.filter(login="alice").update(share=Decimal("0.5"))
        contribution = Contribution.objects.get()
        Authorship.objects.create(
            contribution=contribution,
            forge="github",
            forge_user_id="103",
            login="carol",
            role="co-author",
            share=0,
        )
    start = Barrier(2)

    def raise_share(login: str) -> bool:
        try:
            with transaction.atomic():
                Authorship.objects.filter(login=login).update(share=Decimal("0.5"))
                start.wait()
        except IntegrityError:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(raise_share, ["bob", "carol"])) == [False, True]


@pytest.mark.django_db
def test_evidence_is_never_changed(shared):
    """Evidence cannot be changed, not even by plain SQL."""
    with pytest.raises(IntegrityError, match="kept as it was"), transaction.atomic():
        Evidence.objects.update(payload={})


@pytest.mark.django_db
def test_evidence_goes_only_with_its_contribution(shared):
    """Evidence can be deleted only together with its contribution."""
    with transaction.atomic():
        Evidence.objects.all().delete()
        with pytest.raises(IntegrityError, match="together with"), transaction.atomic():
            check_now()
        transaction.set_rollback(True)
    with transaction.atomic():
        Authorship.objects.all().delete()
        shared.delete()
        check_now()
    assert not Evidence.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "changed"),
    [
        (Contribution, {"number": "2"}),
        (Contribution, {"collected_at": NOW.replace(year=2024)}),
        (Repository, {"forge_id": "2"}),
        (Authorship, {"forge_user_id": "999"}),
    ],
)
def test_identities_never_change(shared, model, changed):
    """The columns that identify a row cannot be changed."""
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        model.objects.filter(pk=model.objects.order_by("pk").first().pk).update(**changed)
