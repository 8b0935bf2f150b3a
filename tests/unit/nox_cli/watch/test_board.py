"""The content of a live view: what it reads of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nox_cli.watch.board import FEW, Board, Watching
from tests.support.stores import beat, claim, new_job, outcome, submit, submit_named
from workers.store.opening import open_store
from workers.store.settings import StoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workers.job import Job
    from workers.store.base import Store


class Noted:
    """A store that notes which records were read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.read: list[str] = []

    def get_many(self, job_ids: Sequence[str]) -> list[Job]:
        """Read jobs, and note them."""
        self.read += job_ids
        return self.store.get_many(job_ids)

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the store does."""
        return getattr(self.store, name)


@pytest.fixture
def noted(home: Path) -> Iterator[Any]:
    """An empty store."""
    store = open_store(StoreSettings(None, "nox:", home))
    yield Noted(store)
    store.close()


def drawn(noted: Any, home: Path, job_ids: Sequence[str]) -> tuple[Board, list[str], str]:
    """Let three of the jobs start, and two of them end; the board, what it read, and the one that runs."""
    noted.tick(beat())
    board = Board(Watching(noted, home, job_ids))
    board.begin()
    slow, *ended = (claim(noted.store) for _ in range(3))
    for one in ended:
        noted.store.finish(one.lease, outcome())
    noted.read.clear()
    board.tick()
    return board, noted.read, slow.job.id


def test_board_of_many_reads_what_it_draws(noted: Any, home: Path) -> None:
    """
    Of many jobs the ended ones are read once, for their energies, and the one that has run longest each time.
    """
    job_ids = submit_named(noted.store, " ".join(map(str, range(FEW + 1))))
    board, read, slow = drawn(noted, home, job_ids)

    assert job_ids[:3] == sorted(read, key=job_ids.index)
    assert [slow] == [*board.jobs]
    read.clear()
    board.tick()
    assert [slow] == read


def test_board_without_a_lowest_energy_reads_no_ended_job(noted: Any, home: Path) -> None:
    """
    Where jobs are of several molecules their energies are not compared, and not read.
    """
    formulas = ("H2O", "CH4")
    job_ids = submit(noted.store, *(new_job(formula=formulas[n % 2]) for n in range(FEW + 1)))
    board, read, slow = drawn(noted, home, job_ids)

    assert ([slow], None) == (read, board.progress().lowest)
