"""Drawings of watched jobs: what is in them, on terminals of every width."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nox_cli.render.board import frame
from nox_cli.render.gauges import bar, commands, flow, size, sparkline
from nox_cli.render.terminal.out import Painted
from nox_cli.watch.batch_progress import TimeLeft
from nox_cli.watch.board import FEW, Board, Watching
from tests.support.ended import done, record, water
from tests.support.stores import beat, claim, failed, submit
from workers.job import Progress, Reason
from workers.store.opening import open_store
from workers.store.settings import StoreSettings
from workers.store.values import Point

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from nox_cli.render.gauges import Line
    from workers.store.base import Store

WIDTHS = (40, 80, 200)
BATCH = "a_batch_with_quite_a_long_name"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    """An empty store."""
    opened = open_store(StoreSettings(None, "nox:", home))
    yield opened
    opened.close()


def plain(lines: Sequence[Line]) -> str:
    """Join lines as a terminal shows them."""
    cells = [[cell.text if isinstance(cell, Painted) else cell for cell in line] for line in lines]
    return "\n".join("".join(line).rstrip() for line in cells)


def board_of(store: Store, home: Path, job_ids: Sequence[str]) -> Board:
    """Begin to watch jobs."""
    board = Board(Watching(store, home, job_ids))
    board.begin()
    return board


def drawn(board: Board, width: int) -> str:
    """Draw a board, and check that it fits."""
    lines = frame(board, width, 23)
    assert len(lines) <= 23
    assert max(map(size, lines)) <= width
    return plain(lines)


@pytest.mark.parametrize("width", WIDTHS)
def test_drawing_of_many_cuts_nothing_that_matters(store: Store, home: Path, width: int) -> None:
    """
    Counts, failures by reason, the last failure and every command are whole on the narrowest terminal.
    """
    store.tick(beat(owner=None))
    job_ids = submit(store, *(water(f"conformer_{n}", batch=BATCH) for n in range(FEW + 5)))
    for reason in (Reason.SCF, Reason.TIMEOUT, Reason.NOT_CONVERGED):
        store.finish(claim(store).lease, failed(reason))
    for _ in range(6):
        lease = claim(store).lease
        store.finish(lease, done(lease))
    claim(store)
    board = board_of(store, home, job_ids)
    text = drawn(board, width)
    board.failed_only = True
    only = drawn(board, width)

    for words in ("9/25", "6 done", "3 failed", "1 running", "15 waiting", "1 worker", "-5.07054412 Eh"):
        assert words in text
    for words in ("1 scf not converged", "1 timeout", "1 not converged", "nox explain 1"):
        assert words in text
        assert words in only
    assert "lowest" not in only
    assert f"nox list --batch {BATCH} --state failed" in re.sub(r" \\\n +", " ", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_drawing_of_a_few_shows_energies(store: Store, home: Path, width: int) -> None:
    """
    A job that is done keeps its line, with its energy; one that failed has its reason; `f` leaves only these.
    """
    store.tick(beat(owner=None))
    job_ids = submit(store, *(water(f"conformer_{n}", batch="few") for n in range(4)))
    lease = claim(store).lease
    store.finish(lease, done(lease))
    lease = claim(store).lease
    store.finish(lease, failed(Reason.SCF, outcome_json=record(lease)))
    running = claim(store).lease
    points = [Point(step, -5.0 - 0.01 * step, 10.0**-step) for step in range(1, 4)]
    store.progress(running, Progress(None, "opt", 3, -5.03, -1e-2, 1e-3), points)
    board = board_of(store, home, job_ids)
    text = drawn(board, width)
    board.failed_only = True
    only = drawn(board, width)

    assert re.search(r"1  con\S+ .*done.* -5\.0705", text)
    assert re.search(r"2  con\S+ .*failed", text)
    assert ("scf not converged" if width > 40 else "1 scf not converged") in text
    assert re.search(r"3  con\S+ .*opt .*3", text)
    assert ("█▅▁" in text) == (width == 200)
    assert "failed" in only
    assert "done   " not in only


@pytest.mark.parametrize("width", WIDTHS)
def test_drawing_counts_held_jobs(store: Store, home: Path, width: int) -> None:
    """
    A view of held jobs does not end before they are released: they are counted among those that wait.
    """
    ids = submit(store, water("a"), *(water(f"b{number}", held=True) for number in range(25)))

    assert "3 waiting (2 held)" in drawn(board_of(store, home, ids[:3]), width)
    assert "26 waiting (25 held)" in drawn(board_of(store, home, ids), width)


def test_estimate_of_frequencies_leaves_room_for_the_gradient(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While one job computes frequencies, an optimisation beside it keeps its gradient norm on 80 columns; once
    nothing else is left, its estimate is that of all.
    """
    monkeypatch.setattr(Board, "left", lambda *_: TimeLeft(118.0, 148.0))
    store.tick(beat(owner=None))
    job_ids = submit(store, water("caffeine"), water("cholesterol_monohydrate"))
    lease = claim(store).lease
    store.finish(lease, done(lease))
    store.progress(claim(store).lease, Progress(None, "freq", 84, -5.03, -1e-7, 2e-4))
    board = board_of(store, home, job_ids)
    text = drawn(board, 80)

    assert re.search(r"done .* -5\.07054412", text)
    assert re.search(r"freq .* 2e-04 .* 0:00  1:58 left", text)
    assert "1:58 to 2:28 left" in drawn(board, 200)
    assert "about 1 min 58 s left (up to 2 min 28 s)" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_drawing_of_one_shows_its_way(store: Store, home: Path, width: int) -> None:
    """
    An optimisation shows the steps that the store has, `ok` at what is met, its course and how far it is.
    """
    store.tick(beat(owner=None))
    job_ids = submit(store, water("cat"))
    lease = claim(store).lease
    points = [Point(step, -5.0 - 0.1**step, 10.0**-step) for step in range(1, 5)]
    store.progress(lease, Progress(None, "opt", 4, -5.0001, 9e-4, 1e-4), points)
    text = drawn(board_of(store, home, job_ids), width)

    assert [1, 2, 3, 4] == [int(step) for step in re.findall(r"^ +(\d)  -5\.", text, re.MULTILINE)]
    assert re.search(r"9e-04 +1e-04 ok|9\.0e-04 +1\.0e-04 ok", text)
    assert "log |g|  █▆▃▁  steps 1-4" in text
    assert re.search(r"█+.?·+  \d+%", text)
    assert "running on node07" in text
    assert "nox logs 1 -f" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_drawing_of_a_finished_job_names_its_warnings(store: Store, home: Path, width: int) -> None:
    """
    What makes a result doubtful stands at the end, where it is seen, whole on every terminal.
    """
    warnings = ["bonds changed: N1-C2 broken, C3-C4 broken", "2 imaginary modes, 44i, 42i cm-1"]
    board = board_of(store, home, submit(store, water("cat")))
    lease = claim(store).lease
    store.finish(lease, done(lease, warnings=warnings))
    while not board.follower.is_over:
        board.tick()
    later = drawn(board_of(store, home, [lease.job_id]), width)

    assert drawn(board, width) == later
    assert all(f"warning: {warning}" in " ".join(later.split()) for warning in warnings)


def test_bar_fills_its_room() -> None:
    """
    A bar is as wide as its room, whatever the shares, with an eighth of a column where one is begun.
    """
    assert {10} == {size(bar(share / 20, 0.1, 10)) for share in range(21)}
    assert "█████····· ▏▒········ ██████████" == " ".join(
        plain([bar(*shares, 10)]) for shares in ((0.5, 0.0), (0.02, 0.001), (1.0, 0.3))
    )


def test_sparkline_scales_from_the_least_or_a_base() -> None:
    """
    Values fill eight heights; equal ones are low, or full above a base; many are averaged.
    """
    assert "▁▅█" == sparkline([1, 2, 3], 10)
    assert "▁▁▁" == sparkline([2, 2, 2], 10)
    assert "███" == sparkline([2, 2, 2], 10, base=0)
    assert "▁█" == sparkline([1, 1, 5, 5], 2)
    assert "" == sparkline([], 10)


def test_lines_continue_where_there_is_no_room() -> None:
    """
    Parts move to the next line whole, a long text is divided at blanks, a long command has a backslash.
    """
    assert "one  two\nthree" == plain(flow([["one"], [], ["two"], ["three"]], 8))
    assert "a b c\nd e f" == plain(flow([["a b c d e f"]], 5))
    long = plain(commands("why:  ", ["nox list --state failed"], 22))
    assert ["why:  nox list \\", "        --state failed"] == long.split("\n")
    assert "next: nox a    nox b" == plain(commands("next: ", ["nox a", "nox b"], 20))
    assert "next: nox a\n      nox b" == plain(commands("next: ", ["nox a", "nox b"], 19))
