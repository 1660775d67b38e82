"""Speaking to a forge as one: one worker at a time, heeding what any of them was told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from credits.forges.base import Forge, TokenRefused
from credits.jobs import queue
from credits.jobs.lane import alone_in

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=1)
"""How long to wait for another worker to leave the lane: it may be about to, or dead and just being found so."""


def cannot_speak_to(forge: Forge) -> TokenRefused | None:
    """Why this process cannot speak to the forge at all: it has no token. Noted in the log and nowhere else, since it
    is this process's own trouble; those that have one go on."""
    try:
        forge.tokens.require()
    except TokenRefused as error:
        logger.warning("%s: this process has no access token; it asks nothing.", forge.name)
        return error
    return None


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
