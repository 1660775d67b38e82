"""The types of a rulebook's values: numbers, names, texts in both languages.

YAML's scalars arrive as text (see ``yaml_tree``), so no number passes through a float and ``no`` stays a word.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from credits.rules import decimals


def _whole(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("whole", "a whole number is needed")


def _decimal(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    try:
        return decimals.from_text(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("number", "a number is needed") from None


def _yes_no(value: object) -> object:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise PydanticCustomError("yes_no", "true or false is needed")


Whole = Annotated[int, BeforeValidator(_whole)]
Number = Annotated[Decimal, BeforeValidator(_decimal)]
YesNo = Annotated[bool, BeforeValidator(_yes_no)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=60)]
Condition = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
"""A CEL expression. :func:`credits.rules.document.parser.parse` checks it against the facts."""


class FrozenModel(BaseModel):
    """The base of every part of a rulebook: it cannot be changed, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RulebookText(FrozenModel):
    """A text in both languages."""

    zh: Words
    en: Words
