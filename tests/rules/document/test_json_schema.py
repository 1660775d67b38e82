"""The JSON Schema that editors use: current, a schema, and of one mind with the check."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from credits.rules.document import json_schema
from tests.rules.made import ROOT, SHIPPED, shipped, shipped_rulebook

VALIDATOR = Draft202012Validator(json_schema.schema())


def said(data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_shipped_schema_is_current_and_is_one() -> None:
    """The file is what the shapes give today (``python -m credits.rules.document.json_schema``), in draft 2020-12."""
    assert (ROOT / "rulebooks" / "schema.json").read_text(encoding="utf-8") == json_schema.text()
    Draft202012Validator.check_schema(json_schema.schema())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_rulebook_is_valid_by_the_schema_and_names_it(name: str) -> None:
    """As written and as resolved; its first line tells an editor where the schema is."""
    assert said(read(shipped(name))) == []
    resolved = json.loads(shipped_rulebook(name).canonical())
    resolved.pop("derived_from", None)
    assert said(resolved) == []
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
    """Wrong keys, words, numbers and bounds are found at their place."""
    text = shipped("open-source-practice").replace(was, is_, 1)
    assert any(one.startswith(path) for one in said(read(text)))


def test_only_a_variant_may_leave_out_what_it_takes_over() -> None:
    """Without ``extends``, the same text lacks nearly everything."""
    text = shipped("software-faculty").replace("extends:", "# extends:", 1)
    assert any("'conversion' is a required property" in one for one in said(read(text)))
