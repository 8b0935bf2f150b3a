"""Texts that cover a view until a key is pressed: the keys, and the commands that were run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from nox_cli.results.filters import SYNTAX
from nox_cli.top.actions import JOB_ACTIONS

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

_GO = (
    ("1 2 3", "jobs, workers, failures; tab goes on to the next"),
    (":", "go to jobs, workers, failures, a job by its number, or q"),
    ("enter", "open the current row"),
    ("esc", "back; in the list: no marks, no filter"),
    ("up down, j k", "next row; pgup pgdn, ctrl-b ctrl-f: next page"),
    ("home end, g G", "first and last row"),
)
_JOBS = (
    ("/", f"filter: {SYNTAX}"),
    ("space", "mark a job; actions are for all marked ones"),
    ("d p l e", "details, plot, log, explanation of a job"),
)
_REST = (
    ("y", "copy the nox line above the keys (OSC 52)"),
    ("@", "the lines that were run"),
    ("ctrl-z", "back to the shell; fg returns"),
    ("q", "quit"),
)


class Sheet(ModalScreen[None]):
    """A text that covers the view; any of the keys that leave closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,at,enter", "dismiss"),
        Binding("j,down", "scroll(1)"),
        Binding("k,up", "scroll(-1)"),
        Binding("space,pagedown", "scroll(10)"),
        Binding("pageup", "scroll(-10)"),
    ]
    DEFAULT_CSS = """
    Sheet VerticalScroll { height: 1fr; padding: 0 1; }
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        """Make the text."""
        with VerticalScroll(can_focus=False):
            yield Static(self._text, markup=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def keys_text() -> str:
    """Write what each key does."""
    changes = [(key, words) for key, (words, _) in JOB_ACTIONS.items()]
    lines = ["nox top: keys        esc closes this"]
    for title, keys in (
        ("Go", _GO),
        ("Jobs", _JOBS),
        ("Changes: only after w, which allows them; c asks", (("w", "allow changes, or no more"), *changes)),
        ("Anywhere", _REST),
    ):
        lines += ["", title, *(f"  {key:<14}{words}" for key, words in keys)]
    return "\n".join(lines)
