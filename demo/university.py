"""The made-up university: people, terms, recognised repositories, rulebook and rounds, all made with the real verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from accounts.identity import linking
from accounts.models import Department, Enrolment, StaffRole, Term, User
from accounts.people.roster import import_roster
from credits.claims.models import Round
from credits.claims.rounds import open_round
from credits.contributions.catalogue import import_catalogue
from credits.rulebooks.models import RulebookVersion
from credits.rulebooks.versions import propose, publish
from demo import people

DATA = Path(__file__).parent / "data"
RULEBOOKS = Path(settings.BASE_DIR) / "rulebooks"
LAST, THIS_ROUND = "demo-last", "demo-this"
"""Codes of the round that is over and of the open round."""

# The story begins this long ago, so that none of it lies in the future.
STORY_AGE = timedelta(days=80)


def staff(username: str) -> User:
    return User.objects.get(username=username)


def student(student_number: str) -> User:
    return User.objects.get(enrolments__student_number=student_number)


def create_university(*, now: datetime) -> None:
    """Create the university as it was when the story began: people, terms, rulebook, catalogue, links and rounds."""
    began = now - STORY_AGE
    with transaction.atomic():
        create_people(now=began)
    registrar, steward, other_steward = staff("registrar"), staff("steward"), staff("steward2")
    last, this = _create_terms(now=now)
    for name in ("open-source-practice", "ects-unit"):
        proposed = propose((RULEBOOKS / f"{name}.yaml").read_text(encoding="utf-8"), by=steward, now=began)
        publish(proposed.rulebook.code, by=other_steward, now=began + timedelta(hours=1))
    with (DATA / "catalogue.csv").open("rb") as file:
        import_catalogue(file, by=registrar, now=began + timedelta(hours=2))
    for demo_student in people.STUDENTS:
        for forge, login in (("github", demo_student.github), ("gitee", demo_student.gitee)):
            if login:
                linking.attest(
                    demo_student.student_number,
                    forge,
                    login,
                    by=registrar,
                    reason="演示数据：虚构的关联 (demo data: an invented link)",
                    now=began + timedelta(hours=3),
                )
    _open_rounds(last, this, by=registrar, now=now)


def create_people(*, now: datetime) -> None:
    """Create only the people: students from the roster, and the staff with their roles."""
    with (DATA / "roster.csv").open("rb") as file:
        import_roster(file, "roster.csv", by=None, now=now)
    # Hash once for all: everybody has the same password, and hashing is slow on purpose.
    password = make_password(people.PASSWORD)
    User.objects.update(password=password)
    for demo_student in people.STUDENTS:
        if demo_student.username:
            student_users = User.objects.filter(enrolments__student_number=demo_student.student_number)
            student_users.update(username=demo_student.username)
    for member in people.STAFF:
        user = User.objects.create(
            username=member.username,
            name=member.name,
            email=f"{member.username}@demo.example",
            password=password,
        )
        department = Department.objects.get(name=member.department) if member.department else None
        StaffRole.objects.create(user=user, role=member.role, department=department)


def _create_terms(*, now: datetime) -> tuple[Term, Term]:
    today = timezone.localdate(now)
    last = Term.objects.create(
        code="demo-term-1",
        name_zh="上一学期（演示）",
        name_en="Last term (demo)",
        starts_on=today - timedelta(days=200),
        ends_on=today - timedelta(days=31),
    )
    this = Term.objects.create(
        code="demo-term-2",
        name_zh="本学期（演示）",
        name_en="This term (demo)",
        starts_on=today - timedelta(days=30),
        ends_on=today + timedelta(days=110),
    )
    return last, this


def _open_rounds(last: Term, this: Term, *, by: User, now: datetime) -> tuple[Round, Round]:
    version = RulebookVersion.objects.get(rulebook__code="open-source-practice", status="published")
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)

    def day(offset: int) -> datetime:
        return midnight + timedelta(days=offset)

    finished_round = open_round(
        code=LAST,
        term=last,
        name_zh="上一批次认定（演示）",
        name_en="Last round (demo)",
        apply_from=day(-75),
        apply_until=day(-65),
        review_until=day(-50),
        record_from=day(-60),
        record_until=day(-31),
        rulebooks=[version],
        by=by,
        now=day(-78),
    )
    current_round = open_round(
        code=THIS_ROUND,
        term=this,
        name_zh="本批次认定（演示）",
        name_en="This round (demo)",
        apply_from=day(-25),
        apply_until=day(+20),
        review_until=day(+35),
        record_from=day(-10),
        record_until=day(+60),
        rulebooks=[version],
        by=by,
        now=day(-28),
    )
    return finished_round, current_round


def enrolment(student_number: str) -> Enrolment:
    return Enrolment.objects.select_related("user").get(student_number=student_number)
