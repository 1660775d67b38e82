"""The local forge as a separate process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import requests

from demo.forge import LocalForge, environment

ROW = {
    "forge": "gitee",
    "repo": "some/where",
    "number": 3,
    "title": "One",
    "author": {"id": 5, "login": "somebody"},
    "merged_by": None,
    "created_at": "2024-01-01T08:00:00+08:00",
    "merged_at": "2024-01-02T08:00:00+08:00",
    "merge_commit": "a" * 40,
    "additions": 1,
    "deletions": 0,
    "changed_files": 1,
    "files": [{"path": "a.py", "additions": 1, "deletions": 0}],
    "co_authors": [],
}


def _start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo.forge", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )


def test_it_serves_the_file_that_the_environment_names_and_ends_when_told(tmp_path: Path) -> None:
    """FORGE_DATA names the rows; the first line of output has the addresses; SIGTERM ends the process with 0."""
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    with _start("--port", "0", FORGE_DATA=str(rows)) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2].removesuffix("/github")
        api = environment(address)["GITEE_API_URL"]
        found = requests.get(f"{api}/repos/some/where/pulls", params={"state": "merged"}, timeout=20).json()
        assert [pull["number"] for pull in found] == [3]
        process.send_signal(signal.SIGTERM)
        _, problems = process.communicate(timeout=20)
        assert (process.returncode, problems) == (0, "")


def test_a_port_in_use_and_a_missing_file_are_told_in_a_sentence(tmp_path: Path) -> None:
    """The process ends with 1 and one line that gives the reason."""
    with LocalForge(rows=[]) as taken:
        port = taken.url.rpartition(":")[2]
        for arguments in (["--port", port], ["--port", "0", "--data", str(tmp_path / "none")]):
            with _start(*arguments) as process:
                _, problems = process.communicate(timeout=20)
                assert process.returncode == 1
                assert problems.startswith("The local forge cannot start:")
                assert problems.count("\n") == 1


def test_it_knows_nothing_of_the_project() -> None:
    """The local forge loads neither Django nor anything else of the project."""
    code = "import sys, demo.forge.__main__; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"django", "credits", "accounts", "config"} & set(output.split())
