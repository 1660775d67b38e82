"""The demo's whole process, run as a user runs it, compared with totals that are computed from the data files alone."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.exceptions import ImproperlyConfigured

from demo.addresses import web_port
from tests import databases
from tests.profiles import LONG

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "demo" / "data"
BEIJING = "+08:00"
GENERATED = re.compile(r"(\.lock|\.min\.js|_pb2\.py|package-lock\.json)$|(^|/)(3rdparty|third_party|dist)/")


def two_free_ports() -> int:
    """Return a port that is free together with the next one."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def run(command: list[str], folder: Path, port: int | str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH", "HOME", "LANG"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(folder), "PORT": str(port), "LANG": "en_GB.UTF-8"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )


def still_running(folder: Path) -> list[str]:
    """Return the command lines of processes that work in the demo's folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [
                *process.cmdline(),
                *(f"{k}={v}" for k, v in process.environ().items() if k == "DATA_DIR"),
            ]
        except (psutil.Error, OSError):
            continue
        if any(str(folder) in word for word in words):
            found.append(" ".join(process.cmdline()))
    return found


class ExpectedTotals:
    """The expected results, computed from the demo's rows and the rulebook's published numbers by separate code: base
    5, 1/2/3 for more than 20/100/500 lines outside generated files, at most half from one repository if there are two,
    16 points for half a credit, 2 credits a term."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        with (DATA / "changes.jsonl").open(encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                self.rows[row["forge"], row["author"]["login"]].append(row)
        with (DATA / "students.csv").open(encoding="utf-8") as file:
            self.students = list(csv.DictReader(file))
        with (DATA / "roster.csv").open(encoding="utf-8") as file:
            self.enrolled = {row["student_number"]: row["enrolled_on"] for row in csv.DictReader(file)}

    def work_of(self, student: dict[str, str]) -> list[dict[str, Any]]:
        logins = [(forge, student[forge]) for forge in ("github", "gitee") if student[forge]]
        return [row for login in logins for row in self.rows[login]]

    def contributions(self) -> dict[str, int]:
        return dict(sorted(Counter(row["forge"] for s in self.students for row in self.work_of(s)).items()))

    def points(self, student: dict[str, str]) -> list[tuple[str, int]]:
        enrolled = datetime.fromisoformat(f"{self.enrolled[student['student_number']]}T00:00:00{BEIJING}")
        counted = []
        for row in self.work_of(student):
            lines = sum(
                f["additions"] + f["deletions"] for f in row["files"] if not GENERATED.search(f["path"])
            )
            if datetime.fromisoformat(row["merged_at"]) >= enrolled and lines > 0:
                bonus = (lines > 20) + (lines > 100) + (lines > 500)
                counted.append((f"{row['forge']}/{row['repo']}", 5 + bonus))
        if student["part"] == "reduced":
            counted.remove(max(counted, key=lambda repository_points: repository_points[1]))
        return counted

    def credit(self, student: dict[str, str]) -> Decimal:
        by_repository: Counter[str] = Counter()
        for repository, points in self.points(student):
            by_repository[repository] += points
        total = Decimal(by_repository.total())
        if len(by_repository) > 1:
            total = sum((min(Decimal(p), total / 2) for p in by_repository.values()), Decimal(0))
        return min(Decimal("0.5") * int(total // 16), Decimal(2))

    def posted(self) -> dict[str, Decimal]:
        return {
            s["student_number"]: credit
            for s in self.students
            if s["part"] in {"recorded", "reduced"} and (credit := self.credit(s)) > 0
        }


@pytest.mark.long
@pytest.mark.timeout(400)
def test_the_demo_comes_to_the_totals_that_the_data_file_gives(tmp_path: Path) -> None:
    """`manage.py demo --no-serve` processes real pull requests from collection to the ledger. Its totals, export and
    ledger equal those computed from the files; a second run keeps them; no process is left running. (``make soak``
    begins with an empty folder.)"""
    if not LONG:
        databases.copy_cluster(tmp_path)
    expected, port = ExpectedTotals(), two_free_ports()
    first = run(["demo", "--no-serve", "--json"], tmp_path, port)
    assert first.returncode == 0, first.stderr
    totals = json.loads(first.stdout)
    posted = expected.posted()
    assert totals["students"] == len(expected.students)
    assert totals["accounts_linked"] == {
        forge: sum(1 for s in expected.students if s[forge]) for forge in ("gitee", "github")
    }
    assert totals["contributions"] == expected.contributions()
    assert totals["claims"] == {"hearing": 1, "notice": 2, "recorded": 8, "submitted": 2}
    assert Decimal(totals["credits_posted"]) == sum(posted.values())
    assert totals["ledger"]["holds"] is True

    with Path(totals["export"]).open(encoding="utf-8-sig", newline="") as file:
        exported = {row["学号 student_number"]: Decimal(row["学分 credit"]) for row in csv.DictReader(file)}
    assert exported == posted

    second = run(["demo", "--no-serve", "--json"], tmp_path, port)
    assert (second.returncode, json.loads(second.stdout)) == (0, totals)
    verdict = run(["verify_ledger", "--json"], tmp_path, port)
    assert (verdict.returncode, json.loads(verdict.stdout)["entries"]) == (0, len(posted))
    assert still_running(tmp_path) == []


def test_a_port_in_use_is_said_in_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    """If another program listens on the local forge's port, the demo says so, and how to choose another port."""
    port = two_free_ports()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port + 1))
        taken.listen()
        databases.copy_cluster(tmp_path)
        refused = run(["demo", "--no-serve"], tmp_path, port)
    assert refused.returncode == 1
    assert f"Port {port + 1} is already in use." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "log" / "forge.log").exists()


@pytest.mark.parametrize("port", ["abc", "0", "65535", "99999999999", "８０００", "80.5", "-1"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    """The demo takes two ports, PORT and the next one, so that PORT is a number from 1 to 65534."""
    monkeypatch.setenv("PORT", port)
    with pytest.raises(ImproperlyConfigured, match="name a number from 1 to 65534"):
        web_port()


def test_what_is_no_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    """There is no traceback before the sentence, and no folder was made."""
    refused = run(["demo"], tmp_path / "var", "abc")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("PORT is abc")
    assert not (tmp_path / "var").exists()
