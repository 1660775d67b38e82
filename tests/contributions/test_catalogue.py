"""The catalogue of recognised repositories."""

from __future__ import annotations

import io

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from credits.contributions.catalogue import CatalogueReport, import_catalogue, tiers_of
from credits.contributions.models import CatalogueEntry, Repository
from credits.contributions.storing.store import store
from credits.errors import CreditsError
from tests.contributions.scripted_forge import change, repository
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def imported(text: str, encoding: str = "utf-8") -> CatalogueReport:
    return import_catalogue(io.BytesIO(text.encode(encoding)), by=None, now=NOW)


def test_entries_are_added_changed_and_kept():
    """A second file changes tiers, adds entries, and leaves those it does not name; each import is in the audit log."""
    imported("forge,repository,tier\ngithub,owner/a,A\ngitee,owner/b,B\n")
    report = imported("tier,forge,repository\nS,github,Owner/A\nC,github,owner/c\n")
    assert (report.changed, report.added, report.left) == (
        ["github:owner/a"],
        ["github:owner/c"],
        ["gitee:owner/b"],
    )
    tiers = dict(CatalogueEntry.objects.values_list("full_name", "tier"))
    assert tiers == {"owner/a": "S", "owner/b": "B", "owner/c": "C"}
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["catalogue-imported"] * 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_spreadsheets_chinese_file_is_understood(encoding):
    """A file may have Chinese headings, with a byte order mark or in the encoding of Chinese spreadsheets."""
    assert imported("平台,仓库,等级\r\ngitee,owner/b,一类\r\n", encoding).added == ["gitee:owner/b"]
    assert CatalogueEntry.objects.get().tier == "一类"


def test_one_refused_row_leaves_everything_as_it_was():
    """Every fault is reported with its row, and nothing is applied."""
    report = imported(
        "forge,repository,tier\n"
        "github,owner/a,A\n"
        "nowhere,owner/b,B\n"
        "github,not a name,B\n"
        "github,OWNER/A,B\n"
        "github,owner/c,\n"
        f"github,owner/d,{'x' * 41}\n"
    )
    assert [(cell.row, cell.column) for cell in report.refused] == [
        (3, "forge"),
        (4, "repository"),
        (5, "repository"),
        (6, "tier"),
        (7, "tier"),
    ]
    assert not CatalogueEntry.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"forge,tier\ngithub,A\n", "columns-missing"),
        (b"", "columns-missing"),
        (b"\0\0\0", "file-unreadable"),
        (b"\xff\xff\xff", "file-unreadable"),
        (b"x" * 5_300_000, "file-too-large"),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(content, code):
    """An unreadable file gives one sentence."""
    with pytest.raises(CreditsError) as refused:
        import_catalogue(io.BytesIO(content), by=None, now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("seen_first", [True, False])
def test_the_tier_goes_with_the_repository_through_a_rename(seen_first):
    """Whether the repository or the entry came first, the tier follows the repository by id; a repository that
    takes over the old name does not get the tier.
    """
    catalogue = "forge,repository,tier\ngithub,owner/project1,A\n"
    if not seen_first:
        imported(catalogue)
    with transaction.atomic():
        store("github", [change()], now=NOW)
        if seen_first:
            imported(catalogue)
        renamed = repository(1, full_name="owner/renamed")
        usurper = repository(2, full_name="owner/project1")
        store("github", [change(2, repository=renamed), change(3, repository=usurper)], now=NOW)
    followed, other = Repository.objects.order_by("forge_id")
    assert tiers_of([followed, other]) == {followed.pk: "A", other.pk: None}


def test_tiers_of_many_repositories_cost_one_query(django_assert_num_queries):
    """The repositories of a claim are looked up together."""
    imported("forge,repository,tier\ngithub,owner/project3,B\n")
    store("github", [change(1, repository=repository(number)) for number in range(5)], now=NOW)
    repositories = list(Repository.objects.order_by("full_name"))
    with django_assert_num_queries(1):
        tiers = tiers_of(repositories)
    assert [tiers[repository.pk] for repository in repositories] == [None, None, None, "B", None]
