"""Views of `nox top`: jobs with a preview, one job, workers, and failures by reason."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from nox_cli.counts import counted, job_title
from nox_cli.hints import start_one
from nox_cli.render import explain as explain_page
from nox_cli.top import actions, rows
from nox_cli.top.cells import CellLines, Passage, chosen, content_of, lines_of, printed
from nox_cli.top.headline import slots_words
from nox_cli.top.plots import ConvergencePlots
from nox_cli.top.readings import JobReading, LogReading, read_job, read_workers
from nox_cli.top.window import JobWindow
from nox_cli.watch.explanation import explain
from workers.errors import JobNotFound
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.events import Click, Resize

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.top.actions import PlannedChange
    from nox_cli.top.context import Context
    from nox_cli.watch.batch_progress import FailureGroup
    from workers.job import Job
    from workers.store.values import WorkerSeen

# Narrower screens show no preview, and narrower ones than this show the plot of a job on a page of its own.
_PREVIEW_FROM, _PLOT_FROM = 72, 100
# The rows that the mouse wheel moves by.
_SCROLLED = 3
# The lines of text above the plots of the preview.
_BESIDE_PLOTS = 5


class TopView(Widget):
    """A part of the program that fills the screen between the lines above and below."""

    keys: ClassVar[str]  # for the line below

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(id=name)
        self.context = context

    @property
    def command(self) -> str:
        """The `nox` line that shows what is shown here."""
        return "nox status"

    @property
    def title(self) -> str:
        """Words for the line of tabs."""
        return ""

    def selected(self) -> Sequence[Job]:
        """Return the jobs that an action would change."""
        return ()

    def planned(self, key: str) -> PlannedChange | str | None:
        """Plan the action of a key; a text: why there is none to take; None: the key has no action here."""
        known = actions.JOB_ACTIONS.get(key)
        found = self.selected() if known else ()
        return known[1](found) if known and found else None

    def move(self, count: int) -> None:
        """Go down by a number of rows, or up if it is negative."""

    def on_mouse_scroll_down(self) -> None:
        """Go down by some rows."""
        self.move(_SCROLLED)

    def on_mouse_scroll_up(self) -> None:
        """Go up by some rows."""
        self.move(-_SCROLLED)

    def edge(self, *, is_end: bool) -> None:
        """Go to the first row, or to the last."""

    @property
    def page_rows(self) -> int:
        """The number of rows that a page has."""
        return max(1, self.size.height - 2)

    async def read(self, *, is_changed: bool) -> None:
        """Read what is shown, and draw it.

        Args:
            is_changed: jobs have changed since the last call.

        Raises:
            StoreError: the store cannot be read.
        """


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


class JobView(TopView):
    """One job: its status page, its convergence, its log, and why it is as it is."""

    keys = "d details  p plot  l log  e explain  esc back"
    pages = ("details", "plot", "log", "explain")

    def __init__(self, context: Context, name: str) -> None:
        super().__init__(context, name)
        self.job: Job | None = None
        self.page = "details"
        self._log = LogReading(context)
        self._reading: JobReading | None = None

    def compose(self) -> ComposeResult:
        """Make one text for all pages, and the plots."""
        self.text = Passage(id="job-text")
        self.scroll = VerticalScroll(self.text, id="job-scroll", can_focus=False)
        self.plots = ConvergencePlots(id="job-plot")
        yield Horizontal(self.scroll, self.plots)

    @property
    def title(self) -> str:
        """The pages, and the job: of a long name the end is cut."""
        names = " ".join(f"[{name}]" if name == self.page else name for name in self.pages)
        return f"{names}  {job_title(self.job) if self.job else ''}"

    @property
    def command(self) -> str:
        """The command that prints what the page shows."""
        if self.job is None:
            return "nox status"
        follows = " -f" if self.job.state is JobState.RUNNING else ""
        return {
            "log": f"nox logs {self.job.number}{follows}",
            "explain": f"nox explain {self.job.number}",
            "plot": f"nox watch {self.job.number}",
        }.get(self.page, f"nox status {self.job.number}")

    def selected(self) -> Sequence[Job]:
        """Return the job."""
        return [self.job] if self.job else []

    def open(self, job: Job, page: str) -> None:
        """Show a page of a job."""
        if self.job is None or self.job.id != job.id:
            self.text.show([["reading ..."]])
            self.plots.display, self.scroll.display = False, True
        self.job, self.page = job, page
        self._log, self._reading = LogReading(self.context), None
        self.scroll.scroll_home(animate=False)

    def move(self, count: int) -> None:
        """Scroll."""
        self.scroll.scroll_relative(y=count, animate=False)

    def edge(self, *, is_end: bool) -> None:
        """Scroll to the beginning or to the end."""
        (self.scroll.scroll_end if is_end else self.scroll.scroll_home)(animate=False)

    async def read(self, *, is_changed: bool) -> None:
        """Read the page again, if it can have changed."""
        job, page = self.job, self.page
        if job is None:
            return
        reading = self._reading
        if reading is None or is_changed or not reading.job.state.is_final:
            try:
                reading = await self.context.call(partial(read_job, self.context, job.id))
            except JobNotFound:
                self.plots.display, self.scroll.display = False, True
                self.text.show([[f"job {job.number} was removed"]])
                return
            self._reading = reading
        self.job, lines = reading.job, reading.lines
        scroll, plot = self.scroll, self.plots
        follows = page == "log" and scroll.scroll_y >= scroll.max_scroll_y
        if page == "log":
            lines = lines_of(await self.context.call(partial(self._log.read, self.job)))
        elif page == "explain":
            found = await self.context.call(
                partial(explain, self.context.store, self.context.settings.home, [job.id])
            )
            lines = printed(explain_page.text, found)
        has_course = len(reading.points) > 1
        if page == "plot" and not has_course:
            lines = [[reading.missing]]
        plot.display = has_course and (
            page == "plot" or (page == "details" and self.size.width >= _PLOT_FROM)
        )
        scroll.display = page != "plot" or not has_course
        self.text.show(lines)
        if plot.display:
            plot.show(reading.points, reading.threshold)
        if follows:
            self.call_after_refresh(scroll.scroll_end, animate=False)


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
        if not self._seen:
            self.tell([f"no worker is alive; {start_one()}"])
            return
        worker = self._seen[self.at].beat.worker
        here = [job for job in self._jobs if job.worker == worker]
        on = f"{self._seen[self.at].host}: {counted(len(here), 'job')}"
        self.tell([on], *([f"  {job_title(job)}  {rows.doing(job)}"] for job in here))


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


def following_command(job: Job) -> str:
    """Return the command that shows more of a job in its state."""
    if job.state is JobState.RUNNING:
        return f"nox watch {job.number}"
    if job.state is JobState.DONE:
        return f"nox results {job.number}"
    return f"nox explain {job.number}"
