"""Results that would be lost with a node, written to the directory that its batch job was submitted from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nox_cli.results.artifacts import RESULT_JSON, find_artifacts
from nox_cli.results.files import copy, planned
from nox_cli.selectors.reader import pages
from workers.job import FINAL, WAITING
from workers.names import OPT_XYZ
from workers.store.values import Query, SortKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.store.base import Store

TEMPLATE = "{number}-{name}-{file}"
# The variables of the directory that a batch job was submitted from, and of its id.
_SUBMITTED = (
    ("SLURM_SUBMIT_DIR", "SLURM_JOB_ID"),
    ("PBS_O_WORKDIR", "PBS_JOBID"),
    ("LS_SUBCWD", "LSB_JOBID"),
)
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Exported:
    """The numbers of jobs whose results were written, and of jobs that still wait."""

    jobs: int
    waiting: int


def destination(store: Store, home: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the directory for the results of a local store that is lost when its allocation ends.

    None: the results stay visible: in Redis, outside an allocation, or on the file system that the batch job
    was submitted from.
    """
    named = next((pair for pair in _SUBMITTED if environ.get(pair[0]) and environ.get(pair[1])), None)
    if store.kind != "local" or named is None:
        return None
    directory, job = (environ[name] for name in named)
    try:
        if home.stat().st_dev == Path(directory).stat().st_dev:
            return None
    except OSError:
        return None
    return Path(directory) / f"nox-results-{job.partition('.')[0]}"


def export(store: Store, worker: str, since_ms: int, directory: Path) -> Exported:
    """Write record and final geometry of each job that a worker has ended.

    Args:
        store: the store of the jobs.
        worker: the id of the worker.
        since_ms: the start of the worker, in milliseconds since 1970.
        directory: created if it is missing; files of an earlier export of the same jobs are replaced.

    Raises:
        OutputLost: they cannot be written.
        StoreError, StoreDamaged, ArtifactNotFound: they cannot be read.
    """
    count = 0
    for jobs in pages(store, Query(states=FINAL, sort=SortKey.ENDED, limit=_PAGE)):
        mine = [job for job in jobs if job.worker == worker and (job.ended_ms or 0) >= since_ms]
        items, _ = find_artifacts(store, mine, (RESULT_JSON, OPT_XYZ))
        for item in planned(items, directory, TEMPLATE, force=True):
            copy(store, item, force=True)
        count += len(mine)
        if jobs and (jobs[-1].ended_ms or 0) < since_ms:
            break
    left = sum(number for state, number in store.counts().items() if state in WAITING)
    return Exported(count, left)
