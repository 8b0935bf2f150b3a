"""The status of one job, of several, or of the whole store."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple, cast

from nox_cli import times
from nox_cli.exits import ExitCode
from nox_cli.results import job_record
from nox_cli.results.attempts import ShownEnergies, attempts, chosen, last_outcome, standing
from nox_cli.selectors.reader import look_up
from nox_cli.watch.workforce import Workforce, read_workforce, with_workforce
from workers.errors import JobNotFound, UsageError
from workers.job import ACTIVE, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nox_cli.results.documents import Document, OutcomeDocument
    from nox_cli.results.json_objects import AttemptRecord, Page, PublicJob, WholeJob
    from nox_cli.watch.batch_progress import BatchProgress
    from nox_cli.watch.json_objects import OverviewRecord
    from workers.job import Attempt, Job
    from workers.store.base import Store
    from workers.store.values import Artifact, Point, StoreHealth

# The number of active jobs in the overview.
SHOWN_ACTIVE = 20


class Brief(NamedTuple):
    """One job, with what its public form needs."""

    job: Job
    failure: Document | None  # of a failed job
    workforce: Workforce  # read only while the job waits for a worker, or for its time, or runs
    exit: ExitCode = ExitCode.DONE
    points: tuple[Point, ...] = ()  # of the optimisation that runs, if they are wanted

    def document(self) -> PublicJob:
        """Return its public form, which reports what it waits for."""
        from nox_cli.watch.outlook import message

        words = message(self.job, self.workforce) or job_record.message(self.job, self.failure)
        public = job_record.public(self.job, words)
        if self.points:
            public["points"] = list(map(job_record.point, self.points))
        return public


class Full(NamedTuple):
    """One job with all that the store has of it."""

    job: Job
    spec: Document
    outcome: OutcomeDocument  # that is shown, or of the chosen attempt
    last: OutcomeDocument  # of the attempt that ended the job, or of the chosen one
    attempts: tuple[Attempt, ...]  # all of them
    artifacts: tuple[Artifact, ...]
    workforce: Workforce
    parents: tuple[Job, ...] = ()  # those first that keep it back, those it waits for next
    chosen: Attempt | None = None
    exit: ExitCode = ExitCode.DONE

    def document(self) -> WholeJob:
        """Return its whole record."""
        job = self.job
        energy = self.outcome.result.number("energy_hartree") if standing(job) else None
        short: dict[str, object] = {**job_record.record(job, energy), "state": job.state}
        short["public_state"] = job.state.public
        del short["raw_state"]
        return cast(
            "WholeJob",
            short
            | {
                "message": job_record.message(job, self.last.failure),
                "attempts": [_attempt(tried) for tried in self.attempts],
                "parents": [parent.id for parent in self.parents],
                "worker": job.worker,
                "spec": self.spec.fields,
                "outcome": self.outcome.whole.fields or None,
                "artifacts": list(map(job_record.artifact, self.artifacts)),
            },
        )


class StatusOptions(NamedTuple):
    """Options of the status of jobs."""

    attempt: int | None = None  # only of one job
    raw: bool = False
    public: bool = False  # the public form, and no more
    points: bool = False  # with the public form of one job: the points of the optimisation that runs
    exit_status: bool = False


_OF_WORKERS = frozenset({JobState.QUEUED, JobState.SCHEDULED, JobState.RUNNING})


class Several:
    """Jobs, in the order they were named, read while they are written; `exit` is known after that."""

    def __init__(self, store: Store, home: Path, job_ids: Iterable[str], options: StatusOptions) -> None:
        from nox_cli.watch.ledger import Ledger

        self.store = store
        self.home = home
        self.job_ids = job_ids  # read once
        self.options = options
        self.tally = Counter[JobState]()
        self.ledger = Ledger()
        self.energies = ShownEnergies(store)

    def jobs(self) -> Iterator[Job]:
        """Read the jobs.

        Raises:
            JobNotFound: one of them does not exist.
            StoreError: the store cannot be read.
        """
        for job in self.energies.read(look_up(self.store, self.job_ids)):
            self.tally[job.state] += 1
            self.ledger.add(job)
            yield job

    def full(self) -> Iterator[Full]:
        """Read all that the store has of each job; raises as `jobs`."""
        return (_full(self.store, self.home, job) for job in self.jobs())

    def document(self) -> Page[PublicJob] | Page[WholeJob]:
        """Return the public forms of the jobs, or with `raw` their whole records; raises as `jobs`."""
        if self.options.raw:
            whole: list[WholeJob] = [{"schema": 1, **found.document()} for found in self.full()]
            return {"items": whole, "cursor": None}
        items: list[PublicJob] = [{"schema": 1, **job_record.public(job)} for job in self.jobs()]
        return {"items": items, "cursor": None}

    def progress(self) -> BatchProgress:
        """Return the progress of the jobs, once they are read."""
        return self.ledger.progress(self.tally, times.now_ms())

    @property
    def exit(self) -> ExitCode:
        """The exit code that the states mean together, if it is asked for."""
        return _exit(self.tally, self.options)


class Overview(NamedTuple):
    """The store at a glance, for one person."""

    owner: str
    health: StoreHealth
    progress: BatchProgress
    active: tuple[Job, ...]
    energies: ShownEnergies  # of the active jobs
    workforce: Workforce
    exit: ExitCode = ExitCode.DONE

    @property
    def counts(self) -> Mapping[JobState, int]:
        """The number of the owner's jobs by state."""
        return self.progress.counts

    def document(self) -> OverviewRecord:
        """Return the store, the living workers, counts, and active jobs."""
        from nox_cli.counts import by_public_state
        from nox_cli.watch.outlook import worker_record

        health = self.health
        return {
            "store": {
                "kind": health.kind,
                "where": health.where,
                "version": health.version,
                "durable": health.durable,
                "warnings": list(health.warnings),
            },
            "owner": self.owner,
            "counts": by_public_state(self.counts),
            "raw_counts": dict(self.counts),
            "workers": list(map(worker_record, self.workforce.living)),
            "active": [job_record.record(job, self.energies.of(job)) for job in self.active],
            "progress": self.progress.document(),
        }


def _attempt(tried: Attempt) -> AttemptRecord:
    return {
        "attempt": tried.number,
        "round": tried.round,
        "worker": tried.worker,
        "started_at": times.iso(tried.started_ms),
        "ended_at": times.iso(tried.ended_ms) if tried.ended_as else None,
        "ended_as": tried.ended_as or None,
        "message": tried.message,
    }


def read_status(
    store: Store, home: Path, job_ids: Iterable[str], options: StatusOptions, everyone: Store | None = None
) -> Brief | Full | Several:
    """Look jobs up.

    Args:
        store: the store of the jobs.
        home: the directory of the local store.
        job_ids: the jobs, at least one.
        options: how much of them.
        everyone: the store with the jobs of all owners, if `store` shows those of one, and there is one job.

    Raises:
        UsageError: one attempt of several jobs is wanted.
        NothingMatched: there is no such attempt, or none of its outcome is kept.
        JobNotFound: one of them does not exist.
        StoreError: the store cannot be read.
    """
    rest = iter(job_ids)
    first = list(islice(rest, 2))
    if len(first) > 1 and options.attempt is not None:
        count = len(first) + sum(1 for _ in rest)
        raise UsageError(
            f"--attempt is about one job, and {count:,} are named", hint="nox results SEL --attempt N"
        )
    if len(first) > 1:
        return Several(store, home, chain(first, rest), options)
    job = store.get(first[0])
    if options.public and options.attempt is None:
        job, workforce = _served(store, home, job, everyone)
        points = store.points([job.id]).get(job.id, ()) if options.points else ()
        return Brief(job, _failure(store, job), workforce, _exit({job.state: 1}, options), points)
    found = _full(store, home, job, attempt=options.attempt)
    return found._replace(exit=_exit({found.job.state: 1}, options))


def read_overview(store: Store, home: Path, owner: str) -> Overview:
    """Look at the whole store.

    Args:
        store: the store.
        home: the directory of the local store.
        owner: the user whose jobs are shown.

    Raises:
        StoreError: the store cannot be read.
    """
    from nox_cli.watch.survey import Survey
    from workers.store.values import Query

    progress, energies = Survey(store, owner=owner).read(times.now_ms()), ShownEnergies(store)
    newest = store.page(Query(owner=owner, states=ACTIVE, limit=SHOWN_ACTIVE)).items
    return Overview(
        owner=owner,
        health=store.health(),
        progress=progress,
        active=tuple(energies.read(newest)),
        energies=energies,
        workforce=read_workforce(store, home, owner),
    )


def _full(store: Store, home: Path, job: Job, *, attempt: int | None = None) -> Full:
    from nox_cli.results.documents import document, outcome

    job, workforce = _served(store, home, job)
    if attempt is None:
        tried, shown = None, outcome(store.outcomes([job.id]).get(job.id))
    else:
        tried, shown = chosen(store, job, attempt)
    return Full(
        job=job,
        spec=document(_spec(store, job)),
        outcome=shown,
        last=shown if tried else last_outcome(store, job, shown),
        attempts=attempts(job, store.attempts(job.id)),
        artifacts=tuple(store.artifacts(job.id, attempt)),
        workforce=workforce,
        parents=_parents(store, job),
        chosen=tried,
    )


def _spec(store: Store, job: Job) -> str | None:
    """Read the specification; None: the record is damaged."""
    try:
        return store.spec(job.id)
    except JobNotFound:
        return None


def _failure(store: Store, job: Job) -> Document | None:
    """Read why a job failed; None: it did not."""
    if job.state is not JobState.FAILED:
        return None
    from nox_cli.results.documents import outcome

    return outcome(store.outcome(job.id, job.attempt)).failure


def _parents(store: Store, job: Job) -> tuple[Job, ...]:
    """Read the jobs that a job waits for, or waited for; only some, if they are many."""
    ids = [parent.job_id for parent in store.parents(job.id)] if job.parents else []
    return tuple(store.get_many(ids))


def _served(store: Store, home: Path, job: Job, everyone: Store | None = None) -> tuple[Job, Workforce]:
    """Read the workers, if the job waits for one, will wait for one, or has one."""
    return with_workforce(store, home, job, everyone) if job.state in _OF_WORKERS else (job, Workforce())


def _exit(tally: Mapping[JobState, int], options: StatusOptions) -> ExitCode:
    if not options.exit_status:
        return ExitCode.DONE
    from nox_cli.watch.follower import verdict

    return verdict(tally)
