"""Withdrawal of a submit: its jobs are cancelled and removed, whatever their states are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nox_cli.changes.removal import remove
from nox_cli.changes.selection import cancel
from nox_cli.progress import SILENT, Progress
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nox_cli.config.settings import Settings
    from workers.store.base import Store

# A worker stops a cancelled job within 7 s; those of a lost worker end within 8 s.
LIMIT_S = 20.0
_LOOK_S = 0.1
# The number of jobs that are removed between two calls of `stop`.
_CHUNK = 1_000


def withdraw(
    store: Store,
    job_ids: Sequence[str],
    submission: str,
    settings: Settings,
    stop: Callable[[], bool] = bool,
    progress: Progress = SILENT,
) -> int:
    """Cancel and remove the jobs of a submit; `@last` then names the submit before it.

    Args:
        store: the store of the jobs.
        job_ids: the jobs; those that are not stored are left out.
        submission: the token of the submit.
        settings: the user whose jobs they are, and the directory of artifacts.
        stop: no more jobs are removed, and running ones are not waited for, once it returns true.
        progress: counts the jobs.

    Returns:
        The number of jobs that are still stored; they are cancelled.

    Raises:
        StoreError: some jobs may not be cancelled.
    """
    progress.begin("jobs removed:", len(job_ids))
    cancelled = cancel(store, job_ids, settings.owner, settings).cancellations
    left = [one.job_id for one in cancelled]
    end = time.monotonic() + LIMIT_S
    while left and not stop():
        active: list[str] = []
        for start in range(0, len(left), _CHUNK):
            progress(start)
            chunk = left[start : start + _CHUNK]
            if stop():
                active += left[start:]
                break
            states = dict.fromkeys(chunk, JobState.CANCELLED)
            cut = remove(store, states, settings.owner, settings.artifacts).cut
            if cut is not None:
                raise cut
            active += [one.id for one in store.outlines(chunk)]
        left = active
        if not left or time.monotonic() > end:
            break
        time.sleep(_LOOK_S)
    if not left:
        store.forget_submit(settings.owner, submission)
    return len(left)
