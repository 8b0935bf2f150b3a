"""The outcome of a job that was lost too often, which no worker is left to write.

It is composed in the step that fails the job: by `document` for the local store, by `lua/tick.lua` out of the
same `words` for Redis.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from workers import __version__
from workers.job import Attempt, Reason, worker_host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workers.job import Job

# Of an attempt that was claimed ahead, and whose worker was lost before it had begun: this is no loss.
NOT_BEGUN = "its worker was lost before the job had begun"
# Both languages fill these in.
_MESSAGE = "worker lost %d times: %s"
_TRY = "attempt %d on %s: taken back %.1f s after its start"
_REACHED = "attempt %d had reported %s step %d"
_HINT = (
    "it may be the job that takes its worker down: try it alone with nox run, or submit it with more "
    "--memory, so that fewer run beside it"
)


def words() -> dict[str, Any]:
    """Return what is known of an outcome before a job is lost, templates for the rest, and `NOT_BEGUN`."""
    failure = {"reason": Reason.WORKER_LOST, "message": "", "hint": _HINT, "evidence": []}
    record = {"schema": 1, "attempt": 0, "worker": "", "nox_version": __version__, "failure": failure}
    texts = {"message": _MESSAGE, "try": _TRY, "reached": _REACHED, "not_begun": NOT_BEGUN}
    return {"record": record, **texts}


def document(job: Job, earlier: Sequence[Attempt], now_ms: int) -> str:
    """Write the outcome: a `workers.result.OutcomeRecord`, as JSON.

    Args:
        job: the lost job, with this loss counted.
        earlier: its earlier attempts.
        now_ms: the time at which the loss is recorded.
    """
    newest = Attempt(job.attempt, job.round, job.worker, job.started_ms or now_ms, now_ms, Reason.WORKER_LOST)
    lost = [*(tried for tried in earlier if tried.ended_as == Reason.WORKER_LOST), newest]
    record: dict[str, Any] = words()["record"]
    record |= {"attempt": job.attempt, "worker": job.worker}
    record["failure"] |= {
        "message": _MESSAGE % (job.losses, ", ".join(worker_host(tried.worker) for tried in lost)),
        "evidence": [_evidence(tried) for tried in lost],
    }
    if job.progress.step is not None:
        phase = job.progress.phase or "running"
        record["failure"]["evidence"].append(_REACHED % (job.attempt, phase, job.progress.step))
    return json.dumps(record)


def _evidence(tried: Attempt) -> str:
    return _TRY % (tried.number, tried.worker, (tried.ended_ms - tried.started_ms) / 1_000)
