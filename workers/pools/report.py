"""The report of one look of an autoscaler: what it saw, decided and did."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.store.pools import Allocation, Pool, ReadyShape


class Basis(StrEnum):
    """The source of the run time that is expected of a job."""

    MEASURED = "measured"  # the median of ended jobs of its kind, engine and size
    SCALED = "scaled"  # that of another size, scaled
    LIMIT = "limit"  # half of its time limit
    ASSUMED = "assumed"  # a minute: nothing is known


class ShapeLine(NamedTuple):
    """Ready jobs that need the same."""

    shape: ReadyShape
    pool: str  # that they count for; empty: none can run them
    lack: str  # what the nearest pool lacks for them, in words; empty: nothing
    run_s: float  # the expected run time of one of them, in seconds
    basis: Basis
    left: int  # those that no worker will start within ten minutes


def allowed(wanted: int, limits: Mapping[str, int]) -> int:
    """Return how many of the wanted requests all limits allow."""
    return min(wanted, *limits.values())


class Decision(NamedTuple):
    """The decision on one pool."""

    pool: Pool  # as it was before the look
    wanted: int  # allocations that the jobs need which no worker and no pending allocation will start
    pending: int  # allocations that are pending or intended
    running: int
    limits: Mapping[str, int]  # `--max`, `--pending`, `--budget` -> the requests that it allows now
    request: int  # allocations to request now
    surplus: int  # pending allocations that no job needs, so far or for long
    cancel: tuple[Allocation, ...]  # pending ones that are no longer wanted
    why: str  # in a sentence without a point, as `requests nothing: it is paused (strikes)`


class Requested(NamedTuple):
    """The answer to one request."""

    pool: str
    token: str
    number: str  # empty: it has none
    words: str = ""  # the refusal, or why the answer is unknown


class Look(NamedTuple):
    """One look of an autoscaler."""

    now_ms: int
    shapes: tuple[ShapeLine, ...] = ()
    decisions: tuple[Decision, ...] = ()
    requested: tuple[Requested, ...] = ()
    cancelled: tuple[Allocation, ...] = ()
    ended: tuple[Allocation, ...] = ()  # that this look found ended
    paused: tuple[Pool, ...] = ()  # by this look
    silence: str = ""  # why the batch system did not answer; empty: it did, or was not asked
    again_s: float = 10.0  # until the next look has something to do
