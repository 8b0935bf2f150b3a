"""Windows: how many allocations jobs need, if all are to start within ten minutes."""

from __future__ import annotations

import pytest

from workers.pools.fit import Need
from workers.pools.window import Allocations, Load, Space, fill

GIB = 1024**3
NODE = Space(8, 16 * GIB, 8)


def load(cores: int = 1, gib: float = 1, run_s: float = 3_600.0) -> Load:
    """Describe jobs; by default they outlast ten minutes."""
    return Load(Need(cores, int(gib * GIB), 0, "echo"), run_s)


def packed(*jobs: tuple[Load, int], room: Space = NODE) -> int:
    """Count the allocations that jobs need."""
    allocations = Allocations(room)
    for one, count in jobs:
        allocations.add(one, count)
    return allocations.count


@pytest.mark.parametrize(
    ("one", "count", "expected"),
    [
        (load(), 8, 1),
        (load(), 9, 2),
        (load(cores=8), 3, 3),
        (load(cores=5), 3, 3),
        (load(gib=4), 9, 3),
        (load(run_s=60), 80, 1),
        (load(run_s=60), 81, 2),
        (load(run_s=1), 4_800, 1),
        (load(cores=8, run_s=300), 3, 2),
        (load(run_s=0), 1_000_000, 1),
        (load(), 0, 0),
    ],
)
def test_allocations_hold_what_starts_within_ten_minutes(one: Load, count: int, expected: int) -> None:
    """
    Long jobs lie side by side, by cores and memory; short ones follow one another as well.
    """
    assert expected == packed((one, count))


def test_allocations_are_filled_by_smaller_jobs() -> None:
    """
    Jobs of 3 cores fit next to those of 5, and short ones into what is left of the ten minutes.
    """
    assert packed((load(cores=5), 4), (load(cores=3), 4)) == 4
    assert packed((load(cores=8, run_s=300), 1), (load(cores=8, run_s=290), 1)) == 1
    assert packed((load(cores=7), 3), (load(run_s=100), 18)) == 3
    assert packed((load(cores=7), 3), (load(run_s=100), 19)) == 4


def test_allocations_of_a_thousand_short_shapes_are_few() -> None:
    """
    A job of a second in each of 1,000 shapes needs no allocation each.
    """
    assert packed(*((load(gib=1 + index / 1_000, run_s=1), 1) for index in range(1_000))) == 1


def test_fill_leaves_what_it_does_not_use() -> None:
    """
    Of three equal rooms one is full, one partly filled and one as it was.
    """
    left, rooms = fill(Space(8, 16 * GIB, 8, copies=3), load(), 10)

    assert left == 0
    assert sorted((room.cores, room.copies) for room in rooms) == [(0, 1), (6, 1), (8, 1)]


def test_fill_returns_the_jobs_without_room() -> None:
    """
    A room that is free for half of the time takes long jobs whole, and half of the short ones.
    """
    half = Space(4, 16 * GIB, 4, share=0.5)

    assert fill(half, load(), 10)[0] == 6
    assert fill(half, load(run_s=60), 100)[0] == 80


@pytest.mark.parametrize("one", [load(cores=9, run_s=1), load(gib=17, run_s=1)])
def test_fill_leaves_short_jobs_that_are_too_large(one: Load) -> None:
    """
    A job needs its cores and memory at once, however short it is.
    """
    assert fill(NODE, one, 3) == (3, [NODE])


def test_fill_puts_no_large_short_job_beside_long_ones() -> None:
    """
    A job of 8 cores for a minute finds no room where a long job holds a core.
    """
    rooms = fill(NODE, load(), 1)[1]

    assert fill(rooms[0], load(cores=8, run_s=60), 1)[0] == 1
    assert fill(rooms[0], load(cores=7, run_s=60), 10)[0] == 0
