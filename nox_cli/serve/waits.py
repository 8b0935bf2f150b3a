"""Long polls: requests that are answered once jobs have ended, and hold no thread until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

from fastapi import Query

from nox_cli.counts import by_public_state
from nox_cli.serve.hub import Subscription, wait_until
from nox_cli.serve.selection import visible_job
from workers.errors import NothingMatched
from workers.job import FINAL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nox_cli.serve.principal import Principal
    from nox_cli.serve.state import ServerState
    from workers.job import Job, JobState

MOST_S = 60.0
WaitS = Annotated[
    float,
    Query(
        alias="wait",
        ge=0,
        le=MOST_S,
        allow_inf_nan=False,
        description="Answer once the jobs have ended, or after so many seconds.",
    ),
]


class BatchCounts(NamedTuple):
    """The number of jobs of a batch in each state."""

    batch: str
    counts: Mapping[JobState, int]

    @property
    def unfinished(self) -> int:
        """The number of jobs that have not ended."""
        return sum(count for state, count in self.counts.items() if state not in FINAL)

    @property
    def document(self) -> dict[str, Any]:
        """The counts as JSON has them."""
        return {
            "batch": self.batch,
            "counts": by_public_state(self.counts),
            "raw_counts": self.counts,
            "unfinished": self.unfinished,
        }


async def ended_job(state: ServerState, word: str, principal: Principal, wait_s: float) -> Job:
    """Return a job once it has ended, or as it is when the time is up.

    Raises:
        JobNotFound: it does not exist, or is invisible to this token.
        StoreError: the store cannot be read.
    """

    def read() -> Job:
        return visible_job(state.store_of(principal), word, principal)

    job = await state.call(read)
    if wait_s <= 0 or job.state.is_final:
        return job
    wanted = Subscription(owner=job.owner, job_id=job.id, holder=principal.token_id)
    return await wait_until(
        state.hub, wanted, lambda: state.call(read), lambda found: not found.state.is_final, wait_s
    )


async def ended_batch(state: ServerState, batch: str, principal: Principal, wait_s: float) -> BatchCounts:
    """Count the jobs of a batch once all have ended, or as they are when the time is up.

    Raises:
        NothingMatched: no job of the batch is visible to this token.
        StoreError: the store cannot be read.
    """

    def read() -> BatchCounts:
        counts = state.store_of(principal).counts(batch=batch)
        found = {name: count for name, count in counts.items() if count}
        if not found:
            raise NothingMatched(f"there is no job in batch {batch[:80]}")
        return BatchCounts(batch, found)

    wanted = Subscription(owner=principal.sees, batch=batch, holder=principal.token_id)
    return await wait_until(
        state.hub, wanted, lambda: state.call(read), lambda found: found.unfinished, wait_s
    )
