"""When the allocation of a batch system ends that this process runs in, and when a worker in it stops."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ASK_S = 10.0
# How long before its end a worker drains unless told: a tenth of the time it has, and no longer than this.
DRAIN_BEFORE_S = 60.0
_SHARE = 0.1
# Of the time from the drain on, so much is for jobs to end, the rest to give back those that did not.
_TO_END = 0.5

_TIME = re.compile(r"(?:(\d{1,6})-)?(?:(\d{1,6}):)?(\d{1,6}):(\d\d)", re.ASCII)
_STARTED = "%a %b %d %H:%M:%S %Y"


@dataclass(frozen=True, slots=True)
class Ending:
    """How long an allocation lasts, and who said so."""

    left_s: float
    source: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a worker stops taking jobs, and when it gives those back that still run (`time.monotonic`)."""

    drain_at: float
    give_back_at: float

    @classmethod
    def after(cls, left_s: float, drain_before_s: float | None = None) -> Deadline:
        """Plan the end of a worker that must be gone in `left_s`.

        Args:
            left_s: seconds from now.
            drain_before_s: how long before that it drains; None: a tenth of the time, a minute at most.
        """
        before_s = min(DRAIN_BEFORE_S, _SHARE * left_s) if drain_before_s is None else drain_before_s
        end = time.monotonic() + left_s
        return cls(end - before_s, end - before_s * _TO_END)

    @property
    def time_s(self) -> int:
        """How long a job may take that begins now: whole seconds, 0 or less once it is over."""
        return int(self.drain_at - time.monotonic())


def ending(environ: Mapping[str, str]) -> Ending | None:
    """Find out when the allocation ends that this process runs in; None: nobody tells."""
    return _slurm(environ) or _pbs(environ)


def _slurm(environ: Mapping[str, str]) -> Ending | None:
    at = environ.get("SLURM_JOB_END_TIME", "")
    if at.isdigit():
        return Ending(int(at) - time.time(), "SLURM_JOB_END_TIME")
    job = environ.get("SLURM_JOB_ID", "")
    if job:
        said = _ask(environ, "squeue", "--noheader", f"--jobs={job}", "--format=%L")
        left_s = _seconds(said.strip())
        return None if left_s is None else Ending(left_s, "squeue")
    return None


def _pbs(environ: Mapping[str, str]) -> Ending | None:
    """Ask qstat: Torque tells what is left, PBS what was granted, and since when or how much is used."""
    job = environ.get("PBS_JOBID", "")
    if not job:
        return None
    pairs = (line.partition(" = ") for line in _ask(environ, "qstat", "-f", job).splitlines())
    told = {name.strip().lower(): value.strip() for name, _, value in pairs}
    left_s = _seconds(told.get("walltime.remaining", ""))
    if left_s is None:
        granted_s = _seconds(told.get("resource_list.walltime", ""))
        used_s = _since(told.get("stime", "")) or _seconds(told.get("resources_used.walltime", ""))
        left_s = None if granted_s is None or used_s is None else granted_s - used_s
    return None if left_s is None else Ending(left_s, "qstat")


def _since(text: str) -> float | None:
    """Count the seconds from a moment as C's `ctime` writes it."""
    try:
        return time.time() - time.mktime(time.strptime(text, _STARTED))
    except ValueError:
        return None


def _seconds(text: str) -> float | None:
    """Read a duration as batch systems write it: `90`, `1:30`, `01:00:00`, `2-03:00:00`."""
    if text.isdigit():
        return float(text)
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _ask(environ: Mapping[str, str], name: str, *arguments: str) -> str:
    """Run a program of the batch system; empty: it is not there, or has no answer."""
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
