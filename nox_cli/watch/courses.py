"""Jobs that run, those first that have run longest, with the course of those that optimise."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.results import job_record
from workers.job import OPTIMISATION, JobState
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nox_cli.results.json_objects import Page
    from nox_cli.watch.json_objects import RunningRecord
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Point

# The jobs of the lowest numbers among which those are found that have run longest.
_LOOKED_AT = 200


class Courses(NamedTuple):
    """Running jobs, and the newest points of those that optimise."""

    jobs: tuple[Job, ...]
    points: Mapping[str, tuple[Point, ...]]

    def document(self) -> Page[RunningRecord]:
        """Return the jobs, each with its step and its course."""
        return {"items": list(map(self._record, self.jobs)), "cursor": None}

    def _record(self, job: Job) -> RunningRecord:
        return {
            **job_record.record(job),
            "phase": job.progress.phase,
            "steps": job_record.counted_steps(job),
            "gradient_norm_hartree_per_bohr": job.progress.gradient_norm_hartree_per_bohr,
            "gradient_norms": [point.gradient_norm for point in self.points.get(job.id, ())],
        }


def longest_running(store: Store, *, owner: str | None, batch: str, limit: int) -> Courses:
    """Read the jobs that have run longest.

    Args:
        store: the store.
        owner: the owner of the jobs; None: all owners.
        batch: the batch; empty: all jobs.
        limit: the number of jobs.

    Raises:
        StoreError: the store cannot be read.
    """
    running = Query(
        owner=owner,
        states=frozenset({JobState.RUNNING}),
        batch=batch,
        sort=SortKey.NUMBER,
        descending=False,
        limit=_LOOKED_AT,
    )
    found = sorted(store.page(running).items, key=lambda job: (job.started_ms or 0, job.number))[:limit]
    optimised = [job.id for job in found if job.progress.phase == OPTIMISATION]
    return Courses(tuple(found), store.points(optimised) if optimised else {})
