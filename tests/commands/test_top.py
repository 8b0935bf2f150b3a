"""`nox top` on a terminal: drawn, stopped and gone on with, ended; refused where there is none."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.ended import water
from tests.support.stores import submit
from tests.support.tmux import Tmux

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.nox import Nox
    from workers.store.base import Store

PROMPT = "$"
OPENED = "[1 jobs]"


def stands(lines: list[str], text: str) -> bool:
    """Whether a line has a text."""
    return any(text in line for line in lines)


def pid_of(terminal: Tmux) -> int:
    """The process id of the job that the shell stopped."""
    terminal.type("jobs -p")
    lines = terminal.wait_until(lambda lines: lines[-1] == PROMPT and lines[-2].isdigit())
    return int(lines[-2])


@pytest.mark.parametrize(("columns", "lines"), [(40, 12), (80, 24), (200, 60)])
def test_top_is_drawn_and_gone_without_a_trace(
    any_nox: Nox, any_store: Store, columns: int, lines: int
) -> None:
    """
    The list fills the terminal, follows a resize, and leaves the screen of the shell as it was.
    """
    submit(any_store, *(water(f"conf_{number}") for number in range(5)))
    with Tmux(any_nox, columns=columns, lines=lines) as terminal:
        before = terminal.lines
        terminal.nox("top")
        terminal.wait_until(lambda seen: stands(seen, OPENED) and stands(seen, "> 5 ") and len(seen) == lines)
        terminal.resize(60, 20)
        terminal.wait_until(lambda seen: len(seen) == 20 and seen[-1].startswith(" ? keys"))
        terminal.press("q")
        after = terminal.wait_until(lambda seen: seen[-1] == PROMPT and terminal.has_cursor)

    assert before == [PROMPT]
    assert not stands(after, OPENED)


def test_top_is_stopped_and_gone_on_with(nox: Nox, store: Store) -> None:
    """
    Ctrl-Z gives the shell its screen and its cursor; `fg` draws the list again, and SIGTERM restores all.
    """
    submit(store, water("cat"))
    with Tmux(nox) as terminal:
        terminal.nox("top")
        terminal.wait_until(lambda lines: stands(lines, "> 1 "))
        terminal.press("C-z")
        terminal.wait_until(lambda lines: stands(lines, "Stopped") and terminal.has_cursor)
        pid = pid_of(terminal)
        terminal.type("fg")
        terminal.wait_until(lambda lines: stands(lines, OPENED) and stands(lines, "> 1 "))
        os.kill(pid, signal.SIGTERM)
        ended = terminal.wait_until(lambda lines: lines[-1] == PROMPT and terminal.has_cursor)
        terminal.type("echo $?")
        terminal.wait_until(lambda lines: "143" in lines)

    assert not stands(ended, OPENED)
    assert stands(ended, "terminated")


def test_top_has_no_colours_where_none_are_wanted(nox: Nox, store: Store) -> None:
    """
    With NO_COLOR the states are words as ever, and no colour is sent.
    """
    submit(store, water("cat"))
    nox.environ["NO_COLOR"] = "1"
    with Tmux(nox) as terminal:
        terminal.nox("top")
        terminal.wait_until(lambda lines: stands(lines, "> 1 ") and stands(lines, "queued"))
        codes = terminal.codes

    assert not {str(code) for code in (*range(30, 38), *range(40, 48), *range(90, 98))} & codes


def test_top_needs_a_terminal(nox: Nox) -> None:
    """
    In a pipe it is refused, and the hint names what works there.
    """
    ended = nox("top", check=False)

    assert 2 == ended.returncode
    assert [
        "error: nox top needs a terminal",
        "hint: nox watch follows jobs in a pipe, and nox list lists them",
    ] == ended.stderr.splitlines()


def test_top_names_what_to_install(nox: Nox, tmp_path: Path) -> None:
    """
    Without the extra, two lines name it.
    """
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'textual_plot' else found(name, *rest)\n"
    )
    nox.environ["PYTHONPATH"] = str(hidden)
    ended = nox("top", check=False)

    assert 2 == ended.returncode
    assert [
        "error: nox top needs textual and textual-plot",
        "hint: python -m pip install 'nox-jobs[top]'",
    ] == ended.stderr.splitlines()


def test_top_takes_keys_that_are_typed_ahead(nox: Nox, store: Store) -> None:
    """
    The text after `/` is a filter also if it is written with it at once, as by a paste.
    """
    submit(store, water("cat"), water("mol"))
    with Tmux(nox) as terminal:
        terminal.nox("top")
        terminal.wait_until(lambda lines: stands(lines, "> 2 "))
        terminal.type("/state:queued ca?")
        terminal.wait_until(lambda lines: stands(lines, "/state:queued ca?") and stands(lines, "> 1 "))
