"""A small university for the journeys: its people can sign in, and its rulebook is the one in ``rulebooks/``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import Department, Term, User
from credits.claims.models import Round
from credits.claims.rounds import open_round
from credits.contributions.catalogue import import_catalogue
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import propose, publish
from tests import factories
from tests.journeys.visitor import PASSWORD

HOUSE = Path(settings.BASE_DIR)
RULEBOOK = HOUSE / "rulebooks" / "open-source-practice.yaml"
GITHUB, GITEE = "cedar-hare-3080", "yarrow-bison-1143"
"""Logins on the local forge with enough merged contributions for credit."""


@dataclass(frozen=True)
class University:
    """``newcomer`` is a student without linked accounts; the instructor belongs to the same college."""

    college: Department
    term: Term
    version: RulebookVersion
    round: Round
    newcomer: User
    other_student: User
    instructor: User
    registrar: User
    steward: User
    second_steward: User
    admin: User


def found(*, now: datetime) -> University:
    """Make the university: the middle of a term, and a round open for applications for eight more days and for
    recording from today on."""
    college = factories.department("软件学院")
    registrar = factories.registrar(username="registrar", name="施登记", password=PASSWORD)
    steward = factories.steward(username="steward", name="张规则", password=PASSWORD)
    second = factories.steward(username="steward2", name="孔规则", password=PASSWORD)
    term = factories.term(
        "this-term",
        name_zh="本学期",
        name_en="This term",
        starts_on=timezone.localdate(now) - timedelta(days=40),
        ends_on=timezone.localdate(now) + timedelta(days=100),
    )
    proposed = propose(RULEBOOK.read_text(encoding="utf-8"), by=steward, now=now - timedelta(days=9))
    version = publish(proposed.rulebook.code, by=second, now=now - timedelta(days=8))
    with (HOUSE / "demo" / "data" / "catalogue.csv").open("rb") as file:
        import_catalogue(file, by=registrar, now=now)
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return University(
        college=college,
        term=term,
        version=version,
        round=open_round(
            code="this-round",
            term=term,
            name_zh="本批次认定",
            name_en="This round",
            rulebooks=[version],
            apply_from=midnight - timedelta(days=1),
            apply_until=midnight + timedelta(days=8),
            review_until=midnight + timedelta(days=30),
            record_from=midnight,
            record_until=midnight + timedelta(days=90),
            by=registrar,
            now=now - timedelta(days=2),
        ),
        newcomer=_student("lin", "林小溪", "0023001", college),
        other_student=_student("wu", "吴远", "0023002", college),
        instructor=factories.instructor(college, username="instructor", name="何审核", password=PASSWORD),
        registrar=registrar,
        steward=steward,
        second_steward=second,
        admin=factories.admin(username="admin", name="曹管理", password=PASSWORD),
    )


def _student(username: str, name: str, number: str, college: Department) -> User:
    return factories.student(
        username=username,
        name=name,
        password=PASSWORD,
        student_number=number,
        programme=factories.programme("软件工程", college=college),
        enrolled_on=date(2015, 9, 1),
    )
