"""Removing ended jobs and their files by age and state, or what their earlier attempts left."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from nox_cli import times
from nox_cli.counts import counted
from nox_cli.progress import SILENT, Progress
from nox_cli.results.artifacts import where
from nox_cli.selectors.reader import pages
from workers.errors import StoreError
from workers.job import FINAL, JobState
from workers.store.base import REMOVED_AT_ONCE
from workers.store.values import Query, Removed, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nox_cli.changes.json_objects import CleanRecord
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Removal

# One call removes at most this many jobs; a store of millions is cleaned in several.
MAX_JOBS = 100_000
_PAGE = 1_000
# One process at a time writes to the local store.  The others look every millisecond whether they may, later
# on a busy machine: a pause between two chunks, as long as the last chunk took, lets them in.
_PAUSE_S = 0.002


class Extent(StrEnum):
    """The extent of a removal, for each job."""

    JOBS = "jobs"  # the job and its files
    FILES = "files"  # its files; the job and its numbers stay
    ATTEMPTS = "attempts"  # only what its earlier attempts left


@dataclass
class Cleaned:
    """The jobs and files that were removed.  `cut` is the error that stopped the removal early."""

    found: Mapping[JobState, int]  # jobs that were to be removed, by state
    extent: Extent
    is_dry: bool  # nothing was removed
    kind: str  # of the store
    where: str
    what: Counter[Removed] = field(default_factory=Counter)
    unended: int = 0  # jobs that were named and have not ended; they are kept
    files: int = 0
    elsewhere: list[str] = field(default_factory=list)  # the places of files that cannot be removed here
    cut: StoreError | None = None

    def document(self) -> CleanRecord:
        """Return the numbers of jobs and files."""
        return {
            "store": {"kind": self.kind, "where": self.where},
            "dry_run": self.is_dry,
            "files_only": self.extent is Extent.FILES,
            "attempts_only": self.extent is Extent.ATTEMPTS,
            "found": sum(self.found.values()),
            "removed": self.what[Removed.REMOVED],
            "needed": self.what[Removed.NEEDED],
            "unended": self.unended,
            "files_removed": self.files,
            "files_left": self.elsewhere,
        }


def find_ended(
    store: Store, owner: str | None, before_ms: int, states: frozenset[JobState] = FINAL
) -> Iterator[Job]:
    """Find the jobs that ended before a time, the earliest first, `MAX_JOBS` at most.

    Args:
        store: the store of the jobs.
        owner: the user whose jobs they are; None: any user's.
        before_ms: the time, in milliseconds since 1970.
        states: only jobs in these final states.

    Raises:
        StoreError: the store cannot be read.
    """
    query = Query(owner=owner, states=states, sort=SortKey.ENDED, descending=False, limit=_PAGE)
    return islice(_ended_before(store, query, before_ms), MAX_JOBS)


def _ended_before(store: Store, query: Query, before_ms: int) -> Iterator[Job]:
    for jobs in pages(store, query):
        # A clock that was set back shuffles times a little; old jobs stay old.
        yield from (job for job in jobs if job.ended_ms is None or job.ended_ms <= before_ms)
        if jobs and (jobs[-1].ended_ms or 0) > before_ms:
            return


def of_age(jobs: Iterable[Job], older_s: float | None, states: frozenset[JobState]) -> Iterator[Job]:
    """Choose the jobs of some states that ended at least `older_s` seconds ago; None and no states: all."""
    before_ms = None if older_s is None else times.now_ms() - round(1_000 * older_s)
    for job in jobs:
        is_old = before_ms is None or (job.ended_ms is not None and job.ended_ms <= before_ms)
        if is_old and (not states or job.state in states):
            yield job


def remove(
    store: Store,
    jobs: Mapping[str, JobState],
    owner: str | None,
    artifacts: Path,
    extent: Extent = Extent.JOBS,
    *,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> Cleaned:
    """Remove jobs, some at a time; the files of each are removed after it.

    Args:
        store: the store of the jobs.
        jobs: the ids of the jobs, with their states.
        owner: the user whose jobs they must be; None: any user's.
        artifacts: the directory of artifacts on this machine.
        extent: how much of each job is removed.
        dry_run: remove nothing, and only count the jobs.
        progress: counts the jobs that were removed.

    Raises:
        StoreError: nothing could be removed.
    """
    cleaned = Cleaned(Counter(jobs.values()), extent, dry_run, store.kind, store.where)
    wanted = [] if dry_run else list(jobs)
    progress.begin("jobs cleaned:", len(wanted))
    began = ended = 0.0
    for start in range(0, len(wanted), REMOVED_AT_ONCE):
        if start and store.kind == "local":
            time.sleep(max(_PAUSE_S, ended - began))
        progress(start)
        began = time.monotonic()
        chunk = wanted[start : start + REMOVED_AT_ONCE]
        try:
            removals = (
                store.remove_attempts(chunk, owner=owner)
                if extent is Extent.ATTEMPTS
                else store.remove(chunk, owner=owner, files_only=extent is Extent.FILES)
            )
        except StoreError as error:
            if not start:
                raise
            error.did = f"{counted(cleaned.what[Removed.REMOVED], 'job')} removed before"
            cleaned.cut = error
            break
        ended = time.monotonic()
        for removal in removals:
            cleaned.what[removal.what] += 1
            if removal.what is Removed.REMOVED:
                _remove_files(removal, artifacts, cleaned)
    return cleaned


def _remove_files(removal: Removal, artifacts: Path, cleaned: Cleaned) -> None:
    """Remove a job's own directory of artifacts; other paths that the store names are left alone."""
    from workers.runtime.artifacts import forget, forget_attempts

    if cleaned.extent is Extent.ATTEMPTS:
        count = forget_attempts(artifacts, removal.job_id, removal.newest, removal.shown)
    else:
        count = forget(artifacts, removal.job_id)
    cleaned.files += count
    for file in removal.files:
        if not (count and file.path.startswith(f"{artifacts / removal.job_id}/")):
            cleaned.elsewhere.append(where(file))
