"""One job on pages: its status, the plots of its convergence, its log, and its explanation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.containers import Horizontal, VerticalScroll

from nox_cli.counts import job_title
from nox_cli.render import explain as explain_page
from nox_cli.top.cells import Passage, lines_of, printed
from nox_cli.top.plots import ConvergencePlots
from nox_cli.top.readings import JobReading, LogReading, read_job
from nox_cli.top.views.view import TopView
from nox_cli.watch.explanation import explain
from workers.errors import JobNotFound
from workers.job import JobState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from nox_cli.render.terminal.columns import Cell
    from nox_cli.top.context import Context
    from workers.job import Job

# Narrower screens show the plots on a page of their own.
_PLOT_FROM = 100


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
        job, log, reading = self.job, self._log, self._reading
        if job is None:
            return
        try:
            if reading is None or is_changed or not reading.job.state.is_final:
                reading = await self.context.call(partial(read_job, self.context, job.id))
            lines = await self._lines(reading, self.page, log)
        except JobNotFound:
            reading, lines = None, [[f"job {job.number} was removed"]]
        if log is self._log:  # else another page, or job, was opened meanwhile, and is read next
            self._draw(reading, lines)

    async def _lines(self, reading: JobReading, page: str, log: LogReading) -> list[Sequence[Cell]]:
        """Read the lines of a page.

        Raises:
            JobNotFound: the job is gone.
            StoreError: the store cannot be read.
        """
        context = self.context
        if page == "log":
            return lines_of(await context.call(partial(log.read, reading.job)))
        if page == "explain":
            found = await context.call(
                partial(explain, context.store, context.settings.home, [reading.job.id])
            )
            return printed(explain_page.text, found)
        has_course = len(reading.points) > 1
        return reading.lines if page != "plot" or has_course else [[reading.missing]]

    def _draw(self, reading: JobReading | None, lines: list[Sequence[Cell]]) -> None:
        """Draw what was read; None: the job is gone."""
        scroll, plot, page = self.scroll, self.plots, self.page
        follows = page == "log" and scroll.scroll_y >= scroll.max_scroll_y
        has_course = reading is not None and len(reading.points) > 1
        plot.display = has_course and (
            page == "plot" or (page == "details" and self.size.width >= _PLOT_FROM)
        )
        scroll.display = page != "plot" or not has_course
        self.text.show(lines)
        self._reading = reading
        if reading is not None:
            self.job = reading.job
            if plot.display:
                plot.show(reading.points, reading.threshold)
        if follows:
            self.call_after_refresh(scroll.scroll_end, animate=False)
