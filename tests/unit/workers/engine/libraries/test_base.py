"""How many threads linear algebra gets beside those of the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from tests.standin import molecules
from tests.unit.workers.engine.optimiser.test_optimise import Springs, asked
from workers.engine.libraries import base
from workers.engine.libraries.base import ChemistryEngine

if TYPE_CHECKING:
    from pathlib import Path

    from workers.engine.arrays import Array

CORES = 2


def algebra() -> set[int]:
    """The numbers of threads of the linear algebra libraries that are loaded here."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.mark.parametrize(("most", "threads"), [(len(molecules.METHANOL[0]), 1), (3, CORES)])
def test_linear_algebra_has_one_thread_but_for_large_structures(
    most: int, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where the structure is small it has one of all that a job has; afterwards all again.
    """
    seen: list[set[int]] = []

    class Watched(Springs):
        def compute(self, positions: Array, *, is_verbose: bool) -> tuple[float, Array]:
            seen.append(algebra())
            return super().compute(positions, is_verbose=is_verbose)

    monkeypatch.setenv("OMP_NUM_THREADS", str(CORES))
    monkeypatch.setattr(base, "ONE_THREAD_ATOMS", most)
    engine = ChemistryEngine("springs", "numpy", lambda spec, _: Watched(spec))
    with threadpool_limits(limits=CORES, user_api="blas"):
        engine.run(asked(molecules.METHANOL, kind="sp"), tmp_path, lambda _: None, lambda _: None)
        assert {CORES} == algebra()

    assert [{threads}] == seen
