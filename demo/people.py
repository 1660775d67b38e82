"""The made-up people of the demo, and which accounts of the local forge are theirs.

The accounts are pseudonyms from the carried data; that these students own them is invented.
"""

from __future__ import annotations

from dataclasses import dataclass

PASSWORD = "demo-yuanfen"


@dataclass(frozen=True, slots=True)
class Staff:
    username: str
    name: str
    role: str
    department: str = ""
    shown: bool = True
    """Whether the sign-in page offers this person."""


@dataclass(frozen=True, slots=True)
class Student:
    """``part`` is what the story has them do: see demo/story.py."""

    student_number: str
    part: str
    github: str = ""
    gitee: str = ""
    username: str = ""


STAFF = (
    Staff("instructor", "何示范（审核教师）", "instructor", "软件学院"),
    Staff("instructor2", "吕示范（审核教师）", "instructor", "计算机学院", shown=False),
    Staff("registrar", "施示范（教务处）", "registrar"),
    Staff("steward", "张示范（规则管理员）", "steward"),
    Staff("steward2", "孔示范（规则管理员）", "steward", shown=False),
    Staff("admin", "曹示范（系统管理员）", "admin"),
)

STUDENTS = (
    Student("0023001", "to-claim", github="cedar-hare-3080", gitee="yarrow-bison-1143", username="student"),
    Student("0022002", "recorded", github="ember-dove-1322", gitee="grove-wren-1109"),
    Student("0022003", "recorded", github="xenon-wren-9664", gitee="willow-crane-8114"),
    Student("0021004", "recorded", github="fjord-whale-1511", gitee="sable-lynx-9232"),
    Student("0023005", "recorded", github="tern-ibex-9515"),
    Student("0021006", "recorded", gitee="birch-dove-9658"),
    Student("0024007", "recorded", github="zephyr-viper-6845"),
    Student("0022008", "reduced", gitee="juniper-tiger-5556"),
    Student("0021009", "recorded", github="cedar-finch-1978", gitee="maple-auk-6081"),
    Student("0024010", "waiting", github="xenon-stork-4359"),
    Student("0023011", "waiting", github="lotus-carp-6957"),
    Student("0022012", "hearing", gitee="heron-raven-777"),
    Student("0022013", "notice", github="pine-lynx-640", gitee="maple-egret-8054"),
    Student("0022014", "ready", github="karst-hare-7187", gitee="karst-egret-9656"),
    Student("0025015", "new"),
)

SHOWN = ("student", *(person.username for person in STAFF if person.shown))
"""Usernames that the sign-in page offers."""
