"""The made-up people of the demo, and their accounts on the local forge.

The accounts are pseudonyms from the included data. That these students own them is invented.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "demo-yuanfen"


@dataclass(frozen=True, slots=True)
class DemoStaff:
    username: str
    name: str
    role: str
    department: str = ""


@dataclass(frozen=True, slots=True)
class DemoStudent:
    """A student. ``part`` says what the student does in the story (demo/story.py)."""

    student_number: str
    part: str
    github: str
    gitee: str
    username: str


STAFF = (
    DemoStaff("instructor", "何示范", "instructor", "软件学院"),
    DemoStaff("instructor2", "吕示范", "instructor", "计算机学院"),
    DemoStaff("registrar", "施示范", "registrar"),
    DemoStaff("steward", "张示范", "steward"),
    DemoStaff("steward2", "孔示范", "steward"),
    DemoStaff("admin", "曹示范", "admin"),
)

with (Path(__file__).parent / "data" / "students.csv").open(encoding="utf-8") as _file:
    STUDENTS = tuple(DemoStudent(**row) for row in csv.DictReader(_file))

PARTS_ON_SIGN_IN_PAGE = ("to-claim", "hearing", "recorded")
"""The sign-in page offers the first student with each of these parts, because each of them sees different pages."""

SIGN_IN_USERNAMES = (
    *(
        next(student.username or student.student_number for student in STUDENTS if student.part == part)
        for part in PARTS_ON_SIGN_IN_PAGE
    ),
    *(member.username for member in STAFF),
)
"""Usernames that the sign-in page offers."""
