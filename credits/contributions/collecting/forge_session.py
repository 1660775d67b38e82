"""Speaking to a forge as one: one worker at a time, heeding what any of them was told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.identity import forges as known
from credits.forges.errors import ForgeError, RateLimited, TokenRefused
from credits.forges.protocol import Forge
from credits.jobs import queue
from credits.jobs.lane import alone_in

logger = logging.getLogger(__name__)

LANE_WAIT = timedelta(seconds=1)
"""How long to wait for another worker to leave the lane: it may be about to, or dead and just being found so."""
TOKEN_WAIT = timedelta(minutes=15)
"""How long a lane rests when the university's token is refused: somebody has to mend it."""
LIMIT_WAIT = timedelta(minutes=1)
"""The same for a rate limit that names no time."""
DOWN_WAIT = timedelta(seconds=30)
"""The same for a forge that does not answer; each account then waits longer each time besides."""


def lane_closed_until(error: ForgeError, now: datetime) -> datetime:
    """Until when a lane is closed for what the forge as a whole said: as long as it asked, else by its kind."""
    if error.until is not None:
        return error.until
    if isinstance(error, RateLimited):
        return now + LIMIT_WAIT
    return now + (TOKEN_WAIT if isinstance(error, TokenRefused) else DOWN_WAIT)


def missing_token_error(forge: Forge) -> TokenRefused | None:
    """Why this process cannot speak to the forge at all: it has no token. Noted in the log and nowhere else, since it
    is this process's own trouble; those that have one go on."""
    try:
        forge.tokens.require()
    except TokenRefused as error:
        logger.warning("%s: this process has no access token; it asks nothing.", forge.name)
        return error
    return None


def due_forges(kind: str, *, now: datetime) -> list[str]:
    """The names of the forges on which something of this kind could be done now. What the dead hold is let go first:
    where all of a forge is in the hands of a worker that died, nothing would be due there before its leases end.
    """
    for lane in queue.held_lanes(kind):
        with alone_in(lane) as alone:
            if alone:
                queue.free_the_dead(kind, lane)
    return queue.due_lanes(kind, now=now)


@contextlib.contextmanager
def open_session(forge: Forge, kind: str, *, clock: Callable[[], datetime]) -> Iterator[bool]:
    """Whether the caller may speak to the forge, and take jobs of this kind in its lane, until the block ends.

    Jobs of the kind that the dead have left are freed first. What the forge asks of one of the university's tokens
    counts for every worker that has it: each rest is noted in the queue the moment it is told, as a lane of the
    token's own, and heeded by whoever comes next.
    """
    with alone_in(forge.name, wait=LANE_WAIT) as alone:
        if not alone:
            yield False
            return
        queue.free_the_dead(kind, forge.name)
        _share_token_rests(forge, clock())
        try:
            yield True
        finally:
            forge.tokens.tell = None


@contextlib.contextmanager
def interactive_request(forge: Forge, *, now: datetime) -> Iterator[None]:
    """Ask the forge for one thing while a person waits, not before the time that it named to anybody.

    Raises RateLimited with that time in its sentence: before a call where it is known, else for what the call raised.
    """
    _share_token_rests(forge, now)
    lane = queue.lane_closed(forge.name, now=now)
    if lane is not None and lane.closed_until is not None:
        raise _not_before_error(forge, lane.closed_until)
    try:
        yield
    except RateLimited as error:
        raise _not_before_error(forge, lane_closed_until(error, now)) from error


def _share_token_rests(forge: Forge, now: datetime) -> None:
    """Heed what other processes were told of the tokens, and tell them what this one is told."""
    prefix = f"{forge.name}/"
    forge.tokens.heed(queue.closings(prefix, now=now))
    forge.tokens.tell = lambda name, until: queue.close_lane(prefix + name, until=until)


def _not_before_error(forge: Forge, until: datetime) -> RateLimited:
    # Up to the next minute: by the time that is read, it has passed.
    at = timezone.localtime(until + timedelta(seconds=59), timezone.get_default_timezone())
    return RateLimited(
        "forge-rests",
        _("%(forge)s cannot be queried before %(at)s.")
        % {"forge": known.forge_info(forge.name).label, "at": at.strftime("%Y-%m-%d %H:%M")},
        _("Submit the link again then."),
        until=until,
    )
