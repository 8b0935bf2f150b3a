"""Threads that compute gradients at the same time, each with a calculator of its own.

Displaced geometries do not wait for one another, while much of one gradient is done by one thread, however
many there are: on two cores two such threads take half the time, two threads within each gradient 0.67 of it
(aspirin, xtb-python).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from threadpoolctl import ThreadpoolController

from workers.engine.limits import MEMORY_BYTES, OMP_STACK_BYTES
from workers.engine.molecule.checks import atomic_numbers
from workers.engine.molecule.elements import ORBITALS
from workers.engine.summary import threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from workers.engine.calculator import Surface
    from workers.spec import ChemistrySpec

    Task = TypeVar("Task")
    Found = TypeVar("Found")

# The memory of a calculator: this many square matrices of orbitals, and some more.  With 300 to 780 orbitals
# both libraries took 20 to 33, xtb-python in a solvent and tblite spin-polarised 38.
MATRICES = 40
MORE_BYTES = 16 * 1024**2


def thread_count(spec: ChemistrySpec) -> int:
    """Return how many threads compute: a core each, as many as the job's memory limit has room for."""
    limit = MEMORY_BYTES.get()
    if threads() == 1 or not limit:
        return threads()
    orbitals = sum(ORBITALS[spec.method][number - 1] for number in atomic_numbers(spec.structure.symbols))
    each = MORE_BYTES + MATRICES * 8 * orbitals**2
    return max(1, min(threads(), limit // each))


def side_by_side(
    surfaces: Sequence[Surface], compute: Callable[[Surface, Task], Found], tasks: Sequence[Task]
) -> Generator[tuple[Task, Found]]:
    """Compute every task on one of the surfaces, and hand each on when it is done.

    Which surface takes which task does not depend on how long they take.

    Raises:
        Exception: what computing raised; no thread begins another task then.
    """
    if len(surfaces) == 1:
        for task in tasks:
            yield task, compute(surfaces[0], task)
        return
    pools = ThreadpoolController()
    done: SimpleQueue[tuple[Task, Found] | None] = SimpleQueue()
    stopping = threading.Event()

    def follow(surface: Surface, own: Sequence[Task]) -> None:
        try:
            with pools.limit(limits=1, user_api="openmp"):  # which is of this thread only
                for task in own:
                    if stopping.is_set():
                        return
                    done.put((task, compute(surface, task)))
        except BaseException:
            done.put(None)
            raise

    with pools.limit(limits=1, user_api="blas"), _stacks(), ThreadPoolExecutor(len(surfaces)) as executor:
        begun = []
        try:
            for number, surface in enumerate(surfaces):
                begun.append(executor.submit(follow, surface, tasks[number :: len(surfaces)]))
            yield from _taken(done, len(tasks))
        finally:
            stopping.set()
        for one in begun:
            one.result()


def _taken(done: SimpleQueue[tuple[Task, Found] | None], most: int) -> Iterator[tuple[Task, Found]]:
    """Collect what the threads have computed, until all is done or one of them fails."""
    for _ in range(most):
        found = done.get()
        if found is None:
            return
        yield found


@contextmanager
def _stacks() -> Iterator[None]:
    """Give threads that begin here the stack that a calculation of 1,000 atoms needs."""
    before = threading.stack_size(OMP_STACK_BYTES)
    try:
        yield
    finally:
        threading.stack_size(before)
