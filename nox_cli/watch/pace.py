"""The rate at which jobs end, and the time that the rest takes, from times in the store."""

from __future__ import annotations

from bisect import insort
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.job import JobState

if TYPE_CHECKING:
    from workers.job import Job

# Jobs of equal kind, atoms and engine are expected to take equally long.
Shape = tuple[str, int, str]

# An estimate needs this time since the first start, and this many ended jobs of each shape that is left.
LEAST_S, LEAST_ENDED = 5.0, 5
# The pace is that of the last minute or, where fewer jobs ended in it, of 50 jobs; at most of 2,000.
_OVER_MS, _FEWEST, _MOST = 60_000, 50, 2_000
# A running job that has taken longer than others did is expected to take this share of their time yet.
_OVERDUE = 0.1


@dataclass(slots=True)
class _Sum:
    count: int = 0
    ms: int = 0

    @property
    def mean_ms(self) -> float:
        return self.ms / self.count


class Pace:
    """Keeps the times of jobs; `see` takes a record, `move` a change."""

    def __init__(self) -> None:
        self._shapes: dict[str, Shape] = {}
        self._states: dict[str, JobState] = {}
        self._starts: dict[str, int] = {}  # of the newest attempts
        self._waiting: Counter[Shape] = Counter()
        self._running: dict[str, None] = {}
        self._ended: dict[str, int] = {}  # those that had started
        self._newest: list[tuple[int, str]] = []  # the newest of these by their end
        self._took: defaultdict[Shape, _Sum] = defaultdict(_Sum)
        self._first_ms: int | None = None

    def see(self, job: Job) -> None:
        """Take a job's record."""
        self._shapes[job.id] = job.kind, job.atoms, job.engine
        if job.started_ms is not None and not job.state.is_waiting:
            self._start(job.id, job.started_ms)
        self.move(job.id, job.state, job.ended_ms or job.started_ms or job.created_ms)

    def move(self, job_id: str, state: JobState, at_ms: int) -> None:
        """Take a change of the state of a job that was seen."""
        self._leave(job_id)
        self._states[job_id] = state
        if state is JobState.RUNNING:
            self._start(job_id, at_ms)
            self._running[job_id] = None
        elif state.is_waiting:
            if self._starts.pop(job_id, None) == self._first_ms:
                self._first_ms = None
            self._waiting[self._shapes[job_id]] += 1
        elif job_id in self._starts:
            self._end(job_id, at_ms)

    def longest(self) -> list[str]:
        """Find the job that has run longest; empty: none runs."""
        return [min(self._running, key=self._starts.__getitem__)] if self._running else []

    def elapsed_s(self, now_ms: int) -> float | None:
        """Count the seconds from the first start until now or, once all have ended, the last end; None: none
        has started.
        """
        if not self._starts:
            return None
        is_over = not self._running and not self._waiting.total()
        until_ms = self._newest[-1][0] if is_over and self._newest else now_ms
        return max(0, until_ms - self._began_ms()) / 1_000

    def rate(self, now_ms: int) -> float | None:
        """Count the jobs that end in a second, lately; None: too few have."""
        since_ms, ended = self._window(now_ms)
        if len(ended) < LEAST_ENDED or now_ms <= since_ms:
            return None
        return 1_000 * len(ended) / (now_ms - since_ms)

    def left_s(self, now_ms: int) -> float | None:
        """Estimate how long it takes until all have ended; None: too little is known.

        What is left is counted in the mean times of ended jobs of the same shape, and divided by how many
        jobs ran at once lately.
        """
        elapsed_s = self.elapsed_s(now_ms)
        if not self._running or elapsed_s is None or elapsed_s < LEAST_S:
            return None
        shapes = {shape for shape, count in self._waiting.items() if count}
        shapes |= {self._shapes[job_id] for job_id in self._running}
        if any(self._took[shape].count < LEAST_ENDED for shape in shapes):
            return None
        running_ms = [self._rest_ms(job_id, now_ms) for job_id in self._running]
        waiting_ms = sum(count * self._took[shape].mean_ms for shape, count in self._waiting.items() if count)
        at_once = self._at_once(now_ms)
        if not at_once:
            return None
        return max(*running_ms, (sum(running_ms) + waiting_ms) / at_once, 0.0) / 1_000

    def _rest_ms(self, job_id: str, now_ms: int) -> float:
        mean_ms = self._took[self._shapes[job_id]].mean_ms
        return max(mean_ms - max(0, now_ms - self._starts[job_id]), _OVERDUE * mean_ms)

    def _at_once(self, now_ms: int) -> float:
        """Count the jobs that ran at once, on average, lately."""
        since_ms, ended = self._window(now_ms)
        spans = [(self._starts[job_id], ended_ms) for ended_ms, job_id in ended]
        spans += [(self._starts[job_id], now_ms) for job_id in self._running]
        busy_ms = sum(max(1, until_ms - max(start_ms, since_ms)) for start_ms, until_ms in spans)
        return busy_ms / max(1, now_ms - since_ms)

    def _window(self, now_ms: int) -> tuple[int, list[tuple[int, str]]]:
        """Say since when the pace is taken, and what has ended since."""
        if not self._starts:
            return now_ms, []
        since_ms = self._began_ms()
        if len(self._newest) > _FEWEST:
            since_ms = max(since_ms, min(now_ms - _OVER_MS, self._newest[-_FEWEST - 1][0]))
        if len(self._newest) == _MOST:
            since_ms = max(since_ms, self._newest[0][0])
        return since_ms, [one for one in self._newest if one[0] > since_ms]

    def _began_ms(self) -> int:
        if self._first_ms is None:
            self._first_ms = min(self._starts.values())
        return self._first_ms

    def _start(self, job_id: str, at_ms: int) -> None:
        before = self._starts.get(job_id)
        self._starts[job_id] = at_ms
        if before is not None and before == self._first_ms:
            self._first_ms = None
        elif self._first_ms is not None:
            self._first_ms = min(self._first_ms, at_ms)

    def _end(self, job_id: str, at_ms: int) -> None:
        self._ended[job_id] = at_ms
        took = self._took[self._shapes[job_id]]
        took.count += 1
        took.ms += max(1, at_ms - self._starts[job_id])
        insort(self._newest, (at_ms, job_id))
        if len(self._newest) > _MOST:
            del self._newest[0]

    def _leave(self, job_id: str) -> None:
        """Take a job out of where it was counted."""
        before = self._states.get(job_id)
        if before is None:
            return
        shape = self._shapes[job_id]
        if before.is_waiting:
            self._waiting[shape] -= 1
        self._running.pop(job_id, None)
        at_ms = self._ended.pop(job_id, None)
        if at_ms is not None:
            self._took[shape].count -= 1
            self._took[shape].ms -= max(1, at_ms - self._starts[job_id])
            self._newest = [one for one in self._newest if one[1] != job_id]
