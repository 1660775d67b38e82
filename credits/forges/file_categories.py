"""The category of a changed file, by its path. The table is read from the top; the first match wins.

========================  ===========================================================================================
category                  files
========================  ===========================================================================================
generated                 lock files, minified and bundled files, code made by protoc, mockgen and the like, source
                          maps, test snapshots, vendored folders, build output, compiled notebooks' checkpoints
translation               message catalogues (.po .pot .xliff .ts in a translations folder …), files under a folder of
                          locales, string tables of Android, Apple, Java and Qt, readme files in another language
tests                     files under a folder of tests or fixtures, and files named as tests
docs                      prose (Markdown, reStructuredText, AsciiDoc …), files under a folder of documents, well-known
                          texts (README, LICENSE, CHANGELOG), pictures
configuration             build files, CI, containers, package manifests, dot files, data formats for settings
code                      everything else
========================  ===========================================================================================

Most universities do not count generated work, so ``generated`` wins over every other category: a snapshot in a test
folder is generated. A translated page in a document folder is a translation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

Category = Literal["code", "tests", "docs", "translation", "configuration", "generated"]

CATEGORIES: Final[tuple[Category, ...]] = (
    "code",
    "tests",
    "docs",
    "translation",
    "configuration",
    "generated",
)

_GENERATED_FOLDERS = frozenset(
    "vendor vendors vendored third_party thirdparty 3rdparty node_modules bower_components dist "
    "__snapshots__ __pycache__ .ipynb_checkpoints __generated__ generated generated-sources .yarn".split()
)
_GENERATED_NAMES = frozenset(
    "package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb poetry.lock pdm.lock uv.lock "
    "pipfile.lock requirements.lock conda-lock.yml cargo.lock composer.lock gemfile.lock go.sum go.work.sum mix.lock "
    "podfile.lock package.resolved pubspec.lock packages.lock.json gradle.lockfile flake.lock deno.lock "
    "gradlew gradlew.bat mvnw mvnw.cmd .terraform.lock.hcl".split()
)
_GENERATED_NAME = re.compile(
    r"""
      .*[.-]min\.(js|mjs|cjs|css|html)   | .*\.(bundle|chunk)\.(js|css)  | .*\.(js|css|mjs|cjs)\.map
    | .*_pb2(_grpc)?\.pyi?               | .*\.pb(\.gw|\.validate)?\.(go|cc|h|swift|dart|ts)
    | .*\.g(\.freezed)?\.dart            | .*\.freezed\.dart             | .*\.designer\.cs  | .*\.g\.cs
    | .*[._]generated\.\w+               | zz_generated[._].*            | .*_gen\.go        | .*_mock\.go
    | .*\.snap                           | .*\.snapshot                  | .*\.tsbuildinfo   | .*\.pyc
    | .*\.lock
    | .*\.(class|jar|whl|so|dll|dylib|exe|o|a)
    """,
    re.VERBOSE,
)
_LOCALE_FOLDERS = frozenset(
    "locale locales translation translations i18n l10n lang langs lproj intl messages".split()
)
_LOCALE_SUFFIXES = frozenset("po pot mo xlf xliff resx strings arb ftl stringsdict".split())
_LOCALE_DATA = frozenset("json yml yaml toml properties ts js php xml ini csv qm rb md rst txt".split())
_LOCALE_NAME = re.compile(
    r"""
      strings\.xml
    | messages(_[a-z]{2}(_[a-z]{2})?)?\.properties
    | (readme|contributing|changelog|index)[._-](zh|en|ja|ko|fr|de|es|ru|pt|it|tw|cn|jp|kr)([._-]\w{2,4})?\.\w+
    """,
    re.VERBOSE,
)
_LOCALE_TAG_FOLDER = re.compile(r"(values-[a-z]{2}(-r[a-z]{2})?|[a-z]{2}(-[a-z]{2,4})?\.lproj)")
_TEST_FOLDERS = frozenset(
    "test tests testing __tests__ __mocks__ spec specs testdata test_data test-data fixtures e2e "
    "integration-tests integration_tests unittests unittest androidtest jvmtest commontest".split()
)
_TEST_NAME = re.compile(
    r"""
      test_.*\.\w+ | .*_test\.\w+ | .*[._-](test|tests|spec|specs|e2e|cy)\.\w+ | conftest\.py | pytest\.ini | tox\.ini
    | jest\.config\.\w+ | vitest\.config\.\w+
    """,
    re.VERBOSE,
)
# Camel case: only the case distinguishes a test from, for example, "latest".
_TEST_CLASS = re.compile(
    r".*[a-z0-9](Test|Tests|TestCase|IT|Spec)\.(java|kt|scala|groovy|cs|swift|php|ts|cpp|m)|Test[A-Z]\w*\.\w+"
)
_DOCS_FOLDERS = frozenset("doc docs document documents documentation man manual wiki website".split())
_DOCS_SUFFIXES = frozenset(
    "md mdx markdown rst adoc asciidoc txt tex org pod textile rdoc "
    "png jpg jpeg gif svg webp ico bmp pdf drawio puml mermaid mp4".split()
)
_DOCS_NAMES = frozenset(
    "readme license licence copying notice authors contributors maintainers changelog changes history news "
    "contributing code_of_conduct security support governance citation.cff todo".split()
)
_CONFIGURATION_FOLDERS = frozenset(".github .gitee .circleci .ci .husky .vscode .idea .devcontainer".split())
_CONFIGURATION_SUFFIXES = frozenset(
    "yml yaml toml ini cfg conf json json5 jsonc properties env cmake bazel bzl gradle kts xml plist "
    "nix tf tfvars hcl mk am ac in service editorconfig".split()
)
_CONFIGURATION_NAMES = frozenset(
    "makefile gnumakefile dockerfile containerfile jenkinsfile vagrantfile procfile justfile rakefile gemfile "
    "cmakelists.txt build.gradle settings.gradle pom.xml setup.py setup.cfg manifest.in go.mod go.work "
    "meson.build build workspace pipfile build.xml requirements.txt brewfile podfile codeowners".split()
)
_CONFIGURATION_NAME = re.compile(
    r"requirements[\w.-]*\.(txt|in)|dockerfile\..*|.*\.dockerfile|.*\.config\.(js|ts|mjs|cjs)|constraints[\w.-]*\.txt"
)


# The same paths occur often, and their classification is the most expensive part of storing a change.
@lru_cache(maxsize=1 << 15)
def classify(path: str) -> Category:
    """Return the category of a path as a forge writes it (``/`` between folders). Every path has exactly one.

    Case does not matter, except for test classes in camel case. An empty or unknown path is ``code``: nothing is
    dropped because it is unknown.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return "code"
    original = parts[-1]
    name = original.lower()
    folders = {folder.lower() for folder in parts[:-1]}
    suffix = name.rpartition(".")[2] if "." in name.lstrip(".") else ""

    if folders & _GENERATED_FOLDERS or name in _GENERATED_NAMES or _GENERATED_NAME.fullmatch(name):
        return "generated"
    if _is_translation(name, suffix, folders):
        return "translation"
    if folders & _TEST_FOLDERS or _TEST_NAME.fullmatch(name) or _TEST_CLASS.fullmatch(original):
        return "tests"
    # Check this before prose: a list of requirements ends in .txt too.
    is_requirements_list = "requirements" in folders and suffix in {"txt", "in"}
    if is_requirements_list or name in _CONFIGURATION_NAMES or _CONFIGURATION_NAME.fullmatch(name):
        return "configuration"
    if suffix in _DOCS_SUFFIXES or name in _DOCS_NAMES or folders & _DOCS_FOLDERS:
        return "docs"
    if folders & _CONFIGURATION_FOLDERS or suffix in _CONFIGURATION_SUFFIXES or name.startswith("."):
        return "configuration"
    return "code"


def _is_translation(name: str, suffix: str, folders: set[str]) -> bool:
    if suffix in _LOCALE_SUFFIXES or _LOCALE_NAME.fullmatch(name):
        return True
    if any(_LOCALE_TAG_FOLDER.fullmatch(folder) for folder in folders):
        return True
    return bool(folders & _LOCALE_FOLDERS) and suffix in _LOCALE_DATA
