"""Tables above a text about their current row: the workers, and the failed jobs by reason."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

from textual.containers import VerticalScroll

from nox_cli.counts import counted, job_title
from nox_cli.render import explain as explain_page
from nox_cli.top import actions, rows
from nox_cli.top.cells import CellLines, Passage, printed
from nox_cli.top.headline import slots_words
from nox_cli.top.readings import read_workers
from nox_cli.top.views.view import TopView
from nox_cli.watch.explanation import explain
from workers.errors import JobNotFound
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.top.actions import PlannedChange
    from nox_cli.top.context import Context
    from nox_cli.watch.batch_progress import FailureGroup
    from workers.job import Job
    from workers.store.values import WorkerSeen


class TableView(TopView):
    """A table that is short enough to be read whole, above a text about its current row."""

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.at = 0

    def compose(self) -> ComposeResult:
        """Make the table and the text."""
        self.table = CellLines(id=f"{self.id}-table")
        self.text = Passage()
        yield from (self.table, VerticalScroll(self.text, can_focus=False, classes="below"))

    @property
    def count(self) -> int:
        """The number of rows."""
        return 0

    def lines(self) -> list[rows.Line]:
        """Lay out the header and the rows."""
        return []

    def move(self, count: int) -> None:
        """Make another row the current one."""
        self.at = max(0, min(self.at + count, self.count - 1))
        self.draw()
        self.context.look()

    def edge(self, *, is_end: bool) -> None:
        """Make the first or the last row the current one."""
        self.move(self.count if is_end else -self.count)

    def draw(self) -> None:
        """Draw the rows around the current one."""
        self.at = max(0, min(self.at, self.count - 1))
        header, *lines = self.lines()
        room = max(1, self.table.size.height - 1)
        first = max(0, min(self.at - room // 2, len(lines) - room))
        self.table.show([header, *lines[first : first + room]])

    def tell(self, *lines: Sequence[Cell]) -> None:
        """Show lines about the current row."""
        self.text.show(list(lines))


class WorkersView(TableView):
    """The workers with their slots, and the jobs that run on the current one."""

    keys = ""
    command = "nox worker list"

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self._seen: tuple[WorkerSeen, ...] = ()
        self._jobs: tuple[Job, ...] = ()

    @property
    def title(self) -> str:
        """Count the slots that work."""
        living = [one.beat for one in self._seen if one.alive]
        return slots_words(sum(one.busy for one in living), sum(one.slots for one in living), len(living))

    @property
    def count(self) -> int:
        """The number of workers."""
        return len(self._seen)

    def lines(self) -> list[rows.Line]:
        """Lay out a line for each worker."""
        return rows.worker_lines(self._seen, self.at, self.size.width)

    async def read(self, *, is_changed: bool) -> None:  # noqa: ARG002  beats are no changes of jobs
        """Read the workers, and the jobs that run."""
        found = await self.context.call(partial(read_workers, self.context))
        self._seen, self._jobs = found.seen, found.running or ()
        self.draw()
        awaited = [[line] for line in found.pools.lines()]
        if not self._seen:
            self.tell([f"no worker is alive; {found.hint()}"], *awaited)
            return
        beat, title = self._seen[self.at].beat, found.pools.title(self._seen[self.at].beat.allocation)
        here = [job for job in self._jobs if job.worker == beat.worker]
        on = f"{self._seen[self.at].host}{title and f', allocation {title}'}: {counted(len(here), 'job')}"
        self.tell([on], *([f"  {job_title(job)}  {rows.doing(job)}"] for job in here), *awaited)


class FailuresView(TableView):
    """Failed jobs by reason, the explanation of the newest of each, and the command that runs them again."""

    keys = "enter list  e explain  r retry all of this reason"

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self._told: tuple[object, ...] = ()

    @property
    def groups(self) -> Sequence[FailureGroup]:
        """The groups, the largest first."""
        return self.context.progress.failures

    @property
    def group(self) -> FailureGroup | None:
        """The current group."""
        return self.groups[self.at] if self.at < len(self.groups) else None

    @property
    def count(self) -> int:
        """The number of groups."""
        return len(self.groups)

    @property
    def title(self) -> str:
        """Count the failed jobs; of very many only the newest are grouped."""
        progress = self.context.progress
        failed = progress.counts.get(JobState.FAILED, 0)
        grouped = progress.failures_grouped
        newest = f", the newest {grouped:,} by reason" if grouped < failed else ""
        return f"{failed:,} failed{newest}"

    @property
    def command(self) -> str:
        """The command that explains the group."""
        group, batch = self.group, self.context.filters.options.batch
        if group is None:
            return f"nox explain @batch:{shlex.quote(batch)}" if batch else "nox explain @failed"
        listed = actions.failed_selection(group, batch)
        return f"{listed} | nox explain -" if listed else f"nox explain @failed:{group.reason}"

    def planned(self, key: str) -> PlannedChange | str | None:
        """Plan to run the jobs of the group again."""
        if key not in {"r", "R"} or self.group is None:
            return None
        return self._retry(self.group)

    def _retry(self, group: FailureGroup) -> PlannedChange:
        progress, options = self.context.progress, self.context.filters.options
        is_all = progress.failures_grouped >= progress.counts.get(JobState.FAILED, 0)
        return actions.retry_reason(group, options.batch, is_all=is_all and not options.all_users)

    def lines(self) -> list[rows.Line]:
        """Lay out a line for each reason."""
        return rows.failure_lines(self.groups, self.at, self.size.width)

    async def read(self, *, is_changed: bool) -> None:  # noqa: ARG002  groups are of the progress
        """Explain the newest job of the current group."""
        self.draw()
        group = self.group
        if group is None:
            self.tell(["no job has failed"])
            return
        newest = group.sample[0]
        told = (group.reason, group.count, newest.job_id)
        if told == self._told:
            return
        line = self._retry(group).line
        try:
            found = await self.context.call(
                partial(explain, self.context.store, self.context.settings.home, [newest.job_id])
            )
        except JobNotFound:
            return
        lines = printed(explain_page.text, found)
        self._told = told
        self.tell([f"all {group.count:,}:  {line}"], [], ["the newest of them:"], *lines)
