"""When a worker has to end: after a time that was asked for, or with the allocation it runs in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nox_cli import times
from workers.batch.environment import Deadline, current_ending, ending
from workers.errors import UsageError
from workers.machine import allocation

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO = "auto"
NO_WORKER = "no worker was started"


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The deadline of a worker and a line that describes it; without a deadline, why there is none."""

    deadline: Deadline | None
    said: str


def time_limit(
    wanted: str | None, drain_before_s: float | None, environ: Mapping[str, str], *, did: str = NO_WORKER
) -> TimeLimit | None:
    """Settle when to end; None: nobody asked.

    Args:
        wanted: a duration, or `auto`: as long as the allocation lasts.
        drain_before_s: how long before that no more jobs are taken; None: a usual time.
        environ: tells of the allocation.
        did: what nox did about a request that makes no sense.

    Raises:
        UsageError: it makes no sense.
    """
    if wanted is None:
        if drain_before_s is not None:
            raise UsageError("--drain-before says how long before --time-limit, and there is none", did=did)
        return None
    if wanted != AUTO:
        left_s, source = times.seconds_of(wanted), "--time-limit"
        if drain_before_s is not None and drain_before_s >= left_s:
            raise UsageError("--drain-before leaves no time to run jobs", did=did, hint="make it shorter")
        return _limited(Deadline(left_s, drain_before_s), left_s, source)
    found = ending(environ)
    if found is not None:
        deadline = Deadline(found.left_s, drain_before_s, partial(current_ending, environ))
        return _limited(deadline, found.left_s, found.source)
    where = allocation(environ)
    why = f"squeue or qstat does not tell when {where} ends" if where else "this is no allocation"
    return TimeLimit(None, f"no time limit: {why}; say --time-limit DURATION")


def _limited(deadline: Deadline, left_s: float, source: str) -> TimeLimit:
    begins = times.words(max(0.0, float(deadline.time_s)))
    return TimeLimit(deadline, f"ends in {times.words(left_s)} ({source}), takes no jobs after {begins}")
