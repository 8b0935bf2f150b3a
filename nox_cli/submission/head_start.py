"""The head start of a large submit: its first jobs are stored while its other inputs are read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from nox_cli.submission.handover import CHUNK, FirstJobs, StoredJob, kept
from workers.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from nox_cli.submission.jobs import Draft
    from workers.job import NewJob
    from workers.runtime.autostart import Woken
    from workers.store.base import Store

# A submit of fewer inputs reads them all first, which takes 20 ms at most.
LEAST_INPUTS = 100
# The number of jobs that are stored first; each further chunk is this many times larger.  Workers compute the
# first while the next are read: reading takes 0.15 ms a file.
FIRST, GROWTH = 32, 8


class HeadStart:
    """Stores the first jobs of a submit while its other inputs are read.

    If one of these is refused, the caller has to remove the jobs `job_ids` again.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        woken: Callable[[Store], Woken | None],
        held: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Store nothing yet.

        Args:
            store: opens the store of the jobs; called once there are enough of them.
            woken: has a worker look at them.
            held: holds interrupts back while the answer of the store is read.
        """
        self.submission = uuid4().hex
        self.jobs: list[NewJob] = []  # those that are stored have lost their specifications
        self.job_ids: list[str] = []  # of the jobs that are stored, or may be
        self.woken: Woken | None = None
        self._store, self._wake, self._held = store, woken, held
        self._stored: list[StoredJob] = []
        self._due = FIRST
        self._is_over = False

    @property
    def first(self) -> FirstJobs:
        """The jobs that are stored."""
        return FirstJobs(self.submission, tuple(self._stored))

    def look(self, drafts: list[Draft], make: Callable[[Sequence[Draft]], list[NewJob]]) -> None:
        """Store the jobs of drafts that are new, once there are enough.

        Jobs and drafts then lose their specifications, so that each is in memory once.  If the store fails,
        it is left to the handover of all jobs to try again and to report it.

        Args:
            drafts: all drafts of the submit so far.
            make: makes jobs of drafts.

        Raises:
            InputRefused: the store refuses a job; none of this chunk is stored.
        """
        first = len(self.jobs)
        if self._is_over or len(drafts) < self._due:
            return
        jobs = make(drafts[first:])
        self.jobs += jobs
        with self._held():
            self._is_over = not self._is_stored(jobs)
        if self._is_over:
            return
        self.jobs[first:] = [job._replace(spec_json="") for job in jobs]
        drafts[first:] = [draft._replace(spec_json="") for draft in drafts[first:]]
        self._due += min(CHUNK, GROWTH * len(jobs))

    def _is_stored(self, jobs: Sequence[NewJob]) -> bool:
        try:
            store = self._store()
        except StoreError:
            return False
        try:
            accepted = store.submit(jobs, submission=self.submission)
        except StoreError as error:
            found, is_known = kept(store, jobs, error)
            self.job_ids += [job.job_id for job in found] if is_known else [job.id for job in jobs]
            return False
        self.job_ids += [one.job_id for one in accepted]
        self._stored += [
            StoredJob(one.job_id, one.number, job.name) for one, job in zip(accepted, jobs, strict=True)
        ]
        woken = self._wake(store)
        self.woken = self.woken or woken  # the first time a worker may have been started
        return True
