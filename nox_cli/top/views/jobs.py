"""The list of jobs, and a preview of the current one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget

from nox_cli.top import actions, rows
from nox_cli.top.cells import Passage, chosen, content_of
from nox_cli.top.plots import ConvergencePlots
from nox_cli.top.readings import read_job
from nox_cli.top.views.view import TopView
from nox_cli.top.window import JobWindow
from workers.errors import JobNotFound
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.events import Click, Resize

    from nox_cli.top.context import Context
    from workers.job import Job

# Narrower screens show no preview.
_PREVIEW_FROM = 72
# The lines of text above the plots of the preview.
_BESIDE_PLOTS = 5


class JobTable(Widget):
    """The visible rows of a list of jobs."""

    def __init__(self, context: Context) -> None:
        super().__init__(id="table")
        self.context = context
        self.window = JobWindow(context.query())
        self.marked: dict[str, Job] = {}

    def on_resize(self, event: Resize) -> None:
        """Show as many rows as there is room for."""
        self.window.resize(event.size.height - 1)

    def render(self) -> Content:
        """Draw a header and the rows."""
        width, shown = self.size.width, self.window.rows()
        header, *lines = rows.job_lines(shown, self.marked, width)
        drawn = [content_of(header).stylize("bold")]
        drawn += [
            chosen(line, width) if row.is_current else content_of(line)
            for row, line in zip(shown, lines, strict=True)
        ]
        if not shown:
            drawn.append(Content(self._nothing()))
        return Content("\n").join(drawn)

    def _nothing(self) -> str:
        if self.window.is_whole:
            words = self.context.filters.words
            return f"no job matches {words}" if words else "no jobs so far: nox submit FILE"
        looked = self.window.looked
        return f"searching, {looked:,} jobs so far ..." if looked else "reading ..."


class JobsView(TopView):
    """The list of jobs, and a preview of the current one."""

    keys = "/ filter  enter open  space mark  l log  e explain  p plot"

    def compose(self) -> ComposeResult:
        """Make the list and the preview."""
        self.table = JobTable(self.context)
        self.preview = Preview(self.context)
        with Horizontal():
            yield self.table
            yield self.preview

    def on_resize(self, event: Resize) -> None:
        """Show the preview where there is room for it."""
        self.preview.display = event.size.width >= _PREVIEW_FROM

    @property
    def command(self) -> str:
        """The command that shows the current job, or the list."""
        jobs = self.selected()
        if not jobs:
            return self.context.filters.command
        if len(jobs) > 1:
            return f"nox status {actions.named(jobs)}"
        return following_command(jobs[0])

    @property
    def title(self) -> str:
        """The filter, the place in the list, and the marked jobs."""
        window, marked = self.table.window, len(self.table.marked)
        words = [f"{marked:,} marked"] if marked else []
        words.append(f"row {window.position:,}{' from the end' if window.from_end else ''}")
        return "  ".join([*words, f"/{self.context.filters.words}" if self.context.filters.words else ""])

    def selected(self) -> Sequence[Job]:
        """Return the marked jobs or, if there are none, the current one."""
        current = self.table.window.current
        return list(self.table.marked.values()) or ([current] if current else [])

    def mark(self) -> None:
        """Mark the current job, or mark it no more, and go to the next."""
        current = self.table.window.current
        if current is not None and not self.table.marked.pop(current.id, None):
            self.table.marked[current.id] = current
        self.move(1)

    def clear(self) -> bool:
        """Mark no job any more; false: none was."""
        had_marks = bool(self.table.marked)
        self.table.marked.clear()
        self.table.refresh()
        return had_marks

    def on_click(self, event: Click) -> None:
        """Make the job at the mouse the current one."""
        places = [place for place, row in enumerate(self.table.window.rows()) if row.is_current]
        if event.widget is self.table and event.y > 0 and places:
            self.move(event.y - 1 - places[0])

    def restart(self) -> None:
        """Begin with the first page of another list."""
        self.table.marked.clear()
        self.table.window = JobWindow(self.context.query(), self.table.window.height)
        self._moved()

    def move(self, count: int) -> None:
        """Make another job the current one."""
        self.table.window.move(count)
        self._moved()

    def edge(self, *, is_end: bool) -> None:
        """Make the first or the last job the current one."""
        self.table.window = self.table.window.edge(is_end=is_end)
        self._moved()

    @property
    def page_rows(self) -> int:
        """The number of visible jobs."""
        return self.table.window.height

    def _moved(self) -> None:
        self.table.refresh()
        self.context.look()

    async def read(self, *, is_changed: bool) -> None:
        """Read the visible pages again if jobs changed or run, then the preview."""
        window = self.table.window
        if is_changed or any(row.job and row.job.state is JobState.RUNNING for row in window.rows()):
            window.expire()
        while (wanted := window.wanted()) is not None and window is self.table.window:
            page = await self.context.call(partial(self.context.store.page, wanted.query))
            window.take(wanted, page)
            if window.looked or window.wanted() is None:
                self.table.refresh()
        marked = self.table.marked
        marked.update({row.job.id: row.job for row in window.rows() if row.job and row.job.id in marked})
        self.context.draw()
        if self.preview.display:
            await self.preview.read(window.current)


class Preview(Vertical):
    """The current job in short: its status page, and while it is optimised its convergence."""

    def __init__(self, context: Context) -> None:
        super().__init__(id="preview")
        self.context = context
        self._shown: object = None

    def compose(self) -> ComposeResult:
        """Make the text and the plots."""
        self.text = Passage(id="preview-text")
        self.plots = ConvergencePlots(id="preview-plot")
        yield from (self.text, self.plots)

    async def read(self, job: Job | None) -> None:
        """Read a job, unless it is shown as it is.

        Raises:
            StoreError: the store cannot be read.
        """
        shown = job and (job.id, job.state, job.attempt, job.progress, job.cancel_requested, self.size)
        if shown == self._shown:
            return
        found = None
        if job is not None:
            try:
                found = await self.context.call(partial(read_job, self.context, job.id, is_brief=True))
            except JobNotFound:
                found = None
        self._shown = shown
        self.text.show(found.lines if found else [])
        self.plots.display = found is not None and len(found.points) > 1
        self.text.styles.max_height = _BESIDE_PLOTS if self.plots.display else "100%"
        if self.plots.display and found is not None:
            self.plots.show(found.points, found.threshold)


def following_command(job: Job) -> str:
    """Return the command that shows more of a job in its state."""
    if job.state is JobState.RUNNING:
        return f"nox watch {job.number}"
    if job.state is JobState.DONE:
        return f"nox results {job.number}"
    return f"nox explain {job.number}"
