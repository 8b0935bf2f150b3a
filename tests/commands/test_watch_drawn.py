"""What really stands on a terminal while `nox watch` draws there, and after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.ended import water
from tests.support.stores import beat, claim, outcome, submit
from tests.support.tmux import Tmux

if TYPE_CHECKING:
    from tests.support.nox import Nox
    from workers.store.base import Store

NAME = "a_name_that_fills_up_its_line"


def count(lines: list[str], text: str) -> int:
    """Count the lines that have a text in them."""
    return sum(text in line for line in lines)


def test_a_narrower_terminal_keeps_nothing_of_the_wider_drawing(nox: Nox, store: Store) -> None:
    """
    Lines that the terminal wrapped when it became narrower are drawn over, and what stood above stays.
    """
    submit(store, *(water(f"{NAME}_{index}") for index in range(4)))
    for _ in range(4):
        claim(store, cores=64)
    with Tmux(nox, columns=100, lines=30) as terminal:
        terminal.type("seq 101 115")
        terminal.wait_until(lambda lines: lines[-2:] == ["115", "$"])
        terminal.nox("watch", "1-4")
        terminal.wait_until(lambda lines: count(lines, NAME) == 4)
        terminal.resize(50, 30)
        lines = terminal.wait_until(lambda lines: count(lines, "…") == 4 and count(lines, "4 running") == 1)

    assert ["114", "115", "$ $RUN watch 1-4"] == lines[-10:-7]
    assert ["jobs", "#  n", "1  a", "2  a", "3  a", "4  a"] == [line[:4] for line in lines[-7:-1]]


def test_stopped_it_leaves_the_terminal_to_the_shell(nox: Nox, store: Store) -> None:
    """
    After Ctrl-Z the drawing stays and the cursor shows; after `fg` a new drawing begins below.
    """
    submit(store, water("cat"))
    with Tmux(nox) as terminal:
        terminal.nox("watch", "1")
        terminal.wait_until(lambda lines: count(lines, "1 cat") == 1)
        terminal.press("C-z")
        terminal.wait_until(lambda lines: count(lines, "Stopped") == 1 and terminal.has_cursor)
        terminal.type("echo mean''while")
        stopped = terminal.wait_until(lambda lines: "meanwhile" in lines)
        terminal.type("fg")
        lease = claim(store).lease
        lines = terminal.wait_until(lambda lines: count(lines, "running on node07") == 1)
        store.finish(lease, outcome())
        ended = terminal.wait_until(lambda lines: lines[-1] == "$" and terminal.has_cursor)

    assert stopped[:-1] == lines[: len(stopped) - 1]
    assert ["1 cat", "1 cat"] == [line[:5] for line in ended if line.startswith("1 cat")]
    assert lines.index("meanwhile") < max(i for i, line in enumerate(lines) if line.startswith("1 cat"))


def test_interrupted_it_leaves_the_drawing_and_a_cursor(nox: Nox, store: Store) -> None:
    """
    After Ctrl-C the last drawing stands above the prompt, whole, and the cursor shows.
    """
    submit(store, water("cat"))
    with Tmux(nox) as terminal:
        terminal.nox("watch", "1")
        terminal.wait_until(lambda lines: count(lines, "queued; no worker has been seen") == 1)
        hidden = terminal.has_cursor
        terminal.press("C-c")
        lines = terminal.wait_until(lambda lines: lines[-1] == "$" and terminal.has_cursor)

    assert not hidden
    assert "1 cat  3 atoms  charge 0  opt normal · GFN2-xTB · gas phase" == lines[-5]
    assert re.fullmatch(r"queued; no worker has been seen  \d:\d\d.*", lines[-4])
    assert ["interrupted; jobs go on", "hint: go on with nox watch 1", "$"] == lines[-3:]


def test_a_job_nobody_runs_any_more_is_told(nox: Nox, store: Store) -> None:
    """
    Who watches a job hears that its worker is gone and none lives to take it up, and what to do.
    """
    submit(store, water("cat"))
    store.tick(beat())
    claim(store)
    with Tmux(nox, columns=120) as terminal:
        terminal.nox("watch", "1")
        served = terminal.wait_until(lambda lines: count(lines, "running on node07") == 1)
        store.leave(beat().worker)
        terminal.wait_until(lambda lines: count(lines, "no other lives; start one: nox worker") == 1)

    assert 0 == count(served, "no other lives")
