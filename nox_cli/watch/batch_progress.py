"""The progress of a batch as a value: counts, rate, estimate, failures, and the jobs that stand out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.counts import by_public_state
from nox_cli.results import job_record
from workers.job import WAITING, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.watch.json_objects import BatchProgressRecord, OutstandingJob
    from workers.job import Job, Reason


class TimeLeft(NamedTuple):
    """An estimate of the seconds until all jobs have ended."""

    likely_s: float  # the median: it takes longer in half of all cases
    late_s: float  # the 90th percentile: it takes longer in one case of ten


class JobName(NamedTuple):
    """A job as far as a person needs it to name the job in a command."""

    job_id: str
    number: int
    name: str


class FailureGroup(NamedTuple):
    """The failed jobs of one reason."""

    reason: Reason
    count: int  # type: ignore[assignment]  # of jobs; nothing here counts items of a tuple
    sample: tuple[JobName, ...]  # the newest, the newest first; at most `SAMPLED`


SAMPLED = 5


class BatchProgress(NamedTuple):
    """The progress of some jobs at one moment.  All rates and estimates that nox shows are from here.

    `nox_cli.watch.ledger.Ledger` makes it of jobs that are followed, `nox_cli.watch.survey.Survey` of a store
    or a batch of any size.
    """

    counts: Mapping[JobState, int]
    elapsed_s: float | None = None  # since the first start, of ended jobs until the last end; None: unknown
    rate_per_s: float | None = None  # of the jobs that end, lately; None: too few have ended
    left: TimeLeft | None = None  # None: too little is known for an estimate
    failures: tuple[FailureGroup, ...] = ()  # the largest first
    newest_done: Job | None = None
    lowest: Job | None = None  # None also where energies cannot be compared
    longest_running: Job | None = None
    ends_per_slice: tuple[int, ...] = ()  # the jobs that ended in each slice of time, the oldest first
    slice_s: float = 1.0

    @property
    def total(self) -> int:
        """The number of jobs."""
        return sum(self.counts.values())

    @property
    def ended(self) -> int:
        """The number of jobs that are final."""
        return sum(count for state, count in self.counts.items() if state.is_final)

    @property
    def waiting(self) -> int:
        """The number of jobs that have yet to start."""
        return sum(self.counts.get(state, 0) for state in WAITING)

    @property
    def failures_grouped(self) -> int:
        """The number of failed jobs in `failures`: of very many only the newest are."""
        return sum(group.count for group in self.failures)

    def document(self) -> BatchProgressRecord:
        """Return it as JSON has it."""
        return {
            "counts": by_public_state(self.counts),
            "raw_counts": dict(self.counts),
            "total": self.total,
            "elapsed_s": _rounded(self.elapsed_s),
            "rate_per_s": _rounded(self.rate_per_s),
            "left": None
            if self.left is None
            else {"likely_s": round(self.left.likely_s, 1), "late_s": round(self.left.late_s, 1)},
            "failures": [
                {
                    "reason": group.reason,
                    "count": group.count,
                    "sample": [named._asdict() for named in group.sample],  # type: ignore[misc]
                }
                for group in self.failures
            ],
            "failures_grouped": self.failures_grouped,
            "newest_done": _outstanding(self.newest_done),
            "lowest": _outstanding(self.lowest),
            "longest_running": _outstanding(self.longest_running),
            "ends_per_slice": list(self.ends_per_slice),
            "slice_s": self.slice_s,
        }


def _rounded(value: float | None) -> float | None:
    """Leave out digits that no measurement has."""
    return None if value is None else round(value, 3)


def _outstanding(job: Job | None) -> OutstandingJob | None:
    if job is None:
        return None
    return {
        "job_id": job.id,
        "number": job.number,
        "name": job.name,
        "step": job.progress.step,
        "energy_hartree": job.progress.energy_hartree,
        "wall_s": job_record.elapsed_s(job),
    }
