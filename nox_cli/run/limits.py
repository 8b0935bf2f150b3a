"""The limits of a worker: when it must end, and the cores and memory that its jobs may use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.submission.jobs import DEFAULT_MEMORY_BYTES
from workers import machine
from workers.batch.environment import Deadline, current_ending, ending
from workers.batch.grant import Limit
from workers.errors import UsageError
from workers.sizes import size_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AUTO = "auto"
NO_WORKER = "no worker was started"


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """The deadline of a worker, and a line that describes it or explains why there is none."""

    deadline: Deadline | None
    said: str


def time_limit(
    wanted: str | None, drain_before_s: float | None, environ: Mapping[str, str], *, did: str = NO_WORKER
) -> TimeLimit | None:
    """Choose when a worker ends; None: there is no limit.

    Args:
        wanted: a duration, or `auto`: until the allocation ends; None: no limit.
        drain_before_s: seconds before the end from which no job is started; None: the default.
        environ: the environment, which describes the allocation.
        did: the state after an error, for its message.

    Raises:
        UsageError: the options contradict each other.
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
    where = machine.allocation(environ)
    why = f"squeue or qstat does not tell when {where} ends" if where else "this is no allocation"
    return TimeLimit(None, f"no time limit: {why}; say --time-limit DURATION")


def _limited(deadline: Deadline, left_s: float, source: str) -> TimeLimit:
    begins = times.words(max(0.0, float(deadline.time_s)))
    return TimeLimit(deadline, f"ends in {times.words(left_s)} ({source}), takes no jobs after {begins}")


@dataclass(frozen=True, slots=True)
class Share:
    """The cores and memory that a worker's jobs may use together, with a remark for the log."""

    cores: Limit
    memory: Limit
    warnings: tuple[str, ...]

    @property
    def said(self) -> str:
        """The amounts and their sources."""
        cores, memory = self.cores, self.memory
        return (
            f"may use {counted(cores.amount, 'core')} ({cores.source}) "
            f"and {size_words(memory.amount)} of memory ({memory.source})"
        )


def share(environ: Mapping[str, str], cores: int | None, memory_bytes: int | None) -> Share:
    """Choose the cores and the memory that jobs may use.

    Args:
        environ: the environment, which describes the grant of a batch job.
        cores: the number that the user chose; None: all that may be used here.
        memory_bytes: the memory that the user chose; None: likewise.
    """
    core_limit, memory_limit = machine.core_limit(environ), machine.memory_limit(environ)
    settled = Share(
        Limit(cores, "--cores") if cores else core_limit,
        Limit(memory_bytes, "--memory") if memory_bytes else memory_limit,
        (),
    )
    where = machine.allocation(environ)
    warnings = _excess(settled, core_limit, memory_limit) if where else ()
    return Share(settled.cores, settled.memory, (*warnings, *_too_little(settled.memory)))


def _excess(settled: Share, cores: Limit, memory: Limit) -> Iterator[str]:
    more = "is more than this allocation has"
    if settled.cores.amount > cores.amount:
        yield f"--cores {settled.cores.amount} {more}: {cores.amount} ({cores.source})"
    if settled.memory.amount > memory.amount:
        asked, most = size_words(settled.memory.amount), size_words(memory.amount)
        yield f"--memory {asked} {more}: {most} ({memory.source})"


def _too_little(memory: Limit) -> Iterator[str]:
    if memory.amount < DEFAULT_MEMORY_BYTES:
        default = size_words(DEFAULT_MEMORY_BYTES)
        yield f"jobs ask for {default} of memory unless submitted with --memory, and do not fit here"
