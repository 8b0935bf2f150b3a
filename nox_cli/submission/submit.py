"""Handing prepared jobs over to the store, and finding those that no worker can run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.config.settings import environment
from nox_cli.counts import counted
from nox_cli.hints import start_one
from nox_cli.progress import SILENT, Progress
from nox_cli.submission.handover import hand_over, wake
from workers import machine
from workers.errors import StoreError
from workers.fit import lack
from workers.job import JobState
from workers.runtime.autostart import Wake
from workers.store.values import Beat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nox_cli.config.settings import Settings
    from nox_cli.results.json_objects import Submitted
    from nox_cli.submission.handover import Stored
    from nox_cli.submission.prepare import Prepared
    from workers.fit import Lack
    from workers.job import NewJob
    from workers.runtime.autostart import Woken
    from workers.store.base import Store
    from workers.store.pools import Pool
    from workers.store.values import WorkerSeen

# The most groups of jobs that a warning each names.
SHOWN_UNFIT = 3


class Unfit(NamedTuple):
    """Jobs that no worker has the resources or the engine for, all for the same reason."""

    job_ids: tuple[str, ...]
    sentence: str

    @property
    def words(self) -> str:
        """A line for people."""
        return f"{counted(len(self.job_ids), 'job')} will wait: {self.sentence}"


class HandoverOptions(NamedTuple):
    """The options of handing jobs over."""

    durable: bool = False  # a power cut must not undo what is reported as stored
    retries_failed: bool = False  # jobs that are stored already, and failed, run again
    starts_worker: bool = True  # on this machine, for the local store, if none runs
    awaits_move: bool = False  # jobs are held in the local store until `nox push` moves them


class StoreView(NamedTuple):
    """Answers what a submit asks about the store and its workers; a server asks once for many requests."""

    risks: Callable[[], Sequence[str]]  # of losing jobs
    workers: Callable[[], Sequence[WorkerSeen]]
    pools: Callable[[str], Sequence[Pool]]  # of an owner; asked for jobs that no worker can run

    @classmethod
    def of(cls, store: Store) -> StoreView:
        """Ask the store itself, each time."""
        return cls(lambda: store.health().risks, store.workers, lambda owner: pools_of(store, owner))


def pools_of(store: Store, owner: str) -> Sequence[Pool]:
    """Read the pools of an owner; none of a store that has none.

    Raises:
        StoreError: the store cannot be read.
    """
    return () if store.pools is None else store.pools.pools(owner)


class Submission(NamedTuple):
    """The result of a submit: the jobs that the store holds, and what may keep them from running."""

    prepared: Prepared
    stored: Stored
    where: str  # the store
    woken: Woken | None = None  # the worker of the local store; None: another store
    slots: int = 0  # of a worker that was started
    risks: tuple[str, ...] = ()  # of losing the jobs
    unfit: tuple[Unfit, ...] = ()  # jobs that no worker could run
    hopeless: frozenset[str] = frozenset()  # jobs that no worker will run as things are
    retried: int = 0  # jobs that were stored already, had failed and run again

    def document(self) -> Submitted:
        """Return the jobs as they are stored."""
        return self.prepared.document(self.stored.jobs)

    def warnings(self) -> Iterator[str]:
        """Name the risks of losing jobs, and what keeps them from running."""
        yield from self.risks
        for lacking in self.unfit[:SHOWN_UNFIT]:
            yield lacking.words
        woken = self.woken
        if woken is not None and woken.wake is Wake.LEFT and woken.why:
            why = "" if woken.why == machine.LOGIN_NODE else f"{woken.why}; "
            yield f"no worker was started: {why}{start_one()}"


def submit(
    store: Store,
    prepared: Prepared,
    settings: Settings,
    options: HandoverOptions,
    stop: Callable[[], bool] = bool,
    progress: Progress = SILENT,
    view: StoreView | None = None,
) -> Submission:
    """Store prepared jobs, and have a worker look at them.

    Args:
        store: the store that keeps them.
        prepared: the jobs, of `prepare`.
        settings: whether and how a worker of the local store is started.
        options: how they are handed over.
        stop: is called between chunks of jobs; no more are stored once it returns true.
        progress: counts the jobs that were stored.
        view: answers about the store and its workers; None: the store is asked.

    Raises:
        InputRefused, StoreError: nothing was stored, or that is unknown; the message states which.
    """
    if options.awaits_move:
        held = [job._replace(awaits_move=not job.held) for job in prepared.jobs]
        prepared = prepared._replace(jobs=held)
    jobs, head = prepared.jobs, prepared.head
    begun = None if head is None else head.first
    view = view or StoreView.of(store)
    stored = hand_over(store, jobs, durable=options.durable, stop=stop, progress=progress, begun=begun)
    if not stored.jobs:
        return Submission(prepared=prepared, stored=stored, where=store.where)
    # A store that has just failed is asked nothing more: each answer may take a second.
    is_steady = stored.cut is None
    retried = _retry_failed(store, stored, settings.owner) if options.retries_failed and is_steady else 0
    woken = wake(store, settings, start=options.starts_worker and not all(job.is_held for job in jobs))
    if head is not None:
        woken = head.woken or woken
    new_ids = {job.job_id for job in stored.jobs if is_steady and not job.existing}
    lacking = unfit(view, [job for job in jobs if job.id in new_ids], woken)
    is_started = woken is not None and woken.wake is Wake.STARTED
    return Submission(
        prepared=prepared,
        stored=stored,
        where=store.where,
        woken=woken,
        slots=machine.usable_cores(environment()) if is_started else 0,
        risks=_risks(view) if is_steady and woken is None else (),
        unfit=lacking,
        hopeless=_hopeless(view, jobs, stored, woken, lacking),
        retried=retried,
    )


def _retry_failed(store: Store, stored: Stored, owner: str) -> int:
    """Run those jobs again that were stored already and have failed; return their number."""
    there = [job.job_id for job in stored.jobs if job.existing]
    wanted = [job.id for job in store.get_many(there) if job.state is JobState.FAILED]
    return sum(change.changed for change in store.retry(wanted, owner=owner)) if wanted else 0


def _risks(view: StoreView) -> tuple[str, ...]:
    """Describe how the store may lose jobs; one that does not answer now is not waited for."""
    with suppress(StoreError):
        return tuple(view.risks())
    return ()


def _hopeless(
    view: StoreView,
    jobs: Sequence[NewJob],
    stored: Stored,
    woken: Woken | None,
    lacking: Sequence[Unfit],
) -> frozenset[str]:
    """Name the jobs that are not worth waiting for.

    Only this machine serves its local store: jobs wait in vain if they need more than it has, if it may
    start no worker, or if they are to be moved to another store.
    """
    if woken is None:
        return frozenset()
    is_refused = woken.wake is Wake.LEFT and bool(woken.why)
    if is_refused and not _serving(view, jobs[0].owner):
        return frozenset(job.job_id for job in stored.jobs)
    stay = {job.id for job in jobs if job.awaits_move}
    return frozenset(stay.union(*(one.job_ids for one in lacking)))


def unfit(view: StoreView, jobs: Sequence[NewJob], woken: Woken | None = None) -> tuple[Unfit, ...]:
    """Find jobs that need more than any living worker has, or one just started; the largest group first.

    Those that a pool may start a worker for are none of them.
    """
    if not jobs:
        return ()
    if woken is not None and woken.wake is Wake.STARTED:
        beats = [_beat_of_this_machine(jobs, environment())]
    else:
        beats = _serving(view, jobs[0].owner)
    lacking = _lacking(jobs, beats) if beats else ()
    return _without_pool(view, jobs, lacking) if lacking else ()


def _without_pool(view: StoreView, jobs: Sequence[NewJob], lacking: Sequence[Unfit]) -> tuple[Unfit, ...]:
    """Leave out the jobs that a pool of their owner can run, unless it is paused."""
    from workers.pools.fit import need_of, pool_of

    pools: Sequence[Pool] = ()
    with suppress(StoreError):
        pools = view.pools(jobs[0].owner)
    needs = {job.id: need_of(job) for job in jobs if not job.lane} if pools else {}
    fits = {need: pool_of(pools, need) for need in set(needs.values())}
    served = {job_id for job_id, need in needs.items() if (pool := fits[need]) and pool.paused is None}
    left = (one._replace(job_ids=tuple(i for i in one.job_ids if i not in served)) for one in lacking)
    return tuple(one for one in left if one.job_ids)


def _lacking(jobs: Sequence[NewJob], beats: Sequence[Beat]) -> tuple[Unfit, ...]:
    answers: dict[tuple[object, ...], Lack | None] = {}
    found: dict[str, list[str]] = {}
    for job in jobs:
        needs = (job.owner, job.lane, job.engine, job.cores, job.memory_bytes, job.time_limit_s)
        if needs not in answers:
            answers[needs] = lack(beats, job)
        if lacking := answers[needs]:
            found.setdefault(lacking.sentence, []).append(job.id)
    groups = (Unfit(tuple(job_ids), sentence) for sentence, job_ids in found.items())
    return tuple(sorted(groups, key=lambda group: -len(group.job_ids)))


def _serving(view: StoreView, owner: str) -> list[Beat]:
    """List the living workers that take an owner's jobs; none if the store does not answer now."""
    with suppress(StoreError):
        beats = [worker.beat for worker in view.workers() if worker.alive]
        return [beat for beat in beats if not beat.lane_only and beat.owner in {None, owner}]
    return []


def _beat_of_this_machine(jobs: Sequence[NewJob], environ: Mapping[str, str]) -> Beat:
    """Predict the beat of a worker that was just started here, with the engines of these jobs."""
    cores = machine.usable_cores(environ)
    return Beat(
        worker="",
        pid=0,
        slots=cores,
        cores=cores,
        memory_bytes=machine.usable_memory_bytes(environ),
        engines=frozenset(job.engine for job in jobs),
        owner=None,
        name="",
        busy=0,
        nox_version="",
    )
