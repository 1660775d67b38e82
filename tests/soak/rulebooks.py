"""Read 10,000 damaged rulebooks: each is a fault with a place or a valid rulebook, within bounded time and memory.

``python -m tests.soak.rulebooks [ROUNDS]``; ``make test`` does some hundreds of the same.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Iterator

from tests.rules.document.test_mutations import damage_shape, damage_text, stands
from tests.rules.made import SHIPPED, shipped, shipped_rulebook

ROUNDS = 10_000
LONGEST = 5.0
"""The most seconds of computing for a rulebook: what kept other engines busy took longer."""
MOST_MEMORY = 200
"""The most megabytes that the whole run may add to the process."""


def rulebooks(rounds: int = ROUNDS) -> list[tuple[str, str]]:
    """Damage and read ``rounds`` rulebooks. Return names and values for the report.

    Raise AssertionError for a fault without a place or if the bounds of time and memory are exceeded. A crash is
    raised unchanged.
    """
    before = _megabytes()
    valid, longest, began = 0, 0.0, time.process_time()
    for text in _damaged(rounds):
        at = time.process_time()
        valid += stands(text)
        longest = max(longest, time.process_time() - at)
        assert longest < LONGEST, f"one took {longest:.1f} s"
    more = _megabytes() - before
    assert more < MOST_MEMORY, f"{more} MB more"
    return [
        ("damaged rulebooks read", f"{rounds}"),
        ("of them valid", f"{valid}"),
        ("the longest, s", f"{longest:.2f}"),
        ("each on average, ms", f"{(time.process_time() - began) / rounds * 1000:.1f}"),
        ("memory added, MB", f"{more}"),
    ]


def _damaged(rounds: int) -> Iterator[str]:
    for seed in range(rounds):
        chance = random.Random(f"soak {seed}")
        name = chance.choice(SHIPPED)
        if seed % 2:
            yield damage_text(shipped(name), chance)
            continue
        data = json.loads(shipped_rulebook(name).canonical())
        for _ in range(chance.randint(1, 3)):
            data = damage_shape(data, chance)
        yield json.dumps(data, ensure_ascii=False)


def _megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    for name, value in rulebooks(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        print(f"{name:32}{value:>12}")
