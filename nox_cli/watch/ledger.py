"""Jobs that are followed, and what is known of them together: their progress as one value."""

from __future__ import annotations

import time
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from nox_cli.watch.batch_progress import SAMPLED, BatchProgress, FailureGroup, JobName, TimeLeft
from nox_cli.watch.pace import Ends, Pace
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.watch.follower import Change
    from workers.job import Job, Reason

# An estimate is made anew after this time, and so seldom that it takes one part in this many of the
# processor's; but at once if the jobs that are left are a quarter more or fewer.
_ESTIMATE_EVERY_S = 1.0
_ESTIMATE_SHARE = 200
_OTHERS = 0.25


class Ledger:
    """Keeps what is known of some jobs; `see` takes records, `move` changes."""

    def __init__(self, known_ms: int = 0) -> None:
        """Begin with no job; `known_ms`: the time since when all ends will be seen."""
        self.pace = Pace(known_ms)
        self.newest_done: Job | None = None
        self.lowest: Job | None = None
        self._running: dict[str, Job] = {}  # that were read
        self._failed: dict[str, Reason] = {}
        self._groups: defaultdict[Reason, dict[str, JobName]] = defaultdict(dict)
        self._kinds: set[tuple[str, str]] = set()
        self._left: TimeLeft | None = None
        self._ends = Ends((), 1.0)
        self._counted_at = -_ESTIMATE_EVERY_S
        self._estimated_ms = 0
        self._estimated_at = self._estimate_at = -_ESTIMATE_EVERY_S
        self._unended = 0  # at the last estimate

    @property
    def are_comparable(self) -> bool:
        """Whether energies can be compared: all jobs are of one formula and one kind."""
        return len(self._kinds) <= 1

    def add(self, job: Job) -> None:
        """Take the record of a job that is new here."""
        self._kinds.add((job.formula, job.kind))
        self.pace.see(job)
        self._note(job.state, job.reason, JobName(job.id, job.number, job.name))
        self.see(job)

    def see(self, job: Job) -> None:
        """Take a newer record of a job, whose changes `move` takes."""
        if job.state is JobState.RUNNING:
            self._running[job.id] = job
        elif job.state is JobState.DONE:
            self._see_done(job)

    def move(self, change: Change) -> None:
        """Take a change of a job's state."""
        self.pace.move(change.job_id, change.state, change.at_ms)
        self._note(change.state, change.reason, JobName(change.job_id, change.number, change.name))

    def progress(self, counts: Mapping[JobState, int], now_ms: int) -> BatchProgress:
        """Return the progress of the jobs.

        Args:
            counts: the jobs by state, also of those that were not seen.
            now_ms: the time.
        """
        self._estimate(counts, now_ms)
        longest = self.pace.longest()
        groups = sorted(self._groups.items(), key=lambda item: (-len(item[1]), item[0]))
        return BatchProgress(
            counts={state: counts[state] for state in JobState if counts.get(state)},
            elapsed_s=self.pace.elapsed_s(now_ms),
            rate_per_s=self.pace.rate(now_ms),
            left=self._left_at(now_ms),
            failures=tuple(
                FailureGroup(reason, len(jobs), tuple(islice(reversed(jobs.values()), SAMPLED)))
                for reason, jobs in groups
                if jobs
            ),
            newest_done=self.newest_done,
            lowest=self.lowest if self.are_comparable else None,
            longest_running=self._running.get(longest[0]) if longest else None,
            ends_per_slice=self._ends.counts,
            slice_s=self._ends.slice_s,
        )

    def _see_done(self, job: Job) -> None:
        newest, energy = self.newest_done, job.progress.energy_hartree
        if newest is None or (job.ended_ms or 0) >= (newest.ended_ms or 0):
            self.newest_done = job
        if energy is None:
            return
        if self.lowest is None or energy < (self.lowest.progress.energy_hartree or 0.0):
            self.lowest = job

    def _note(self, state: JobState, reason: Reason | None, job: JobName) -> None:
        if state is not JobState.RUNNING:
            self._running.pop(job.job_id, None)
        if (before := self._failed.pop(job.job_id, None)) is not None:
            del self._groups[before][job.job_id]
        if state is JobState.FAILED and reason is not None:
            self._failed[job.job_id] = reason
            self._groups[reason][job.job_id] = job

    def _estimate(self, counts: Mapping[JobState, int], now_ms: int) -> None:
        """Estimate the time left, and count the ends lately, unless that was done just now."""
        now, began = time.monotonic(), time.thread_time()
        if now >= self._counted_at + _ESTIMATE_EVERY_S:
            self._ends, self._counted_at = self.pace.ends(now_ms), now
        unended = sum(count for state, count in counts.items() if not state.is_final)
        are_others = abs(unended - self._unended) > _OTHERS * self._unended
        if now < (self._estimated_at + _ESTIMATE_EVERY_S if are_others else self._estimate_at):
            return
        self._left, self._estimated_ms = self.pace.left(now_ms, counts), now_ms
        self._unended, self._estimated_at = unended, now
        self._estimate_at = now + max(_ESTIMATE_EVERY_S, _ESTIMATE_SHARE * (time.thread_time() - began))

    def _left_at(self, now_ms: int) -> TimeLeft | None:
        """Return the newest estimate, less the time that has passed since."""
        if self._left is None or self.pace.is_over:
            return None
        passed_s = (now_ms - self._estimated_ms) / 1_000
        return TimeLeft(max(0.0, self._left.likely_s - passed_s), max(0.0, self._left.late_s - passed_s))
