"""`workers.engine.vibrations.threads`: work on several surfaces side by side."""

from __future__ import annotations

import inspect
import threading

import pytest

from tests.standin import molecules
from tests.support.waiting import wait_until
from tests.unit.workers.engine.optimiser.test_optimise import Springs, asked
from workers.engine.calculator import Surface
from workers.engine.vibrations.threads import side_by_side
from workers.errors import ScfNotConverged

TASKS = range(100)


@pytest.fixture(params=[1, 3])
def surfaces(request: pytest.FixtureRequest) -> list[Surface]:
    """A surface for each lane."""
    return [Surface(Springs(asked(molecules.METHANOL))) for _ in range(request.param)]


def test_threads_each_task_is_computed_once_and_always_on_the_same_surface(surfaces: list[Surface]) -> None:
    """
    However long each takes, the surfaces take turns, all at a time.
    """
    together = threading.Barrier(len(surfaces))

    def compute(surface: Surface, task: int) -> tuple[int, int]:
        if task < len(surfaces):
            together.wait(30)
        return task, surfaces.index(surface)

    done = list(side_by_side(surfaces, compute, TASKS))

    assert sorted(task for task, _ in done) == list(TASKS)
    assert all(found == (task, task % len(surfaces)) for task, found in done)


def test_threads_what_a_lane_raises_is_raised(surfaces: list[Surface]) -> None:
    """
    The others end too; what its lane had done until then has been handed on.
    """

    def compute(_: Surface, task: int) -> int:
        if task == TASKS[4]:
            raise ScfNotConverged("the self-consistent iterations did not converge")
        return task

    done: list[tuple[int, int]] = []
    with pytest.raises(ScfNotConverged):
        done.extend(side_by_side(surfaces, compute, TASKS))

    assert {task for task in TASKS[:4] if task % len(surfaces) == 4 % len(surfaces)} <= {
        task for task, _ in done
    }
    assert 0 == sum(thread.name.startswith("ThreadPool") for thread in threading.enumerate())


@pytest.mark.parametrize("surfaces", [3], indirect=True)
def test_threads_nothing_is_begun_once_nobody_wants_more(surfaces: list[Surface]) -> None:
    """
    Whoever stops taking results stops the lanes.
    """
    begun: list[int] = []
    closing = threading.Event()

    def compute(_: Surface, task: int) -> int:
        begun.append(task)
        if task >= len(surfaces):
            closing.wait(30)
        return task

    computed = side_by_side(surfaces, compute, TASKS)
    next(computed)

    def watch() -> None:
        wait_until(lambda: inspect.getgeneratorstate(computed) == inspect.GEN_RUNNING, 30, "the close")
        closing.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    computed.close()
    watcher.join()

    assert len(begun) < len(TASKS)
