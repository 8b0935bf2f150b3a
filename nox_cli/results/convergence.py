"""The course of an optimisation: of a job that runs from the store, of an ended one from its trajectory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.results.artifacts import read_artifact
from nox_cli.results.documents import document
from nox_cli.results.job_record import point
from workers.engine.levels import level_of
from workers.errors import JobNotFound
from workers.job import JobState
from workers.names import TRAJECTORY_XYZ
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nox_cli.results.json_objects import ConvergenceRecord
    from workers.engine.levels import Level
    from workers.job import Job
    from workers.store.base import Store

# The comment of a frame, as `workers.engine.xyz` writes it.
# A number of a damaged one may have any length: it must not become infinite.
_COMMENT = re.compile(rb"^energy=(-?\d{1,99}\.\d+) gnorm=(\d{1,99}\.\d+) ", re.MULTILINE)


class Convergence(NamedTuple):
    """The points of an optimisation, oldest first, and the thresholds that it has to reach."""

    job_id: str
    attempt: int | None = None  # whose points these are; None: there are none
    is_running: bool = False
    points: tuple[Point, ...] = ()
    energy_change_threshold_hartree: float | None = None  # None: the job has no optimisation
    gradient_norm_threshold_hartree_per_bohr: float | None = None

    def document(self) -> ConvergenceRecord:
        """Return points and thresholds."""
        return {
            "job_id": self.job_id,
            "attempt": self.attempt,
            "running": self.is_running,
            "energy_change_threshold_hartree": self.energy_change_threshold_hartree,
            "gradient_norm_threshold_hartree_per_bohr": self.gradient_norm_threshold_hartree_per_bohr,
            "points": list(map(point, self.points)),
        }


def convergence(store: Store, job: Job) -> Convergence:
    """Read the course of a job's optimisation.

    While the attempt runs these are the last `workers.store.values.POINTS_KEPT` points that it has reported,
    counted over all attempts.  After that they are the frames of the trajectory of the attempt whose result
    is shown, counted from 1: steps that were rejected are not among them.  A job that waits, and one without
    an optimisation, has none.

    Args:
        store: the store of the job.
        job: the job.

    Raises:
        ArtifactNotFound: the trajectory is on another machine, or was dropped after a retry.
        StoreDamaged: the trajectory does not have its checksum.
        StoreError: the store cannot be read.
    """
    level = _level(store, job)
    if level is None:
        return Convergence(job.id)
    is_running = job.state is JobState.RUNNING
    attempt = job.attempt if is_running else job.shown
    points = tuple(store.points([job.id]).get(job.id, ()) if is_running else _passed(store, job))
    return Convergence(
        job.id,
        attempt if points else None,
        is_running,
        points,
        level.energy_change,
        level.gradient_norm,
    )


def _level(store: Store, job: Job) -> Level | None:
    """Return the level of the optimisation; None: there is none, or the specification is damaged."""
    try:
        spec = document(store.spec(job.id))
    except JobNotFound:
        return None
    return level_of(job.kind, spec.text("opt_level") or None)


def _passed(store: Store, job: Job) -> Iterator[Point]:
    """Read the frames of the trajectory of the shown attempt; none if that left no trajectory."""
    if job.shown is None:
        return
    if not any(made.name == TRAJECTORY_XYZ for made in store.artifacts(job.id, job.shown)):
        return
    comments = _comments(read_artifact(store, job, TRAJECTORY_XYZ).pieces)
    for step, (energy, norm) in enumerate(comments, start=1):
        yield Point(step, float(energy), float(norm))


def _comments(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Find energy and gradient norm in the comments of the frames; a piece may end within one."""
    rest = b""
    for piece in pieces:
        lines, end, rest = (rest + piece).rpartition(b"\n")
        for found in _COMMENT.finditer(lines + end):
            yield found[1], found[2]
