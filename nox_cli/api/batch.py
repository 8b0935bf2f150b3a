"""The jobs of one submit, or any others: waiting for them, their events, results and changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nox_cli.api.connection import warn
from nox_cli.api.job import Job
from nox_cli.api.keywords import ResultKeywords, result_options, seconds
from nox_cli.api.result import Result, ResultList
from nox_cli.counts import counted as count_of
from workers.errors import WaitTimedOut
from workers.job import PublicState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike
    from typing import Unpack

    from nox_cli.api.connection import Connection
    from nox_cli.api.job import Failure
    from nox_cli.changes.selection import Cancelled, Changed, Retried
    from nox_cli.results.files import Fetched
    from nox_cli.watch.follower import Change, Waiting
    from workers.job import JobState


class Counts(NamedTuple):
    """The number of jobs in each state."""

    pending: int = 0
    running: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def is_over(self) -> bool:
        """Whether every job has ended."""
        return not (self.pending or self.running)


class Batch:
    """Names stored jobs, in order; each method reads or changes the store.  Safe for several threads.

    It is a sequence of jobs: `len(batch)`, `batch[0]`, `for job in batch`.  `name` is that of the submit;
    empty: it was a single job, or the jobs are of several.
    """

    def __init__(self, connection: Connection, jobs: Sequence[Job], name: str = "") -> None:
        self._connection = connection
        self.jobs = tuple(jobs)
        self.name = name

    def __repr__(self) -> str:
        """Name it, with the numbers of its jobs."""
        numbers = [job.number for job in self.jobs if job.number is not None]
        first, last = (min(numbers), max(numbers)) if numbers else (None, None)
        of = "" if first is None else f", {first}" if first == last else f", {first} to {last}"
        return f"<Batch {self.name}{': ' if self.name else ''}{count_of(len(self.jobs), 'job')}{of}>"

    def __len__(self) -> int:
        """Count the jobs."""
        return len(self.jobs)

    def __getitem__(self, index: int) -> Job:
        """Return one of the jobs."""
        return self.jobs[index]

    def __iter__(self) -> Iterator[Job]:
        """Return one job after the other."""
        return iter(self.jobs)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids of the jobs, in order."""
        return tuple(job.id for job in self.jobs)

    def status(self) -> Counts:
        """Count the jobs by state.

        Raises:
            JobNotFound, StoreError: a job was removed, or the store cannot be read.
        """
        from collections import Counter

        from nox_cli.selectors.reader import outlines_of

        return counted(Counter(one.state for one in outlines_of(self._connection.store, self.job_ids)))

    def wait(
        self, timeout: float | str | None = None, *, first: bool = False, fail_fast: bool = False
    ) -> Counts:
        """Wait until all jobs have ended; Ctrl-C ends the wait alone, and a second call continues it.

        Args:
            timeout: how long: seconds, or a text such as "30m"; None: without limit.
            first: wait until one of them has ended.
            fail_fast: wait no longer once one of them failed or was cancelled.

        Raises:
            WaitTimedOut: the time is over; the jobs continue.
            JobNotFound, StoreError: a job was removed, or the store cannot be read for ten minutes.
        """
        from nox_cli.watch.follower import Until, wait_for

        store, settings = self._connection.store, self._connection.settings
        until = Until(seconds(timeout), first=first, fail_fast=fail_fast)
        return finish(wait_for(store, settings.home, self.job_ids, until, owner=settings.owner))

    def events(self, since: str | None = None) -> Iterator[Change]:
        """Yield the state of each job, then every change until all have ended.

        Args:
            since: the `cursor` of an event: yield the changes after it.

        Raises:
            UsageError: `since` is no cursor of this store.
            JobNotFound, StoreError: as `wait`.
        """
        from nox_cli.watch.board import Watching
        from nox_cli.watch.follower import Change

        watching = Watching(self._connection.store, self._connection.home, self.job_ids, since=since)
        for found in watching.stream():
            if isinstance(found, Change):
                yield found
            elif isinstance(found, str):
                warn([found])

    def results(self, **keywords: Unpack[ResultKeywords]) -> ResultList:
        """Read the results of the jobs that completed.

        Args:
            **keywords: the options of `nox results`: `boltzmann=True`, `within=3.0` (kcal/mol),
                `sort="relative"`, `every=True`, `temp=310.0` (K) and others.

        Raises:
            UsageError: an option cannot be used.
            NothingMatched: no job has the attempt that is wanted.
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.results.query import read_results

        options, compared, conditions = result_options(keywords)
        store = self._connection.store
        found = read_results(store, self.job_ids, options, compared, conditions, geometries=True)
        rows = list(found.rows())
        _ = found.exit  # raises if no job has the attempt
        named = {job.id: job for job in self.jobs}
        results = []
        for row in rows:
            standing = found.comparison.of(row)
            relative = compared.relative_energy(standing)
            results.append(Result.of(row, standing, relative, named[row.job.id]))
        return ResultList(results, found)

    def failures(self) -> list[Failure]:
        """Explain each job that failed or was cancelled: why, and what would help.

        Raises:
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.selectors.reader import outlines_of

        ended_badly = {PublicState.FAILED, PublicState.CANCELLED}
        states = (one.state.public for one in outlines_of(self._connection.store, self.job_ids))
        found = zip(self.jobs, list(states), strict=True)
        return [job.explain() for job, state in found if state in ended_badly]

    def fetch(
        self,
        *names: str,
        directory: str | PathLike[str] = ".",
        template: str = "{name}-{file}",
        force: bool = False,
    ) -> Fetched:
        """Write artifacts to files, as `nox fetch`.

        Args:
            *names: the artifacts; none: `opt.xyz`.
            directory: the place of the files.
            template: the pattern of their names: {name} {number} {id} {batch} {file}.
            force: overwrite files.

        Raises:
            NothingMatched, ArtifactNotFound: there is none of it, or none within reach.
            FileInTheWay, OutputLost, UsageError: a file cannot be written, or two have one name.
            StoreDamaged, StoreError: an artifact does not have its checksum, or the store cannot be read.
        """
        from nox_cli.results.files import FetchOptions, fetch
        from nox_cli.selectors.reader import look_up

        options = FetchOptions(str(directory), template, force=force)
        options.check()
        store = self._connection.store
        return fetch(store, list(look_up(store, self.job_ids)), names, options)

    def cancel(self, *, any_user: bool = False) -> Cancelled:
        """Stop the jobs: waiting ones at once, running ones through their worker.

        Args:
            any_user: also those of other users.

        Raises:
            UsageError: some belong to other users; nothing was changed.
            JobNotFound, StoreError: as `status`.
        """
        from nox_cli.changes.selection import cancel

        owner = self._owner("cancelled", any_user=any_user)
        return cancel(self._connection.store, self.job_ids, owner, self._connection.settings)

    def hold(self, *, any_user: bool = False) -> Changed:
        """Keep those that wait from starting; raises as `cancel`."""
        from nox_cli.changes.selection import hold

        return hold(self._connection.store, self.job_ids, self._owner("held", any_user=any_user))

    def release(self, *, any_user: bool = False) -> Changed:
        """Let those that are held start; raises as `cancel`."""
        from nox_cli.changes.selection import release

        owner = self._owner("released", any_user=any_user)
        return release(self._connection.store, self.job_ids, owner, self._connection.settings)

    def retry(self, *, done: bool = False, any_user: bool = False) -> Retried:
        """Run those again that failed or were cancelled; with `done` the completed ones, too.

        Raises as `cancel`.
        """
        from nox_cli.changes.selection import retry

        owner = self._owner("queued", any_user=any_user)
        return retry(self._connection.store, self.job_ids, owner, self._connection.settings, done=done)

    def restart(self) -> Batch:
        """Submit new jobs that continue optimisations that did not converge, from their last geometries.

        Raises:
            InputRefused: a job has no last geometry; nothing was submitted.
            UsageError, JobNotFound, StoreError: as `cancel`.
        """
        from nox_cli.submission.geometry_sources import restart

        self._owner("submitted", any_user=False)
        done = restart(self._connection.store, self.job_ids, self._connection.settings)
        if done.stored.cut is not None:
            raise done.stored.cut
        jobs = [Job(self._connection, one.job_id, one.number, one.name) for one in done.stored.jobs]
        return Batch(self._connection, jobs)

    def _owner(self, done: str, *, any_user: bool) -> str | None:
        """Return the user whose jobs may be changed; None: any.

        Raises:
            UsageError: some of the jobs belong to others.
        """
        from nox_cli.changes.selection import refuse_others
        from nox_cli.selectors.reader import outlines_of

        owner = self._connection.settings.owner
        if any_user:
            return None
        refuse_others(
            outlines_of(self._connection.store, self.job_ids),
            owner,
            done,
            "any_user=True changes them all the same",
        )
        return owner


def counted(tally: Mapping[JobState, int]) -> Counts:
    """Count jobs by public state."""
    from nox_cli.counts import by_public_state

    return Counts(**{str(state): count for state, count in by_public_state(tally).items()})


def finish(waiting: Waiting) -> Counts:
    """Wait to the end.

    Raises:
        WaitTimedOut: the time is over.
        JobNotFound, StoreError: as `Batch.wait`.
    """
    from nox_cli.exits import ExitCode

    warn(waiting.go())
    found = counted(waiting.ended.tally)
    if waiting.exit is ExitCode.WAIT_TIMED_OUT:
        left = found.pending + found.running
        raise WaitTimedOut(f"the time was up with {left:,} of {sum(found):,} jobs left", did="they continue")
    return found
