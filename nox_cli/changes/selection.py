"""Changes of selected jobs: hold, release, revise, retry and cancel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.exits import ExitCode
from nox_cli.selectors.reader import CHUNK
from workers.errors import UsageError
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    from nox_cli.changes.json_objects import CancelRecord, ChangesRecord
    from nox_cli.config.settings import Settings
    from workers.store.base import Store
    from workers.store.values import Cancellation, Change, Outline, Revision

    T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changed:
    """The result of a change, for each job that was selected."""

    changes: tuple[Change, ...]
    kind: str  # of the store
    where: str

    def document(self) -> ChangesRecord:
        """Return the change of each job."""
        return {
            "store": {"kind": self.kind, "where": self.where},
            "jobs": [
                {
                    "job_id": one.job_id,
                    "before": one.before.public,
                    "state": one.after.public,
                    "changed": one.changed,
                    "refused": one.refused,
                }
                for one in self.changes
            ],
        }


@dataclass(frozen=True, slots=True)
class Retried(Changed):
    """The jobs that were to run again, and which of them do; none if the user declined."""

    @property
    def exit(self) -> ExitCode:
        """3 if no job was queued again and none of them waits or runs: there was nothing to retry."""
        is_futile = all(not one.changed and one.before.is_final for one in self.changes)
        return ExitCode.NOTHING_MATCHED if self.changes and is_futile else ExitCode.DONE


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The result of a cancel, for each job that was selected."""

    cancellations: tuple[Cancellation, ...]
    kind: str  # of the store
    where: str

    def document(self) -> CancelRecord:
        """Return the change of each job; a running one that was asked to stop is still running."""
        return {
            "store": {"kind": self.kind, "where": self.where},
            "jobs": [
                {
                    "job_id": one.job_id,
                    "before": one.before.public,
                    "state": one.after.public,
                    "refused": one.refused,
                }
                for one in self.cancellations
            ],
        }

    def count(self, before: frozenset[JobState], after: JobState) -> int:
        """Count the jobs that went from one of some states to another."""
        return sum(done.before in before and done.after is after for done in self.cancellations)


def refuse_others(jobs: Iterable[Outline], owner: str, done: str, hint: str) -> None:
    """Check that jobs belong to a user.

    Args:
        jobs: the jobs.
        owner: the user.
        done: the change as a participle, for the message.
        hint: what changes them all the same.

    Raises:
        UsageError: some belong to other users; nothing was changed.
    """
    others = sorted({job.owner for job in jobs if job.owner != owner})
    if others:
        whose = f"some of these jobs belong to {', '.join(others[:5])}"
        raise UsageError(whose, did=f"nothing was {done}", hint=hint)


def hold(store: Store, job_ids: Sequence[str], owner: str | None) -> Changed:
    """Keep waiting jobs from starting.

    Raises:
        StoreError: the store cannot be read or written.
    """
    return _changed(store, job_ids, lambda ids: store.hold(ids, owner=owner))


def release(store: Store, job_ids: Sequence[str], owner: str | None, settings: Settings) -> Changed:
    """Let held jobs start, and have a worker look at them.

    Raises:
        StoreError: the store cannot be read or written.
    """
    done = _changed(store, job_ids, lambda ids: store.release(ids, owner=owner))
    _wake(store, settings)
    return done


def revise(
    store: Store, job_ids: Sequence[str], revision: Revision, owner: str | None, settings: Settings
) -> Changed:
    """Change the priority, resources, name or labels of waiting jobs.

    Raises:
        StoreError: the store cannot be read or written.
    """
    done = _changed(store, job_ids, lambda ids: store.revise(ids, revision, owner=owner))
    _wake(store, settings, start=False)
    return done


def retry(
    store: Store, job_ids: Sequence[str], owner: str | None, settings: Settings, *, done: bool = False
) -> Retried:
    """Queue ended jobs again, and have a worker look at them.

    Args:
        store: the store of the jobs.
        job_ids: the jobs.
        owner: the user whose jobs they must be; None: any user's.
        settings: whether and how a worker of the local store is started.
        done: queue completed jobs too; their results are kept.

    Raises:
        StoreError: the store cannot be read or written.
    """
    changed = _changed(store, job_ids, lambda ids: store.retry(ids, owner=owner, done=done))
    if any(one.changed for one in changed.changes):
        _wake(store, settings)
    return Retried(changed.changes, changed.kind, changed.where)


def cancel(
    store: Store,
    job_ids: Sequence[str],
    owner: str | None,
    settings: Settings,
    progress: Callable[[int], object] = bool,
) -> Cancelled:
    """Stop jobs: waiting ones at once, running ones through their worker.

    Jobs that may start because of that get a worker.

    Args:
        store: the store of the jobs.
        job_ids: the jobs.
        owner: the user whose jobs they must be; None: any user's.
        settings: whether and how a worker of the local store is started.
        progress: is called with the number of jobs that were cancelled so far, after each chunk.

    Raises:
        StoreError: the store cannot be read or written.
    """
    queued = store.counts().get(JobState.QUEUED, 0)
    done: list[Cancellation] = []
    for start in range(0, len(job_ids), CHUNK):
        done += store.cancel(job_ids[start : start + CHUNK], owner=owner)
        progress(len(done))
    queued -= sum((one.before, one.after) == (JobState.QUEUED, JobState.CANCELLED) for one in done)
    if store.counts().get(JobState.QUEUED, 0) > queued:
        _wake(store, settings)  # jobs that waited for the end of these, however it came
    return Cancelled(tuple(done), store.kind, store.where)


def _changed(
    store: Store, job_ids: Sequence[str], act: Callable[[Sequence[str]], Sequence[Change]]
) -> Changed:
    return Changed(tuple(_in_chunks(job_ids, act)), store.kind, store.where)


def _in_chunks(job_ids: Sequence[str], act: Callable[[Sequence[str]], Sequence[T]]) -> Iterator[T]:
    for start in range(0, len(job_ids), CHUNK):
        yield from act(job_ids[start : start + CHUNK])


def _wake(store: Store, settings: Settings, *, start: bool = True) -> None:
    from nox_cli.submission.handover import wake

    wake(store, settings, start=start)
