"""Speaking to a forge as one: one worker at a time, heeding what any of them was told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from credits.forges.base import Forge
from credits.jobs import queue
from credits.jobs.lane import alone_in

PATIENCE = timedelta(seconds=1)
"""How long to wait for another worker to leave the lane: it may be about to, or dead and just being found so."""


@contextlib.contextmanager
def speaking_to(forge: Forge, kind: str, *, clock: Callable[[], datetime]) -> Iterator[bool]:
    """Whether the caller may speak to the forge, and take jobs of this kind in its lane, until the block ends.

    Jobs of the kind that the dead have left are freed first. What the forge asks of one of the university's tokens
    counts for every worker that has it: each rest is noted in the queue the moment it is told, as a lane of the
    token's own, and heeded by whoever comes next.
    """
    with alone_in(forge.name, wait=PATIENCE) as alone:
        if not alone:
            yield False
            return
        queue.free_the_dead(kind, forge.name)
        prefix = f"{forge.name}/"
        forge.tokens.heed(queue.closings(prefix, now=clock()))
        forge.tokens.tell = lambda name, until: queue.close_lane(prefix + name, until=until)
        try:
            yield True
        finally:
            forge.tokens.tell = None
