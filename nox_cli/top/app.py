"""The program: its views, the keys, the lines around the view, and the clock by which the store is read."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import App
from textual.binding import Binding
from textual.filter import NoColor
from textual.widgets import ContentSwitcher, Input

from nox_cli.render.terminal.out import Painted
from nox_cli.results.filters import SYNTAX, read_filters
from nox_cli.text import safe_lines
from nox_cli.top.cells import CellLines
from nox_cli.top.context import Context
from nox_cli.top.headline import counts_line, progress_line
from nox_cli.top.sheets import Sheet, keys_text
from nox_cli.top.views.job import JobView
from nox_cli.top.views.jobs import JobsView
from nox_cli.top.views.tables import FailuresView, WorkersView
from nox_cli.watch.board import AWAY
from workers.errors import JobNotFound, NoxError, Retry, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key, Resize

    from nox_cli.config.settings import Settings
    from nox_cli.interrupts import Interrupts
    from nox_cli.render.terminal.columns import Cell
    from nox_cli.results.filters import Filters
    from nox_cli.top.actions import PlannedChange
    from nox_cli.top.views.view import TopView
    from workers.job import Job
    from workers.store.base import Store

# The store is read, and the screen drawn, once a second; after a key the screen is drawn at once.
TICK_S = 1.0
_LOOK_AFTER_S = 0.1
# Where reading takes long, as of ten thousand running jobs, it takes this share of the time at most.
_READ_SHARE = 0.02
_TABS = ("jobs", "workers", "failures")
# Below this many lines the counts of states have none.
_COUNTS_FROM = 16
# Below this many columns only the current view has its name.
_NAMES_FROM = 60
_PLACES = "jobs, workers, failures, a job's number, or q"
_CHANGE_KEYS = "c cancel  r retry  h hold  u release  + - priority"
_WRITE_HINT = "read-only: w allows changes"


class TopApp(App[None]):
    """Shows jobs, workers and failures until the user quits."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS = """
    Screen { layers: base; }
    #above { height: auto; }
    CellLines { height: 1; }
    #tabs { text-style: bold; }
    ContentSwitcher { height: 1fr; }
    TopView { height: 1fr; layout: vertical; }
    #table { width: 1fr; height: 1fr; }
    #preview { width: 38%; max-width: 76; border-left: solid ansi_bright_black; padding-left: 1; }
    #preview-text { height: auto; }
    #job-scroll { width: 1fr; }
    #job-plot { width: 1fr; }
    TableView CellLines { height: auto; min-height: 3; max-height: 60%; }
    TableView .below { height: 1fr; border-top: solid ansi_bright_black; }
    Input, Input:focus { height: 1; border: none; padding: 0 1; display: none; background: ansi_default; }
    VerticalScroll { scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c", "quit", show=False),
        Binding("question_mark", "keys", show=False),
        Binding("at", "log", show=False),
        Binding("1", "tab('jobs')", show=False),
        Binding("2", "tab('workers')", show=False),
        Binding("3", "tab('failures')", show=False),
        Binding("tab", "next_tab", show=False, priority=True),
        Binding("colon", "ask(':')", show=False, priority=True),
        Binding("slash", "ask('/')", show=False, priority=True),
        Binding("escape", "leave", show=False),
        Binding("enter", "open('details')", show=False),
        Binding("d", "open('details')", show=False),
        Binding("p", "open('plot')", show=False),
        Binding("l", "open('log')", show=False),
        Binding("e", "open('explain')", show=False),
        Binding("space", "mark", show=False),
        Binding("w", "write", show=False),
        Binding("y", "copy", show=False),
        Binding("ctrl+z", "suspend_process", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown,ctrl+f", "page(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("home,g", "edge(False)", show=False),
        Binding("end,G", "edge(True)", show=False),
    ]

    def __init__(
        self, store: Store, settings: Settings, filters: Filters, interrupts: Interrupts | None = None
    ) -> None:
        """Make the program.

        Args:
            store: the store of the jobs.
            settings: the owner of the jobs, and the places of files.
            filters: the first filters of the list of jobs.
            interrupts: the signals that came, of which any ends the program.
        """
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        if not (self.no_color or settings.colored(is_terminal=True)):
            self._filters.append(NoColor())  # as Textual does for NO_COLOR
        self.animation_level = "none"
        self.context = Context(store, settings, filters, look=self._look_soon, draw=self._draw)
        self._interrupts = interrupts
        self._may_write = False
        self._is_away = False
        self._is_reading = False
        self._is_due = False
        self._stale: set[TopView] = set()  # views that have not read since jobs changed
        self._rests_until = 0.0  # by the monotonic clock: the next tick that reads is not before
        self._pending: PlannedChange | None = None  # waits for an answer
        self._line = ""  # the `nox` line of the last action; empty: the view's own
        self._message = ""
        self._asked = ""  # "/" or ":" while the user types a filter or a place
        self._ran: list[str] = []  # the lines that were run, with what came of them
        self._before = "jobs"  # the view before that of one job

    # -- drawing -----------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Make the lines and the views."""
        self._jobs = JobsView(self.context, "jobs")
        self._job = JobView(self.context, "job")
        self._views = {
            "jobs": self._jobs,
            "workers": WorkersView(self.context, "workers"),
            "failures": FailuresView(self.context, "failures"),
            "job": self._job,
        }
        self._switch = ContentSwitcher(*self._views.values(), initial="jobs")
        self._around = {name: CellLines(id=name) for name in ("progress", "counts", "tabs", "line", "keys")}
        self._field = Input(id="ask", select_on_focus=False)
        above, below = list(self._around.values())[:3], list(self._around.values())[3:]
        yield from (*above, self._switch, *below, self._field)

    def on_mount(self) -> None:
        """Begin to read."""
        self._field.cursor_blink = False
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.set_interval(TICK_S, self._tick)
        self._draw()
        self._tick()

    def on_unmount(self) -> None:
        """End the threads that call the store."""
        self.context.close()

    def on_resize(self, event: Resize) -> None:
        """Leave out what a small screen has no room for."""
        self._around["counts"].display = event.size.height >= _COUNTS_FROM
        self.call_after_refresh(self._draw)

    @property
    def _current(self) -> str:
        """The name of the view that is shown."""
        return self._switch.current or "jobs"

    @property
    def view(self) -> TopView:
        """The view that is shown."""
        return self._views[self._current]

    def _draw(self) -> None:
        """Draw the lines above and below the view."""
        progress, width = self.context.progress, self.size.width
        what = self.context.filters.options.batch or "jobs"
        store = self.context.store
        self._show("progress", progress_line(progress, what, width))
        self._show("counts", counts_line(progress, f"{store.kind}: {store.where}"))
        self._show("tabs", self._tab_line())
        self._show("line", self._command_line())
        self._show("keys", self._key_line())

    def _show(self, name: str, line: list[Cell]) -> None:
        self._around[name].show([line])

    def _tab_line(self) -> list[Cell]:
        current = self._current
        mode: Cell = Painted("WRITE", "yellow") if self._may_write else "read-only"
        if self._is_away:
            return [Painted(f" {AWAY}", "yellow")]
        is_narrow = self.size.width < _NAMES_FROM
        names = "  ".join(
            f"[{number} {name}]" if name == current else f"{number}" if is_narrow else f"{number} {name}"
            for number, name in enumerate(_TABS, 1)
        )
        lead = f" {names}  " if current != "job" else " job "
        return [lead, mode, f"  {self.view.title}"]

    def _command_line(self) -> list[Cell]:
        if self._asked:
            return [f" {self._asked} {SYNTAX if self._asked == '/' else _PLACES}"]
        line = self._line or self.view.command
        if self._message and not self._line:
            return [f" {self._message}"]
        return [Painted(f" > {line}", "bold"), f"   {self._message}" if self._message else ""]

    def _say(self, message: str) -> None:
        """Show a message in place of the line of an earlier action, which it is not about."""
        self._line, self._message = "", message
        self._draw()

    def _key_line(self) -> list[Cell]:
        if self._pending is not None:
            return [
                Painted(f" {self._pending.question}", "yellow"),
                "  enter: yes   esc: no   y: copy the line",
            ]
        if self._may_write and self.view.selected():
            return [f" {_CHANGE_KEYS}  w read-only  ? keys"]
        return [f" ? keys  {self.view.keys}  w write  q quit".replace("    ", "  ")]

    # -- reading -----------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Read the store and draw; end if a signal came."""
        if self._interrupts is not None and self._interrupts.came:
            self.exit()
        elif time.monotonic() >= self._rests_until:
            self._spawn(self._read)

    def _look_soon(self) -> None:
        """Draw what a moved cursor changes, and read what it shows once it rests."""
        self._line = self._message = ""
        self._draw()
        if not self._is_due:
            self._is_due = True
            self.set_timer(_LOOK_AFTER_S, lambda: self._spawn(self._read))

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do work while the screen is drawn; a coroutine is made only then, so that none is left over."""
        self.run_worker(cast("Any", work))

    async def _read(self) -> None:
        """Read the store, once at a time; while it is unreachable, what was read stays."""
        if self._is_reading:
            return
        self._is_reading, self._is_due = True, False
        before_s = self.context.used_s
        try:
            if await self.context.refresh():
                self._stale.update(self._views.values())
            self._draw()
            view = self.view
            await view.read(is_changed=view in self._stale)
            self._stale.discard(view)
            self._is_away = False
        except JobNotFound as error:
            self._message = error.what
        except StoreError as error:
            self._is_away = True
            if error.retry is not Retry.LATER:
                self._message = error.what
        except UsageError as error:
            self._message = error.what
        finally:
            self._is_reading = False
            self._rests_until = time.monotonic() + (self.context.used_s - before_s) / _READ_SHARE
        self._draw()
        if self._is_due:
            self._spawn(self._read)

    # -- moving ------------------------------------------------------------------------------------

    def action_move(self, count: int) -> None:
        """Go down by a number of rows."""
        self.view.move(count)

    def action_page(self, direction: int) -> None:
        """Go down, or up, by a page."""
        self.view.move(direction * self.view.page_rows)

    def action_edge(self, is_end: bool) -> None:
        """Go to the first or the last row."""
        self.view.edge(is_end=is_end)

    def action_tab(self, name: str) -> None:
        """Show another view."""
        self._switch.current = name
        self._look_soon()

    def action_next_tab(self) -> None:
        """Show the next view."""
        current = self._current
        place = _TABS.index(current) + 1 if current in _TABS else 0
        self.action_tab(_TABS[place % len(_TABS)])

    def action_open(self, page: str) -> None:
        """Open the current row: a page of its job, or the jobs of its group."""
        view = self.view
        if isinstance(view, FailuresView) and view.group is not None:
            if page == "details":
                batch = self.context.filters.options.batch
                self._filter(f"{f'@batch:{batch} ' if batch else ''}@failed:{view.group.reason}")
                self.action_tab("jobs")
            else:
                self._open_number(view.group.sample[0].number, page)
        elif jobs := view.selected():
            self._open(jobs[-1], page)

    def _open(self, job: Job, page: str) -> None:
        current = self._current
        self._before = current if current != "job" else self._before
        self._job.open(job, page)
        self.action_tab("job")

    def action_leave(self) -> None:
        """Answer a question with no; else go back, or remove marks, and then the filter."""
        if self._pending is not None:
            self._pending, self._line, self._message = None, "", "nothing was done"
            self._draw()
        elif self._current == "job":
            self.action_tab(self._before)
        elif self._current != "jobs":
            self.action_tab("jobs")
        elif not self._jobs.clear() and self.context.filters.words:
            self._filter("")

    # -- asking ------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to the text of a filter or a place, and to an open question."""
        is_typing = action in {"ask", "next_tab"} and (self._asked or self._pending is not None)
        return not is_typing and super().check_action(action, parameters)

    def action_ask(self, sign: str) -> None:
        """Open the line for a filter or for a place to go to."""
        field = self._field
        self._asked = sign
        field.value = self.context.filters.words if sign == "/" else ""
        field.cursor_position = len(field.value)
        self._around["keys"].display = False
        field.display = True
        self.set_focus(field)  # at once: the next key is in the text already
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Filter, or go to the place."""
        sign = self._asked
        self._close_input()
        if sign == "/":
            if self._current != "jobs":
                self.action_tab("jobs")
            self._filter(event.value)
        else:
            self._go(event.value.strip())

    def _close_input(self) -> None:
        field = self._field
        field.display = False
        self.set_focus(None)
        self._around["keys"].display = True
        self._asked = ""
        self._draw()

    def _filter(self, text: str) -> None:
        try:
            found = read_filters(text, all_users=self.context.filters.options.all_users)
        except NoxError as error:
            self._say("; ".join(filter(None, (error.what, error.hint))))
            return
        self.context.filters = found
        self.context.expire()
        self._jobs.restart()

    def _go(self, word: str) -> None:
        names = [name for name in _TABS if word and name.startswith(word)]
        if word.isascii() and word.isdigit():
            self._open_number(int(word), "details")
        elif names:
            self.action_tab(names[0])
        elif word in {"q", "quit"}:
            self.exit()
        elif word:
            self._say(f"there is no {word}: {_PLACES}")

    def _open_number(self, number: int, page: str) -> None:
        self._spawn(partial(self._find, number, page))

    async def _find(self, number: int, page: str) -> None:
        store = self.context.store
        try:
            ids = await self.context.call(partial(store.with_numbers, number, number, limit=1))
            found = await self.context.call(partial(store.get_many, ids))
        except StoreError as error:
            self._say(error.what)
        else:
            if found:
                self._open(found[0], page)
            else:
                self._say(f"there is no job {number}")

    # -- changes -----------------------------------------------------------------------------------

    def on_key(self, event: Key) -> None:
        """Answer a question, close the input line, or plan the action of a key."""
        if self._field.display:
            if event.key == "escape":
                event.stop()
                self._close_input()
            return
        if len(self.screen_stack) > 1:  # a sheet covers the view
            return
        if self._pending is not None:
            event.prevent_default()
            event.stop()
            self._answer(event.key)
            return
        planned = self.view.planned(event.character or "")
        if isinstance(planned, str):
            self._say(planned)
        elif planned is not None:
            event.stop()
            self._plan(planned)

    def _answer(self, key: str) -> None:
        """Take the answer to a question; other keys are none."""
        action = self._pending
        if key == "enter" and action is not None:
            self._pending = None
            self._start(action)
        elif key == "escape":
            self.action_leave()
        elif key == "y":
            self.action_copy()

    def _plan(self, action: PlannedChange) -> None:
        """Take an action if changes are allowed, after a question if it loses anything; its line shows."""
        self._line = action.line
        if not self._may_write:
            self._message = _WRITE_HINT
        elif action.question:
            self._pending, self._message = action, ""
        else:
            self._start(action)
        self._draw()

    def _start(self, action: PlannedChange) -> None:
        self._message = "..."
        self._draw()
        self._spawn(partial(self._change, action))

    async def _change(self, action: PlannedChange) -> None:
        try:
            said = await self.context.call(partial(action.run, self.context.store, self.context.settings))
        except NoxError as error:
            said = "; ".join(filter(None, (error.what, error.did, error.hint)))
        self._line, self._message = action.line, said
        self._ran.append(f"{action.line}\n  {said}")
        self._jobs.clear()
        self.context.expire()
        self._is_due = True  # also where a reading runs that began before the change
        await self._read()

    def action_write(self) -> None:
        """Allow changes, or allow them no more."""
        self._may_write = not self._may_write
        self._say("changes are allowed" if self._may_write else "read-only again")

    def action_copy(self) -> None:
        """Copy the line that is shown."""
        line = self._line or self.view.command
        self.copy_to_clipboard(line)
        self._line, self._message = line, "copied"
        self._draw()

    def action_mark(self) -> None:
        """Mark the current job."""
        if self.view is self._jobs:
            self._jobs.mark()

    def action_keys(self) -> None:
        """Show what each key does."""
        self.push_screen(Sheet(keys_text()))

    def action_log(self) -> None:
        """Show the lines that were run."""
        self.push_screen(
            Sheet(safe_lines("\n".join(self._ran)) or "no line was run so far; w allows changes")
        )


def run_top(store: Store, settings: Settings, filters: Filters) -> None:
    """Show jobs on the terminal until the user quits, or a signal comes.

    Raises:
        KeyboardInterrupt: there was a signal; the terminal is restored.
    """
    from nox_cli.interrupts import Interrupts

    interrupts = Interrupts()
    interrupts.hold()
    try:
        TopApp(store, settings, filters, interrupts).run()
    finally:
        interrupts.let_go()
