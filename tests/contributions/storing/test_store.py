"""Storing: each contribution once, no write without news, and no known fact lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import DataError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from credits.contributions.models import Authorship, CatalogueEntry, Contribution, Evidence, Repository
from credits.contributions.storing import store as storing
from credits.contributions.storing.db_rows import fingerprint_answer
from credits.contributions.storing.store import StoredCounts, store
from credits.forges.protocol import AccountOnForge, ChangedFile, MergedChange
from tests.contributions.scripted_forge import BOB, MERGED, change, repository
from tests.factories import NOW

pytestmark = pytest.mark.django_db
LATER = MERGED + timedelta(days=1)
TABLES = ("credits_repository", "credits_contribution", "credits_authorship", "credits_evidence")


def rows_as_they_lie() -> list[tuple]:
    """Return every row with its place and the transactions that wrote or locked it."""
    found = []
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT ctid::text, xmin::text, xmax::text, id FROM {table} ORDER BY id")
            found += [(table, *row) for row in cursor.fetchall()]
    return found


def test_a_contribution_is_stored_with_all_that_was_told():
    """Facts, file categories, repository, opener and evidence are stored as the forge returned them."""
    assert store("github", [change()], now=NOW) == StoredCounts(new=1)
    stored = Contribution.objects.select_related("repository").get()
    assert (stored.repository.forge, stored.repository.forge_id, stored.repository.stars) == (
        "github",
        "1",
        1200,
    )
    assert (stored.number, stored.title, stored.merged_at, stored.status) == (
        "1",
        "Fix part 1",
        MERGED,
        "merged",
    )
    assert (stored.additions, stored.deletions, stored.changed_files) == (30, 4, 2)
    assert stored.files == {
        "code": {"files": 1, "additions": 25, "deletions": 4},
        "tests": {"files": 1, "additions": 5, "deletions": 0},
    }
    assert (stored.labels, stored.merged_by_id_on_forge, stored.merged_by_login) == (
        ["bug"],
        "900",
        "maintainer",
    )
    part = stored.authorships.get()
    assert (part.forge, part.forge_user_id, part.role, part.share) == ("github", "101", "author", Decimal(1))
    assert stored.evidence.get().payload == {"title": "Fix part 1", "updatedAt": MERGED.isoformat()}


def test_invariant_2_a_contribution_that_two_accounts_find_is_stored_once():
    """A contribution that both opener and co-author lead to is stored once, with a part for each."""
    shared = change(co_authors=(BOB,))
    assert store("github", [shared], now=NOW) == StoredCounts(new=1)
    assert store("github", [replace(shared, found_by="link")], now=NOW) == StoredCounts(unchanged=1)
    stored = Contribution.objects.get()
    assert stored.found_by == "account"
    parts = {part.login: (part.role, part.share) for part in stored.authorships.all()}
    assert parts == {"alice": ("author", 1), "bob": ("co-author", 0)}


def test_an_unchanged_row_is_neither_written_nor_locked():
    """Storing the same answer again leaves every row in its place, with the transactions that wrote it."""
    changes = [change(number, co_authors=(BOB,)) for number in range(1, 30)]
    store("github", changes, now=NOW)
    before = rows_as_they_lie()
    assert store("github", changes, now=NOW + timedelta(days=1)) == StoredCounts(unchanged=29)
    assert rows_as_they_lie() == before


ANOTHER = {
    "kind": "issue",
    "status": "landed",
    "repository": repository(1, full_name="owner/renamed"),
    "author": BOB,
    "merged_by": None,
    "co_authors": (BOB,),
    "files": (),
    "labels": (),
    "created_at": LATER,
    "merged_at": LATER,
    "updated_at": LATER,
    "only_whitespace": True,
    "raw": {"title": "Fix part 1"},
    "additions": 31,
    "deletions": 31,
    "changed_files": 31,
}


@pytest.mark.parametrize("name", [field.name for field in fields(MergedChange) if field.name != "found_by"])
def test_invariant_9_another_answer_never_passes_for_the_same(name):
    """Any difference in an answer changes the fingerprint, and unknown differs from none."""
    before = change()
    after = replace(before, **{name: ANOTHER.get(name, "another")})
    assert fingerprint_answer(after) != fingerprint_answer(before)
    assert (
        fingerprint_answer(replace(before, found_by="link"))
        == fingerprint_answer(before)
        == fingerprint_answer(change())
    )
    if before.__getattribute__(name) in ((), None):
        unknown, none = replace(before, **{name: None}), replace(before, **{name: ()})
        assert fingerprint_answer(unknown) != fingerprint_answer(none)


def test_what_was_found_gone_comes_back_by_the_same_answer():
    """An unchanged answer makes a contribution that a recheck found gone merged again."""
    store("github", [change()], now=NOW)
    Contribution.objects.update(status=Contribution.Status.GONE)
    assert store("github", [change()], now=NOW) == StoredCounts(changed=1)
    assert Contribution.objects.get().status == "merged"


def test_what_changed_is_written_and_counted():
    """A new title counts as a change, keeps the time of the first collection, and leaves the old evidence."""
    store("github", [change(1), change(2)], now=NOW)
    renamed = change(1, title="Fix all", updated_at=LATER)
    again = store("github", [renamed, change(2), change(3)], now=NOW + timedelta(days=1))
    assert again == StoredCounts(new=1, changed=1, unchanged=1)
    stored = Contribution.objects.get(number="1")
    assert (stored.title, stored.updated_at, stored.collected_at) == ("Fix all", LATER, NOW)
    titles = stored.evidence.order_by("pk").values_list("payload__title", flat=True)
    assert list(titles) == ["Fix part 1", "Fix all"]


def test_an_old_answer_that_comes_late_replaces_nothing():
    """If two workers store out of order, the forge's latest answer wins."""
    store("github", [change(title="New", updated_at=LATER)], now=NOW)
    assert store("github", [change(title="Old")], now=NOW) == StoredCounts(unchanged=1)
    assert Contribution.objects.get().title == "New"


def test_invariant_9_what_was_known_never_becomes_unknown():
    """A later answer without some facts does not erase those that an earlier answer gave."""
    store("github", [change()], now=NOW)
    silent = repository(owner=None, stars=None, licence=None, language=None, is_fork=None, is_archived=None)
    vague = change(
        repository=silent,
        updated_at=LATER,
        additions=None,
        deletions=None,
        changed_files=None,
        files=None,
        labels=None,
        merge_commit=None,
        merged_by=None,
        co_authors=None,
    )
    store("github", [vague], now=NOW + timedelta(days=1))
    stored = Contribution.objects.select_related("repository").get()
    assert None not in (stored.additions, stored.deletions, stored.changed_files, stored.files, stored.labels)
    assert (stored.merge_commit, stored.merged_by_login) == (f"{1:040x}", "maintainer")
    assert (stored.repository.stars, stored.repository.licence, stored.repository.owner_login) == (
        1200,
        "Apache-2.0",
        "owner",
    )


def test_unknown_is_stored_as_unknown():
    """A fact that the forge did not give is NULL, not zero or empty; an empty one is empty."""
    store(
        "github",
        [change(1, additions=None, files=None, labels=None), change(2, labels=(), files=())],
        now=NOW,
    )
    unknown, empty = Contribution.objects.order_by("number")
    assert (unknown.additions, unknown.files, unknown.labels) == (None, None, None)
    assert (empty.files, empty.labels) == ({}, [])


@pytest.mark.parametrize("status", ["merged", "landed"])
def test_a_revert_that_was_seen_stays(status):
    """A later answer that still says merged does not undo a revert that was found."""
    store("github", [change(status=status)], now=NOW)
    Contribution.objects.update(status=Contribution.Status.REVERTED)
    assert store("github", [change(status=status)], now=NOW) == StoredCounts(unchanged=1)
    store("github", [change(status=status, updated_at=LATER)], now=NOW)
    assert Contribution.objects.get().status == "reverted"


def test_renames_change_labels_only():
    """A repository and a login with new names stay the same rows, by their immutable ids."""
    store("github", [change()], now=NOW)
    moved = repository(full_name="elsewhere/renamed", owner=AccountOnForge("501", "elsewhere"))
    store("github", [change(repository=moved, author=AccountOnForge("101", "alice2"))], now=NOW)
    assert Repository.objects.get().full_name == "elsewhere/renamed"
    assert Authorship.objects.get().login == "alice2"


def test_a_deleted_author_leaves_the_opener_in_place():
    """If the forge names nobody or a ghost after an account was deleted, the stored opener stays."""
    store("github", [change()], now=NOW)
    ghost = AccountOnForge("10137", "ghost", kind="ghost")
    store("github", [change(author=ghost, updated_at=LATER), change(2, author=None)], now=NOW)
    assert [(part.login, part.contribution.number) for part in Authorship.objects.all()] == [("alice", "1")]


def test_shares_that_were_agreed_on_stay():
    """Collecting again does not change the shares."""
    shared = change(co_authors=(BOB,))
    store("github", [shared], now=NOW)
    Authorship.objects.filter(login="alice").update(share=Decimal("0.6"))
    Authorship.objects.filter(login="bob").update(share=Decimal("0.4"))
    store("github", [replace(shared, title="New", updated_at=LATER)], now=NOW)
    shares = dict(Authorship.objects.values_list("login", "share"))
    assert shares == {"alice": Decimal("0.6"), "bob": Decimal("0.4")}


def test_numbers_are_by_repository_and_forge():
    """The same number in another repository, or on another forge, is another contribution."""
    store("github", [change(1), change(1, repository=repository(2))], now=NOW)
    store("gitee", [change(1)], now=NOW)
    assert Contribution.objects.count() == 3


def test_text_that_a_database_cannot_keep_is_stored_without_it():
    """NUL characters and broken surrogates in titles, labels and answers do not stop the store."""
    nasty = "a\0b\ud800 \\u0000 '\";--\t\n\\N 中文"
    nasty_change = change(title=nasty, labels=(nasty,), raw={"title": nasty, "deep": [nasty]})
    store("github", [nasty_change], now=NOW)
    stored = Contribution.objects.get()
    assert stored.title.startswith("a\ufffdb? ")
    assert stored.title.endswith("中文")
    assert store("github", [nasty_change], now=NOW) == StoredCounts(unchanged=1)


def test_what_no_column_holds_is_refused_whole():
    """A URL that is too long or a number that is too large stores nothing, instead of a cut value."""
    too_long = change(2, url="https://forge.example/" + "x" * 500)
    too_many = change(2, additions=2**40)
    for unfit in (too_long, too_many):
        with pytest.raises(DataError), transaction.atomic():
            store("github", [change(1), unfit], now=NOW)
    assert not Contribution.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_storing_needs_the_callers_transaction():
    """Contributions are never stored without the transaction that moves the cursor."""
    with pytest.raises(RuntimeError):
        store("github", [change()], now=NOW)


def test_chunks_make_no_difference(monkeypatch):
    """More changes than a chunk are stored all the same, also if one change comes in two chunks."""
    monkeypatch.setattr(storing, "CHUNK_SIZE", 3)
    changes = [change(number) for number in (1, 2, 3, 4, 5, 1, 6)]
    assert store("github", iter(changes), now=NOW) == StoredCounts(new=6, unchanged=1)


def test_the_number_of_queries_does_not_grow(django_assert_num_queries):
    """Two hundred contributions take as many statements as one."""
    store("github", [change(1)], now=NOW)
    many = [change(number) for number in range(2, 202)]
    with django_assert_num_queries(12):  # five of them COPY, two a savepoint
        store("github", many, now=NOW)
    with django_assert_num_queries(6):
        store("github", many, now=NOW)
    with django_assert_num_queries(11):
        store("github", [replace(item, title="New", updated_at=LATER) for item in many], now=NOW)


def test_a_catalogue_entry_takes_hold_of_its_repository():
    """Once its repository is seen, a catalogue entry follows it by id, whatever its name."""
    entry = CatalogueEntry.objects.create(forge="github", full_name="Owner/Project1", tier="A")
    store("github", [change()], now=NOW)
    entry.refresh_from_db()
    assert entry.forge_id == "1"


@pytest.mark.django_db(transaction=True)
def test_invariant_2_two_workers_with_the_same_changes_store_them_once():
    """Four workers that store the same changes in different orders at once neither double nor deadlock."""
    changes = [change(number, repository=repository(number % 3), co_authors=(BOB,)) for number in range(60)]
    start = Barrier(4)

    def work(turn: int) -> int:
        mine = changes[turn * 15 :] + changes[: turn * 15]
        start.wait()
        try:
            with transaction.atomic():
                return store("github", mine, now=NOW).new
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        new = list(pool.map(work, range(4)))
    assert sum(new) == 60
    assert Contribution.objects.count() == Evidence.objects.count() == 60
    assert Authorship.objects.count() == 120


answers = st.builds(
    lambda number, minutes, word, lines: change(
        number,
        title=word,
        updated_at=MERGED + timedelta(minutes=minutes),
        additions=lines,
        files=(ChangedFile("a.py", lines, 0),),
    ),
    number=st.integers(1, 3),
    minutes=st.integers(0, 5),
    word=st.sampled_from(["one", "two"]),
    lines=st.integers(0, 3),
)


@given(
    given_answers=st.lists(answers, max_size=8, unique_by=lambda answer: (answer.number, answer.updated_at)),
    data=st.data(),
)
def test_order_and_repetition_make_no_difference(given_answers, data):
    """The result is the same in whatever pages, order and repetition the answers come."""
    order = data.draw(
        st.permutations(given_answers + given_answers[: data.draw(st.integers(0, len(given_answers)))])
    )
    cuts = data.draw(st.integers(1, 4))
    with transaction.atomic():
        for start in range(0, len(order), cuts):
            store("github", order[start : start + cuts], now=NOW)
        rows = {
            stored.number: (stored.title, stored.updated_at, stored.additions, stored.files)
            for stored in Contribution.objects.all()
        }
        evidence = Evidence.objects.count()
        transaction.set_rollback(True)
    newest = {answer.number: answer for answer in sorted(given_answers, key=lambda answer: answer.updated_at)}
    assert rows == {
        number: (
            answer.title,
            answer.updated_at,
            answer.additions,
            {"code": {"files": 1, "additions": answer.additions, "deletions": 0}},
        )
        for number, answer in newest.items()
    }
    assert evidence <= len({(answer.number, answer.title, answer.updated_at) for answer in given_answers})
