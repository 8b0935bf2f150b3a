"""The values that a slot, its keeper and a run exchange: limits, reasons to stop, answers, the end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from workers.documents import Strict
from workers.job import Progress
from workers.result import ChemistryResult, EchoResult, Failure, Result


@dataclass(frozen=True, slots=True)
class Limits:
    """The memory and time that a job may use."""

    memory_bytes: int  # beyond what the libraries need themselves; 0: no limit
    time_s: int  # 0: no limit
    output_bytes: int = 16 * 1024**2
    file_bytes: int = 1024**3  # the largest file it may write


class Stop(StrEnum):
    """The reasons to stop a running job; of several, the last in this order counts."""

    GIVE_BACK = "give_back"
    CANCEL = "cancel"
    LOST = "lost"


@dataclass(slots=True)
class Ended:
    """The end of a job's run; the run itself adds the log, and what stopped it.

    A job that came to its end has a result or a failure; an optimisation that did not converge has both.
    A stopped one has neither, unless its result came first.
    """

    result: EchoResult | ChemistryResult | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    log: bytes = b""  # what it printed, bounded, with a note where it was cut
    stopped: Stop | None = None
    progress: Progress | None = None  # of the result
    has_children: bool = False  # its engine left processes running
    is_keeper_lost: bool = False  # it failed because its keeper process ended, without an order to stop
    is_out_of_room: bool = False  # it failed because the disk of its folder was full
    killed_by: int = 0  # the signal that its engine died of and nox had not sent; 0: it did not


class Answer(Strict):
    """A frame from an engine child: how far a job has come, or how it ended."""

    progress: Progress | None = None
    job: int | None = None  # of the end
    result: Result | None = None
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    has_children: bool = False
    is_out_of_room: bool = False
    killed_by: int = 0  # the signal that a program died of which the engine drives
