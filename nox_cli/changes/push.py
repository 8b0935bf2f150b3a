"""Moving waiting jobs from the local store to Redis, and keeping those that were on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nox_cli.counts import counted
from nox_cli.progress import SILENT, Progress
from workers.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.changes.json_objects import PushRecord, RecallRecord
    from workers.store.push import Moved
    from workers.store.redis.store import RedisStore
    from workers.store.sqlite.moves import Stay
    from workers.store.sqlite.store import SqliteStore

_STILL_HERE = "what was not handed over is still here"


@dataclass(frozen=True, slots=True)
class Pushed:
    """The jobs that were moved to Redis, and those that stay."""

    moved: tuple[Moved, ...]
    stays: tuple[Stay, ...]
    where: str  # the local store
    to: str  # the Redis
    risk: str  # of losing jobs there
    elsewhere: dict[str, int]  # jobs on their way to another Redis, by its address
    cut: StoreError | None  # why not all were moved

    @property
    def summary(self) -> str:
        """A line that counts the moved jobs."""
        return f"{counted(len(self.moved), 'job')} handed over; {_STILL_HERE}"

    def document(self) -> PushRecord:
        """Return the jobs that were moved with their new numbers, and why others stay."""
        return {
            "store": {"kind": "local", "where": self.where},
            "to": {"kind": "redis", "where": self.to},
            "jobs": [
                {
                    "job_id": one.job_id,
                    "number": one.number,
                    "name": one.name,
                    "job_id_there": one.job_id_there,
                    "number_there": one.number_there,
                }
                for one in self.moved
            ],
            "left": [{"job_id": one.job_id, "number": one.number, "why": one.why} for one in self.stays],
        }


@dataclass(frozen=True, slots=True)
class Recalled:
    """The number of jobs that were on their way to a Redis, and are held here again."""

    count: int
    where: str

    def document(self) -> RecallRecord:
        """Return their number."""
        return {"store": {"kind": "local", "where": self.where}, "recalled": self.count}


def push(
    local: SqliteStore,
    redis: RedisStore,
    job_ids: Sequence[str],
    stop: Callable[[], bool] = bool,
    progress: Progress = SILENT,
) -> Pushed:
    """Move jobs, after those that an earlier push had begun with.

    Args:
        local: the local store.
        redis: the store that they are moved to.
        job_ids: the waiting jobs to move.
        stop: is called first, then after each chunk of jobs; no more are moved once it returns true.
        progress: counts the jobs that were moved; those that an earlier push had begun with come first.

    Raises:
        StoreError: a store cannot be used; nothing was moved.
    """
    from workers.store.push import Mover

    mover = Mover(local, redis)
    stop()
    moved: list[Moved] = []
    progress.begin("jobs handed over:")
    cut: StoreError | None = None
    try:
        for chunk in mover.move(tuple(job_ids)):
            moved += chunk
            progress(len(moved))
            if stop():
                break
    except StoreError as error:
        cut = error
    there = {one.job_id for one in moved}
    stays = tuple(stay for job_id, stay in mover.stays.items() if job_id not in there)
    done = Pushed(tuple(moved), stays, local.where, redis.where, mover.risk, mover.elsewhere, cut)
    if cut is not None:
        cut.did, cut.hint = done.summary, "nox push goes on from there"
    return done


def recall(local: SqliteStore) -> Recalled:
    """Hold jobs here again that were on their way to a Redis that no longer exists.

    Raises:
        StoreError: the local store cannot be used.
    """
    return Recalled(local.recall(), local.where)
