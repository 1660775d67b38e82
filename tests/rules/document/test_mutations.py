"""A damaged rulebook is refused with located faults, or is valid. It never crashes the reader."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from credits.rules.document.parser import RulebookFaults, parse, warnings
from credits.rules.evaluation.evaluate import evaluate
from credits.rules.evaluation.explain import explain
from tests.rules.made import SHIPPED, claim, contribution, library, shipped, shipped_rulebook

ROUNDS = 20
"""Damaged texts for each rulebook and kind of damage; ``tests.soak.rulebooks`` makes 10,000."""

PIECES = (
    ": {} [] - & * ! | > ' \" # % @ ` , ? ~ null true 1e9 -1 0.5 999999999999 .inf 😀 \u202e \t \n --- ... <<: "
    "repository.stars &&((( contribution.labels.exists(x, duration('x') 0x10 1/0 {zh: zh en give when bands"
).split(" ")


def damage_text(text: str, chance: random.Random) -> str:
    """Return the text with a few characters or lines removed, doubled, moved or inserted."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        upto = min(len(text), at + chance.choice([1, 1, 2, 5, 40, 400]))
        way = chance.randrange(4)
        if way == 0:
            text = text[:at] + text[upto:]
        elif way == 1:
            text = text[:at] + text[at:upto] * 2 + text[upto:]
        elif way == 2:
            text = text[:at] + chance.choice(PIECES) + text[at:]
        else:
            lines = text.split("\n")
            lines.insert(chance.randrange(len(lines) + 1), lines.pop(chance.randrange(len(lines))))
            text = "\n".join(lines)
    return text


def damage_shape(data: Any, chance: random.Random) -> Any:
    """Return the plain data with one value replaced, removed, doubled or renamed."""
    places = list(_places(data))
    holder, key = chance.choice(places)
    others: list[Any] = [
        "",
        None,
        "-1",
        "0",
        "99999999999",
        [],
        {},
        [[]],
        {"zh": []},
        "x" * 3000,
        "é\n",
        True,
    ]
    way = chance.randrange(4)
    if way == 0:
        holder[key] = chance.choice(others)
    elif way == 1:
        del holder[key]
    elif way == 2:
        donor, other = chance.choice(places)
        if isinstance(donor, list) and isinstance(other, int) and other >= len(donor):
            return data
        holder[key] = json.loads(json.dumps(donor[other]))
    elif isinstance(holder, dict):
        holder[key + chance.choice(["s", "_", " "])] = holder.pop(key)
    else:
        holder.append(holder[key])
    return data


def _places(data: Any) -> Any:
    items = (
        list(data.items())
        if isinstance(data, dict)
        else list(enumerate(data))
        if isinstance(data, list)
        else []
    )
    for key, value in items:
        yield data, key
        yield from _places(value)


def stands(text: str) -> bool:
    """Return whether ``text`` is a rulebook. If it is, it must evaluate; if not, its faults must have places in it."""
    try:
        book = parse(text, library())
    except RulebookFaults as error:
        lines = text.replace("\r\n", "\n").count("\n") + 2
        for fault in error.faults:
            assert 1 <= fault.line <= lines
            assert fault.column >= 1
            assert fault.message
            assert fault.message_zh
        return False
    facts = claim(contribution("1"), contribution("2", repository={"id": "2"}))
    outcome = evaluate(book, facts)
    explain(book, facts, outcome)
    warnings(text, library())
    assert parse(book.canonical()) == book
    return True


@pytest.mark.parametrize("code", SHIPPED)
def test_a_damaged_text_is_a_located_fault_or_valid(code: str) -> None:
    """Removed, doubled, moved and inserted characters in a shipped rulebook give located faults or a valid text."""
    text = shipped(code)
    answers = [stands(damage_text(text, random.Random(f"{code} {seed}"))) for seed in range(ROUNDS)]
    assert sum(answers) < ROUNDS


@pytest.mark.parametrize("code", SHIPPED)
def test_a_damaged_structure_is_a_located_fault_or_valid(code: str) -> None:
    """Replaced, removed, doubled and renamed values in a shipped rulebook give located faults or a valid text."""
    whole = shipped_rulebook(code).canonical()
    answers = []
    for seed in range(ROUNDS):
        chance = random.Random(f"{code} {seed}")
        data = json.loads(whole)
        for _ in range(chance.randint(1, 3)):
            data = damage_shape(data, chance)
        answers.append(stands(json.dumps(data, ensure_ascii=False)))
    assert sum(answers) < ROUNDS
