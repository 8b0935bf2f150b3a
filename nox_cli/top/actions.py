"""Actions on jobs: each has its `nox` line, and calls the function that the command of that line calls."""

from __future__ import annotations

import shlex
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple

from nox_cli.changes import selection
from nox_cli.counts import counted, job_title, ranges
from nox_cli.render import changes
from nox_cli.render.terminal.out import Out
from nox_cli.results.job_list import MAX_LISTED, JobFilters
from nox_cli.selectors.reader import outlines_in
from nox_cli.selectors.selection import outlined
from nox_cli.session import Streams
from workers.errors import NothingMatched
from workers.job import PRIORITY_RANGE, WAITING, JobState, Reason
from workers.store.values import Query, Revision

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nox_cli.config.settings import Settings
    from nox_cli.watch.batch_progress import FailureGroup
    from workers.job import Job
    from workers.store.base import Store
    from workers.store.values import Outline


class PlannedChange(NamedTuple):
    """A change of jobs, ready to be made."""

    line: str  # the command that does the same
    words: str  # the selector of its jobs
    question: str  # is asked before; empty: nothing is lost, so nothing is asked
    change: Callable[[Store, Sequence[str], Settings, Out], None]
    query: Query | None = None  # that lists its jobs, of the user, where no selector names them

    def run(self, store: Store, settings: Settings) -> str:
        """Find the jobs, change them, and return what the command would print.

        Raises:
            UsageError: some jobs belong to other users; nothing was changed.
            NothingMatched, JobNotFound: there are no such jobs.
            InputRefused, StoreError: the jobs cannot be changed.
        """
        jobs = tuple(self._found(store, settings.owner))
        selection.refuse_others(jobs, settings.owner, "changed", f"{self.line} --any-user")
        output = StringIO()
        self.change(store, [job.id for job in jobs], settings, Out(Streams(StringIO(), output, StringIO())))
        return output.getvalue().strip()

    def _found(self, store: Store, owner: str) -> Iterator[Outline]:
        if self.query is None:
            yield from outlined(store, [self.words], owner=owner, stdin=StringIO())
            return
        found = None
        for found in outlines_in(store, self.query._replace(owner=owner)):
            yield found
        if found is None:
            raise NothingMatched(f"no job matches {self.words}")


def _cancel(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.cancel(selection.cancel(store, job_ids, settings.owner, settings), out)


def _hold(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.hold(selection.hold(store, job_ids, settings.owner), out)


def _release(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.release(selection.release(store, job_ids, settings.owner, settings), out)


def _retry(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.retry(selection.retry(store, job_ids, settings.owner, settings), out)


def _retry_done(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.retry(selection.retry(store, job_ids, settings.owner, settings, done=True), out)


def _restart(store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    from nox_cli.submission.geometry_sources import restart

    changes.retry(restart(store, job_ids, settings), out)


def _revise(revision: Revision, store: Store, job_ids: Sequence[str], settings: Settings, out: Out) -> None:
    changes.change(selection.revise(store, job_ids, revision, settings.owner, settings), out)


def cancel(jobs: Sequence[Job]) -> PlannedChange | str:
    """Plan a cancel of the jobs that have not ended; a text: why there is nothing to do."""
    active = [job for job in jobs if not job.state.is_final]
    running = sum(job.state is JobState.RUNNING for job in active)
    if not active:
        return "nothing to cancel: it has ended" if len(jobs) == 1 else "nothing to cancel: all have ended"
    words, runs = named(active), f", {running:,} of them running" if running and len(active) > 1 else ""
    return PlannedChange(f"nox cancel {words}", words, f"cancel {_counted(active)}{runs}?", _cancel)


def retry(jobs: Sequence[Job]) -> PlannedChange | str:
    """Plan to run jobs again: failed and cancelled ones or, if there are none, completed ones."""
    ended = [job for job in jobs if job.state in {JobState.FAILED, JobState.CANCELLED}]
    done = [job for job in jobs if job.state is JobState.DONE]
    if ended:
        return PlannedChange(f"nox retry {named(ended)}", named(ended), "", _retry)
    if done:
        question = f"run {_counted(done)} again? results are kept until a new attempt has completed"
        return PlannedChange(f"nox retry {named(done)} --done", named(done), question, _retry_done)
    return "nothing to retry: only ended jobs run again"


def restart(jobs: Sequence[Job]) -> PlannedChange | str:
    """Plan new jobs that continue optimisations that did not converge from their last geometries."""
    unconverged = [job for job in jobs if job.reason is Reason.NOT_CONVERGED]
    if not unconverged:
        return "nothing to continue: only optimisations that did not converge have a last geometry"
    words = named(unconverged)
    return PlannedChange(f"nox retry {words} --from-last-geometry", words, "", _restart)


def hold(jobs: Sequence[Job]) -> PlannedChange | str:
    """Plan to keep waiting jobs from starting."""
    waiting = [job for job in jobs if job.state in WAITING and job.state is not JobState.HELD]
    if not waiting:
        return "nothing to hold: only jobs that wait can be held"
    return PlannedChange(f"nox hold {named(waiting)}", named(waiting), "", _hold)


def release(jobs: Sequence[Job]) -> PlannedChange | str:
    """Plan to let held jobs start."""
    held = [job for job in jobs if job.state is JobState.HELD]
    if not held:
        return "nothing to release: no job here is held"
    return PlannedChange(f"nox release {named(held)}", named(held), "", _release)


def priority(jobs: Sequence[Job], change: int) -> PlannedChange | str:
    """Plan to raise or lower the priority of waiting jobs, from the highest of theirs."""
    waiting = [job for job in jobs if job.state in WAITING]
    if not waiting:
        return "no priority to change: only jobs that wait have one"
    low, high = PRIORITY_RANGE
    value = max(low, min(high, max(job.priority for job in waiting) + change))
    words = named(waiting)
    return PlannedChange(
        f"nox set {words} --priority {value}", words, "", partial(_revise, Revision(priority=value))
    )


def failed_selection(group: FailureGroup, batch: str) -> str:
    """Write the command that lists the failed jobs of a reason in a batch; empty of all batches."""
    if not batch:
        return ""
    limit = "" if group.count <= JobFilters().limit else f" --limit {MAX_LISTED}"
    return f"nox list -q @failed:{group.reason} --batch {shlex.quote(batch)}{limit}"


def retry_reason(group: FailureGroup, batch: str, *, is_all: bool) -> PlannedChange:
    """Plan to run again all failed jobs of one reason, or to continue those that did not converge.

    Args:
        group: the jobs.
        batch: the batch of the jobs; empty: all batches.
        is_all: the group counts all of them, and no jobs of others.
    """
    words, listed = f"@failed:{group.reason}", failed_selection(group, batch)
    line = f"{listed} | nox retry -" if listed else f"nox retry {words}"
    query = Query(states=frozenset({JobState.FAILED}), reason=group.reason, batch=batch) if batch else None
    which = counted(group.count, "failed job") if is_all else f"all of my jobs that failed: {group.reason},"
    if group.reason is Reason.NOT_CONVERGED:
        question = f"continue {which} from the last geometries?"
        return PlannedChange(f"{line} --from-last-geometry", words, question, _restart, query)
    return PlannedChange(line, words, f"run {which} again?", _retry, query)


# The keys of the actions on jobs, the words that help shows, and what plans them.
JOB_ACTIONS: Mapping[str, tuple[str, Callable[[Sequence[Job]], PlannedChange | str]]] = {
    "c": ("cancel", cancel),
    "r": ("retry", retry),
    "R": ("continue from the last geometry", restart),
    "h": ("hold", hold),
    "u": ("release", release),
    "+": ("raise the priority", lambda jobs: priority(jobs, 1)),
    "-": ("lower the priority", lambda jobs: priority(jobs, -1)),
}


def named(jobs: Sequence[Job]) -> str:
    """Write the selector of jobs by their numbers."""
    return ranges(job.number for job in jobs)


def _counted(jobs: Sequence[Job]) -> str:
    if len(jobs) == 1:
        return f"job {job_title(jobs[0])}"
    return counted(len(jobs), "job")
