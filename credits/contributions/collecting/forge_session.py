"""Serialise access to a forge: one worker at a time, and all of them respect a rate limit that any of them received."""

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
"""How long to wait for another worker to leave the lane. It may be about to leave, or it may just have died."""
TOKEN_WAIT = timedelta(minutes=15)
"""How long a lane is closed when the forge refuses the university's token. Somebody must replace it."""
LIMIT_WAIT = timedelta(minutes=1)
"""How long a lane is closed for a rate limit that names no time."""
DOWN_WAIT = timedelta(seconds=30)
"""How long a lane is closed for a forge that does not answer. Its accounts also wait, longer each time."""


def lane_closed_until(error: ForgeError, now: datetime) -> datetime:
    """Return until when to close a lane for an error of the forge as a whole.

    This is the time that the forge named, or a wait that depends on the kind of error.
    """
    if error.until is not None:
        return error.until
    if isinstance(error, RateLimited):
        return now + LIMIT_WAIT
    return now + (TOKEN_WAIT if isinstance(error, TokenRefused) else DOWN_WAIT)


def missing_token_error(forge: Forge) -> TokenRefused | None:
    """Return an error if this process has no access token for the forge, else None.

    It is only written to the log, because it concerns this process alone. Processes with a token go on.
    """
    try:
        forge.tokens.require()
    except TokenRefused as error:
        logger.warning("%s: this process has no access token; it asks nothing.", forge.name)
        return error
    return None


def due_forges(kind: str, *, now: datetime) -> list[str]:
    """Return the names of the forges with a job of this kind that could be done now.

    Jobs of dead workers are freed first. Otherwise, if a dead worker had all jobs of a forge, nothing would be due
    there until its leases end.
    """
    for lane in queue.held_lanes(kind):
        with alone_in(lane) as alone:
            if alone:
                queue.free_the_dead(kind, lane)
    return queue.due_lanes(kind, now=now)


@contextlib.contextmanager
def open_session(forge: Forge, kind: str, *, clock: Callable[[], datetime]) -> Iterator[bool]:
    """Yield whether the caller may send requests to the forge, and take jobs of this kind, until the block ends.

    Jobs of this kind that dead workers have left are freed first. A rate limit on one of the university's tokens holds
    for every worker with that token: it is written to the queue at once, as a lane of the token's own, and the next
    worker reads it.
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
            forge.tokens.on_rest = None


@contextlib.contextmanager
def interactive_request(forge: Forge, *, now: datetime) -> Iterator[None]:
    """Allow one request to the forge while a person waits, but not before a time that the forge named to any process.

    Raise RateLimited with that time in its message: before the request if the time is known, else when the request
    meets a limit.
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
    """Apply the rate limits that other processes received for the tokens, and report new ones to them."""
    prefix = f"{forge.name}/"
    forge.tokens.apply_rests(queue.closings(prefix, now=now))
    forge.tokens.on_rest = lambda name, until: queue.close_lane(prefix + name, until=until)


def _not_before_error(forge: Forge, until: datetime) -> RateLimited:
    # Round up to the next full minute, so that the time in the message is not too early.
    at = timezone.localtime(until + timedelta(seconds=59), timezone.get_default_timezone())
    return RateLimited(
        "forge-rests",
        _("%(forge)s cannot be queried before %(at)s.")
        % {"forge": known.forge_info(forge.name).label, "at": at.strftime("%Y-%m-%d %H:%M")},
        _("Submit the link again then."),
        until=until,
    )
