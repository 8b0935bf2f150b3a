"""The end of the batch job that this process runs in, and the deadlines of a worker that it sets."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from workers.batch import grant
from workers.batch.grant import Limit
from workers.sizes import clock_seconds, time_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from threading import Event

    from workers.logs import Log

ASK_S = 10.0
# The intervals at which a batch system is asked for the end, usually and if that is near.
ASK_EVERY_S, ASK_OFTEN_S, _NEAR_S = 60.0, 15.0, 120
# The length of an allocation without an end.
_UNLIMITED_S = 365 * 86_400.0
# An end that differs by less counts as the same.
MOVED_S = 10.0
# By default a worker drains for the last tenth of its time, and at most for this.
DRAIN_BEFORE_S = 60.0
_SHARE = 0.1
# The share of the drain in which jobs may end; the rest is for releasing those that did not.
_TO_END = 0.5

_SECONDS = re.compile(r"\d{1,12}", re.ASCII)
_STARTED = "%a %b %d %H:%M:%S %Y"


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """The time that an allocation still lasts, and the source of it."""

    left_s: float
    source: str


class Deadline:
    """Sets when a worker stops claiming, and when it releases the jobs that still run.

    Where an allocation sets it, the batch system is asked again while the worker runs: its end may be moved.
    `drain_at` and `give_back_at` are those times, as of `time.monotonic`.
    """

    def __init__(
        self,
        left_s: float,
        drain_before_s: float | None = None,
        ask: Callable[[], TimeLeft | None] | None = None,
    ) -> None:
        """Set the deadlines of a worker that must end in `left_s`.

        Args:
            left_s: seconds from now.
            drain_before_s: the length of the drain in seconds; None: a tenth of the time, a minute at most.
            ask: returns how long the allocation lasts now, None if that is unknown; None: the end is fixed.
        """
        self._began = time.monotonic()
        self._drain_before_s = drain_before_s
        self._ask = ask
        self._end = self.drain_at = self.give_back_at = 0.0
        self.move(left_s)

    @property
    def time_s(self) -> int:
        """The time limit of a job that starts now: whole seconds, 0 or less once the drain has begun."""
        return int(self.drain_at - time.monotonic())

    def move(self, left_s: float) -> None:
        """Move the end to `left_s` seconds from now."""
        self._end = time.monotonic() + left_s
        usual_s = min(DRAIN_BEFORE_S, _SHARE * max(0.0, self._end - self._began))
        before_s = usual_s if self._drain_before_s is None else self._drain_before_s
        self.drain_at, self.give_back_at = self._end - before_s, self._end - before_s * _TO_END

    def follow(self, log: Log, ended: Event) -> None:
        """Ask the batch system for the end at intervals, in a thread of its own, until `ended` is set."""
        if self._ask is not None:
            Thread(target=self._follow, args=(self._ask, log, ended), name="deadline", daemon=True).start()

    def _follow(self, ask: Callable[[], TimeLeft | None], log: Log, ended: Event) -> None:
        pause_s = 0.0
        while not ended.wait(pause_s):
            found = ask()
            if found is not None and abs(found.left_s - (self._end - time.monotonic())) > MOVED_S:
                self.move(found.left_s)
                log.info(
                    "the allocation ends at another time", left=time_words(found.left_s), source=found.source
                )
            pause_s = ASK_EVERY_S if self.time_s > _NEAR_S else ASK_OFTEN_S


def ending(environ: Mapping[str, str]) -> TimeLeft | None:
    """Find the end of the allocation that this process runs in; None: it is unknown.

    Slurm's variable holds the end as it was when the allocation began.  That is enough for a start, unless it
    is near; an end in the past was moved.
    """
    at = environ.get("SLURM_JOB_END_TIME", "")
    left_s = int(at) - time.time() if _SECONDS.fullmatch(at) else 0
    initial = TimeLeft(left_s, "SLURM_JOB_END_TIME") if left_s > 0 else None
    if left_s > _NEAR_S:
        return initial
    found = current_ending(environ)
    if found is None or (initial is None and found.left_s >= _UNLIMITED_S):
        return initial
    return found


def current_ending(environ: Mapping[str, str]) -> TimeLeft | None:
    """Ask the batch system for the end of the allocation, for 10 s at most; None: it has no answer."""
    return _squeue(environ) or _pbs(environ)


def _squeue(environ: Mapping[str, str]) -> TimeLeft | None:
    job = environ.get("SLURM_JOB_ID", "")
    if not job:
        return None
    left = _ask(environ, "squeue", "--noheader", f"--jobs={job}", "--format=%L").strip()
    left_s = _UNLIMITED_S if left == "UNLIMITED" else _seconds(left)
    return None if left_s is None else TimeLeft(left_s, "squeue")


def pbs_memory(environ: Mapping[str, str]) -> list[Limit]:
    """Ask qstat for this host's share of the memory that a job was granted, in bytes; empty: unknown."""
    size_bytes = grant.size_bytes(_qstat(environ).get("resource_list.mem", ""))
    return [Limit(size_bytes // max(1, len(set(grant.hosts(environ)))), "qstat")] if size_bytes else []


def _pbs(environ: Mapping[str, str]) -> TimeLeft | None:
    """Ask qstat: Torque reports the time left, PBS the time granted, and its start or the time used."""
    found = _qstat(environ)
    left_s = _seconds(found.get("walltime.remaining", ""))
    if left_s is None:
        granted_s = _seconds(found.get("resource_list.walltime", ""))
        used_s = _since(found.get("stime", "")) or _seconds(found.get("resources_used.walltime", ""))
        left_s = None if granted_s is None or used_s is None else granted_s - used_s
    return None if left_s is None else TimeLeft(left_s, "qstat")


def _qstat(environ: Mapping[str, str]) -> dict[str, str]:
    """Ask PBS for the attributes of this job, by name; empty: it is no job of PBS, or there is no answer."""
    job = environ.get("PBS_JOBID", "")
    if not job:
        return {}
    pairs = (line.partition(" = ") for line in _ask(environ, "qstat", "-f", job).splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _since(text: str) -> float | None:
    """Count the seconds since a time as C's `ctime` writes it."""
    try:
        return time.time() - time.mktime(time.strptime(text, _STARTED))
    except ValueError:
        return None


def _seconds(text: str) -> float | None:
    """Read a duration as batch systems write it: `90`, `1:30`, `01:00:00`, `2-03:00:00`."""
    if _SECONDS.fullmatch(text):
        return float(text)
    return clock_seconds(text)


def _ask(environ: Mapping[str, str], name: str, *arguments: str) -> str:
    """Run a program of the batch system and return its output; empty: it is missing, or failed."""
    program = shutil.which(name, path=environ.get("PATH", ""))
    if program is None:
        return ""
    try:
        ended = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=ASK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if ended.returncode else ended.stdout.decode(errors="replace")
