"""The worker's side of the keeper, which starts, limits, feeds and kills the engine process of a slot.

`workers.keeper.process` is the other side, `workers.keeper.frames` the protocol between them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from workers.keeper import failures
from workers.keeper.link import KeeperLink
from workers.keeper.messages import Ended, Limits, Stop
from workers.keeper.run import Run, Task
from workers.keeper.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Ended", "Keeper", "Limits", "Run", "Stop", "Task"]

ENTRY = "workers.engine.registry"


class Keeper:
    """Runs jobs, one after the other, in an engine process of its own: the worker's side of the keeper.

    Args:
        grace_s: the time between TERM and KILL of a stopped job.
        entry: the module that knows engines; tests have their own.
    """

    def __init__(self, *, grace_s: float = 5.0, entry: str = ENTRY) -> None:
        self._entry = entry
        self._link: KeeperLink | None = None
        self._series = Series(grace_s)

    def run(self, task: Task) -> Ended:
        """Run a job to its end, whatever the engine does; return how it ended.  No other may be running."""
        self.start(task)
        (run,) = self.wait()
        return run.ended

    def start(self, task: Task) -> Run:
        """Add a job behind those that have not ended; the next `wait` sends it to the engine process."""
        return self._series.add(task)

    def wait(self, pause_s: float = 0.0) -> Sequence[Run]:
        """Run the started jobs until at least one has ended; return those that have, in order.

        If the engine process dies, the job that ran has ended, and those behind it run in the next process.
        Those behind a job that takes unexpectedly long are withdrawn: they end as released, and never began.

        Args:
            pause_s: the time for which answers of the engine process may wait, so that they come in groups.
        """
        series = self._series
        try:
            try:
                link = self._link if series.sent else self._link_for(series.runs[0].task)
                assert link is not None
            except OSError as error:
                return series.refuse(failures.cannot_start(error))
            return series.follow(link, pause_s)
        except BaseException:
            series.is_link_good = False
            series.runs.clear()
            raise
        finally:
            if not series.is_link_good:
                self._drop()

    def warm(self, loads: frozenset[str]) -> None:
        """Start the engine process before the first job, for one thread and with these libraries.

        It returns before they are loaded.  Do not call it while a job runs.
        """
        if self._link is None:
            with contextlib.suppress(OSError):  # the first job will report it
                self._link = KeeperLink(self._entry, 1, loads)

    def stop(self, why: Stop) -> None:
        """Stop the job that runs now, if one does; see `Run.stop`."""
        for run in list(self._series.runs)[:1]:
            run.stop(why)

    def close(self) -> None:
        """End the engine process and all that it started; harmless to repeat, but not while a job runs."""
        self._drop()
        self._series.close()

    def _link_for(self, task: Task) -> KeeperLink:
        """Return a keeper process with the threads and libraries of a job; start it if need be.

        Raises:
            OSError: it cannot be started.
        """
        link = self._link
        if link is not None and not link.has_ended and link.cores == task.cores and task.loads <= link.loads:
            return link
        kept = link.loads if link is not None else frozenset()
        self._drop()
        self._link = KeeperLink(self._entry, task.cores, task.loads | kept)
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        self._series.restart()
        self._series.is_link_good = True
        if link is not None:
            link.close()
