"""The times of jobs: the rate at which they end, how long they have run, and how long the rest takes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from workers.job import WAITING, JobState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nox_cli.watch.batch_progress import TimeLeft
    from nox_cli.watch.estimate import JobTime, Work
    from workers.job import Job

# Kind, atoms and engine.
Shape = tuple[str, int, str]

# A rate needs this many ended jobs, an estimate also this time since the first start.
LEAST_S, LEAST_ENDED = 5.0, 5
# The pace is that of the last minute or, where fewer jobs ended in it, of 50 jobs; at most of 2,000.
_OVER_MS, _FEWEST, _MOST = 60_000, 50, 2_000
# The times that are used are those of this number of newest jobs, or of several for each job that runs.
_TIMES, _TIMES_OF_RUNNING = 1_200, 6
# Where nothing ran for so long, the pace begins anew.
_PAUSE_MS = 60_000
# The number of jobs that run at once is an average over this time.
_AT_ONCE_MS = 10_000
# The slices of time in which ends are counted: their largest number, and the possible lengths.
_SLICES = 30
_SLICE_S = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)
_LEAST_SPAN_MS = 600_000


class Ends(NamedTuple):
    """The number of jobs that ended in each slice of time, the oldest first."""

    counts: tuple[int, ...]
    slice_s: float


class Pace:
    """Keeps the times of jobs; `see` takes a record, `move` a change."""

    def __init__(self, known_ms: int = 0) -> None:
        """Begin with no job; `known_ms`: the time since when all ends will be seen."""
        self._known_ms = known_ms
        self._shapes: dict[str, Shape] = {}
        self._states: dict[str, JobState] = {}
        self._starts: dict[str, int] = {}  # of the newest attempts
        self._waiting: Counter[Shape] = Counter()
        self._held = 0
        self._running: dict[str, None] = {}
        self._newest: list[tuple[int, str]] = []  # of those that had started, the newest by their end
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
            self._wait(job_id, state, 1)
        elif job_id in self._starts:
            insort(self._newest, (at_ms, job_id))
            if len(self._newest) > _MOST:
                self._known_ms = max(self._known_ms, self._newest.pop(0)[0])

    @property
    def is_over(self) -> bool:
        """Whether all jobs have ended."""
        return not (self._running or self._held or self._waiting.total())

    def longest(self) -> list[str]:
        """Find the job that has run longest; empty: none runs."""
        return [min(self._running, key=self._starts.__getitem__)] if self._running else []

    def elapsed_s(self, now_ms: int) -> float | None:
        """Count the seconds from the first start until now or, once all have ended, the last end; None: none
        has started.
        """
        if not self._starts:
            return None
        until_ms = self._newest[-1][0] if self.is_over and self._newest else now_ms
        return max(0, until_ms - self._began_ms()) / 1_000

    def rate(self, now_ms: int) -> float | None:
        """Count the jobs that end in a second, lately; None: too few have."""
        since_ms = self._since_ms(now_ms)
        ended = len(self._newest) - self._place(since_ms)
        if ended < LEAST_ENDED or now_ms <= since_ms:
            return None
        return 1_000 * ended / (now_ms - since_ms)

    def left(self, now_ms: int, counts: Mapping[JobState, int] = MappingProxyType({})) -> TimeLeft | None:
        """Estimate how long it takes until all have ended but those that are held; None: too little is known,
        or nothing has run lately.

        Args:
            now_ms: the time.
            counts: the jobs by state, if those that were seen are only a sample.
        """
        elapsed_s = self.elapsed_s(now_ms)
        is_left = self._running or self._waiting.total()
        if not is_left or elapsed_s is None or elapsed_s < LEAST_S:
            return None
        from nox_cli.watch.estimate import Rest, Unended, estimate, size_of

        since_ms = self._times_since_ms()
        running = []
        for job_id in self._running:
            (kind, atoms, engine), start_ms = self._shapes[job_id], self._starts[job_id]
            is_new = start_ms >= since_ms
            running.append(Unended((kind, engine), size_of(atoms), now_ms - start_ms, is_new=is_new))
        times = self._weight(counts)
        waiting = {
            ((kind, engine), size_of(atoms)): count * times
            for (kind, atoms, engine), count in sorted(self._waiting.items())
            if count
        }
        running.sort()
        return estimate(self._times(since_ms), Rest(running, waiting, self._at_once(now_ms)))

    def _weight(self, counts: Mapping[JobState, int]) -> float:
        """Return the number of waiting jobs for each that was seen, for as many slots as were seen."""
        running, waiting = len(self._running), self._waiting.total()
        all_running = max(running, counts.get(JobState.RUNNING, 0))
        all_waiting = max(waiting, sum(counts.get(state, 0) for state in WAITING - {JobState.HELD}))
        return (all_waiting / max(1, waiting)) * (running / all_running if running else 1.0)

    def ends(self, now_ms: int) -> Ends:
        """Count the jobs that ended in each whole slice of the last time.

        The time is that since work began, at most ten minutes or, if that is longer, the time in which the
        newest 50 jobs ended.
        """
        if not self._starts:
            return Ends((), 1.0)
        span_ms = max(_LEAST_SPAN_MS, now_ms - self._since_ms(now_ms))
        span_ms = min(span_ms, now_ms - max(self._began_ms(), self._known_ms))
        slice_s = next((one for one in _SLICE_S if 1_000 * one * _SLICES >= span_ms), _SLICE_S[-1])
        slice_ms = 1_000 * slice_s
        # Slices end at whole multiples of their length: no count changes while time passes.
        end, first = now_ms // slice_ms, (now_ms - span_ms) // slice_ms
        first = max(end - _SLICES, first)
        found = Counter(at_ms // slice_ms for at_ms, _ in self._after(first * slice_ms - 1))
        return Ends(tuple(found[index] for index in range(first, end)), slice_s)

    def _times_since_ms(self) -> int:
        """Return the time since when a job must have started for its time to count.

        Long jobs are more likely to run at that moment than short ones: they would count too often.
        """
        most = max(_TIMES, _TIMES_OF_RUNNING * len(self._running))
        return max(self._known_ms, self._newest[-most - 1][0] if len(self._newest) > most else 0)

    def _times(self, since_ms: int) -> dict[Work, list[JobTime]]:
        """Collect the times of the ended jobs of each kind of work that started since then.

        Cancelled ones are left out.
        """
        from math import log

        from nox_cli.watch.estimate import size_of

        found: defaultdict[Work, list[JobTime]] = defaultdict(list)
        for ended_ms, job_id in self._after(since_ms):
            (kind, atoms, engine), start_ms = self._shapes[job_id], self._starts[job_id]
            if start_ms >= since_ms and self._states[job_id] is not JobState.CANCELLED:
                found[kind, engine].append((size_of(atoms), log(max(1, ended_ms - start_ms))))
        return found

    def _at_once(self, now_ms: int) -> float:
        """Count the jobs that ran at once, on average, in the last seconds."""
        since_ms = max(self._since_ms(now_ms), now_ms - _AT_ONCE_MS)
        spans = [(self._starts[job_id], ended_ms) for ended_ms, job_id in self._after(since_ms)]
        spans += [(self._starts[job_id], now_ms) for job_id in self._running]
        busy_ms = sum(max(1, until_ms - max(start_ms, since_ms)) for start_ms, until_ms in spans)
        return busy_ms / max(1, now_ms - since_ms)

    def _since_ms(self, now_ms: int) -> int:
        """Return the time since when the pace is taken: after the last pause."""
        if not self._starts:
            return now_ms
        since_ms = max(self._began_ms(), self._known_ms)
        if len(self._newest) > _FEWEST:
            since_ms = max(since_ms, min(now_ms - _OVER_MS, self._newest[-_FEWEST - 1][0]))
        began_ms = min((self._starts[job_id] for job_id in self._running), default=now_ms)
        for ended_ms, job_id in self._after(since_ms):
            if began_ms - ended_ms > _PAUSE_MS:
                return began_ms
            began_ms = min(began_ms, self._starts[job_id])
        return max(since_ms, began_ms) if began_ms - since_ms > _PAUSE_MS else since_ms

    def _after(self, since_ms: int) -> Iterator[tuple[int, str]]:
        """Yield what has ended after a time, the newest first."""
        return islice(reversed(self._newest), len(self._newest) - self._place(since_ms))

    def _place(self, since_ms: int) -> int:
        """Return the place of the first end after a time."""
        return bisect_left(self._newest, (since_ms + 1, ""))

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

    def _wait(self, job_id: str, state: JobState, count: int) -> None:
        if state is JobState.HELD:
            self._held += count
        else:
            self._waiting[self._shapes[job_id]] += count

    def _leave(self, job_id: str) -> None:
        """Take a job out of where it was counted."""
        before = self._states.get(job_id)
        if before is None:
            return
        self._running.pop(job_id, None)
        if before.is_waiting:
            self._wait(job_id, before, -1)
        elif before.is_final:
            self._newest = [one for one in self._newest if one[1] != job_id]
