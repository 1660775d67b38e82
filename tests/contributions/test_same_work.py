"""The same work is found across forges and forks, and claimed once (invariant 2)."""

from __future__ import annotations

import pytest

from credits.claims.application.draft import add_item, open_draft
from credits.claims.application.submit import submit
from credits.claims.assessment.double_claims import claimed_elsewhere, same_patch_of_others
from credits.claims.assessment.estimate import claimable_shares
from credits.claims.review import review
from credits.contributions import same_work
from credits.contributions.models import Contribution
from credits.contributions.storing.store import store
from credits.errors import Conflict
from credits.forges.protocol import AccountOnForge, ChangedFile
from tests import credit_factories as make
from tests import factories
from tests.contributions.scripted_forge import change, repository
from tests.factories import NOW

pytestmark = pytest.mark.django_db

FILES = (ChangedFile("src/engine.py", 40, 10), ChangedFile("tests/test_engine.py", 20, 0))


def stored(forge: str, number: int, **facts: object) -> Contribution:
    """Store a change as collecting does."""
    home = repository(number, full_name=str(facts.pop("full_name", f"owner{number}/project")))
    files = facts.pop("files", FILES)
    changed = change(number, repository=home, files=files, changed_files=len(files), **facts)  # type: ignore[arg-type]
    store(forge, [changed], now=NOW)
    return Contribution.objects.get(repository__forge=forge, number=str(number))


def groups(*contributions: Contribution) -> dict[str, set[str]]:
    found = same_work.siblings(contribution.pk for contribution in contributions)
    numbers = dict(Contribution.objects.values_list("pk", "number"))
    return {
        numbers[root]: {numbers[sibling.contribution] for sibling in siblings}
        for root, siblings in found.items()
    }


def test_a_mirror_on_the_other_forge_is_the_same_work() -> None:
    """Mirrors match by merge commit if both have it, else by paths and counts; a third one in between links two."""
    first = stored("github", 1, merge_commit="a" * 40)
    mirror = stored("gitee", 2, merge_commit=None, title="另一个标题")
    fork = stored("github", 3, merge_commit="a" * 40, files=(ChangedFile("other.py", 1, 0),))
    stored("github", 4, files=(ChangedFile("unlike.py", 90, 0),))
    assert groups(first, mirror, fork) == {"1": {"2", "3"}, "2": {"1", "3"}, "3": {"1", "2"}}
    siblings = same_work.siblings([first.pk])[first.pk]
    by_key = {sibling.contribution: sibling.exact for sibling in siblings}
    assert by_key == {mirror.pk: False, fork.pk: True}


def test_what_differs_in_its_diff_is_not_the_same() -> None:
    """If both forges gave the diff, equal counts are not enough, and an equal diff is, whatever the counts."""
    first = stored("gitee", 1, merge_commit=None, patch_id="diff:1")
    second = stored("gitee", 2, merge_commit=None, patch_id="diff:2")
    third = stored(
        "gitee", 3, merge_commit=None, patch_id="diff:1", files=(ChangedFile("src/engine.py", 41, 9),)
    )
    assert groups(first, second, third) == {"1": {"3"}, "3": {"1"}}


def test_a_version_bump_is_not_the_one_before() -> None:
    """Short changes with the same paths, counts and title are different work in one repository, and the same work
    in a repository of the same name elsewhere.
    """
    bump = (ChangedFile("version.py", 1, 1),)
    here = repository(1, full_name="owner/project")
    for number in (1, 2):
        bumped = change(number, repository=here, files=bump, changed_files=1, title="Bump version")
        store("github", [bumped], now=NOW)
    first, second = Contribution.objects.order_by("number")
    assert groups(first, second) == {}
    mirror = stored(
        "gitee", 9, full_name="mirror/project", merge_commit=None, files=bump, title="Bump version"
    )
    assert groups(mirror) == {"9": {"1", "2"}}


def twins(student, other=None, **facts):
    """Store the same work by its patch in two places, one on each forge."""
    first = make.contribution(files_id="files:1", merge_commit="1" * 40, **facts)
    second = make.contribution(make.repository(forge="gitee"), files_id="files:1", merge_commit=None)
    return make.authorship(student, first), make.authorship(other or student, second)


def test_invariant_2_the_same_patch_of_one_person_earns_once() -> None:
    """It is preselected once, and cannot be added again to this claim or to a later one."""
    student = factories.student()
    first, second = twins(student)
    make.authorship(student)
    round_ = make.round_()
    assert len(claimable_shares(student, round_)) == 2
    claim = open_draft(student, round_, now=NOW)
    kept = claim.items.filter(authorship__in=[first, second]).get().authorship
    left = second if kept == first else first
    with pytest.raises(Conflict) as refused:
        add_item(claim, left, by=student, now=NOW)
    assert refused.value.code == "same-work-twice"
    submit(claim, by=student, now=NOW)
    assert set(claimed_elsewhere([left])) == {left.pk}
    later = open_draft(student, make.round_(), now=NOW)
    with pytest.raises(Conflict) as refused:
        add_item(later, left, by=student, now=NOW)
    assert refused.value.code == "already-claimed"


def test_invariant_2_the_same_merge_commit_earns_once_whoever_claims_it() -> None:
    """One commit is one piece of work, even if its pull requests belong to two people."""
    first_student, other = factories.student(), factories.student()
    make.authorship(first_student, make.contribution(merge_commit="f" * 40))
    twin = make.authorship(other, make.contribution(make.repository(forge="gitee"), merge_commit="f" * 40))
    round_ = make.round_()
    submit(open_draft(first_student, round_, now=NOW), by=first_student, now=NOW)
    assert set(claimed_elsewhere([twin])) == {twin.pk}


def test_pull_requests_that_were_rolled_up_into_one_merge_are_for_a_person_to_judge() -> None:
    """If one commit merged many pull requests, GitHub names it for each: two students may both apply, and the
    reviewer gets a hint. The same change twice is still refused.
    """
    first_student, other, third = factories.student(), factories.student(), factories.student()
    rolled = make.repository()
    make.authorship(first_student, make.contribution(rolled, merge_commit="f" * 40, additions=40))
    beside = make.authorship(other, make.contribution(rolled, merge_commit="f" * 40, additions=7))
    double = make.authorship(third, make.contribution(rolled, merge_commit="f" * 40, additions=40))
    round_ = make.round_()
    submit(open_draft(first_student, round_, now=NOW), by=first_student, now=NOW)
    assert set(claimed_elsewhere([beside, double])) == {double.pk}
    submit(open_draft(other, round_, now=NOW), by=other, now=NOW)
    assert [len(places) for places in same_patch_of_others(other.claims.get()).values()] == [1]


def test_invariant_2_the_same_patch_of_two_people_needs_a_persons_words() -> None:
    """Both students may apply, because a machine cannot say whose work it is. The reviewer of the second gets a
    hint, cannot approve it in bulk, and must explain why it counts as well.
    """
    first_student, other = factories.student(), factories.student()
    twins(first_student, other)
    round_ = make.round_()
    for person in (first_student, other):
        make.authorship(person)
        submit(open_draft(person, round_, now=NOW), by=person, now=NOW)
    first, second = first_student.claims.get(), other.claims.get()
    assert [len(places) for places in same_patch_of_others(second).values()] == [1]
    assert not review.is_undisputed(second)
    reviewer = make.reviewer_of(second)
    with pytest.raises(Conflict) as refused:
        review.decide(second, {}, by=reviewer, now=NOW)
    assert refused.value.code == "same-work-of-another"
    ref = next(
        ref for ref in (item["ref"] for item in second.facts["contributions"]) if ref.startswith("gitee")
    )
    made = review.decide(second, {ref: {"reason": "Written together, see the thread."}}, by=reviewer, now=NOW)
    assert made.verdict == "approve"
    assert first.items.count() == 2


def test_a_student_is_shown_their_own_other_place_only() -> None:
    """A student does not see another student's unclaimed work."""
    first_student, other = factories.student(), factories.student()
    first, second = twins(first_student, other)
    assert same_work.own_sibling_contributions([first.contribution_id], first_student) == {}
    make.authorship(first_student, second.contribution, role="co-author")
    assert same_work.own_sibling_contributions([first.contribution_id], first_student) == {
        first.contribution_id: [second.contribution]
    }


def test_siblings_are_found_in_one_query(django_assert_num_queries) -> None:
    """Siblings of any number of contributions are found in one query."""
    keys = [stored("github", number, author=AccountOnForge(str(number), "x")).pk for number in range(1, 6)]
    with django_assert_num_queries(1):
        assert len(same_work.siblings(keys)) == 5
