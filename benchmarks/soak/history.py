"""All that is known of a soak: what was asked and promised, what was done to it, what was seen to happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.job import Attempt, Job, JobState
    from workers.store.values import Event

# Of each worker.
SLOTS = 2


class Said(StrEnum):
    """The reply to a submit."""

    STORED = "stored"  # the ids were printed
    CUT = "cut"  # some ids were printed, and that there are no more
    DENIED = "denied"  # "not submitted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The expected end of one job, known by its name."""

    kind: str
    payload: Any = None
    energy_hartree: float | None = None


@dataclass(frozen=True, slots=True)
class Submit:
    """One submit: the jobs' names in order, and the reply."""

    at_ms: int
    names: tuple[str, ...]
    ids: tuple[str, ...]
    said: Said
    words: str = ""  # its stderr


@dataclass(frozen=True, slots=True)
class Cancel:
    """A cancel of one job; without `acked_ms` no answer came."""

    job_id: str
    sent_ms: int
    acked_ms: int | None = None
    after: JobState | None = None


class Kind(StrEnum):
    """The faults."""

    KILL = "kill a worker"
    FREEZE = "freeze a worker past its lease"
    BLINK = "freeze a worker for less than its lease"
    HOLD = "cut a worker off past its lease"
    DRAIN = "ask a worker to end"
    HURRY = "ask a worker to end twice"
    TREE = "ask a worker and all below it to end"
    KEEPER = "kill a keeper"
    CHILD = "kill an engine"
    RESTART = "restart redis"
    CRASH = "kill redis"
    SILENCE = "freeze redis"
    DISCONNECT = "close every connection in redis"
    CUT = "break every connection on the way"
    HALF_OPEN = "silence every connection on the way"
    FORGET = "flush redis's scripts"
    RUBBISH = "lay rubbish on the bell"


# After these a worker's jobs may be taken from it.
DETHRONING = frozenset({Kind.KILL, Kind.FREEZE, Kind.HOLD})
# After these a worker's jobs may come back uncounted; after those the job that ran may be failed as crashed.
RETURNING = frozenset({Kind.DRAIN, Kind.HURRY, Kind.TREE})
BREAKING = frozenset({Kind.KEEPER, Kind.CHILD})
# Meanwhile no worker can tell the store anything, not even that it ends.
OUTAGES = frozenset({Kind.RESTART, Kind.CRASH, Kind.SILENCE})
# None of these may cost any attempt.
HARMLESS = OUTAGES | {Kind.BLINK, Kind.DISCONNECT, Kind.CUT, Kind.HALF_OPEN, Kind.FORGET, Kind.RUBBISH}
OF_REDIS = HARMLESS - {Kind.BLINK} | {Kind.HOLD}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault, its time, and the worker process that it hit; 0: not one alone."""

    kind: Kind
    start_ms: int
    end_ms: int
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Reached:
    """The progress of a job's checkpoint before its worker was asked to end, and the time of its end."""

    job_id: str
    before: int
    after: int  # 0: there was none any more, and the job had not ended


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a worker's log."""

    at_ms: int
    worker: str
    level: str
    message: str
    job_id: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A job as the store holds it at the end."""

    job: Job
    attempts: tuple[Attempt, ...] = ()  # the earlier ones
    outcome: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A whole soak."""

    wanted: Mapping[str, Wanted]
    submits: tuple[Submit, ...]
    cancels: tuple[Cancel, ...]
    faults: tuple[Fault, ...]
    followed: tuple[Event, ...]  # the change stream, as it was read all along
    kept: tuple[Event, ...]  # and as much of it as the store holds at the end
    lines: tuple[Line, ...]
    records: Mapping[str, Record]
    counts: Mapping[JobState, int]
    reached: tuple[Reached, ...] = ()
    is_torn: bool = False  # Redis found half a change at the end of its file
    left: tuple[str, ...] = ()  # processes, folders, leases, lanes that should be gone
    unexpected: tuple[str, ...] = ()  # what else no part should have done
    events: Mapping[str, tuple[Event, ...]] = field(init=False)  # of each job, as followed
    log: Mapping[str, tuple[Line, ...]] = field(init=False)  # of each job

    def __post_init__(self) -> None:
        """Sort events and lines by job."""
        object.__setattr__(self, "events", _by_job(self.followed))
        object.__setattr__(self, "log", _by_job(self.lines))


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, and by which job, if by one."""

    rule: str
    what: str
    job_id: str = ""


def pid_of(worker: str) -> int:
    """Read the process id out of a worker's id, `HOST-PID-HEX`."""
    parts = worker.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


def _by_job(items: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(item.job_id, []).append(item)
    return {job_id: tuple(of_job) for job_id, of_job in found.items()}
