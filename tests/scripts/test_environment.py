"""Making the environment: if something is missing, one sentence says what to do before anything is changed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOOLS = ("sh", "awk", "cat", "dirname", "rm", "tail", "touch", "grep", "mkdir")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with only the script and its lock file, and a folder with the only programs on its PATH."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "environment", tmp_path / "scripts")
    (tmp_path / "requirements.lock").touch()
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    program(tmp_path, "df", "echo x\necho / 9 9 9000000 0% /")
    return tmp_path


def program(project: Path, name: str, body: str) -> None:
    path = project / "bin" / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def make(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [project / "scripts" / "environment"],
        env={"PATH": str(project / "bin"), "HOME": str(project), **environment},
        capture_output=True,
        text=True,
    )


def sentence(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 1
    [only] = process.stderr.splitlines()
    return only


def test_no_python(project: Path) -> None:
    """Without any interpreter the sentence says which version to install."""
    message = sentence(make(project))
    assert message.startswith(
        "Yuanfen needs Python 3.11 or newer, and this machine has no Python: install one, or name it"
    )


def test_an_old_python(project: Path) -> None:
    """An interpreter that is too old is reported with its version."""
    program(project, "python3", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    assert "this machine has Python 3.9.2" in sentence(make(project))


def test_the_python_named_is_too_old(project: Path) -> None:
    """If PYTHON names an old interpreter, no other one is used instead."""
    program(project, "python3", "exit 0")
    program(project, "old", "exit 1")
    assert sentence(make(project, PYTHON="old")) == (
        "PYTHON is set to old, which is not Python 3.11 or newer: set it to another one."
    )


def test_a_python_without_ensurepip(project: Path) -> None:
    """Without ensurepip, as in Debian, the sentence names the package to install."""
    program(project, "python3", 'case "$2" in *ensurepip*|*pip*) exit 1;; esac')
    assert sentence(make(project)) == (
        "python3 has no ensurepip to make an environment with: install it "
        "(Debian, Ubuntu: apt install python3-venv) or uv."
    )


def test_a_full_disk(project: Path) -> None:
    """A disk without enough space is reported before anything is installed."""
    program(project, "df", "echo x\necho / 9 9 300000 0% /")
    program(project, "python3", "exit 0")
    assert "has 292 MB free and the environment needs 1200: make room" in sentence(make(project))
    assert not (project / ".venv").exists()


def test_packages_that_do_not_come(project: Path) -> None:
    """If pip fails, its last lines are shown, then the sentence, and the environment is not marked as ready."""
    program(
        project,
        "python3",
        'case "$*" in\n'
        "*' venv '*|*'venv .venv') mkdir -p .venv/bin; cp_to=.venv/bin/python;"
        ' { echo "#!/bin/sh"; echo "case \\"\\$2\\" in pip) echo no network; exit 1;; esac"; }'
        " > $cp_to; chmod 755 $cp_to;;\nesac",
    )
    (project / "bin" / "chmod").symlink_to(str(shutil.which("chmod")))
    process = make(project)
    assert process.returncode == 1
    assert process.stderr.splitlines() == [
        "no network",
        (
            "The packages of requirements.lock could not be installed: "
            "the reason is above, and all output is in .venv.log."
        ),
    ]
    assert not (project / ".venv" / "ready").exists()


def test_a_folder_that_was_moved_has_its_environment_made_anew(project: Path, tmp_path: Path) -> None:
    """A moved environment is made again, because its commands contain the old path; one that was not moved stays."""
    shutil.copy(ROOT / "Makefile", project)
    program(
        project,
        "python3",
        'case "$*" in *venv*.venv) mkdir -p .venv/bin; printf "#!/bin/sh\\n" > .venv/bin/python;'
        ' chmod 755 .venv/bin/python; echo "VIRTUAL_ENV=$PWD/.venv" > .venv/bin/activate;; esac',
    )
    (project / "bin" / "chmod").symlink_to(str(shutil.which("chmod")))

    def run_make(folder: Path) -> str:
        return subprocess.run(
            [str(shutil.which("make")), "-s", ".venv/ready"],
            cwd=folder,
            env={"PATH": str(folder / "bin"), "HOME": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert "Making the environment" in run_make(project)
    assert run_make(project) == ""
    (project / ".venv" / "of-the-first").touch()
    moved = tmp_path.parent / f"{tmp_path.name} moved"
    project.rename(moved)
    assert "Making the environment" in run_make(moved)
    assert not (moved / ".venv" / "of-the-first").exists()
    assert run_make(moved) == ""


def test_help_lists_every_command() -> None:
    """`make help` works without an environment and lists every command that a contributor needs."""
    output = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[0] for line in output.splitlines()[1:]}
    assert listed >= {
        "help",
        "demo",
        "demo-reset",
        "test",
        "lint",
        "bench",
        "screenshots",
        "messages",
        "lock",
    }
