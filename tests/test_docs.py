"""What the documents say exists: links, paths, modules, triggers and facts."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import fact_table
from tests.test_house import FOLDERS, PACKAGES, ROOT

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pages in (ROOT.glob("*.md"), *((ROOT / folder).rglob("*.md") for folder in FOLDERS))
    for path in pages
)
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^()\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE = re.compile(r"[\w./@-]+\.(?:md|py|yaml|yml|json|jsonl|toml|csv|html|po|lock|css|js)")
DOTTED = re.compile(r"(?:accounts|benchmarks|config|credits|demo|embedded_postgres|scripts|tests)(?:\.\w+)+")
TRIGGER = re.compile(r"triggers? \(?`(\w+)`|`(\w+)` \(a constraint trigger")
CLASS = re.compile(r"(?:[A-Z][a-z]+){2,}")
ERROR_CODE = re.compile(r"[a-z]+(?:-[a-z]+)+")
# Folders of one machine, where nothing of the project is for anybody else.
ELSEWHERE = re.compile(r"(?<![\w.])/(?:home|opt|root|tmp|Users|work)/|[A-Z]:\\")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """The page without its blocks of code."""
    return FENCED.sub("", read(page))


def anchors(page: Path) -> set[str]:
    """The headings of a page as a link names them: lower case, hyphens for spaces, no punctuation."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: str) -> Iterator[str]:
    for target in LINK.findall(prose(page)):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        inside = file.is_relative_to(ROOT)
        if not inside or not file.exists() or (anchor and anchor not in anchors(file)):
            yield target


@functools.cache
def file_names() -> frozenset[str]:
    return frozenset(path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*"))


def missing_paths(page: str) -> Iterator[str]:
    """What stands in backticks like a path or a file of the project, and is neither there nor beside the page."""
    for code in CODE.findall(prose(page)):
        first, slash, _rest = code.partition("/")
        of_the_project = slash and (first in FOLDERS) and re.fullmatch(r"[\w./-]+", code)
        if not of_the_project and not FILE.fullmatch(code):
            continue
        if code.startswith("/") or (ROOT / code).exists() or ((ROOT / page).parent / code).exists():
            continue
        # A table that names a folder may name the files in it alone.
        if "/" in code or code not in file_names():
            yield code


@functools.cache
def names_in(module: Path) -> dict[str, ast.AST]:
    """What a module defines or imports at its top, by name."""
    found: dict[str, ast.AST] = {}
    body = list(ast.parse(module.read_text(encoding="utf-8")).body)
    while body:
        node = body.pop()
        if isinstance(node, ast.If | ast.Try):
            body.extend(node.body)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update((target.id, node) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(((alias.asname or alias.name).partition(".")[0], node) for alias in node.names)
    return found


def resolves(dotted: str) -> bool:
    """Whether a dotted name is a package, a module, or something that a module or a class of it defines."""
    at, parts = ROOT, dotted.split(".")
    while parts and (at / parts[0]).is_dir():
        at /= parts.pop(0)
    if not parts:
        return True
    if (at / f"{parts[0]}.py").exists():
        at /= f"{parts.pop(0)}.py"
    else:
        at /= "__init__.py"
    if not parts:
        return True
    top = names_in(at).get(parts[0]) if at.exists() else None
    if top is None or len(parts) == 1:
        return top is not None
    return len(parts) == 2 and isinstance(top, ast.ClassDef) and parts[1] in members(top)


def members(owner: ast.ClassDef) -> set[str]:
    names = {node.name for node in owner.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in owner.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def test_there_are_pages_to_check() -> None:
    """The pages that newcomers need are among those that the tests below read."""
    wanted = {"README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/glossary.md", "docs/style.md"}
    assert wanted <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """Relative links lead to a file of the project, and to a heading in it where they name one."""
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    """A path or a file in backticks is one of the project."""
    assert list(missing_paths(page)) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_module_and_name_exists(page: str) -> None:
    """A dotted name in backticks is a module, or something that is defined there."""
    named = [code for code in CODE.findall(prose(page)) if DOTTED.fullmatch(code)]
    assert [name for name in named if not FILE.fullmatch(name) and not resolves(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_trigger_exists(page: str) -> None:
    """A trigger that a page names is made by a migration."""
    files = [path for path in ROOT.glob("*/migrations/*") if path.is_file()]
    migrations = "".join(path.read_text(encoding="utf-8") for path in files)
    named = {name for names in TRIGGER.findall(read(page)) for name in names if name}
    assert {name for name in named if not re.search(rf"TRIGGER {name}\b", migrations)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_outside(page: str) -> None:
    """No page mentions a folder of the machine that it was written on."""
    assert ELSEWHERE.findall(read(page)) == []


@functools.cache
def sources() -> str:
    files = [path for folder in PACKAGES for path in sorted((ROOT / folder).rglob("*.py"))]
    return "".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_every_class_exists(page: str) -> None:
    """A name in backticks that is written like a class is one of the project."""
    named = {code for code in CODE.findall(prose(page)) if CLASS.fullmatch(code)}
    assert {name for name in named if not re.search(rf"^ *class {name}\b", sources(), re.MULTILINE)} == set()


def test_every_error_code_exists() -> None:
    """An error code that the architecture names is raised somewhere."""
    named = {code for code in CODE.findall(prose("docs/architecture.md")) if ERROR_CODE.fullmatch(code)}
    assert {"round-closed", "notice-not-over"} <= named
    assert {code for code in named - {"import-linter"} if f'"{code}"' not in sources()} == set()


def test_the_architecture_names_modules() -> None:
    """The page has dotted names, so the check above has something to check; and it can fail."""
    named = {code for code in CODE.findall(prose("docs/architecture.md")) if DOTTED.fullmatch(code)}
    assert len(named) > 50
    assert resolves("tests.test_docs.resolves")
    assert not resolves("tests.test_docs.no_such_name")
    assert not resolves("tests.no_such_module")


def test_the_table_of_facts_is_the_catalogues() -> None:
    """rulebooks/README.md lists the facts as the catalogue has them; `python -m scripts.fact_table` writes them."""
    page = fact_table.PAGE.read_text(encoding="utf-8")
    assert fact_table.page_with_table(page) == page
