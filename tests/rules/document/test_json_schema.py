"""The JSON Schema that editors use is current, valid, and agrees with the check."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from credits.rules.document import json_schema
from tests.rules.made import ROOT, SHIPPED, shipped, shipped_rulebook

VALIDATOR = Draft202012Validator(json_schema.schema())


def schema_errors(data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_shipped_schema_is_current_and_is_one() -> None:
    """The file is what ``python -m credits.rules.document.json_schema`` prints, and is valid in draft 2020-12."""
    assert (ROOT / "rulebooks" / "schema.json").read_text(encoding="utf-8") == json_schema.text()
    Draft202012Validator.check_schema(json_schema.schema())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_rulebook_is_valid_by_the_schema_and_names_it(name: str) -> None:
    """A shipped rulebook is valid as written and as resolved, and its first line names the schema."""
    assert schema_errors(read(shipped(name))) == []
    resolved = json.loads(shipped_rulebook(name).canonical())
    resolved.pop("derived_from", None)
    assert schema_errors(resolved) == []
    assert shipped(name).startswith("# yaml-language-server: $schema=./schema.json\n")


@pytest.mark.parametrize(
    ("was", "is_", "path"),
    [
        ("degree_cap: 4", "degree_cap: many", "$.degree_cap"),
        ("degree_cap: 4", "degree_cap: -4", "$.degree_cap"),
        ("maturing_days", "maturing_dys", "$: "),
        ("scheme: pass", "scheme: stars", "$.grade.scheme"),
        ("give: 5", "gives: 5", "$.points[0]"),
        ("working_days: 5", "working_days: 2", "$.notice.working_days"),
        ("code: open-source-practice", "code: Open source", "$.code"),
    ],
)
def test_an_editor_is_told_what_the_check_would_refuse(was: str, is_: str, path: str) -> None:
    """The schema finds wrong keys, words, numbers and limits at their place."""
    text = shipped("open-source-practice").replace(was, is_, 1)
    assert any(error.startswith(path) for error in schema_errors(read(text)))


def test_only_a_variant_may_leave_out_what_it_takes_over() -> None:
    """Without ``extends``, the text of a variant lacks required keys."""
    text = shipped("software-faculty").replace("extends:", "# extends:", 1)
    assert any("'conversion' is a required property" in error for error in schema_errors(read(text)))
