"""The lines of `nox worker` on a terminal: one for each job that ends, or counts where there are many."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted, job_title
from nox_cli.progress import columns_of
from nox_cli.render import jobs
from nox_cli.render.terminal.columns import cut, width
from nox_cli.results.job_record import reason
from nox_cli.run.worker import WorkerView
from workers.job import JobState
from workers.logs import time_of_day
from workers.runtime.observer import GIVEN_BACK, LOST

if TYPE_CHECKING:
    from nox_cli.render.terminal.out import Out
    from nox_cli.run.worker import Begun
    from workers.job import Job
    from workers.logs import Log

# The most lines of jobs in a window; where more jobs end, the next windows show counts.
MOST_LINES = 10
WINDOW_S = 1.0
_WORDS = {GIVEN_BACK: "requeued"}
_ENDS = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, GIVEN_BACK, LOST)
# What a narrow terminal does without, the first first.
_SPARE = ("calculation", "took", "clock")
_SHORTEST_TITLE = 8


class JobLines(WorkerView):
    """Writes a line for each job that ends, ten a second at most; beyond that failures, and a count."""

    def __init__(self, out: Out, log: Log) -> None:
        """Prepare to write.

        Args:
            out: makes the lines safe and paints them; the terminal is that of its notes.
            log: writes them, so that they are not mixed with its own.
        """
        self._out = out
        self._log = log
        self._lock = threading.Lock()
        self._started = self._window_ends = time.monotonic()
        self._all: Counter[str] = Counter()
        self._window: Counter[str] = Counter()  # the ends in this window
        self._lines = 0  # of jobs that were written in this window
        self._counts_only = False
        self._timer = threading.Timer(WINDOW_S, self._tick)

    def begun(self, begun: Begun) -> None:
        """Write what the worker has, and how it is stopped."""
        drain = times.words(begun.drain_timeout_s)
        for line in (
            f"{counted(begun.slots, 'slot')}, {begun.kind} store {begun.where}",
            f"engines: {begun.engines}",
            begun.share,
            f"Ctrl-C stops the worker; running jobs get {drain} to finish",
        ):
            self._log.line(self._out.shown(line))

    def ended(self, job: Job, how: str, seconds: float) -> None:
        """Write a line for a job, or count it."""
        with self._lock:
            if time.monotonic() >= self._window_ends:
                self._turn()
            self._window[how] += 1
            if how == LOST:  # the log has a warning, which names the job
                return
            is_shown = not self._counts_only or how == JobState.FAILED
            if is_shown and self._lines < MOST_LINES:
                self._lines += 1
                self._log.line(self._line(job, how, seconds))

    def took_back(self, count: int) -> None:
        """Write how many jobs of lost workers this one has requeued."""
        self._write(f"requeued {counted(count, 'job')} of workers that were lost")

    def stopping(self, running: int, limit_s: float, by: str) -> None:
        """Write what stops the worker, how long running jobs may take, and how to end at once."""
        named = f"{by}: " if by not in {"", signal.SIGINT.name} else ""
        if running:
            has, them = ("has", "it") if running == 1 else ("have", "them")
            jobs_left = f"{counted(running, 'running job')} {has} {times.words(limit_s)} to finish"
            again = f"; Ctrl-C again requeues {them} now" if by else ""
            self._write(f"{named}stopping, {jobs_left}{again}")
        elif named:
            self._write(f"{named}stopping")

    def releasing(self, running: int) -> None:
        """Write that running jobs are stopped."""
        self._write(f"requeuing {counted(running, 'running job')}")

    def close(self) -> None:
        """Write the counts of all jobs."""
        with self._lock:
            self._turn()
            self._timer.cancel()
            took = times.words(time.monotonic() - self._started)
            self._write(f"stopped after {took}: {_counts(self._all)}")

    def _turn(self) -> None:
        """Begin another window, with a count of this one if not each of its jobs had a line."""
        ended = self._window.total()
        if ended - self._window[LOST] > self._lines:
            self._write(f"{_counts(self._window)} in the last second")
        self._counts_only = ended > MOST_LINES
        self._all += self._window
        self._window.clear()
        self._lines = 0
        self._window_ends = time.monotonic() + WINDOW_S
        self._timer.cancel()
        self._timer = threading.Timer(WINDOW_S, self._tick)
        self._timer.daemon = True
        self._timer.start()

    def _tick(self) -> None:
        """End a window in which no job may end any more."""
        with self._lock:
            if self._window and time.monotonic() >= self._window_ends:
                self._turn()

    def _write(self, text: str) -> None:
        self._log.line(self._out.shown(f"{time_of_day()}  {text}"))

    def _line(self, job: Job, how: str, seconds: float) -> str:
        """Write how a job ended, in the columns that there are."""
        word = _WORDS.get(how, how)
        energy = job.progress.energy_hartree
        value = "" if energy is None or how != JobState.DONE else f"{energy:.8f} Eh"
        shown = {
            "clock": time_of_day(),
            "word": word,
            "title": job_title(job),
            "calculation": job.kind,
            "value": value or reason(job),
            "took": times.words(seconds),
        }
        room = columns_of(self._out.notes) - 1
        for name in _SPARE:
            if width(_joined(shown)) > room:
                del shown[name]
        excess = width(_joined(shown)) - room
        if excess > 0:
            shown["title"] = cut(shown["title"], max(_SHORTEST_TITLE, width(shown["title"]) - excess))
        before, _, after = cut(_joined(shown), room).partition(word)
        state = JobState(how) if how in _STATES else JobState.QUEUED
        return self._out.shown(before, jobs.painted(word, state), after)


_STATES = frozenset(JobState)


def _joined(shown: dict[str, str]) -> str:
    return "  ".join(filter(None, shown.values()))


def _counts(ends: Counter[str]) -> str:
    """Write counts by the end of jobs: `212 done · 3 failed`."""
    return " · ".join(f"{ends[how]:,} {_WORDS.get(how, how)}" for how in _ENDS if ends[how]) or "no job ended"
